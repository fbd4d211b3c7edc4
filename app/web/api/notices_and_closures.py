"""The API (docs/api.md): notices in, closures out, in JSON. Errors are RFC 9457 problem+json."""

from collections.abc import Callable

from flask import Blueprint, Response, request

from app.domain.access import Action, acting_user
from app.domain.notice import Channel, Notice
from app.domain.party import read_code
from app.intake.problem import compressed
from app.register import give, reading, withdraw
from app.register.closure_json import HistoryJson, json_of, revision_facts, schedule_facts
from app.register.evidence import evidence_of
from app.register.give import NoticeOptions
from app.register.receipts import outcome_facts
from app.register.register import Register
from app.web.api.conditional import paged_answer, read_answer
from app.web.api.contract import MOST_REVISIONS
from app.web.idempotency import answer_once
from app.web.principal import current_principal
from app.web.query import read_count, read_flag, read_moment, read_question
from app.web.refusals import app_json
from app.web.site import site

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")


@blueprint.post("/notices", action=Action.GIVE_NOTICE)
def give_notice() -> Response:
    """Take a notice: what is readable is recorded, the rest is named. 422 where nothing could be read.

    With ``reference`` it is about that one closure alone, whatever UID and gateway it names.
    """
    principal = current_principal()
    named, chosen, about = (request.args.get(name) for name in ("user", "gateway", "reference"))
    octets = _body()
    if about and not named:
        named = reading.find_closure(site().register, principal, about).user
    sender = give.find_sender(site().register, acting_user(principal, read_code(named) if named else None))
    user = sender.user
    wanted = NoticeOptions(
        gateway=read_code(chosen) if chosen else None,
        about=about or "",
        allow_long=read_flag("allow_long"),
        dry_run=read_flag("dry_run"),
        all_or_nothing=read_flag("all_or_nothing"),
        asker=principal,
    )
    media_type = request.content_type or ""  # then its first octets say what it is
    notice = Notice(user.code, Channel.API, site().now(), media_type, octets, principal.signature(user.code))

    def prepare() -> Callable[[Register], Response]:
        content = give.read_given(site().register, sender, notice, wanted)

        def record(register: Register) -> Response:
            given = give.take_notice(register, sender, notice, content, wanted)
            refused = given.is_unread or (wanted.all_or_nothing and bool(given.content.problems))
            return app_json(outcome_facts(given.outcome), 422 if refused else 200)

        return record

    return answer_once(user, octets, prepare)


def _body() -> bytes:
    """Return the body; one over the limit is not read to its end. Raise ``NoticeCompressed``."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        raise compressed()
    return request.stream.read(give.LIMITS.octets + 1)


@blueprint.get("/closures", action=Action.READ_CLOSURES)
def list_closures() -> Response:
    """List the closures in a span, as they stand, or with ``as_of`` as they were known then."""
    principal = current_principal()
    question = read_question()
    found = reading.read_schedule(site().register, principal, question)
    names = site().register.history.names
    return paged_answer(schedule_facts(question, found, names, site().now()), "closures", ("starts", "reference"))


@blueprint.get("/closures/<reference>", action=Action.READ_CLOSURES)
def show_closure(reference: str) -> Response:
    """Show one closure as it stands, or with ``as_of`` as it was known then."""
    principal, as_of = current_principal(), read_moment("as_of")
    closure = reading.find_closure(site().register, principal, reference, as_of)
    return read_answer(json_of(closure, reading.read_names(site().register), as_of or site().now()))


@blueprint.get("/closures/<reference>/revisions", action=Action.READ_CLOSURES)
def show_revisions(reference: str) -> Response:
    """Show the whole history of a closure, oldest first, or with ``as_of`` what was known of it then."""
    principal, as_of = current_principal(), read_moment("as_of")
    history = reading.find_history(site().register, principal, reference, as_of)
    closure = history[-1][1]
    own = closure.user in principal.users
    told = [
        revision_facts(revision if own else reading.without_sender_words(revision), after)
        for revision, after in history
    ]
    facts: HistoryJson = {"reference": closure.reference, "revisions": told}
    return read_answer(facts)


@blueprint.get("/closures/<reference>/evidence", action=Action.READ_CLOSURES)
def show_evidence(reference: str) -> Response:
    """Give the signed receipt of a revision with a proof and a checkpoint, to be checked without us."""
    number = read_count("revision", 1, MOST_REVISIONS)
    return read_answer(evidence_of(site().register, current_principal(), reference, number))


@blueprint.delete("/closures/<reference>", action=Action.GIVE_NOTICE)
def withdraw_closure(reference: str) -> Response:
    """Withdraw a closure: a revision like any other."""
    principal = current_principal()
    outcome = withdraw.withdraw_closure(site().register, principal, reference, channel=Channel.API, now=site().now())
    return app_json(outcome_facts(outcome))
