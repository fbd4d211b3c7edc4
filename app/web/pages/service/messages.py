"""Service, messages: who is told what, and by what; what waits, what failed and why; send it again."""

from collections.abc import Collection
from datetime import timedelta

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.domain.access import Action
from app.domain.notification import FOR_THE_SENDER, Kind
from app.domain.refusal import Refusal
from app.register.messages import recipients
from app.register.messages.outbox import resend_message
from app.register.messages.recipients import MOST_SHOWN, ListedMessage, ListedRecipient
from app.register.messages.silences import list_bridges, wanted_silences
from app.register.people import enrolment
from app.register.register import Register
from app.store import mails
from app.store.listing import altered_ids
from app.store.mails import KeptMail
from app.store.outbox import MessageState
from app.store.recipients import Carrier, list_recipients
from app.web import form_once
from app.web.pages.notice.closure_form import Typed
from app.web.pages.service.recipient_form import (
    BLANK,
    CARRIERS,
    FIELDS,
    FOR_DCC,
    KINDS,
    WHEN,
    fields_of,
    read_change,
    read_recipient,
    when_words,
)
from app.web.principal import require_account
from app.web.site import site

blueprint = Blueprint("service_messages", __name__)

_OVERDUE = timedelta(minutes=2)  # the scheduler looks every second or two
_AGAIN = {
    MessageState.WAITING: "The message waits for its next attempt, within seconds if the scheduler runs.",
    MessageState.DEAD: "The message has failed again already.",
    MessageState.SENT: "Nothing to do: the message is sent.",
    MessageState.DROPPED: "Nothing to do: nothing that the message was to tell holds any more.",
}


@blueprint.get("/service/messages", action=Action.KEEP_MESSAGES)
def show() -> Response:
    """List the recipients, and what waits or has failed; with ``sent``, what was sent as well."""
    store, now = site().store, site().now()
    everyone, sent = recipients.list_recipients(store), request.args.get("sent") == "yes"
    settled = (MessageState.SENT, MessageState.DROPPED)
    dead = recipients.list_messages(store, [MessageState.DEAD])
    page = render_template(
        "service/messages.html",
        recipients=everyone,
        altered=altered_ids(store, list_recipients),
        bridges={one.recipient.id: one for one in list_bridges(store)},
        silenced=lambda one: len(wanted_silences(site().register, one, now)),
        no_mail_server=not site().sends_mail and any(recipient.recipient.carrier.is_mail for recipient in everyone),
        when_words=when_words,
        kind_words=_kind_words,
        dead=dead,
        failed=len([message for message in dead if _may_go(message)]),
        may_go=_may_go,
        waiting=recipients.list_messages(store, [MessageState.WAITING]),
        gatherings=recipients.list_gatherings(store),
        put_aside=_put_aside(),
        settled=recipients.list_messages(store, settled) if sent else None,
        most=MOST_SHOWN,
        overdue=now - _OVERDUE,
        now=now,
        form_id=form_once.new_form_id,
    )
    return make_response(page)


@blueprint.get("/service/messages/recipients/new", action=Action.KEEP_MESSAGES)
def new() -> Response:
    """Ask whom to tell what, and where to."""
    return _new_form(Typed(BLANK), FOR_DCC, form_once.new_form_id())


@blueprint.post("/service/messages/recipients/new", action=Action.KEEP_MESSAGES)
def add() -> AnyResponse:
    """Let a recipient in; a webhook's secret is shown once."""
    store, typed, chosen = site().store, _typed(), request.form.getlist("kinds")
    wanted = read_recipient(typed, chosen, site().outbound, [user.code for user in enrolment.list_users(store)])
    form_id = request.form.get("form_id", "")
    if wanted is None:
        return _new_form(typed, chosen, form_id)

    def work(register: Register) -> dict[str, object]:
        made = recipients.add_recipient(
            register.store,
            label=wanted.label,
            carrier=wanted.carrier,
            address=wanted.address,
            kinds=wanted.kinds,
            digest_hour=wanted.digest_hour,
            user_code=wanted.user_code,
            now=site().now(),
            silencing=wanted.silencing,
        ).recipient
        return {"kind": made.carrier.value, "label": made.label, "address": made.address, "secret": made.secret}

    try:
        form_id = form_once.carry_out(require_account(), lambda: work)
    except Refusal as refusal:
        typed.faults[""] = f"{refusal.text} {refusal.remedy}".strip()
        return _new_form(typed, chosen, form_id)
    if wanted.carrier is Carrier.WEBHOOK:
        return redirect(url_for("form_once.show", form_id=form_id), 303)
    flash(f"{wanted.address} is told from now on.")
    return redirect(url_for("service_messages.show"), 303)


@blueprint.get("/service/messages/recipients/<recipient_id>", action=Action.KEEP_MESSAGES)
def show_recipient(recipient_id: str) -> Response:
    """Show one recipient, in the form that changes it."""
    one = recipients.find_recipient(site().store, recipient_id)
    return _recipient_page(one, fields_of(one), one.recipient.kinds)


@blueprint.post("/service/messages/recipients/<recipient_id>", action=Action.KEEP_MESSAGES)
def change(recipient_id: str) -> AnyResponse:
    """Change what a recipient is told, when and where; sent twice, it leaves the same."""
    one, typed, chosen = recipients.find_recipient(site().store, recipient_id), _typed(), request.form.getlist("kinds")
    wanted = read_change(typed, chosen, site().outbound, one)
    if wanted is None:
        return _recipient_page(one, typed, chosen)
    try:
        recipients.change_recipient(
            site().store,
            one.recipient.id,
            label=wanted.label,
            address=wanted.address,
            kinds=wanted.kinds,
            digest_hour=wanted.digest_hour,
            now=site().now(),
            silencing=wanted.silencing,
        )
    except Refusal as refusal:
        typed.faults[""] = f"{refusal.text} {refusal.remedy}".strip()
        return _recipient_page(one, typed, chosen)
    flash(f"{wanted.address} is told as you chose from now on.")
    return redirect(url_for("service_messages.show"), 303)


@blueprint.post("/service/messages/recipients/<recipient_id>/remove", action=Action.KEEP_MESSAGES)
def remove(recipient_id: str) -> AnyResponse:
    """Tell a recipient nothing more."""

    def work(register: Register) -> dict[str, object]:
        recipients.remove_recipient(register.store, recipient_id, site().now())
        return {"kind": "removed recipient"}

    form_once.carry_out(require_account(), lambda: work)
    flash("The recipient is told nothing more; what waited for it is not sent.")
    return redirect(url_for("service_messages.show"), 303)


@blueprint.post("/service/messages/outbox/<message_id>/resend", action=Action.KEEP_MESSAGES)
def resend(message_id: str) -> AnyResponse:
    """Try a failed message again from the start, under the same id; pressed twice, it waits once."""
    found = resend_message(site().register, message_id, site().now())
    flash(_AGAIN[found.state])
    return redirect(url_for("service_messages.show") + "#outbox", 303)


def _may_go(one: ListedMessage) -> bool:
    """Tell whether a message has a recipient yet."""
    return one.recipient is not None and one.recipient.removed_at is None


def _typed() -> Typed:
    return Typed({name: request.form[name] for name in FIELDS if name in request.form})


def _kind_words(one: ListedRecipient) -> str:
    """Say what a recipient is told: ``everything``, or its kinds by name."""
    kinds = one.recipient.kinds
    if kinds == recipients.every_kind(one.recipient.carrier, for_a_user=bool(one.user)):
        return "everything"
    return ", ".join(kind for kind in Kind if kind in kinds)


def _new_form(typed: Typed, chosen: Collection[str], form_id: str) -> Response:
    page = render_template(
        "service/new_recipient.html",
        users=enrolment.list_users(site().store),
        carriers=CARRIERS,
        sends_mail=site().sends_mail,
        form_id=form_id,
        **_fields(typed, chosen),
    )
    return make_response(page, 422 if typed.faults else 200)


def _put_aside() -> list[KeptMail]:
    with site().store.reading() as connection:
        return mails.list_put_aside(site().store, connection, MOST_SHOWN)


def _recipient_page(one: ListedRecipient, typed: Typed, chosen: Collection[str]) -> Response:
    page = render_template("service/recipient.html", one=one, form_id=form_once.new_form_id(), **_fields(typed, chosen))
    return make_response(page, 422 if typed.faults else 200)


def _fields(typed: Typed, chosen: Collection[str]) -> dict[str, object]:
    return {"typed": typed, "chosen": chosen, "kinds": KINDS, "for_a_user": FOR_THE_SENDER, "when": WHEN}
