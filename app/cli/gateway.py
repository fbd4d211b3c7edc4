"""``closures gateway``: what Users close."""

import click

from app.cli.opening import opened
from app.cli.output import examples, json_option, say, table
from app.cli.param_types import CODE
from app.register.people import enrolment


@click.group()
def gateway() -> None:
    """Give Users their gateways, or list them."""


@gateway.command(
    epilog=examples("closures gateway add ALPHA GW-1", "closures gateway add ALPHA GW-1 --name 'Leeds, primary'")
)
@click.argument("user", type=CODE)
@click.argument("gateway", type=CODE)
@click.option("--name", default="", help="What people call it; its code, if not given.")
@json_option
def add(user: str, gateway: str, name: str) -> None:
    """Give USER the gateway GATEWAY. One that another User has is shared, under the name that it has."""
    with opened() as service:
        made = enrolment.enrol_gateway(service.store, user, gateway, name)
    say({"user": user, "gateway": made.code, "name": made.name}, f"The User {user} has the gateway {made.code} now.")


@gateway.command("list", epilog=examples("closures gateway list --json"))
@json_option
def list_() -> None:
    """List the gateways and the Users that close them, by code."""
    with opened() as service:
        found = enrolment.list_gateways(service.store)
    facts = [
        {"code": shared.gateway.code, "name": shared.gateway.name, "users": list(shared.users)} for shared in found
    ]
    rows = [(shared.gateway.code, shared.gateway.name, ", ".join(shared.users)) for shared in found]
    say({"gateways": facts}, *table(("code", "name", "Users"), rows, empty="There are no gateways yet."))
