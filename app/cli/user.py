"""``closures user``: the Users (SEC organisations) that give notice."""

import click

from app.cli.opening import opened
from app.cli.output import examples, json_option, say, table
from app.cli.param_types import CODE
from app.domain.party import PARTY_CATEGORIES, SEC_USER_ROLES, User
from app.register.people import enrolment


@click.group()
def user() -> None:
    """Let Users in, or list them."""


@user.command(
    epilog=examples("closures user add ALPHA 'Alpha Energy'", "closures user add GRID 'Grid' --category Other")
)
@click.argument("code", type=CODE)
@click.argument("name")
@click.option(
    "--category",
    type=click.Choice(PARTY_CATEGORIES, case_sensitive=False),
    default="Other",
    show_default=True,
    help="The SEC Party Category.",
)
@click.option(
    "--role", "roles", type=click.Choice(SEC_USER_ROLES, case_sensitive=False), multiple=True, help="A SEC User Role."
)
@json_option
def add(code: str, name: str, category: str, roles: tuple[str, ...]) -> None:
    """Let the User CODE in, under its NAME. Give it a gateway next."""
    with opened() as service:
        made = enrolment.enrol_user(service.store, code, name, category, roles)
    say(_facts(made), f"Added the User {made.code}.", f"Next: closures gateway add {made.code} GATEWAY")


@user.command("list", epilog=examples("closures user list --json"))
@json_option
def list_() -> None:
    """List the Users, by code. A shredded one is not among them."""
    with opened() as service:
        found = enrolment.list_users(service.store)
    rows = [(entry.code, entry.name, entry.category, ", ".join(entry.roles)) for entry in found]
    say(
        {"users": [_facts(entry) for entry in found]},
        *table(("code", "name", "category", "roles"), rows, empty="There are no Users yet."),
    )


def _facts(one: User) -> dict[str, object]:
    return {"code": one.code, "name": one.name, "category": one.category, "roles": list(one.roles)}
