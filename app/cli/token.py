"""``closures token``: app passwords, by which programs reach CalDAV and the API."""

from datetime import datetime

import click

from app.cli.opening import opened
from app.cli.output import altered_lines, examples, json_option, say, table
from app.cli.param_types import CODE
from app.domain.access import Role
from app.domain.london import utc_text
from app.factory import utc_now
from app.register.people import enrolment
from app.register.people.enrolment import IssuedToken
from app.store.accounts import list_app_passwords
from app.store.listing import altered_ids


@click.group()
def token() -> None:
    """Issue, list and revoke app passwords for CalDAV and the API."""


@token.command(
    epilog=examples(
        "closures token add --user ALPHA --label 'Outlook of the change team'",
        "closures token add --role ops --label monitoring --json",
    )
)
@click.option("--user", type=CODE, help="The User whose own data it opens.")
@click.option(
    "--role", type=click.Choice([Role.DCC.value, Role.OPS.value]), help="The role that it opens everything for."
)
@click.option("--label", required=True, help="Which person and program it is for.")
@json_option
def add(user: str | None, role: str | None, label: str) -> None:
    """Issue an app password to one User or to one role; it is shown this once, and works for 400 days."""
    if (user is None) == (role is None):
        raise click.UsageError("Give either --user or --role.")
    now = utc_now()
    with opened() as service:
        token_id, secret = enrolment.issue_token(
            service.store, label=label, now=now, user_code=user, role=Role(role) if role else None
        )
    expires = utc_text(now + enrolment.TOKEN_LASTS)
    say(
        {"id": token_id.hex(), "username": user or role, "token": secret, "expires": expires},
        f"User name: {user or role}",
        f"Password:  {secret}",
        f"It is shown this once and works until {expires}. To end it: closures token revoke {token_id.hex()}",
    )


@token.command("list", epilog=examples("closures token list --json"))
@json_option
def list_() -> None:
    """List the app passwords, oldest first; none is shown itself."""
    now = utc_now()
    with opened() as service:
        found = [_facts(entry, now) for entry in enrolment.list_tokens(service.store)]
        altered = altered_ids(service.store, list_app_passwords)
    headings = ("id", "for", "label", "state", "created", "expires", "last_used")
    rows = [[facts[name] for name in headings] for facts in found]
    lines = table(headings, rows, empty="There are no app passwords yet.")
    named = altered_lines("app password", altered, "closures token revoke")
    say({"tokens": found, "altered": altered}, *lines, *named)


@token.command(epilog=examples("closures token revoke 9f2c6a0e5d1b4c7f8a3e2d1c0b9a8f7e"))
@click.argument("token_id", metavar="ID")
@json_option
def revoke(token_id: str) -> None:
    """End the app password ID at once. What it did stays in the record."""
    with opened() as service:
        enrolment.revoke_token(service.store, token_id, utc_now())
    say({"revoked": token_id}, "The app password is revoked.")


def _facts(one: IssuedToken, now: datetime) -> dict[str, object]:
    stored = one.token
    holder = stored.role.value if stored.user_id is None else one.holder or "(shredded)"
    return {
        "id": stored.id.hex(),
        "for": holder,
        "label": stored.label,
        "state": state_of(stored.revoked_at, stored.expires_at, now),
        "created": utc_text(stored.created_at),
        "expires": utc_text(stored.expires_at),
        "last_used": stored.last_used_at and utc_text(stored.last_used_at),
    }


def state_of(revoked_at: datetime | None, expires_at: datetime, now: datetime) -> str:
    """Word whether a credential still opens anything: live, revoked or expired."""
    if revoked_at is not None:
        return "revoked"
    return "live" if now < expires_at else "expired"
