"""My notices: what a User told us, for good, each with what became of it and its receipts; also as a spreadsheet."""

from collections.abc import Iterator

from flask import Blueprint, Response, render_template, request, url_for

from app.domain.access import Action
from app.register import sheet_out
from app.register.closure_json import window_facts
from app.register.questions.own_notices import OwnNotice, own_notices
from app.register.questions.readers import note_export
from app.register.recorded_change import RecordedChange
from app.web.principal import current_principal
from app.web.query import read_count
from app.web.site import site

blueprint = Blueprint("own_notices", __name__)

_ON_A_PAGE = 50
_LISTED = 10  # closures of one notice; the spreadsheet has them all
_MOST_ENTRIES = 2**53


@blueprint.get("/notices", action=Action.READ_OWN_NOTICES)
def show() -> str:
    """List the notices of the account's own Users, the latest first, a page at a time."""
    before = read_count("before", 0, _MOST_ENTRIES, least=0)
    found = own_notices(site().register, current_principal(), before or None, _ON_A_PAGE)
    several = len(current_principal().users) > 1
    return render_template(
        "notice/own_notices.html", found=found, listed=_LISTED, several=several, later="before" in request.args
    )


@blueprint.get("/notices.csv", action=Action.READ_OWN_NOTICES)
def export() -> Response:
    """Give every notice as a spreadsheet, a row for each closure that it changed; that somebody took it is noted."""
    principal = current_principal()
    found = own_notices(site().register, principal, None, None).notices
    rows = [row for notice in found for row in _rows(notice)]
    note_export(site().store, principal.name, "own notices, csv", len(rows), site().now())
    response = Response(sheet_out.to_csv(sheet_out.OWN_NOTICES, rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="notices.csv"'
    return response


def _rows(notice: OwnNotice) -> Iterator[dict[str, object]]:
    """Yield a row for each change of a notice, or one that says that it changed nothing."""
    facts = {"received_at": notice.received_at.isoformat(), "channel": notice.channel}
    if not notice.changes:
        yield {**dict.fromkeys(sheet_out.OWN_NOTICES, ""), **facts}
    for change in notice.changes:
        yield {**facts, **_changed(change)}


def _changed(change: RecordedChange) -> dict[str, object]:
    after = change.after
    numbered = change.number is not None
    receipt = url_for("record_receipt_check.download", reference=after.reference, number=after.number)
    return {
        "change": change.step.value, "reference": after.reference, "gateway": after.gateway,
        **window_facts(after.window), "revision": after.number if numbered else "",
        "receipt": site().base_url + receipt if numbered else "",
    }  # fmt: skip
