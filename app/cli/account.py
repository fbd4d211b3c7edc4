"""``closures account``: who signs in to the pages, each let in by a link that works once."""

import click
from typing_extensions import TypedDict

from app.cli.opening import opened
from app.cli.output import altered_lines, examples, json_option, say, table
from app.cli.param_types import CODE
from app.domain.access import Role
from app.domain.london import utc_text
from app.factory import Service, utc_now
from app.register.people import accounts, desks, enrolment
from app.register.people.desks import Desk
from app.store.accounts import Account, list_accounts
from app.store.desks import list_desks
from app.store.listing import altered_ids


class AccountJson(TypedDict):
    """Who signs in: ``users`` are the codes that it acts for, ``closed`` is when it was closed, if it was."""

    email: str
    role: str
    users: list[str]
    closed: str | None


@click.group()
def account() -> None:
    """Open accounts, list them, make sign-in links for them, and end desk sessions."""


@account.command(
    epilog=examples(
        "closures account add planner@dcc.example --role dcc",
        "closures account add change@alpha.example --role user --user ALPHA",
    )
)
@click.argument("email")
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), required=True, help="What the account may do."
)
@click.option(
    "--user", "users", type=CODE, multiple=True, help="The User that it acts for (role user); may be repeated."
)
@json_option
def add(email: str, role: str, users: tuple[str, ...]) -> None:
    """Open an account for EMAIL and print a link that signs it in once, within a day."""
    now = utc_now()
    with opened() as service:
        token = enrolment.open_account(service.store, email, Role(role), users, now)
    _say_link(service, email, token, utc_text(now + enrolment.SIGN_IN_LASTS))


@account.command("list", epilog=examples("closures account list", "closures account list --json"))
@json_option
def list_() -> None:
    """List the accounts, by address, closed ones too."""
    with opened() as service:
        found = [_facts(entry) for entry in accounts.list_accounts(service.store)]
        altered = altered_ids(service.store, list_accounts)
    rows = [
        (facts["email"], facts["role"], ", ".join(facts["users"]), facts["closed"] and f"closed {facts['closed']}")
        for facts in found
    ]
    named = [
        f"The account {row_id} cannot be read: it was altered. `closures record verify` says more."
        for row_id in altered
    ]
    lines = table(("email", "role", "users", "state"), rows, empty="There are no accounts yet.")
    say({"accounts": found, "altered": altered}, *lines, *named)


@account.command(epilog=examples("closures account link planner@dcc.example"))
@click.argument("email")
@json_option
def link(email: str) -> None:
    """Print a new link that signs the account of EMAIL in once, within a day."""
    now = utc_now()
    with opened() as service:
        token = enrolment.issue_sign_in(service.store, email, now)
    _say_link(service, email, token, utc_text(now + enrolment.SIGN_IN_LASTS))


@account.command(epilog=examples("closures account afresh planner@dcc.example"))
@click.argument("email")
@json_option
def afresh(email: str) -> None:
    """Forget the password and second factor of EMAIL, end its sessions, and print a link that signs it in once.

    For somebody who lost the second factor. Make sure first that it is really them.
    """
    now = utc_now()
    with opened() as service:
        token = accounts.start_afresh(service.store, email, now)
    _say_link(service, email, token, utc_text(now + enrolment.SIGN_IN_LASTS))


@account.command("desks", epilog=examples("closures account desks", "closures account desks --json"))
@json_option
def desks_() -> None:
    """List the desk sessions that live: machines that stay signed in for reading."""
    now = utc_now()
    with opened() as service:
        found = [_desk_facts(desk) for desk in desks.living_desks(service.store, now)]
        altered = altered_ids(service.store, list_desks)
    headings = ("id", "account", "machine", "since", "last_used", "until")
    rows = [[facts[name] for name in headings] for facts in found]
    lines = table(headings, rows, empty="No desk is signed in.")
    named = altered_lines("desk session", altered, "closures account end-desk")
    say({"desks": found, "altered": altered}, *lines, *named)


@account.command("end-desk", epilog=examples("closures account end-desk 9f2c6a0e5d1b4c7f8a3e2d1c0b9a8f7e"))
@click.argument("token_id", metavar="ID")
@json_option
def end_desk(token_id: str) -> None:
    """End the desk session ID at once."""
    with opened() as service:
        desks.end_desk(service.store, token_id, utc_now())
    say({"ended": token_id}, "The desk session is ended.")


def _facts(one: Account) -> AccountJson:
    return {
        "email": one.email,
        "role": one.role.value,
        "users": list(one.users),
        "closed": None if one.closed_at is None else utc_text(one.closed_at),
    }


def _desk_facts(desk: Desk) -> dict[str, object]:
    token = desk.token
    return {
        "id": token.id.hex(),
        "account": desk.account.email,
        "machine": token.label,
        "since": utc_text(token.created_at),
        "last_used": token.last_used_at and utc_text(token.last_used_at),
        "until": utc_text(token.expires_at),
    }


def _say_link(service: Service, email: str, token: str, expires: str) -> None:
    address = f"{service.settings.base_url}/sign-in/{token}"
    say(
        {"email": email.strip().lower(), "sign_in_url": address, "expires": expires},
        f"This link signs in once, until {expires}; send it privately:",
        address,
    )
