"""Feeds: make one for a calendar program, see who fetched it when, put a new one in its place, end it."""

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.domain import access
from app.domain.access import Action, Principal, Role
from app.domain.refusal import Refusal, Unknown
from app.publishing import Publication
from app.register.people import enrolment
from app.register.people.enrolment import MadeSubscription, ScopeRefused
from app.register.register import Register
from app.store import accounts, parties, subscriptions
from app.store.accounts import Account
from app.store.engine import Head, read_head
from app.store.listing import altered_ids
from app.store.subscriptions import FeedRead, Subscription
from app.web import form_once
from app.web.feeds.addresses import scope_of
from app.web.pages.choices import visible_in_order
from app.web.principal import current_principal, require_account
from app.web.site import site
from feeds.scope import HELP, SCOPES, Code, scope_words

blueprint = Blueprint("connect_subscriptions", __name__)

_MOST_DAYS = 3650
_READS_SHOWN = 20
_DEFAULTS = {"past_days": "30", "horizon_days": "548"}


@dataclass(frozen=True, slots=True)
class Listed:
    """A feed as its page shows it: its latest fetch, whether that copy has the latest, and whose it is."""

    held: Subscription
    live: bool
    last_read: FeedRead | None
    is_current: bool
    owner: str


@blueprint.get("/subscriptions", action=Action.SUBSCRIBE)
def show_all() -> Response:
    """List the feeds of one's own; to an admin, everybody's."""
    account = require_account()
    found = _listed(account)
    return make_response(
        render_template("connect/subscriptions.html", live=[listed for listed in found if listed.live],
                        ended=[listed for listed in found if not listed.live], altered=_altered(account),
                        now=site().now())
    )  # fmt: skip


@blueprint.get("/subscriptions/new", action=Action.SUBSCRIBE)
def new() -> Response:
    """Ask what the feed is about and for which program it is."""
    principal = current_principal()
    return _form(principal, dict(request.args), form_once.new_form_id())


@blueprint.post("/subscriptions", action=Action.SUBSCRIBE)
def make() -> AnyResponse:
    """Make the feed; its token is shown once."""
    principal, account = current_principal(), require_account()
    form = request.form

    def prepare() -> form_once.Work:
        scope = form.get("scope", "")
        if scope not in dict(_scopes(principal)):
            raise ScopeRefused("That feed is not on offer.", "Choose one of the list.")

        def work(register: Register) -> dict[str, object]:
            made = enrolment.add_subscription(
                register.store,
                scope_text=scope,
                label=form.get("label", ""),
                secret_url=form.get("secret_url") == "yes" and _may_secret(principal),
                past_days=_days("past_days", 0),
                horizon_days=_days("horizon_days", 1),
                now=site().now(),
                account_id=account.id,
            )
            return _answer(made)

        return work

    try:
        form_id = form_once.carry_out(account, prepare)
    except Refusal as refusal:
        return _form(principal, form.to_dict(), form.get("form_id", ""), refusal)
    return redirect(url_for("form_once.show", form_id=form_id), 303)


@blueprint.get("/subscriptions/<subscription_id>", action=Action.SUBSCRIBE)
def show(subscription_id: str) -> Response:
    """Show one feed: what it is about, its read log, and how to replace or end it."""
    found = _find(require_account(), subscription_id)
    with site().store.reading() as connection:
        reads = subscriptions.last_reads(connection, subscription_id, _READS_SHOWN)
    return make_response(
        render_template("connect/subscription.html", one=found, reads=reads, form_id=form_once.new_form_id(),
                        now=site().now(), overlap=enrolment.ROTATION_OVERLAP, base_url=site().base_url)
    )  # fmt: skip


@blueprint.post("/subscriptions/<subscription_id>/rotate", action=Action.SUBSCRIBE)
def rotate(subscription_id: str) -> AnyResponse:
    """Make a new feed in place of one, which goes on for a week meanwhile."""
    account = require_account()
    held = _find(account, subscription_id).held

    def work(register: Register) -> dict[str, object]:
        return _answer(enrolment.rotate_subscription(register.store, held, site().now()))

    form_id = form_once.carry_out(account, lambda: work)
    return redirect(url_for("form_once.show", form_id=form_id), 303)


@blueprint.post("/subscriptions/<subscription_id>/secret-address", action=Action.SWITCH_ON_SECRET_URL)
def switch_on_secret_url(subscription_id: str) -> AnyResponse:
    """Give a feed a secret address, in place of one that it had."""
    account = require_account()
    held = _find(account, subscription_id).held

    def work(register: Register) -> dict[str, object]:
        secret = enrolment.switch_on_secret_url(register.store, held, site().now())
        return _answer(MadeSubscription(held, "", secret))

    return redirect(url_for("form_once.show", form_id=form_once.carry_out(account, lambda: work)), 303)


@blueprint.post("/subscriptions/<subscription_id>/revoke", action=Action.SUBSCRIBE)
def revoke(subscription_id: str) -> AnyResponse:
    """End a feed at once."""
    account = require_account()
    if subscription_id in _altered(account):
        enrolment.revoke_subscription(site().store, subscription_id, site().now())
        flash("The feed that was altered is ended.")
        return redirect(url_for("connect_subscriptions.show_all"), 303)
    found = _find(account, subscription_id)
    if found.held.revoked_at is None:
        enrolment.revoke_subscription(site().store, found.held.id, site().now())
    flash(f"The feed “{found.held.label}” is ended.")
    return redirect(url_for("connect_subscriptions.show_all"), 303)


def _altered(account: Account) -> list[str]:
    """Return the feeds that cannot be read; whose they are cannot be told, so that admins see them alone."""
    return altered_ids(site().store, subscriptions.list_subscriptions) if account.role is Role.ADMIN else []


def _listed(account: Account) -> list[Listed]:
    store, now = site().store, site().now()
    found = enrolment.list_subscriptions(store)
    mine = [
        subscription
        for subscription in found
        if account.role is Role.ADMIN or subscription.subscription.account_id == account.id
    ]
    with store.reading() as connection:
        head = read_head(connection)
        owners = {entry.id: entry.email for entry in accounts.list_accounts(store, connection).whole} if mine else {}
    return [
        Listed(
            subscription.subscription,
            subscription.subscription.is_live(now),
            subscription.last_read,
            subscription.last_read is not None
            and subscription.subscription.is_live(now)
            and subscription.last_read.read_at >= _publication(subscription.subscription, head, now).changed_at,
            owners.get(subscription.subscription.account_id or b"", ""),
        )
        for subscription in reversed(mine)
    ]


def _find(account: Account, subscription_id: str) -> Listed:
    """Return a feed of one's own; another's answers as if it were not there."""
    for listed in _listed(account):
        if listed.held.id == subscription_id:
            return listed
    raise Unknown("There is no such feed.", "Look at the list of your feeds.")


def _publication(held: Subscription, head: Head, now: datetime) -> Publication:
    return site().publishing.feed(scope_of(held), head, now)


def _scopes(principal: Principal) -> list[tuple[str, str]]:
    """Return the scopes on offer, with their words: to a User its own closures, to the others everything."""
    store = site().store
    with store.reading() as connection:
        everyone = parties.read_parties(store, connection)
    codes = {
        Code.NOTHING: [""],
        Code.USER: [f":{user.code}" for user in visible_in_order(principal, everyone)],
        Code.GATEWAY: [f":{code}" for code in sorted(everyone.gateways)],
    }
    offered = codes if principal.sees_everyone else (Code.USER,)
    found = [
        f"{kind}{code}" for each in offered for kind, row in SCOPES.items() if row.code is each for code in codes[each]
    ]
    return [(text, scope_words(text)) for text in found]


def _form(principal: Principal, stated: dict[str, str], form_id: str, fault: Refusal | None = None) -> Response:
    scopes = _scopes(principal)
    kinds = {text.partition(":")[0] for text, _ in scopes}
    page = render_template(
        "connect/new_subscription.html",
        scopes=scopes,
        explained=[(SCOPES[kind], words) for kind, words in HELP.items() if kind.value in kinds],
        stated=_DEFAULTS | stated,
        may_secret=_may_secret(principal),
        form_id=form_id,
        fault=fault,
        most_days=_MOST_DAYS,
    )
    return make_response(page, 422 if fault else 200)


def _may_secret(principal: Principal) -> bool:
    return access.may(principal.role, Action.SWITCH_ON_SECRET_URL)


def _days(name: str, least: int) -> int:
    stated = request.form.get(name, "").strip()
    if not (stated.isascii() and stated.isdigit() and least <= int(stated[:6]) <= _MOST_DAYS):
        raise ScopeRefused("That is not a number of days.", f"Give {least} to {_MOST_DAYS}.")
    return int(stated)


def _answer(made: MadeSubscription) -> dict[str, object]:
    one = made.subscription
    return {
        "kind": "feed",
        "id": one.id,
        "label": one.label,
        "scope": one.scope,
        "token": made.token,
        "secret_token": made.secret_token or "",
        "expires": one.expires_at.isoformat(),
    }
