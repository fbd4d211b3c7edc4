"""Backups that nobody needs to remember: one in a folder each so many hours, of which the newest are kept."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.domain.refusal import Refusal
from app.store.archive import dump_database
from app.store.backup_file import PART, written_to
from app.store.engine import Store
from app.store.runs import BACKUP, BACKUP_FAILED, JobRun, read_run, write_run

_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"closures-(\d{8}T\d{6}Z)\.jsonl\.gz")
_TRY_AGAIN = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Backups:
    """Where backups go, how far they are apart, and how many are kept."""

    folder: Path
    every: timedelta
    keep: int


def back_up_on_time(store: Store, backups: Backups, now: datetime) -> str:
    """Take a backup where the newest one in the folder is old enough; return what was done, "" where it is not.

    It goes by what is in the folder, so that neither a restart nor a backup that went elsewhere puts it off. The folder
    is not made: one that is missing may be a disk that is not mounted. What fails is noted and tried again a quarter
    of an hour later. Raise ``Refusal``.
    """
    with store.reading() as connection:
        failed = read_run(connection, BACKUP_FAILED)
    if failed is not None and abs(now - failed.ran_at) < _TRY_AGAIN:
        return ""
    try:
        if any(timedelta(0) <= now - at < backups.every for at in _taken(backups.folder)):
            return ""
        run = JobRun(BACKUP, 0, now, _take(store, backups, now))
    except Refusal as problem:
        _note(store, JobRun(BACKUP_FAILED, 0, now, problem.text))
        raise
    _note(store, run)
    return run.outcome


def _note(store: Store, run: JobRun) -> None:
    with store.writing() as connection:
        write_run(connection, run)


def _taken(folder: Path) -> dict[datetime, Path]:
    """Return the backups in the folder by when they were taken; whatever else is there is not ours."""
    with written_to(str(folder)):
        found = {path: _NAME.fullmatch(path.name) for path in folder.iterdir()}
    return {datetime.strptime(name[1], _STAMP).replace(tzinfo=UTC): path for path, name in found.items() if name}


def _take(store: Store, backups: Backups, now: datetime) -> str:
    path = backups.folder / f"closures-{now:{_STAMP}}.jsonl.gz"
    count = dump_database(store, path, lambda _: None)
    with written_to(str(backups.folder)):
        for left in backups.folder.glob(f".closures-*.jsonl.gz{PART}"):  # of a scheduler that was killed meanwhile
            left.unlink()
        taken = _taken(backups.folder)
        # One of a time to come was taken while the clock was wrong: it is no newer than the others.
        in_order = sorted(taken, key=lambda at: (at <= now, at), reverse=True)
        for at in in_order[backups.keep :]:
            taken[at].unlink()
    return f"{count} rows written to {path.name}"
