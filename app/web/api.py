"""The API of INTERFACES.md: notices in, closures out, in JSON. Errors are RFC 9457 problem+json."""

from datetime import timedelta

from flask import Blueprint, Response, request

from app.domain.access import Principal, acting_user
from app.domain.closure import State
from app.domain.london import london_date, read_day, read_instant, utc_text
from app.domain.notice import Channel, Notice
from app.domain.party import User, read_code
from app.domain.refusal import NoticeTooLarge, NoticeUnreadable
from app.domain.window import ClosureWindow
from app.intake.media import read_notice
from app.intake.reading import Asking, Limits, Reading
from app.register import lateness, reading, withdraw
from app.register.facts import closure_facts, known_facts, late_facts, notice_period_facts, revision_facts
from app.register.reading import Question
from app.register.receipts import outcome_facts
from app.register.receive import keep_notice, preview_notice, receive_notice
from app.store import parties
from app.web.access_table import ACCESS
from app.web.conditional import QueryRefused, paged_answer, read_answer
from app.web.idempotency import answer_once
from app.web.principal import require_principal
from app.web.refusals import app_json
from app.web.site import site

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")

LIMITS = Limits()
_DEFAULT_SPAN = timedelta(days=56)
_LONGEST_SPAN = timedelta(days=10 * 366)
_MINUTE = timedelta(minutes=1)


def _asking_principal() -> Principal:
    return require_principal(ACCESS[request.endpoint or ""])


def _flag(name: str) -> bool:
    text = request.args.get(name, "0").lower()
    if text not in {"0", "1", "true", "false"}:
        raise QueryRefused(f"The parameter {name} is not a yes or no.", "Give 1 or 0.")
    return text in {"1", "true"}


@blueprint.post("/notices")
def give_notice() -> Response:
    """Take a notice: what is readable is recorded, the rest is named. 422 where nothing could be read."""
    principal = _asking_principal()
    named = request.args.get("user")
    code = acting_user(principal, read_code(named) if named else None)
    octets = _body()
    chosen = request.args.get("gateway")
    user, gateways = find_sender(code)
    now = site().now()
    asking = Asking(
        now=now,
        gateways=gateways,
        gateway=read_code(chosen) if chosen else None,
        limits=LIMITS,
        allow_long=_flag("allow_long"),
    )
    dry_run, whole = _flag("dry_run"), _flag("all_or_nothing")
    media_type = request.content_type or "text/calendar"
    notice = Notice(user.code, Channel.API, now, media_type, octets, principal.name)

    def answer() -> Response:
        try:
            found = read_notice(octets, media_type, asking)
        except NoticeUnreadable:
            if not dry_run:
                keep_notice(site().register, user, notice)
            raise
        if dry_run:
            outcome = preview_notice(site().register, user, now, found)
        else:
            outcome = receive_notice(site().register, user, notice, found, all_or_nothing=whole)
        return app_json(outcome_facts(outcome), 422 if _nothing_read(found, whole) else 200)

    return answer_once(user, octets, answer)


def _nothing_read(found: Reading, whole: bool) -> bool:  # noqa: FBT001 - the request's own flag
    return bool(found.problems) and (whole or not found.announcements)


def _body() -> bytes:
    """Return the body; refuse one over the limit without reading it to its end."""
    octets = request.stream.read(LIMITS.octets + 1)
    if len(octets) > LIMITS.octets:
        raise NoticeTooLarge(
            f"A notice may have at most {LIMITS.octets:,} octets.",
            "Send it in parts, or have it imported with `closures notice import`.",
        )
    return octets


def find_sender(code: str) -> tuple[User, tuple[str, ...]]:
    """Return the User of a code and the codes of its gateways; raise ``Unknown``."""
    store = site().store
    with store.reading() as connection:
        user = parties.find_user(store, connection, code)
        gateways = parties.gateways_of(store, connection, user.id)
    return user, tuple(gateway.code for gateway in gateways)


@blueprint.get("/closures")
def list_closures() -> Response:
    """List the closures in a span, as they stand, or with ``as_of`` as they were known then."""
    principal = _asking_principal()
    question = read_question()
    if question.as_of is None:
        found = [
            closure_facts(one, site().now()) for one in reading.find_closures(site().register, principal, question)
        ]
    else:
        found = [known_facts(one) for one in reading.find_known(site().register, principal, question)]
    facts = {"from": utc_text(question.span.starts), "to": utc_text(question.span.ends), "closures": found}
    return paged_answer(facts, "closures", ("starts", "reference"))


def read_question() -> Question:
    """Read from, to, user, gateway, state and as_of from the query; by default the eight weeks from now."""
    args = request.args
    starts = read_instant(args["from"])[0] if args.get("from") else site().now()
    ends = read_instant(args["to"])[0] if args.get("to") else starts + _DEFAULT_SPAN
    if ends <= starts or ends - starts > _LONGEST_SPAN:
        raise QueryRefused("The span is empty, or longer than ten years.", "Give a later `to`, or a shorter span.")
    state = args.get("state")
    if state is not None and state not in set(State):
        raise QueryRefused("That is not a state.", f"Give one of {', '.join(State)}.")
    return Question(
        span=ClosureWindow(starts, ends),
        user=read_code(args["user"]) if args.get("user") else None,
        gateway=read_code(args["gateway"]) if args.get("gateway") else None,
        state=State(state) if state else None,
        as_of=read_instant(args["as_of"])[0] if args.get("as_of") else None,
    )


@blueprint.get("/closures/<reference>")
def show_closure(reference: str) -> Response:
    """Show one closure as it stands."""
    return read_answer(
        closure_facts(reading.find_closure(site().register, _asking_principal(), reference), site().now())
    )


@blueprint.get("/closures/<reference>/revisions")
def show_revisions(reference: str) -> Response:
    """Show the whole history of a closure, oldest first."""
    principal = _asking_principal()
    standing, history = reading.find_history(site().register, principal, reference)
    own = standing.closure.user in principal.users
    facts = [revision_facts(one if own else reading.without_sender_words(one)) for one in history]
    return read_answer({"reference": standing.closure.reference, "revisions": facts})


@blueprint.delete("/closures/<reference>")
def withdraw_closure(reference: str) -> Response:
    """Withdraw a closure: a revision like any other."""
    principal = _asking_principal()
    outcome = withdraw.withdraw_closure(site().register, principal, reference, channel=Channel.API, now=site().now())
    return app_json(outcome_facts(outcome))


@blueprint.get("/late-changes")
def late_changes() -> Response:
    """List the late changes received in a span; by default the last 92 days."""
    principal = _asking_principal()
    args = request.args
    ends = read_instant(args["to"])[0] if args.get("to") else site().now() + _MINUTE
    starts = read_instant(args["from"])[0] if args.get("from") else ends - timedelta(days=92)
    found = lateness.find_late_changes(site().register, principal, starts, ends)
    facts = {"from": utc_text(starts), "to": utc_text(ends), "late_changes": [late_facts(one) for one in found]}
    return paged_answer(facts, "late_changes", ("received_at", "reference", "revision"))


@blueprint.get("/notice-period")
def notice_period() -> Response:
    """Say how many Working Days' notice a closure on ``start`` would have, and the last on-time day."""
    _asking_principal()
    start_text = request.args.get("start")
    if not start_text:
        raise QueryRefused("Which start is meant?", "Give start=2026-12-06T02:00, London time.")
    starts, how = read_instant(start_text)
    given_text = request.args.get("given_on")
    given_on = read_day(given_text) if given_text else london_date(site().now())
    return read_answer(notice_period_facts(site().register.rulebook(), starts, how, given_on))
