"""``closures account``: who signs in to the pages, each let in by a link that works once."""

import click

from app.cli.opening import opened
from app.cli.output import examples, json_option, say
from app.cli.param_types import CODE
from app.domain.access import Role
from app.domain.london import utc_text
from app.factory import Service, utc_now
from app.register.people import accounts, enrolment


@click.group()
def account() -> None:
    """Open accounts, and make sign-in links for them."""


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


def _say_link(service: Service, email: str, token: str, expires: str) -> None:
    address = f"{service.settings.base_url}/sign-in/{token}"
    say(
        {"email": email.strip().lower(), "sign_in_url": address, "expires": expires},
        f"This link signs in once, until {expires}; send it privately:",
        address,
    )
