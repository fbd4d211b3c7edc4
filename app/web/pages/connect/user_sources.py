"""Connect, sources: calendars of a User that we read ourselves; tried first, then added, polled, removed."""

import functools

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.domain.access import Action, Principal, Role, acting_user
from app.domain.party import read_code
from app.domain.refusal import Refusal
from app.pulling.fetch_failure import words_of
from app.pulling.look import PollReport
from app.pulling.source_state import read_state
from app.register.sources import (
    LONGEST_MINUTES,
    SHORTEST_MINUTES,
    ListedSource,
    find_source,
    gateway_of,
    list_users_sources,
    remove_source,
)
from app.store import parties
from app.store.sources import OK, Source
from app.web import form_once
from app.web.pages.choices import visible_in_order
from app.web.pages.connect.source_pages import look_at_source, stated_source, try_or_add
from app.web.principal import current_principal
from app.web.site import site

blueprint = Blueprint("connect_user_sources", __name__)


@blueprint.get("/connect/sources", action=Action.KEEP_SOURCES)
def show() -> Response:
    """List the sources that one may see, each with its last poll, counts and problems."""
    principal = current_principal()
    page = render_template(
        "connect/own_calendars.html",
        sources=[(one, read_state(one.standing.state)) for one in _seen(principal)],
        holders=_holders(principal),
        words_of=words_of,
        ok=OK,
        now=site().now(),
    )
    return make_response(page)


@blueprint.get("/connect/sources/new", action=Action.KEEP_SOURCES)
def new() -> Response:
    """Ask for the address, the gateway that its events close, and how often it is read."""
    return _form(current_principal(), form_once.new_form_id())


@blueprint.post("/connect/sources", action=Action.KEEP_SOURCES)
def add() -> AnyResponse:
    """Try a source, or add it; which of the two the button says."""
    principal = current_principal()
    form = functools.partial(_form, principal)
    back = url_for("connect_user_sources.show")
    return try_or_add(lambda: _stated(principal), form, back, "The calendar is added; it is read within a minute.")


@blueprint.post("/connect/sources/<source_id>/poll", action=Action.KEEP_SOURCES)
def poll(source_id: str) -> AnyResponse:
    """Read a source now, or only say what that would change; which of the two the button says."""
    found = _find(current_principal(), source_id)
    return look_at_source(found, url_for("connect_user_sources.show"), "Calendars that we read")


@blueprint.post("/connect/sources/<source_id>/remove", action=Action.KEEP_SOURCES)
def remove(source_id: str) -> AnyResponse:
    """Forget a source with its credentials; what it announced stays."""
    found = _find(current_principal(), source_id)
    remove_source(site().store, found)
    flash("The calendar is read no more. The closures that it announced stay as they are.")
    return redirect(url_for("connect_user_sources.show"), 303)


def _stated(principal: Principal) -> Source:
    """Return the source that the form states, checked, and kept nowhere yet."""
    holder, _, gateway = request.form.get("gateway", "").partition(" ")
    return stated_source(gateway_of(site().store, acting_user(principal, read_code(holder)), gateway))


def _form(
    principal: Principal, form_id: str, fault: Refusal | None = None, tried: PollReport | None = None
) -> Response:
    page = render_template(
        "connect/new_own_calendar.html",
        holders=_holders(principal),
        stated=request.form,
        shortest=SHORTEST_MINUTES,
        longest=LONGEST_MINUTES,
        form_id=form_id,
        fault=fault,
        report=tried,
        ok=OK,
        words_of=words_of,
    )
    return make_response(page, 422 if fault else 200)


def _holders(principal: Principal) -> list[tuple[str, str]]:
    """Return the gateways that events may close: (User and gateway as the form sends them, words)."""
    store = site().store
    with store.reading() as connection:
        users = visible_in_order(principal, parties.read_parties(store, connection))
        return [
            (f"{user.code} {gateway.code}", f"{gateway.code} of {user.code} · {user.name}")
            for user in users
            for gateway in parties.gateways_of(store, connection, user.id)
        ]


def _seen(principal: Principal) -> list[ListedSource]:
    found = list_users_sources(site().store)
    return [one for one in found if principal.role is Role.ADMIN or one.user in principal.users]


def _find(principal: Principal, source_id: str) -> ListedSource:
    """Return a source that one may see; any other is not there."""
    return find_source(_seen(principal), source_id)
