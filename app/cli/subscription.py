"""``closures subscription``: who may fetch which feed, and when each last did."""

from datetime import datetime

import click

from app.cli.opening import opened
from app.cli.output import altered_lines, examples, json_option, say, table
from app.cli.token import state_of
from app.domain.london import utc_text
from app.factory import utc_now
from app.register.people import enrolment
from app.register.people.enrolment import ReadSubscription
from app.store.listing import altered_ids
from app.store.subscriptions import list_subscriptions
from feeds.scope import CHOICES, SCOPES, written

_MOST_DAYS = 3650


@click.group()
def subscription() -> None:
    """Make, list and revoke subscriptions to feeds."""


@subscription.command(
    epilog=examples(
        "closures subscription add --scope all --label 'DCC planning, Outlook'",
        "closures subscription add --scope gateway:GW-1 --label monitoring --past-days 1",
        "closures subscription add --scope late --label 'Outlook on the web' --secret-url",
    )
    + "\n\n\b\nScopes:\n"
    + "\n".join(f"  {written(kind):<14}{row.words.format('CODE')}" for kind, row in SCOPES.items())
)
@click.option(
    "--scope",
    required=True,
    metavar="S",
    help=f"{CHOICES} Below is what each is about.",
)
@click.option("--label", required=True, help="Which person and program it is for.")
@click.option(
    "--secret-url", is_flag=True, help="Make an address that is itself the secret, for clients that need one."
)
@click.option("--past-days", type=click.IntRange(0, _MOST_DAYS), default=30, show_default=True, help="How far back.")
@click.option(
    "--horizon-days", type=click.IntRange(1, _MOST_DAYS), default=548, show_default=True, help="How far ahead."
)
@json_option
def add(scope: str, label: str, secret_url: bool, past_days: int, horizon_days: int) -> None:
    """Make a subscription; its token is shown this once, and works for 400 days.

    A secret URL is for clients that can send no password (Outlook on the web, Google). Whoever knows it reads the feed,
    and a third party keeps a copy of the data: use it only where nothing else works.
    """
    with opened() as service:
        made = enrolment.add_subscription(
            service.store,
            scope_text=scope,
            label=label,
            secret_url=secret_url,
            past_days=past_days,
            horizon_days=horizon_days,
            now=utc_now(),
        )
    base, one = service.settings.base_url, made.subscription
    url = f"{base}/feeds/{one.id}.ics"
    secret = None if made.secret_token is None else f"{base}/feeds/s/{made.secret_token}/closures.ics"
    expires = utc_text(one.expires_at)
    sentences = [
        f"Address:   {url}",
        f"User name: {one.id}",
        f"Password:  {made.token}",
        f"The password is shown this once and works until {expires}.",
    ]
    if secret is not None:
        sentences.append(f"Secret address, the whole secret by itself: {secret}")
    facts = {"id": one.id, "url": url, "username": one.id, "token": made.token, "secret_url": secret}
    say({**facts, "scope": one.scope, "expires": expires}, *sentences)


@subscription.command("list", epilog=examples("closures subscription list --json"))
@json_option
def list_() -> None:
    """List the subscriptions, oldest first, with their latest fetch: when, by what, 200 (new) or 304 (unchanged)."""
    now = utc_now()
    with opened() as service:
        found = enrolment.list_subscriptions(service.store)
        altered = altered_ids(service.store, list_subscriptions)
    headings = ("id", "scope", "label", "state", "expires", "last read", "client", "answer")
    say(
        {"subscriptions": [_facts(entry, now) for entry in found], "altered": altered},
        *table(headings, [_row(entry, now) for entry in found], empty="There are no subscriptions yet."),
        *altered_lines("subscription", altered, "closures subscription revoke"),
    )


@subscription.command(epilog=examples("closures subscription revoke 0c4x8h2m6q1s5w9z"))
@click.argument("subscription_id", metavar="ID")
@json_option
def revoke(subscription_id: str) -> None:
    """End the subscription ID at once: its password opens nothing, its secret URL answers 410."""
    with opened() as service:
        enrolment.revoke_subscription(service.store, subscription_id, utc_now())
    say({"revoked": subscription_id}, "The subscription is revoked.")


def _facts(one: ReadSubscription, now: datetime) -> dict[str, object]:
    held, last = one.subscription, one.last_read
    return {
        "id": held.id,
        "scope": held.scope,
        "label": held.label,
        "state": state_of(held.revoked_at, held.expires_at, now),
        "past_days": held.past_days,
        "horizon_days": held.horizon_days,
        "has_secret_url": held.has_secret_url,
        "created": utc_text(held.created_at),
        "expires": utc_text(held.expires_at),
        "last_read": None
        if last is None
        else {"at": utc_text(last.read_at), "client": last.client, "status": last.status, "octets": last.octets},
    }


def _row(one: ReadSubscription, now: datetime) -> tuple[object, ...]:
    held, last = one.subscription, one.last_read
    state = state_of(held.revoked_at, held.expires_at, now)
    read = ("never", None, None) if last is None else (utc_text(last.read_at), last.client, last.status)
    return held.id, held.scope, held.label, state, utc_text(held.expires_at), *read
