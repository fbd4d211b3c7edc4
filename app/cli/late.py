"""``closures late`` and ``closures late-report``: the record of late changes, for people, programs and spreadsheets."""

from datetime import date, timedelta

import click

from app.cli.opening import OPERATOR, opened
from app.cli.output import examples, json_option, wants_json
from app.cli.param_types import DAY, PERIOD
from app.cli.query_options import say_answer
from app.domain.london import london_date, whole_days
from app.factory import utc_now
from app.register import sheet_out
from app.register.late_changes import answer_late_changes
from app.register.questions import late_report as reporting
from app.register.questions.readers import note_export

_DEFAULT_DAYS = 92
_ONE_DAY = timedelta(days=1)
_HEADINGS = ("reference", "user", "gateway", "change", "received_at", "starts", "working_days_notice", "change_days")
_REPORT = ("user", "notices", "first_notices", "short_first_notices", "changes", "short_changes")


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
    _only_one_form(as_csv=as_csv)
    last = last or london_date(utc_now())
    first = first or last - timedelta(days=_DEFAULT_DAYS)
    if last < first:
        raise click.UsageError("--to is before --from.")
    with opened() as service:
        answer = answer_late_changes(service.register, OPERATOR, whole_days(first, last + _ONE_DAY))
        rows = answer["late_changes"]
        if as_csv:
            note_export(service.store, OPERATOR.name, "late changes, csv", len(rows), utc_now())
    if as_csv:
        click.echo(sheet_out.to_csv(sheet_out.LATE_CHANGES, rows), nl=False)
        return
    days = {"from": first.isoformat(), "to": last.isoformat()}
    say_answer({**answer, **days}, _HEADINGS, rows)


@click.command(
    "late-report", epilog=examples("closures late-report 2026-Q3", "closures late-report 2026-09 --pseudonyms --csv")
)
@click.argument("period", type=PERIOD, metavar="PERIOD")
@click.option("--pseudonyms", is_flag=True, help="Name no User; the pseudonyms are the same in every report.")
@click.option("--csv", "as_csv", is_flag=True, help="As comma-separated values, for a spreadsheet.")
@json_option
def late_report(period: reporting.Period, pseudonyms: bool, as_csv: bool) -> None:
    """Count notices and short notices by User in PERIOD, a month (2026-09) or a quarter (2026-Q3).

    Each row names the versions of the policy and of the holiday table that counted it.
    """
    _only_one_form(as_csv=as_csv)
    with opened() as service:
        answer = reporting.report(service.register, OPERATOR, period, utc_now(), pseudonyms=pseudonyms)
        rows = answer["rows"]
        if as_csv:
            note_export(service.store, OPERATOR.name, f"late report {period.name}, csv", len(rows), utc_now())
    if as_csv:
        click.echo(sheet_out.to_csv(sheet_out.LATE_REPORT, rows), nl=False)
        return
    say_answer(answer, _REPORT, rows)


def _only_one_form(*, as_csv: bool) -> None:
    if as_csv and wants_json():
        raise click.UsageError("--csv does not go with --json.")
