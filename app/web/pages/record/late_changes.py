"""Record, late changes: what was told at short notice, the count of a month or quarter, both as a spreadsheet too."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request

from app.domain.access import Action, Principal
from app.domain.london import london_date
from app.domain.refusal import Refusal
from app.register import sheet_out
from app.register.late_changes import answer_late_changes
from app.register.questions.late_report import LateReportJson, read_period, report
from app.register.questions.readers import note_export
from app.web.principal import current_principal
from app.web.query import read_flag, read_past
from app.web.site import site

blueprint = Blueprint("record_late_changes", __name__)

_DAYS = 92
_MOST_ROWS = 500  # on a page; a spreadsheet holds them all


@blueprint.get("/record", action=Action.READ_LATE_CHANGES)
def show() -> Response:
    """List the late changes received in a span, and count those of a period where one is asked for."""
    principal = current_principal()
    fault, found, counted = None, None, None
    try:
        found = answer_late_changes(site().register, principal, read_past(_DAYS))
        if request.args.get("period"):
            counted = _report(principal)
    except Refusal as refusal:
        fault = refusal
    today = london_date(site().now())
    page = render_template(
        "record/late_changes.html",
        found=found,
        counted=counted,
        most=_MOST_ROWS,
        stated=request.args,
        first=today - timedelta(days=_DAYS),
        quarter=f"{today.year}-Q{(today.month + 2) // 3}",
        fault=fault,
    )
    return make_response(page, 400 if fault else 200)


@blueprint.get("/record/late-changes.csv", action=Action.READ_LATE_CHANGES)
def as_sheet() -> Response:
    """Give the late changes of a span as a spreadsheet; that somebody took it is noted."""
    principal = current_principal()
    rows = answer_late_changes(site().register, principal, read_past(_DAYS))["late_changes"]
    return _sheet(principal, "late-changes", sheet_out.LATE_CHANGES, rows)


@blueprint.get("/record/report.csv", action=Action.READ_LATE_CHANGES)
def report_as_sheet() -> Response:
    """Give the count of a month or quarter as a spreadsheet; that somebody took it is noted."""
    principal = current_principal()
    return _sheet(principal, "late-report", sheet_out.LATE_REPORT, _report(principal)["rows"])


def _report(principal: Principal) -> LateReportJson:
    period = read_period(request.args.get("period", ""))
    return report(site().register, principal, period, site().now(), pseudonyms=read_flag("pseudonyms"))


def _sheet(principal: Principal, name: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Response:
    note_export(site().store, principal.name, f"{name}, csv", len(rows), site().now())
    response = Response(sheet_out.to_csv(columns, rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response
