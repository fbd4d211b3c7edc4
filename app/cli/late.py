"""``closures late``: the record of late changes, for people, programs and spreadsheets."""

import csv
import sys
from datetime import date, timedelta

import click

from app.cli.opening import OPERATOR, opened
from app.cli.speaking import examples, json_option, say, table, wants_json
from app.cli.stating import DAY
from app.domain.late_change import LateChange
from app.domain.london import london_date, london_midnight, london_text
from app.factory import utc_now
from app.register.facts import late_facts
from app.register.lateness import find_late_changes

_DEFAULT_DAYS = 92
_ONE_DAY = timedelta(days=1)
_HEADINGS = ("reference", "User", "gateway", "change", "received", "starts", "notice")
_COLUMNS = (
    *("reference", "user", "gateway", "revision", "change", "received_at", "starts", "ends"),
    *("change_days", "first_notice_days", "recommended", "band", "policy_version", "holiday_table"),
)


@click.command(epilog=examples("closures late", "closures late --from 2026-07-01 --to 2026-09-30 --csv > late.csv"))
@click.option(
    "--from", "first", type=DAY, metavar="D", help=f"First day of receipt; {_DEFAULT_DAYS} days ago, if not given."
)
@click.option("--to", "last", type=DAY, metavar="D", help="Last day of receipt; today, if not given.")
@click.option("--csv", "as_csv", is_flag=True, help="As comma-separated values, for a spreadsheet.")
@json_option
def late(first: date | None, last: date | None, as_csv: bool) -> None:
    """List changes known later than recommended, by the day we received them. A fact, and nobody's fault.

    The scheduler records them; `closures sweep` does it now.
    """
    if as_csv and wants_json():
        raise click.UsageError("--csv does not go with --json.")
    last = last or london_date(utc_now())
    first = first or last - timedelta(days=_DEFAULT_DAYS)
    if last < first:
        raise click.UsageError("--to is before --from.")
    with opened() as service:
        found = find_late_changes(service.register, OPERATOR, london_midnight(first), london_midnight(last + _ONE_DAY))
    facts = [late_facts(one) for one in found]
    if as_csv:
        out = csv.DictWriter(sys.stdout, _COLUMNS)
        out.writeheader()
        out.writerows(facts)
        return
    say(
        {"from": first.isoformat(), "to": last.isoformat(), "late_changes": facts},
        *table(_HEADINGS, [_row(one) for one in found], empty="No late change was received in those days."),
    )


def _row(one: LateChange) -> tuple[object, ...]:
    return (
        *(one.reference, one.user, one.gateway, one.step.value, london_text(one.received_at)),
        *(london_text(one.window.starts), f"{one.assessment.change.working_days} WD"),
    )
