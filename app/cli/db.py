"""``closures db``: bring the database to this release, or say whether it is there."""

import click

from app.cli.opening import current_settings, opened
from app.cli.output import examples, json_option, say
from app.factory import prepare, utc_now
from app.security.high_water import Loss
from app.store import high_water, schema


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
    """Check that the database can be read, is at this release, fits the keys and lost nothing; exit 1 if not."""
    with opened() as service:
        high_water.require_no_loss(service.store)
        policy = service.register.rulebook().policy_for(utc_now())
    say(
        {"migration": schema.NEWEST, "current": True, "policy_version": policy.version},
        f"The database is at migration {schema.NEWEST}, the newest, and fits the keys.",
    )


@db.command(epilog=examples("closures db adopt", "closures db adopt --json"))
@json_option
def adopt() -> None:
    """Take the database as it stands for the newest one, whatever the keys have seen of it before.

    For one that was put back from a copy other than `closures backup`, or that lost its write-ahead log, once it is
    sure that nothing newer is left. How many entries are given up is said, and kept beside the keys.
    """
    with opened() as service:
        loss = high_water.adopt(service.store, utc_now())
    say(loss_facts(loss), "The database is taken as it stands.", *loss_lines(loss))


def loss_facts(loss: Loss | None) -> dict[str, object]:
    """Return what was given up, for programs: how many entries the log had held, and holds."""
    return {"lost": None if loss is None else {"had": loss.had, "has": loss.has}}


def loss_lines(loss: Loss | None) -> list[str]:
    """Return what was given up in words."""
    if loss is None:
        return ["Nothing that was seen before is given up."]
    return [
        f"The log had held {loss.had} entries and now holds {loss.has}: what was recorded in between is given up.",
        "Ask the Users to send again what they announced since; receipts of it stay valid, and show what is lost.",
    ]
