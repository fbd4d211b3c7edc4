"""``closures db``: bring the database to this release, or say whether it is there."""

import click

from app.cli.opening import current_settings, opened
from app.cli.output import examples, json_option, say
from app.factory import prepare, utc_now
from app.store import schema


@click.group()
def db() -> None:
    """Make the database ready, or check that it is."""


@db.command(epilog=examples("closures db upgrade", "closures db upgrade --json"))
@json_option
def upgrade() -> None:
    """Bring the database to this release, making it and the keys on the first start.

    Nothing is lost, and running it again changes nothing. Take a backup first all the same.
    """
    prepare(current_settings(), utc_now()).close()
    say({"migration": schema.NEWEST}, f"The database is at migration {schema.NEWEST}, the newest.")


@db.command(epilog=examples("closures db check || closures db upgrade"))
@json_option
def check() -> None:
    """Check that the database can be read, is at this release and fits the keys; exit 1 if not."""
    with opened() as service:
        policy = service.register.rulebook().policy_for(utc_now())
    say(
        {"migration": schema.NEWEST, "current": True, "policy_version": policy.version},
        f"The database is at migration {schema.NEWEST}, the newest, and fits the keys.",
    )
