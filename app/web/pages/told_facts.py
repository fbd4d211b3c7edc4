"""Telling of a closure as it happens, by one press: closed, re-opened, still closed; and taking the last of it back."""

from collections.abc import Mapping

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from app.domain.access import Action
from app.domain.fact import FactDoubted, FactKind, ToldFact
from app.domain.london import read_instant
from app.domain.notice import Channel
from app.domain.refusal import Refusal
from app.register.register import Register
from app.register.tell_fact import tell_fact
from app.web import form_once
from app.web.pages.closure import closure_page
from app.web.principal import current_principal, require_account
from app.web.site import site

blueprint = Blueprint("told_facts", __name__)

_TOLD = {
    FactKind.CLOSED: "It is told closed. If nothing is heard when it was to re-open, DCC sees it over time.",
    FactKind.REOPENED: "It is told re-opened.",
    FactKind.STILL_CLOSED: "It is told still closed.",
    FactKind.TAKEN_BACK: "What was told last is taken back.",
}


class NotChosen(Refusal):
    """A press that tells nothing that can be told."""

    code = "fact-unreadable"


@blueprint.post("/closures/<reference>/facts", action=Action.GIVE_NOTICE)
def tell(reference: str) -> Response:
    """Record what is told, once however often the button is pressed; what is doubted comes back with what was typed."""
    principal, now = current_principal(), site().now()

    def prepare() -> form_once.Work:
        told = _told(request.form.get("told", ""), request.form.get("at", "").strip())

        def work(register: Register) -> Mapping[str, object]:
            tell_fact(register, principal, reference, told, channel=Channel.FORM, now=now)
            return {"kind": "fact", "told": told.kind.value}

        return work

    try:
        form_id = form_once.carry_out(require_account(), prepare)
    except (FactDoubted, NotChosen) as doubt:
        return closure_page(reference, doubt, request.form)
    answer = form_once.answer_of(form_id)
    if answer is not None:
        flash(_TOLD[FactKind(answer["told"])])
    return redirect(url_for("closure.show", reference=reference), 303)


def _told(kind: str, at: str) -> ToldFact:
    """Read a press. Raise ``NotChosen``; a time that is none is asked for again in the same words."""
    if kind not in set(FactKind):
        raise NotChosen("Nothing was chosen.", "Press one of the buttons.")
    chosen = FactKind(kind)
    if chosen is FactKind.TAKEN_BACK:
        return ToldFact(chosen)
    if not at:
        if chosen is FactKind.STILL_CLOSED:
            raise NotChosen("Until when is not said.", "Give the time at about which it re-opens.")
        return ToldFact(chosen, site().now())
    try:
        return ToldFact(chosen, read_instant(at)[0])
    except Refusal as unread:
        raise NotChosen("That is not a time.", "Write it as 2026-12-06T02:03; it is London time.") from unread
