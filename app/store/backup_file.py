"""Where a backup goes: a file that is there whole or not at all, or a device or a pipe that is written through."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from app.domain.refusal import BackupRefused
from app.security.folders import sync_folder

PART = ".part"
"""The end of the name of a file that is being written; such a name begins with a dot."""
_GZIP = b"\x1f\x8b"
_REMEDIES = {
    errno.ENOENT: "Make its folder, or mount the disk that it is on, then take the backup again.",
    errno.EPIPE: "What reads it ended before it: see what that says.",
    errno.EACCES: "Name a place that this account may write to.",
    **dict.fromkeys(
        (errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "Make room there, or name another place; then take the backup again."
    ),
}


@contextmanager
def backup_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write a backup to; ``path`` has it at the end, durably and readable by its owner alone.

    If that fails, what was there before stays, and nothing is left beside it. A device or a pipe is written through.
    Raise ``BackupRefused``.
    """
    with written_to(str(path)):
        if path.exists() and not path.is_file():
            with path.open("wb") as out:
                yield out
            return
        target = path.resolve()
        _require_backup(target)
        part = target.with_name(f".{target.name}{PART}")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600), "wb") as out:
            _have_alone(out, part)
            try:
                yield out
                out.flush()
                os.fsync(out.fileno())
                part.rename(target)
            except BaseException:
                part.unlink()
                raise
        sync_folder(target.parent)


@contextmanager
def written_to(place: str) -> Iterator[None]:
    """Turn what the system says against writing there into ``BackupRefused``, with a remedy."""
    try:
        yield
    except OSError as problem:
        remedy = _REMEDIES.get(problem.errno or 0, "Name another place, then take the backup again.")
        raise BackupRefused(f"The backup cannot be written to {place}: {problem.strerror}.", remedy) from problem


def _require_backup(target: Path) -> None:
    """Raise ``BackupRefused`` where something else is: the database itself, or a key file, is named by mistake."""
    if not target.exists():
        return
    with target.open("rb") as there:
        begins = there.read(len(_GZIP))
    if begins and begins != _GZIP:
        raise BackupRefused(f"{target} is there, and is not a backup.", "Name another file.")


def _have_alone(out: BinaryIO, part: Path) -> None:
    """Take over what a killed process left; raise ``BackupRefused`` while another one is writing it."""
    try:
        fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_ours = part.stat().st_ino == os.fstat(out.fileno()).st_ino  # else it was put in place a moment ago
    except (BlockingIOError, FileNotFoundError):
        is_ours = False
    if not is_ours:
        raise BackupRefused("Another backup is being written to that file.", "Wait for it, or name another file.")
    out.truncate(0)
