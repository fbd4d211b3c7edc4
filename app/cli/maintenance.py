"""``closures maintenance``: DCC's own dates, from a file or an address; they stand beside closures and never mix."""

from datetime import datetime
from pathlib import Path

import click

from app.cli.opening import opened
from app.cli.output import examples, json_option, say, table
from app.cli.query_options import as_of_option, span_options
from app.cli.source import kind_option, maintenance_source
from app.domain.london import london_text
from app.domain.maintenance import Maintenance, MaintenanceKind
from app.domain.refusal import sentence_of
from app.domain.window import ClosureWindow
from app.factory import utc_now
from app.intake.media import read_notice
from app.register.maintenance import (
    asking_for_dates,
    find_maintenance,
    import_maintenance,
    imported_facts,
    maintenance_facts,
    remove_maintenance,
)

_HEADINGS = ("reference", "kind", "starts", "ends")


@click.group()
def maintenance() -> None:
    """Import, list or remove DCC's planned maintenance and SEC Release days, or read them from an address."""


maintenance.add_command(maintenance_source)


@maintenance.command(
    "import",
    epilog=examples(
        "closures maintenance import maintenance.ics", "closures maintenance import releases.ics --kind release"
    ),
)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@kind_option
@json_option
def import_(file: Path, kind: str) -> None:
    """Take DCC's own dates from the calendar FILE: what is new is added, what moved is moved, what it cancels goes.

    Events of other files stay. The same file a second time changes nothing. Only the times are kept.
    """
    now = utc_now()
    reading = read_notice(file.read_bytes(), file.name, asking_for_dates(now))
    with opened() as service:
        done = import_maintenance(service.register, MaintenanceKind(kind), reading, now)
    counts = f"{len(done.added)} added, {len(done.moved)} moved, {len(done.withdrawn)} withdrawn"
    say(
        imported_facts(done),
        f"{counts}, {done.unchanged} unchanged, {len(done.problems)} not read.",
        *(sentence_of(problem) for problem in done.problems),
    )
    if done.problems and not reading.announcements:
        raise click.exceptions.Exit(1)


@maintenance.command("list", epilog=examples("closures maintenance list --from 2026-12-01 --to 2027-03-01"))
@as_of_option
@span_options
@json_option
def list_(span: ClosureWindow, as_of: datetime | None) -> None:
    """List DCC's own windows in a span, by start."""
    with opened() as service:
        found = find_maintenance(service.register, span, as_of)
    say(
        {"maintenance": [maintenance_facts(entry) for entry in found]},
        *table(_HEADINGS, [_row(entry) for entry in found], empty="DCC has no maintenance or release then."),
    )


@maintenance.command(epilog=examples("closures maintenance remove DM-0A1B2C3D4E"))
@click.argument("reference", metavar="REF")
@json_option
def remove(reference: str) -> None:
    """Withdraw the window REF; its history stays.

    A later import of its event brings it back; a poll of an address does so once the event has changed there.
    """
    with opened() as service:
        gone = remove_maintenance(service.register, reference, utc_now())
    say(maintenance_facts(gone), f"{gone.reference} is withdrawn.")


def _row(one: Maintenance) -> tuple[object, ...]:
    return one.reference, one.kind.value, london_text(one.window.starts), london_text(one.window.ends)
