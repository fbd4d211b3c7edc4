"""The folder of the keys: readable by nobody else, written by one process at a time, each file replaced whole."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.domain.refusal import StoreBusy, StoreFull, StoreUnfit
from app.security.folders import make_folder, sync_folder

_OTHERS = 0o077
# Whoever holds the folder writes a few files. One that was frozen meanwhile must not freeze others without a word.
_WAITS_SECONDS = 30
_LOOKS_AGAIN_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class KeyFolder:
    """The folder at ``path`` (mode 0700)."""

    path: Path

    def make(self) -> None:
        """Make the folder unless it is there. Raise ``StoreUnfit``."""
        try:
            make_folder(self.path, 0o700)
        except OSError as problem:
            raise StoreUnfit(
                f"The key folder {self.path} cannot be made.", "Name a place in CLOSURES_KEY_DIR that may be written."
            ) from problem

    def check(self) -> None:
        """Raise ``StoreUnfit`` unless the folder is there, and closed to others."""
        try:
            mode = self.path.stat().st_mode
        except OSError as problem:
            raise StoreUnfit(
                f"There is no key folder {self.path}.",
                "Restore it from where you keep it; without it the data cannot be read by anyone.",
            ) from problem
        if mode & _OTHERS:
            raise StoreUnfit(f"The key folder {self.path} is open to others.", f"Run: chmod 0700 {self.path}")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other thread and process out of the folder. Not to be entered twice.

        Raise ``StoreUnfit``, or ``StoreBusy`` where another one keeps it for half a minute.
        """
        try:
            handle = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as problem:
            raise StoreUnfit(
                f"The key folder {self.path} cannot be used.", "It must belong to the account of the service."
            ) from problem
        try:
            self._take(handle)
            yield
        finally:
            os.close(handle)  # which gives the lock back, as does the end of a process

    def _take(self, handle: int) -> None:
        until = time.monotonic() + _WAITS_SECONDS
        while True:
            try:
                return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as problem:
                if time.monotonic() > until:
                    raise StoreBusy(
                        f"Another process has kept the key folder {self.path} for {_WAITS_SECONDS} seconds.",
                        f"If it is frozen, let it go on or end it; fuser {self.path / 'lock'} names it.",
                    ) from problem
                time.sleep(_LOOKS_AGAIN_SECONDS)

    def holds(self, name: str) -> bool:
        """Tell whether there is a file of this name."""
        return (self.path / name).exists()

    def stamp(self, name: str) -> tuple[int, int, int]:
        """Return what differs when another process has replaced the file. Raise ``StoreUnfit`` if there is none."""
        try:
            found = (self.path / name).stat()
        except OSError as problem:
            raise self._unreadable(name) from problem
        return found.st_ino, found.st_mtime_ns, found.st_size

    def read(self, name: str) -> bytes:
        """Return what a file holds. Raise ``StoreUnfit`` if it is missing, unreadable or open to others."""
        path = self.path / name
        try:
            mode, octets = path.stat().st_mode, path.read_bytes()
        except OSError as problem:
            raise self._unreadable(name) from problem
        if mode & _OTHERS:
            raise StoreUnfit(f"The key file {name} is open to others.", f"Run: chmod go= {path}")
        return octets

    def write(self, name: str, octets: bytes, mode: int) -> None:
        """Replace a file whole and durably: after a crash it is the old one or the new one. Raise ``StoreFull``."""
        temporary = self.path / f"{name}.part"  # one name is enough under the lock, and a crash leaves one at most
        try:
            temporary.unlink(missing_ok=True)
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(handle, "wb") as file:  # writes on after a short write, as a disk that fills up gives
                file.write(octets)
                file.flush()
                os.fsync(handle)
            temporary.rename(self.path / name)
            sync_folder(self.path)
        except OSError as problem:
            raise StoreFull(
                "The key folder cannot be written: nothing was changed.", "Make room on its disk, then try again."
            ) from problem

    def remove(self, name: str) -> None:
        """Remove a file, durably. Raise ``StoreFull`` if the folder cannot be written."""
        try:
            (self.path / name).unlink()
            sync_folder(self.path)
        except OSError as problem:
            raise StoreFull(f"The key file {name} cannot be removed.", f"Remove it from {self.path}.") from problem

    def remove_others(self, pattern: str, keep: str) -> None:
        """Remove the files of a pattern but one, durably. Raise ``StoreFull`` if the folder cannot be written."""
        try:
            for path in self.path.glob(pattern):
                if path.name != keep:
                    path.unlink()
            sync_folder(self.path)
        except OSError as problem:
            raise StoreFull(
                "An old key file cannot be removed; it opens nothing any more.", f"Remove all of {pattern} but {keep}."
            ) from problem

    def _unreadable(self, name: str) -> StoreUnfit:
        return StoreUnfit(
            f"The key file {name} is missing or cannot be read.",
            f"Restore {self.path} from where you keep it; without it the data cannot be read by anyone.",
        )
