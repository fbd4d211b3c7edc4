"""A clock that is not believed blindly: steps are followed, jumps are doubted, and a doubt ends."""

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.clock_doubt import (
    ITS_PACE,
    THE_DATABASE,
    THE_RECORD,
    TOLERANCE,
    ClockDoubt,
    ClockReading,
    ClockStanding,
    believe,
    judge_clock,
)

BOOTED = datetime(2026, 11, 1, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def read(since_boot, off=timedelta(0), boot="one", **facts):
    """A reading ``since_boot`` after the start of the machine, by a clock that is off by so much."""
    return ClockReading(BOOTED + since_boot + off, boot, since_boot, **facts)


def after(*readings):
    standing = None
    for reading in readings:
        standing = judge_clock(standing, reading)
    return standing


def test_the_first_reading_is_believed():
    assert after(read(HOUR, 9 * DAY)) == ClockStanding("one", BOOTED + 9 * DAY, BOOTED + HOUR + 9 * DAY, None)


@pytest.mark.parametrize("off", [TOLERANCE, -TOLERANCE])
def test_small_steps_are_followed_one_after_the_other(off):
    found = after(*(read(n * MINUTE, n * off) for n in range(10)))
    assert found == believe(read(9 * MINUTE, 9 * off))


@pytest.mark.parametrize("off", [TOLERANCE + SECOND, DAY, -DAY, 400 * DAY, -400 * DAY])
def test_a_jump_is_doubted_and_the_doubt_ends_when_the_clock_agrees_again(off):
    doubted = after(read(HOUR), read(HOUR + MINUTE, off))
    assert doubted == ClockStanding("one", BOOTED, BOOTED + HOUR, ClockDoubt(off, ITS_PACE, HOUR + MINUTE))
    assert judge_clock(doubted, read(HOUR + 2 * MINUTE)) == believe(read(HOUR + 2 * MINUTE))


@pytest.mark.parametrize(("off", "believed"), [(HOUR, True), (-DAY, True), (DAY, True), (DAY + SECOND, False)])
def test_a_jump_of_up_to_a_day_is_believed_once_it_has_lasted_for_an_hour(off, believed):
    minutes = [read(HOUR + n * MINUTE, off) for n in range(1, 62)]
    assert after(read(HOUR), *minutes[:-1]).doubt == ClockDoubt(off, ITS_PACE, HOUR + MINUTE)
    doubt = None if believed else ClockDoubt(off, ITS_PACE, HOUR + MINUTE)
    assert after(read(HOUR), *minutes).doubt == doubt


def test_another_jump_begins_another_hour():
    found = after(read(HOUR), read(HOUR + MINUTE, DAY), read(2 * HOUR, -DAY), read(3 * HOUR - SECOND, -DAY))
    assert found.doubt == ClockDoubt(-DAY, ITS_PACE, 2 * HOUR)


def test_after_a_start_of_the_machine_only_going_back_is_doubted():
    """How long it was off nobody knows."""
    last = believe(read(HOUR))
    assert judge_clock(last, read(MINUTE, 90 * DAY, boot="two")) == believe(read(MINUTE, 90 * DAY, boot="two"))
    back = judge_clock(last, read(MINUTE, -DAY, boot="two"))
    assert back == ClockStanding("one", BOOTED, BOOTED + HOUR, ClockDoubt(MINUTE - HOUR - DAY, THE_RECORD, MINUTE))
    # A machine that is started in the midst of a doubt counts the hour from its start.
    again = judge_clock(back, read(SECOND, -DAY, boot="three"))
    assert again.doubt.since == SECOND
    assert judge_clock(back, read(2 * MINUTE, boot="two", off=HOUR)).doubt is None


def test_the_databases_clock_is_asked_first_and_no_hour_settles_it():
    apart = [read(n * HOUR, database=BOOTED + n * HOUR - DAY) for n in range(1, 5)]
    found = after(*apart)
    assert found.doubt == ClockDoubt(DAY, THE_DATABASE, HOUR)
    # Once the clock is put right it agrees with its own pace too: the database's was remembered.
    right = ClockReading(BOOTED + 5 * HOUR - DAY, "one", 5 * HOUR, BOOTED + 5 * HOUR - DAY)
    assert judge_clock(found, right) == believe(right)


def test_a_doubt_in_words():
    assert [ClockDoubt(off, ITS_PACE, HOUR).words for off in (DAY, -HOUR - timedelta(microseconds=1))] == [
        "1 day, 0:00:00 ahead of its own pace", "1:00:00 behind its own pace",
    ]  # fmt: skip
