"""``closures backup`` and ``closures restore``: the whole database in one file, without its keys."""

from pathlib import Path

import click

from app.cli.db import loss_facts, loss_lines
from app.cli.opening import current_settings, opened
from app.cli.output import Counter, examples, json_option, say
from app.factory import open_keyring, utc_now
from app.register.register import open_register
from app.register.verification import verify_record
from app.store.archive import dump_database, load_database
from app.store.engine import open_empty_store
from app.store.high_water import adopt
from app.store.runs import JobRun, write_run


@click.command(epilog=examples("closures backup /backups/closures-2026-11-24"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
def backup(file: Path) -> None:
    """Write the whole database to FILE while the service runs.

    The keys are not in it: keep the key folder apart, with a retention of its own.
    """
    counter = Counter("rows written")
    with opened() as service:
        count = dump_database(service.store, file, counter)
        with service.store.writing() as connection:
            write_run(connection, JobRun("backup", 0, utc_now(), f"{count} rows written"))
    counter.close()
    say({"file": str(file), "rows": count}, f"{count} rows written to {file}. The keys are not in it.")


@click.command(epilog=examples("CLOSURES_DATA_DIR=/new closures restore /backups/closures-2026-11-24"))
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
def restore(file: Path) -> None:
    """Fill an empty database from FILE, with the key folder in place, then verify the record.

    What was recorded after the backup is given up by it: how many entries these are is said, and kept beside the keys.
    """
    settings = current_settings()
    store = open_empty_store(settings.database, open_keyring(settings), utc_now)
    counter = Counter("rows restored")
    try:
        count = load_database(store, file, counter)
        loss = adopt(store, utc_now())
        found = verify_record(open_register(store, settings.uid_domain))
    finally:
        store.close()
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
