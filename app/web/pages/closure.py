"""One closure: what stands, the story of what was told of it, and the page that withdraws it."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response

from app.domain.access import Action, Principal, require
from app.domain.closure import PlannedClosure, Revision, State
from app.domain.notice import Channel
from app.domain.refusal import AccessRefused, Refusal
from app.domain.told_fact import CLOSES_EARLY, before_last_fact
from app.domain.window import ClosureWindow
from app.register.put_remarks import remarks_of_put
from app.register.questions.clashes_of_closure import company_of
from app.register.reading import find_closure, find_written, history_of, without_sender_words
from app.register.receipts import outcome_facts
from app.register.withdraw import withdraw_closure
from app.store import parties
from app.web.form_once import new_form_id
from app.web.principal import current_principal
from app.web.site import site

blueprint = Blueprint("closure", __name__)

_MOST_CHAPTERS = 200  # of a history, the newest; a program may move a closure thousands of times
_MOST_COMPANY = 20  # closures that are named beside one; a crowded night has a list of its own


@dataclass(frozen=True, slots=True)
class Chapter:
    """One entry of the story: the revision, and the window and gateway before it where it changed them.

    ``has_receipt`` says that a notice of its own brought it, whose receipt can be had again.
    """

    revision: Revision
    has_receipt: bool
    window_before: ClosureWindow | None
    gateway_before: str | None


@blueprint.get("/closures/<reference>", action=Action.READ_CLOSURES)
def show(reference: str) -> Response:
    """Show one closure and its history."""
    return closure_page(reference)


def closure_page(reference: str, doubt: Refusal | None = None, typed: Mapping[str, str] | None = None) -> Response:
    """Return the page of a closure; where what was told of it is doubted, with the question and what was typed."""
    principal = current_principal()
    held, history = find_written(site().register, principal, reference)
    closure, now = held.closure, site().now()
    own = closure.user in principal.users
    story = tell(
        [
            (
                written.revision if own else without_sender_words(written.revision),
                written.notice_id is not None and written.revision.number is not None,
            )
            for written in history
        ]
    )
    page = render_template(
        "closure.html",
        closure=closure,
        story=story[-_MOST_CHAPTERS:],
        earlier=len(story[:-_MOST_CHAPTERS]),
        own_mark=held.mark if own else None,
        put=remarks_of_put(site().register, held) if own else None,
        company=company_of(site().register, principal, closure.reference, closure.window),
        most_company=_MOST_COMPANY,
        sees_everyone=principal.sees_everyone,
        user_name=_user_name(closure.user),
        may_withdraw=_may_give(principal) and _can_be_withdrawn(closure),
        can_be_told=_can_be_told(principal, closure),
        was_told=before_last_fact(history_of(held, history)) is not None,
        doubt=doubt,
        typed=typed or {},
        form_id=new_form_id(),
        now=now,
    )
    return make_response(page, 200 if doubt is None else 409)


@blueprint.get("/closures/<reference>/withdraw", action=Action.GIVE_NOTICE)
def confirm_withdrawal(reference: str) -> Response | str:
    """Ask before withdrawing; nothing is changed here."""
    principal = current_principal()
    closure = find_closure(site().register, principal, reference)
    if not _can_be_withdrawn(closure):
        return redirect(url_for(".show", reference=closure.reference), 303)
    return render_template("withdraw.html", closure=closure, user_name=_user_name(closure.user))


@blueprint.post("/closures/<reference>/withdraw", action=Action.GIVE_NOTICE)
def withdraw(reference: str) -> Response | str:
    """Withdraw the closure and show the receipt. Sent twice, the second time only shows what stands."""
    principal = current_principal()
    register, now = site().register, site().now()
    closure = find_closure(register, principal, reference)
    if not _can_be_withdrawn(closure):
        return redirect(url_for(".show", reference=closure.reference), 303)
    outcome = withdraw_closure(register, principal, closure.reference, channel=Channel.FORM, now=now)
    return render_template(
        "notice/receipt.html",
        outcome=outcome_facts(outcome),
        user=closure.user,
        user_name=_user_name(closure.user),
        file_name=None,
    )


def tell(history: list[tuple[Revision, bool]]) -> list[Chapter]:
    """Return the history, oldest first, each entry (and whether it has a receipt) with what was different before it."""
    story: list[Chapter] = []
    before: Revision | None = None
    for revision, has_receipt in history:
        moved = before is not None and before.window != revision.window
        changed = before is not None and before.gateway != revision.gateway
        story.append(
            Chapter(
                revision,
                has_receipt,
                before.window if before is not None and moved else None,
                before.gateway if before is not None and changed else None,
            )
        )
        if revision.number is not None:
            before = revision
    return story


def _can_be_withdrawn(closure: PlannedClosure) -> bool:
    """Tell whether withdrawing would say anything: what is over or withdrawn stays as it is."""
    return closure.state is State.PLANNED and not closure.has_passed(site().now())


def _can_be_told(principal: Principal, closure: PlannedClosure) -> bool:
    """Tell whether there is something to tell of a closure as it happens, and the principal may."""
    begun = closure.window.starts - CLOSES_EARLY <= site().now()
    return _may_give(principal) and begun and closure.state is not State.WITHDRAWN


def _may_give(principal: Principal) -> bool:
    try:
        require(principal, Action.GIVE_NOTICE)
    except AccessRefused:
        return False
    return True


def _user_name(code: str) -> str:
    store = site().store
    with store.reading() as connection:
        return parties.find_user(store, connection, code).name
