"""Calendars that we read ourselves, by page: tried first, then added, read now, removed.

Those of Users are kept under Connect, those for DCC's own dates under Service; a row says what differs between the two.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.domain.access import Principal, Role, acting_user
from app.domain.maintenance import MaintenanceKind
from app.domain.party import read_code
from app.domain.refusal import Refusal
from app.pulling.fetch_failure import words_of
from app.pulling.look import PollReport, poll_source, preview_source, try_source
from app.pulling.source_state import read_state
from app.register.register import Register
from app.register.sources import (
    CLOSURES,
    DCC_DATES,
    LONGEST_MINUTES,
    SHORTEST_MINUTES,
    ListedSource,
    SourceRefused,
    Topic,
    add_source,
    change_agent,
    find_source,
    gateway_of,
    is_mail_address,
    make_source,
    remove_source,
    sources_about,
)
from app.store import parties
from app.store.listing import altered_ids
from app.store.sources import OK, GatewayOf, Source, list_sources
from app.web import form_once
from app.web.pages.choices import visible_in_order
from app.web.principal import current_principal, require_account
from app.web.site import site

connect = Blueprint("connect_sources", __name__)
service = Blueprint("service_sources", __name__)

Offered = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class SourcePages:
    """The pages of one topic. ``list_page`` lists its sources under ``list_title``.

    ``field`` of the form says what is read for, by one of ``choices``: (what is sent, words); ``read`` reads it.
    """

    topic: Topic
    list_page: str
    list_title: str
    new_title: str
    lead: str
    called: str
    field: str
    choices: Callable[[Principal], Offered]
    read: Callable[[Principal, str], GatewayOf | MaintenanceKind]


@connect.get("/connect/sources", action=CLOSURES.action)
def show() -> Response:
    """List the calendars of Users that one may see, each with its last poll, counts and problems."""
    principal = current_principal()
    page = render_template(
        "connect/sources.html",
        sources=listed_with_state(seen_by(principal, CLOSURES)),
        holders=_gateways(principal),
        altered=altered_ids(site().store, list_sources) if principal.role is Role.ADMIN else [],
        words_of=words_of,
        ok=OK,
        now=site().now(),
    )
    return make_response(page)


@connect.get("/connect/sources/new", action=CLOSURES.action)
@service.get("/service/maintenance/sources/new", action=DCC_DATES.action)
def new() -> Response:
    """Ask for the address, what its events are, and how often it is read."""
    return _form(current_principal(), form_once.new_form_id())


@connect.post("/connect/sources", action=CLOSURES.action)
@service.post("/service/maintenance/sources", action=DCC_DATES.action)
def add() -> AnyResponse:
    """Try a source, or add it; which of the two the button says."""
    principal, account, form_id = current_principal(), require_account(), request.form.get("form_id", "")

    def prepare() -> form_once.Work:
        made = _stated(principal)

        def work(register: Register) -> dict[str, object]:
            add_source(register.store, made)
            return {"kind": "source", "id": made.id.hex()}

        return work

    try:
        if request.form.get("do") == "try":
            tried = try_source(site().register, site().outbound, _stated(principal), site().now)
            return _form(principal, form_id, tried=tried)
        form_once.carry_out(account, prepare)
    except Refusal as refusal:
        return _form(principal, form_id, fault=refusal)
    flash(f"The {_pages().called} is added; it is read within a minute.")
    return redirect(url_for(_pages().list_page), 303)


@connect.post("/connect/sources/<source_id>/poll", action=CLOSURES.action)
@service.post("/service/maintenance/sources/<source_id>/poll", action=DCC_DATES.action)
def poll(source_id: str) -> AnyResponse:
    """Read a source now, or only say what that would change; which of the two the button says."""
    found, dry = _find(source_id), request.form.get("do") == "try"
    look = preview_source if dry else poll_source
    report = look(site().register, site().outbound, found.source.id, site().now)
    if report is None:
        flash("It is being read at this moment; look again shortly.")
        return redirect(url_for(_pages().list_page), 303)
    shown = {"report": report, "one": found, "dry": dry, "about": _pages(), "ok": OK, "words_of": words_of}
    page: Response = make_response(render_template("connect/polled.html", **shown))
    return page


@connect.post("/connect/sources/<source_id>/remove", action=CLOSURES.action)
@service.post("/service/maintenance/sources/<source_id>/remove", action=DCC_DATES.action)
def remove(source_id: str) -> AnyResponse:
    """Forget a source with its credentials; what came of it stays."""
    remove_source(site().store, _find(source_id).source.id)
    flash(f"The {_pages().called} is read no more. {_pages().topic.what_stays}")
    return redirect(url_for(_pages().list_page), 303)


@connect.post("/connect/sources/<source_id>/agent", action=CLOSURES.action)
@service.post("/service/maintenance/sources/<source_id>/agent", action=DCC_DATES.action)
def agent(source_id: str) -> AnyResponse:
    """Have a source asked as another program from now on, where its publisher knows no other."""
    change_agent(site().store, _find(source_id), request.form.get("agent", ""))
    flash(f"The {_pages().called} is asked so from now on.")
    return redirect(url_for(_pages().list_page), 303)


def seen_by(principal: Principal, topic: Topic) -> list[ListedSource]:
    """Return the sources of a topic that one may see: of Users' calendars one's own, to an admin all."""
    found = sources_about(site().store, topic)
    return [held for held in found if held.user in (None, *principal.users) or principal.role is Role.ADMIN]


def listed_with_state(found: Sequence[ListedSource]) -> list[tuple[ListedSource, object]]:
    """Return each source with what its last look left behind, for a list."""
    return [(held, read_state(held.standing.state)) for held in found]


def _find(source_id: str) -> ListedSource:
    """Return a source that one may see and whose topic the route is about; any other is not there."""
    return find_source(seen_by(current_principal(), _pages().topic), source_id)


def _stated(principal: Principal) -> Source:
    """Return the source that the form states, checked, and kept nowhere yet. Raise a ``Refusal``."""
    form, pages = request.form, _pages()
    topic = pages.read(principal, form.get(pages.field, ""))
    minutes = form.get("minutes", "")
    if not (minutes.isascii() and minutes.isdigit()):
        raise SourceRefused("The minutes are not a whole number.", "Give a whole number.")
    url = form.get("url", "").strip()
    if not is_mail_address(url):
        site().outbound.check(url)
    return make_source(
        topic,
        url=url,
        username=form.get("username", ""),
        password=form.get("calendar_password", ""),
        word=form.get("word", ""),
        category=form.get("category", ""),
        every_minutes=int(minutes[:6]),
        now=site().now(),
        agent=form.get("agent", ""),
    )


def _form(
    principal: Principal, form_id: str, fault: Refusal | None = None, tried: PollReport | None = None
) -> Response:
    page = render_template(
        "connect/new_source.html",
        about=_pages(),
        choices=_pages().choices(principal),
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


def _gateways(principal: Principal) -> Offered:
    """Return the gateways that events may close: (User and gateway as the form sends them, words)."""
    store = site().store
    with store.reading() as connection:
        users = visible_in_order(principal, parties.read_parties(store, connection))
        return [
            (f"{user.code} {gateway.code}", f"{gateway.code} of {user.code} · {user.name}")
            for user in users
            for gateway in parties.gateways_of(store, connection, user.id)
        ]


def _read_gateway(principal: Principal, text: str) -> GatewayOf:
    holder, _, gateway = text.partition(" ")
    return gateway_of(site().store, acting_user(principal, read_code(holder)), gateway)


def _read_kind(_: Principal, text: str) -> MaintenanceKind:
    try:
        return MaintenanceKind(text)
    except ValueError as problem:
        raise SourceRefused("It is not said what the calendar holds.", "Choose maintenance or releases.") from problem


_KINDS = ((MaintenanceKind.MAINTENANCE.value, "planned maintenance"), (MaintenanceKind.RELEASE.value, "SEC Releases"))
_PAGES = {
    connect.name: SourcePages(
        topic=CLOSURES,
        list_page="connect_sources.show",
        list_title="Linked calendars",
        new_title="Add a calendar",
        lead="",
        called="calendar",
        field="gateway",
        choices=_gateways,
        read=_read_gateway,
    ),
    service.name: SourcePages(
        topic=DCC_DATES,
        list_page="service_maintenance.show",
        list_title="DCC's own dates",
        new_title="Add an address of DCC's dates",
        lead="What stands in that calendar is taken like an imported file, again and again: what is new is added, what "
        "moves is moved, and what is gone from it is withdrawn.",
        called="address",
        field="kind",
        choices=lambda _: _KINDS,
        read=_read_kind,
    ),
}


def _pages() -> SourcePages:
    """Return the pages that the route is one of."""
    return _PAGES[request.blueprint or ""]
