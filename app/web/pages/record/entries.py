"""Record: what changed between two instants, the entries of the log, who did what, and who read or took away what."""

from datetime import datetime, timedelta

from flask import Blueprint, Response, make_response, render_template, request

from app.domain.access import Action
from app.domain.refusal import Refusal
from app.register import sheet_out
from app.register.questions.changes import ChangeJson, ChangePage, latest_changes
from app.register.questions.readers import note_export, who_read
from app.register.questions.record_entries import KINDS, read_entries
from app.register.questions.who_did_what import read_acts
from app.store.acts import Deed
from app.web.cursor import read_place, write_place
from app.web.principal import current_principal
from app.web.query import QueryRefused, read_count, read_flag, read_moment, read_past
from app.web.site import site

blueprint = Blueprint("record_entries", __name__)

_MOST_ROWS = 500  # of a list
_ON_A_PAGE = 50
_MOST_ENTRIES = 2**53
_WEEK, _MONTH = 7, 31


@blueprint.get("/record/changes", action=Action.READ_CLOSURES)
def changes() -> Response:
    """Show what was told to us between two instants, the latest first; without any, in the last seven days."""
    found, fault, stated = None, None, dict(request.args.items())
    try:
        found = _read_changes(_ON_A_PAGE)
    except Refusal as problem:
        fault = problem
    page = render_template(
        "record/changes.html", found=found, stated=stated, cursor=write_place, week_ago=_back(_WEEK), fault=fault
    )
    return make_response(page, 400 if fault else 200)


@blueprint.get("/record/changes.csv", action=Action.READ_CLOSURES)
def changes_as_sheet() -> Response:
    """Give all that changed in the same span as a spreadsheet; that somebody took it is noted."""
    rows = _read_changes(None).changes
    note_export(site().store, current_principal().name, "changes, csv", len(rows), site().now())
    response = Response(sheet_out.to_csv(sheet_out.CHANGES, map(_flat, rows)), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="changes.csv"'
    return response


def _flat(row: ChangeJson) -> dict[str, object]:
    """Return a change with what stood before it in columns of its own, empty where nothing did."""
    before = row["before"]
    stood = ("", "", "") if before is None else (before["gateway"], before["starts"], before["ends"])
    return {**row, **dict(zip(("gateway_before", "starts_before", "ends_before"), stood, strict=True))}


def _read_changes(size: int | None) -> ChangePage:
    """Read the span, the place and whether finished windows are wanted; return what changed then. Raise ``Refusal``."""
    since, until = _changed_span()
    return latest_changes(
        site().register,
        current_principal(),
        since,
        until,
        size,
        finished=read_flag("finished"),
        before=read_place("before"),
        after=read_place("after"),
    )


def _changed_span() -> tuple[datetime, datetime]:
    until = read_moment("until") or site().now() + timedelta(microseconds=1)
    try:
        since = read_moment("since") or until - timedelta(days=_WEEK)
    except OverflowError as problem:
        raise QueryRefused("That is out of range.", "Give a later time.") from problem
    if not since < until:
        raise QueryRefused("The first instant is not before the second.", "Exchange them.")
    return since, until


@blueprint.get("/record/log", action=Action.READ_RECORD)
def log() -> Response:
    """Show the entries of the log, the latest first, a page at a time; of one kind where one is asked for."""
    kind = request.args.get("kind", "")
    if kind and kind not in KINDS:
        raise QueryRefused("That is not a kind of entry.", "Choose one of the list.")
    before = read_count("before", 0, _MOST_ENTRIES, least=0)
    found = read_entries(site().register, kind or None, before or None)
    return make_response(render_template("record/log.html", found=found, kind=kind, kinds=KINDS))


@blueprint.get("/record/acts", action=Action.READ_ACTS)
def acts() -> Response:
    """Show who did what, the latest first, a page at a time; one kind of act where one is asked for."""
    deed = request.args.get("act", "")
    if deed and deed not in set(Deed):
        raise QueryRefused("That is not a kind of act.", "Choose one of the list.")
    before = read_count("before", 0, _MOST_ENTRIES, least=0)
    found = read_acts(site().store, Deed(deed) if deed else None, before or None)
    return make_response(render_template("record/acts.html", found=found, deed=deed, deeds=list(Deed)))


@blueprint.get("/record/reads", action=Action.READ_READ_LOG)
def reads() -> Response:
    """Say who fetched which feed and who took which copy away."""
    found, fault = None, None
    try:
        found = who_read(site().store, read_past(_MONTH))
    except Refusal as refusal:
        fault = refusal
    page = render_template(
        "record/reads.html", found=found, most=_MOST_ROWS, stated=request.args, month_ago=_back(_MONTH), fault=fault
    )
    return make_response(page, 400 if fault else 200)


def _back(days: int) -> object:
    return site().now() - timedelta(days=days)
