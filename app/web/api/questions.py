"""The questions of the API: each answers with one sentence beside its facts, and each takes ``as_of`` where it can."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, request

from app.domain.access import Action
from app.domain.london import london_midnight, read_day, read_instant
from app.domain.party import read_code
from app.register import sheet_out
from app.register.closure_json import notice_period_facts, span_facts
from app.register.late_changes import answer_late_changes
from app.register.maintenance import MaintenanceListJson, find_maintenance, maintenance_facts
from app.register.questions import changes, clashes, closed, late_report, load, readers
from app.register.questions import silent_users as silence
from app.register.questions.insights import insights_of
from app.register.questions.who_did_what import who_did_what
from app.store.receipt_order import Place
from app.web.api.conditional import conditional, paged_answer, placed_answer, read_answer
from app.web.principal import current_principal
from app.web.query import (
    QueryRefused,
    read_count,
    read_flag,
    read_moment,
    read_past,
    read_quarters,
    read_question,
    read_span,
)
from app.web.site import site

blueprint = Blueprint("questions", __name__, url_prefix="/api/v1")

_OK = 200
_QUARTER_DAYS = 92
_MOST_HOURS = 744
_MOST_MONTHS = 120
_MOST_BELOW = 10_000


@blueprint.get("/changes", action=Action.READ_CLOSURES)
def changes_between() -> Response:
    """Say what changed between two instants (Q5); by default in the last seven days."""
    principal = current_principal()
    until = read_moment("until") or site().now() + timedelta(minutes=1)
    since = read_moment("since") or until - timedelta(days=7)
    if since > until:
        raise QueryRefused("`until` is before `since`.", "Give a later `until`.")

    def read(after: Place | None, most: int) -> tuple[Mapping[str, Any], Place | None]:
        return changes.changes_between(site().register, principal, since, until, after, most)

    return placed_answer(read)


@blueprint.get("/clashes", action=Action.READ_CLOSURES)
def list_clashes() -> Response:
    """Say what clashes in a span, with gateways and with DCC's own dates (Q2)."""
    principal = current_principal()
    answer = clashes.clashes_in(
        site().register,
        principal,
        read_question(),
        site().now(),
        release_days=read_count("release_days", 0, 31, least=0) if "release_days" in request.args else None,
        maintenance=request.args.get("maintenance") or None,
    )
    return read_answer(answer)


@blueprint.get("/closed", action=Action.READ_CLOSURES)
def closed_gateways() -> Response:
    """Say which gateways are closed at an instant or in a span, or look at one gateway (Q1, Q7, Q8)."""
    principal, register = current_principal(), site().register
    gateway, as_of = request.args.get("gateway"), read_moment("as_of")
    if "from" in request.args or "to" in request.args:
        if gateway or "at" in request.args:
            raise QueryRefused("`at` and `gateway` do not go with `from` and `to`.", "Ask one of the two.")
        found = closed.closed_in(register, principal, read_span(), as_of, site().now())
        return paged_answer(found, "closures", ("starts", "reference"))
    at = read_moment("at") or as_of or site().now()
    order = ("starts", "ends", "reference")
    if gateway:
        return paged_answer(closed.triage_gateway(register, principal, read_code(gateway), at, as_of), "inside", order)
    return paged_answer(closed.closed_at(register, principal, at, as_of), "inside", order)


@blueprint.get("/free-slots", action=Action.READ_CLOSURES)
def free_slots() -> Response:
    """Say in which windows of a span fewer than ``below`` gateways are closed (Q9)."""
    principal = current_principal()
    answer = load.find_free_slots(
        site().register,
        principal,
        read_question(),
        hours=_read_hours(),
        below=read_count("below", 1, _MOST_BELOW),
    )
    return read_answer(answer)


def _read_hours() -> float:
    text = request.args.get("hours", "4")
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not text.isascii() or not 0 < hours <= _MOST_HOURS:
        raise QueryRefused("The parameter hours is not a number in range.", f"Give up to {_MOST_HOURS}.")
    return hours


@blueprint.get("/busiest-hours", action=Action.READ_CLOSURES)
def busiest_hours() -> Response:
    """Say which hours of a span have most gateways re-opening, and most closed (Q10)."""
    principal = current_principal()
    most = read_count("most", 10, 1_000)
    answer = load.busiest_hours(site().register, principal, read_span(), read_moment("as_of"), most)
    return read_answer(answer)


@blueprint.get("/silent-users", action=Action.READ_CLOSURES)
def silent_users() -> Response:
    """Say which Users have filed nothing for some months (Q12)."""
    principal = current_principal()
    months = read_count("months", 6, _MOST_MONTHS)
    answer = silence.silent_users(site().register, principal, months, read_moment("as_of"), site().now())
    return paged_answer(answer, "users", ("last_notice", "user"))


@blueprint.get("/moved", action=Action.READ_CLOSURES)
def moved_often() -> Response:
    """Say which closures were moved twice or more (Q13)."""
    principal = current_principal()
    times = read_count("times", 2, 1_000)
    answer = changes.moved_often(site().register, principal, times, read_moment("as_of"), site().now())
    return paged_answer(answer, "closures", ("-moves", "starts", "reference"))


@blueprint.get("/maintenance", action=Action.READ_CLOSURES)
def list_maintenance() -> Response:
    """List DCC's own windows in a span; Users may see them too."""
    span, as_of = read_span(), read_moment("as_of")
    found = find_maintenance(site().register, span, as_of)
    facts: MaintenanceListJson = {
        **span_facts(span, as_of),
        "maintenance": [maintenance_facts(maintenance) for maintenance in found],
    }
    return paged_answer(facts, "maintenance", ("starts", "ends", "reference"))


@blueprint.get("/reads", action=Action.READ_READ_LOG)
def list_reads() -> Response:
    """Say who read which feed, and who exported what, in a span (Q14); by default in the last seven days."""
    answer = readers.who_read(site().store, read_past(7))
    return paged_answer(answer, "reads", ("at", "subscription", "client", "status", "octets"))


@blueprint.get("/acts", action=Action.READ_ACTS)
def list_acts() -> Response:
    """Say who did what in a span, for an admin who signed in; by default in the last seven days."""
    return paged_answer(who_did_what(site().store, read_past(7)), "acts", ("entry",))


@blueprint.get("/late-changes", action=Action.READ_LATE_CHANGES)
def late_changes() -> Response:
    """List the late changes received in a span (Q3), as JSON or with ``format=csv``; by default the last 92 days."""
    principal = current_principal()
    answer = answer_late_changes(site().register, principal, read_past(_QUARTER_DAYS))
    if _wants_sheet():
        return _sheet(sheet_out.LATE_CHANGES, answer["late_changes"], "late changes", principal.name)
    return paged_answer(answer, "late_changes", ("received_at", "starts", "reference", "revision"))


@blueprint.get("/late-report", action=Action.READ_LATE_CHANGES)
def report() -> Response:
    """Report a month's or quarter's short notices by User, or by pseudonym, as JSON or with ``format=csv``."""
    principal = current_principal()
    period = late_report.read_period(request.args.get("period", ""))
    answer = late_report.report(site().register, principal, period, site().now(), pseudonyms=read_flag("pseudonyms"))
    if _wants_sheet():
        return _sheet(sheet_out.LATE_REPORT, answer["rows"], f"late report {period.name}", principal.name)
    return read_answer(answer)


@blueprint.get("/insights", action=Action.READ_LATE_CHANGES)
def insights() -> Response:
    """Say what the closures that start in a span show together; by default of this quarter and the three before it."""
    return read_answer(insights_of(site().register, current_principal(), read_quarters(), site().now()))


def _wants_sheet() -> bool:
    form = request.args.get("format", "json")
    if form not in {"json", "csv"}:
        raise QueryRefused("That is not a format.", "Give json or csv.")
    if form == "csv" and request.args.keys() & {"limit", "cursor"}:
        raise QueryRefused("A sheet has no pages.", "Leave out `limit` and `cursor`: it is whole.")
    return form == "csv"


def _sheet(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], what: str, name: str) -> Response:
    """Return rows as CSV: an export, which is noted unless the asker holds it already."""
    response = conditional(Response(sheet_out.to_csv(columns, rows), content_type="text/csv; charset=utf-8"))
    if response.status_code == _OK:
        readers.note_export(site().store, name, f"{what}, csv", len(rows), site().now())
    return response


@blueprint.get("/notice-period", action=Action.COUNT_NOTICE)
def notice_period() -> Response:
    """Say how many Working Days' notice a closure on ``start`` would have, and the last on-time day (Q11)."""
    start_text = request.args.get("start")
    if not start_text:
        raise QueryRefused("Which start is meant?", "Give start=2026-12-06T02:00, London time.")
    starts, how = read_instant(start_text)
    given_text = request.args.get("given_on")
    told_at = london_midnight(read_day(given_text)) if given_text else site().now()
    return read_answer(notice_period_facts(site().register.rulebook(), starts, how, told_at))
