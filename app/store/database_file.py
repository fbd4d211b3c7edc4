"""Whether SQLite's file is still the one in its place: one that was moved away takes writes that nobody finds again."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.domain.refusal import StoreUnfit

Place = tuple[int, int] | None
"""Which file stands somewhere: its device and number; None where there is none."""

_KEY = "place"
_RESTART = "Stop the service and every command that runs, then start it again."


class DatabaseFile:
    """The file at ``path`` as this process first opened it, with its write-ahead log. Connections share it."""

    def __init__(self, path: Path) -> None:
        self._path, self._log = str(path), f"{path}-wal"
        self._first: Place = None
        self._lost = ""

    @property
    def path(self) -> Path:
        """Where the file is."""
        return Path(self._path)

    def make(self) -> None:
        """Make an empty file that nobody else may read, unless there is one: SQLite's own would be open to all.

        What SQLite puts beside it (its log, its index of that) takes over who may read it.
        """
        with suppress(OSError):  # SQLite says better what is wrong with the place
            os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))

    def require_there(self) -> None:
        """Raise ``StoreUnfit`` where the file was there and is gone, or others have it open with a log that is gone.

        Whoever opened it then would begin a second log beside theirs.
        """
        if self._first is not None and _place(self._path) is None:
            raise gone_away()
        if _place(self._log) is None and _is_held(f"{self._path}-shm"):
            raise StoreUnfit("The database's write-ahead log was removed while the service ran.", _RESTART)

    def opened(self, driver: Any, info: dict[str, Any]) -> None:
        """Note which files a new connection has open. Raise ``StoreUnfit`` unless they are those of the others."""
        driver.execute("SELECT 1 FROM sqlite_schema").fetchone()  # which opens the write-ahead log
        place = _place(self._path)
        if self._first is None:
            self._first = place
        self._require_in_place(place)
        info[_KEY] = _place(self._log)

    def require_same(self, driver: Any, info: dict[str, Any]) -> None:
        """Raise ``StoreUnfit`` unless the files that a connection has open are those in their places."""
        self._require_in_place(_place(self._path))
        if _place(self._log) != info[_KEY]:
            self._lost = self._lost or _saved(driver, is_gone=_place(self._log) is None)
        if self._lost:
            text = f"The database's write-ahead log was removed while the service ran. {self._lost}"
            raise StoreUnfit(text, _RESTART)

    def _require_in_place(self, place: Place) -> None:
        if place is None:
            raise gone_away()
        if place != self._first:
            raise StoreUnfit("Another file was put in the place of the database; nothing was recorded.", _RESTART)


def gone_away() -> StoreUnfit:
    """Return the refusal where the file is not in its place, with or without its folder."""
    return StoreUnfit(
        "The database file is gone from its place; nothing was recorded.",
        "Put it back, and the service goes on; or stop the service and restore a backup.",
    )


def _place(path: str) -> Place:
    try:
        found = os.stat(path)  # noqa: PTH116 - asked at each transaction: half the price of Path.stat
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_held(path: str) -> bool:
    """Tell whether a process holds a lock on a file: the kernel is asked, since to close a file drops our own locks."""
    place = _place(path)
    if place is None:
        return False
    try:
        locks = Path("/proc/locks").read_text("ascii")
    except OSError:
        return False
    return any(line.split()[-3].rpartition(":")[2] == str(place[1]) for line in locks.splitlines())


def _saved(driver: Any, *, is_gone: bool) -> str:
    """Write what a removed log holds into the database, while it is still open here; say whether that was done."""
    if is_gone:
        busy, held, written = driver.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        if not busy and held == written:
            return "What it held was written into the database."
    return "What was acknowledged last may be lost."
