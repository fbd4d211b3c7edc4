"""A form takes effect once: its second sending leads where the first one led, and what that shows is shown once.

Each page with such a form puts a random id into it. That it was sent, what it asked for and what there is to show of it
are written in one transaction: whatever ends the work ends all of it, and the form is as if it had never been sent.

A token that a form makes stays on its page, for its sender alone, until it is put away or ten minutes have passed:
going back and forth loses nothing, and nothing stays lying about.
"""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, json, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.domain.access import Action
from app.domain.refusal import Refusal, Unknown
from app.register.register import Register
from app.security.tokens import new_row_id
from app.store import sent_forms
from app.store.accounts import Account
from app.web.clients import CLIENTS, feed_addresses
from app.web.principal import require_account
from app.web.site import site

blueprint = Blueprint("form_once", __name__)

# What a form made, the page that shows it, and where its reader goes from there.
_PAGES = {
    "feed": ("shown/feed.html", "connect_subscriptions.show_all"),
    "app password": ("shown/app_password.html", "connect_app_passwords.show"),
    "webhook": ("shown/webhook_secret.html", "service_messages.show"),
    "link": ("shown/link.html", "service_accounts.show_all"),
    "mailed": ("shown/mailed.html", "service_accounts.show_all"),
    "recovery": ("shown/recovery_codes.html", "account.show"),
}
_ID_OCTETS = 16

Work = Callable[[Register], Mapping[str, object]]
"""What a form asks for, all of it by the register that it is given; it returns what there is to show, once."""


def new_form_id() -> str:
    """Return an id for a form that is about to be shown."""
    return new_row_id().hex()


def carry_out(account: Account, prepare: Callable[[], Work]) -> str:
    """Do what the form asks for on its first sending; return its id. Of two that come at once, the second waits.

    ``prepare`` runs before the transaction, and on a first sending alone: it reads files, checks passwords and asks the
    network. The work that it returns writes, while nobody else can. Any exception leaves the form unsent.
    """
    register, now = site().register, site().now()
    form_id = _read_id(request.form.get("form_id", ""))
    if _took_effect(form_id):
        return form_id.hex()
    try:
        work = prepare()
    except Refusal:
        if _took_effect(form_id):  # its twin did meanwhile, and used up what this one was to read
            return form_id.hex()
        raise
    with register.store.writing() as connection:
        register.lock(connection)
        if not sent_forms.took_effect(connection, form_id):
            inside = register.within(connection)
            answer = json.dumps(work(inside)).encode()
            sent_forms.keep_form(inside.store, connection, form_id=form_id, account_id=account.id, body=answer, now=now)
    return form_id.hex()


@blueprint.get("/shown-once/<form_id>", action=Action.KEEP_ACCOUNT)
def show(form_id: str) -> Response:
    """Show what a form made, to its sender."""
    answer = answer_of(form_id)
    if answer is None or answer["kind"] not in _PAGES:
        return make_response(render_template("shown/no_more.html"), 410)
    template, _ = _PAGES[answer["kind"]]
    addresses = feed_addresses(site().base_url, answer) if answer["kind"] == "feed" else None
    return make_response(render_template(template, shown=answer, form_id=form_id, clients=CLIENTS, addresses=addresses))


@blueprint.post("/shown-once/<form_id>", action=Action.KEEP_ACCOUNT)
def put_away(form_id: str) -> Response:
    """Forget it for good: its reader has it."""
    answer = answer_of(form_id)
    with site().store.writing() as connection:
        sent_forms.forget_answers(connection, require_account().id, _read_id(form_id))
    _, following = _PAGES.get(answer["kind"] if answer else "", ("", "now_page.show"))
    return redirect(url_for(following), 303)


def answer_of(form_id: str) -> dict[str, Any] | None:
    """Return what a form made, to its sender; None where that was put away or is too old."""
    store = site().store
    with store.reading() as connection:
        body = sent_forms.read_answer(store, connection, _read_id(form_id), require_account().id, site().now())
    if body is None:
        return None
    found: dict[str, Any] = json.loads(body)
    return found


def _took_effect(form_id: bytes) -> bool:
    with site().store.reading() as connection:
        return sent_forms.took_effect(connection, form_id)


def _read_id(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != _ID_OCTETS:
        raise Unknown("There is no such form.", "Open its page again.")
    return found
