"""The API of INTERFACES.md: notices in, closures out, in JSON. Errors are RFC 9457 problem+json."""

from flask import Blueprint, Response, request

from app.domain.access import Action, acting_user
from app.domain.notice import Channel, Notice, NoticeContent
from app.domain.party import User, read_code
from app.domain.refusal import NoticeTooLarge, NoticeUnreadable
from app.intake.media import read_notice
from app.intake.reading import Asking, Limits
from app.register import reading, withdraw
from app.register.closure_json import closure_facts, revision_facts
from app.register.questions.answer import span_facts
from app.register.receipts import outcome_facts
from app.register.receive import keep_notice, preview_notice, receive_notice
from app.store import parties
from app.web.api.conditional import paged_answer, read_answer
from app.web.idempotency import answer_once
from app.web.principal import current_principal
from app.web.query import read_flag, read_moment, read_question
from app.web.refusals import app_json
from app.web.site import site

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")

LIMITS = Limits()


@blueprint.post("/notices", action=Action.GIVE_NOTICE)
def give_notice() -> Response:
    """Take a notice: what is readable is recorded, the rest is named. 422 where nothing could be read."""
    principal = current_principal()
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
        allow_long=read_flag("allow_long"),
    )
    dry_run, whole = read_flag("dry_run"), read_flag("all_or_nothing")
    media_type = request.content_type or "text/calendar"
    notice = Notice(user.code, Channel.API, now, media_type, octets, principal.signature(user.code))

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


def _nothing_read(found: NoticeContent, whole: bool) -> bool:  # noqa: FBT001 - the request's own flag
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


@blueprint.get("/closures", action=Action.READ_CLOSURES)
def list_closures() -> Response:
    """List the closures in a span, as they stand, or with ``as_of`` as they were known then."""
    principal = current_principal()
    question = read_question()
    at = question.as_of or site().now()
    found = [closure_facts(one, at) for one in reading.read_schedule(site().register, principal, question)]
    facts = {**span_facts(question.span, question.as_of), "closures": found}
    return paged_answer(facts, "closures", ("starts", "reference"))


@blueprint.get("/closures/<reference>", action=Action.READ_CLOSURES)
def show_closure(reference: str) -> Response:
    """Show one closure as it stands, or with ``as_of`` as it was known then."""
    principal, as_of = current_principal(), read_moment("as_of")
    line = reading.find_line(site().register, principal, reference, as_of)
    return read_answer(closure_facts(line, as_of or site().now()))


@blueprint.get("/closures/<reference>/revisions", action=Action.READ_CLOSURES)
def show_revisions(reference: str) -> Response:
    """Show the whole history of a closure, oldest first, or with ``as_of`` what was known of it then."""
    principal, as_of = current_principal(), read_moment("as_of")
    standing, history = reading.find_history(site().register, principal, reference, as_of)
    own = standing.closure.user in principal.users
    facts = [revision_facts(one if own else reading.without_sender_words(one)) for one in history]
    return read_answer({"reference": standing.closure.reference, "revisions": facts})


@blueprint.delete("/closures/<reference>", action=Action.GIVE_NOTICE)
def withdraw_closure(reference: str) -> Response:
    """Withdraw a closure: a revision like any other."""
    principal = current_principal()
    outcome = withdraw.withdraw_closure(site().register, principal, reference, channel=Channel.API, now=site().now())
    return app_json(outcome_facts(outcome))
