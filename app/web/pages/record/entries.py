"""Record: what changed between two instants, the entries of the log, who did what, and who read or took away what."""

from datetime import timedelta

from flask import Blueprint, Response, make_response, render_template, request

from app.domain.access import Action
from app.domain.refusal import Refusal
from app.register.questions.changes import changes_between
from app.register.questions.readers import who_read
from app.register.questions.record_entries import KINDS, read_entries
from app.register.questions.who_did_what import read_acts
from app.store.acts import Deed
from app.web.principal import current_principal
from app.web.query import QueryRefused, read_count, read_moment, read_past
from app.web.site import site

blueprint = Blueprint("record_entries", __name__)

_MOST_ROWS = 500  # on a page
_MOST_ENTRIES = 2**53
_WEEK, _MONTH = 7, 31


@blueprint.get("/record/changes", action=Action.READ_CLOSURES)
def changes() -> Response:
    """Say what was told to us between two instants; without any, in the last seven days."""
    principal = current_principal()
    found, fault, now = None, None, site().now()
    try:
        until = read_moment("until") or now
        since = read_moment("since") or until - timedelta(days=_WEEK)
        if not since < until:
            raise QueryRefused("The first instant is not before the second.", "Exchange them.")
        found = changes_between(site().register, principal, since, until)
    except (Refusal, OverflowError) as problem:
        fault = problem if isinstance(problem, Refusal) else QueryRefused("That is out of range.", "Give a later time.")
    page = render_template(
        "record/changes.html",
        found=found,
        most=_MOST_ROWS,
        stated=request.args,
        now=now,
        week_ago=_back(_WEEK),
        fault=fault,
    )
    return make_response(page, 400 if fault else 200)


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
