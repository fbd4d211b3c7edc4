"""The scheduler looks at the clock before it believes it; an operator who knows better confirms it."""

from app.domain.clock_doubt import ClockDoubt, ClockReading, believe, judge_clock
from app.register.register import Register
from app.store import clock


def watch_clock(register: Register, reading: ClockReading) -> ClockDoubt | None:
    """Remember how our clock stands after a reading, and return what is to be doubted of it, if anything is."""
    with register.store.writing() as connection:
        standing = judge_clock(clock.read_standing(connection), reading)
        clock.write_standing(connection, standing)
    return standing.doubt


def confirm_clock(register: Register, reading: ClockReading) -> ClockDoubt | None:
    """Believe our clock as it reads; return what was doubted. From the database's clock it may still differ."""
    with register.store.writing() as connection:
        before = clock.read_standing(connection)
        clock.write_standing(connection, believe(reading))
    return None if before is None else before.doubt
