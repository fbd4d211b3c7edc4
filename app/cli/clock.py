"""``closures clock``: whether the scheduler believes the clock, and confirming it where it is right after all."""

import click

from app.cli.opening import opened
from app.cli.output import examples, json_option, say
from app.domain.london import utc_text
from app.factory import utc_now
from app.jobs.clock_watch import confirm_clock
from app.store.clock import read_clocks, read_standing


@click.group()
def clock() -> None:
    """Whether the scheduler believes the clock. While it does not, nothing expires and nothing is purged."""


@clock.command(epilog=examples("closures clock check || closures clock confirm"))
@json_option
def check() -> None:
    """Say whether the clock is believed; exit 1 if not."""
    with opened() as service, service.store.reading() as connection:
        standing = read_standing(connection)
    if standing is None or standing.doubt is None:
        say({"believed": True, "doubt": None}, "The clock is believed.")
        return
    say({"believed": False, "doubt": standing.doubt.words}, f"The clock is doubted: {standing.doubt.words}.")
    click.get_current_context().exit(1)


@clock.command(epilog=examples("closures clock confirm"))
@json_option
def confirm() -> None:
    """Believe the clock as it is from the next sweep on. Look at it first: what is purged does not come back."""
    with opened() as service:
        reading = read_clocks(service.store, utc_now)
        doubt = confirm_clock(service.register, reading)
    said = "It was not doubted." if doubt is None else f"It was {doubt.words}."
    say({"now": utc_text(reading.now), "doubt": doubt and doubt.words}, f"The clock is believed as it is. {said}")
