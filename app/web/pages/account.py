"""My account: how I sign in, and where I am signed in."""

from datetime import timedelta

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.domain.access import Action
from app.domain.refusal import Unknown
from app.register.messages.own_settings import OwnSettings, choose_settings, own_settings
from app.register.people import desks
from app.register.people.links import links_of
from app.security.security_log import SecurityAction, security_event
from app.store import identities, sessions
from app.web.browser_session import current_session
from app.web.form_once import new_form_id
from app.web.pages.service.recipient_form import KINDS, WHEN
from app.web.principal import require_account
from app.web.query import QueryRefused
from app.web.signin.set_up import end_other_sessions, proofs_of
from app.web.site import site

blueprint = Blueprint("account", __name__)

_LINKS_SHOWN = timedelta(days=30)


@blueprint.get("/account", action=Action.KEEP_ACCOUNT)
def show() -> Response:
    """Show what the account signs in by, and its sessions."""
    account, store, here = require_account(), site().store, current_session()
    with store.reading() as connection:
        found = sessions.sessions_of(store, connection, account.id, site().now())
        linked = identities.identities_of(store, connection, account.id)
    return make_response(
        render_template(
            "account.html",
            held=proofs_of(account),
            sessions=found,
            here=here.digest if here is not None else b"",
            linked=linked,
            links=links_of(store, account, site().now() - _LINKS_SHOWN),
            links_shown=_LINKS_SHOWN,
            desks=desks.living_desks(store, site().now(), account.id),
            form_id=new_form_id(),
            own=own_settings(store, account),
            kinds=KINDS,
            when=WHEN,
            sends_mail=site().sends_mail,
        )
    )


@blueprint.post("/account/messages", action=Action.CHOOSE_MESSAGES)
def choose_messages() -> AnyResponse:
    """Let the account be told by mail of what it ticked, at the hour that it chose; nothing ticked ends it."""
    account, form = require_account(), request.form
    kinds = frozenset(kind for kind in KINDS if kind.value in form.getlist("kinds"))
    if form.get("when") not in WHEN:
        raise QueryRefused("That is not a time.", "Choose one of the list.")
    choose_settings(site().store, account, OwnSettings(kinds, WHEN[form["when"]]), site().now())
    flash("You are told of what you chose, by e-mail." if kinds else "You get no messages by e-mail.")
    return redirect(url_for("account.show"), 303)


@blueprint.post("/account/sessions/end", action=Action.KEEP_ACCOUNT)
def end_session() -> AnyResponse:
    """End one other session of one's own."""
    account, store, now = require_account(), site().store, site().now()
    wanted = request.form.get("session", "")
    with store.writing() as connection:
        held = {
            session.digest.hex(): session.digest for session in sessions.sessions_of(store, connection, account.id, now)
        }
        if wanted not in held:
            raise Unknown("That session has ended already.")
        sessions.end_session(connection, held[wanted], now)
        security_event(SecurityAction.SESSIONS_ENDED, about=account.id)
    flash("That session is ended.")
    return redirect(url_for("account.show"), 303)


@blueprint.post("/account/sessions/end-others", action=Action.KEEP_ACCOUNT)
def end_others() -> AnyResponse:
    """End every session of one's own but this one."""
    ended = end_other_sessions(require_account())
    flash("There was no other session." if not ended else "Every other session is ended.")
    return redirect(url_for("account.show"), 303)


@blueprint.post("/account/desks/end", action=Action.KEEP_ACCOUNT)
def end_desk() -> AnyResponse:
    """End a desk session of one's own."""
    desks.end_desk(site().store, request.form.get("desk", ""), site().now(), of=require_account())
    flash("That desk session is ended.")
    return redirect(url_for("account.show"), 303)
