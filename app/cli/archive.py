"""``closures backup`` and ``closures restore``: the whole database in one file or stream, without its keys."""

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

import click

from app.cli.db import loss_facts, loss_lines
from app.cli.opening import current_settings, opened
from app.cli.output import Counter, examples, json_option, say
from app.domain.refusal import BackupRefused
from app.factory import open_keyring, utc_now
from app.register.register import open_register
from app.register.verification import verify_record
from app.store.archive import dump_database, load_database, write_backup
from app.store.backup_file import written_to
from app.store.high_water import adopt
from app.store.restoring import restoring
from app.store.runs import BACKUP, JobRun, write_run

_STREAM = "-"


@click.command(
    epilog=examples(
        "closures backup /backups/closures-2026-11-24",
        "closures backup - | age -r KEY > closures-2026-11-24.age",
    )
)
@click.argument("file", type=click.Path(dir_okay=False))
@json_option
def backup(file: str) -> None:
    """Write the whole database to FILE, or to standard output for `-`, while the service runs.

    The keys are not in it: keep the key folder apart, with a retention of its own. FILE is there whole or not at all;
    a device or a pipe is written through.
    """
    counter = Counter("rows written")
    with opened() as service:
        if file == _STREAM:
            with written_to("standard output"):
                count = write_backup(service.store, _standard_output(), counter)
        else:
            count = dump_database(service.store, Path(file), counter)
        with service.store.writing() as connection:
            write_run(connection, JobRun(BACKUP, 0, utc_now(), f"{count} rows written"))
    counter.close()
    said = f"{count} rows written to {file}. The keys are not in it."
    say({"file": file, "rows": count}, said, aside=file == _STREAM)


def _standard_output() -> BinaryIO:
    if sys.stdout.isatty():
        raise BackupRefused("Standard output is a screen.", "Lead it into a program or a file, or name a file.")
    return sys.stdout.buffer


@click.command(
    epilog=examples(
        "CLOSURES_DATA_DIR=/new closures restore /backups/closures-2026-11-24",
        "age -d -i KEYFILE closures-2026-11-24.age | closures restore -",
    )
)
@click.argument("file", type=click.Path(dir_okay=False))
@click.option(
    "--replace",
    is_flag=True,
    help="Give up what the database holds. Stop the service first. A SQLite file is kept beside, as "
    "closures.sqlite3.replaced-TIME: remove it once you are sure. PostgreSQL's tables are dropped.",
)
@json_option
def restore(file: str, replace: bool) -> None:
    """Fill an empty database from FILE, or from standard input for `-`, and verify the record.

    The key folder must be in place. What is restored is there whole or not at all: after a failure or a kill at any
    moment, the same command starts anew.

    What was recorded after the backup is given up by it: how many entries these are is said, and kept beside the keys.
    """
    settings = current_settings()
    keyring = open_keyring(settings)
    counter = Counter("rows restored")
    with _read_from(file) as source, restoring(settings.database, keyring, utc_now, replace=replace) as store:
        count = load_database(store, source, counter)
        found = verify_record(open_register(store, settings.uid_domain))
        # Before the database is in its place: a start in between finds none, and another restore goes on from there.
        loss = adopt(store, utc_now())
    counter.close()
    verdict = "verifies." if found.is_sound else "does not verify:"
    say(
        {"rows": count, "entries": found.size, "faults": list(found.faults), **loss_facts(loss)},
        f"{count} rows restored; the record of {found.size} entries {verdict}",
        *loss_lines(loss),
        *found.faults,
    )
    if not found.is_sound:
        raise click.exceptions.Exit(1)


def _read_from(file: str) -> AbstractContextManager[BinaryIO]:
    if file == _STREAM:
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(file).open("rb")
    except OSError as problem:
        raise BackupRefused(f"{file} cannot be read: {problem.strerror}.", "Name the file of a backup.") from problem
