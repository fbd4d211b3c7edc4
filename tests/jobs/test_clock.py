"""The clock jumps, by an hour, a day, a year back, over both nights on which London's changes (docs/targets.md, 16).

No notice is lost, no window expires before a sweep whose clock had passed its end, none expires twice, and when the
clock is right again everything that has passed has expired and nothing else has. The scheduler, which looks at the
clock first, expires nothing early at all.
"""

import itertools
import os
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.access import Principal, Role
from app.domain.clock_doubt import ClockReading
from app.domain.closure import State, Step
from app.jobs.clock_watch import confirm_clock
from app.jobs.housekeeping import keep_house_on_time
from app.jobs.sweep import sweep, sweep_on_time
from app.register.reading import find_closure, find_history
from app.register.verification import verify_record

ROUNDS = int(os.environ.get("CLOSURES_CLOCK_ROUNDS", "4"))
STEPS = 60
EVERYBODY = Principal("a test", Role.ADMIN)
JUMPS = (
    *(timedelta(hours=sign) for sign in (1, -1)),
    *(timedelta(days=sign) for sign in (1, -1)),
    timedelta(days=-365),
)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
BOOTED = datetime(2026, 10, 1, tzinfo=UTC)
NIGHTS = (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2027, 3, 28, 0, 30, tzinfo=UTC))


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_nothing_is_lost_or_expires_early_or_twice(seed, register, alpha, announce, give):
    chance = random.Random(seed)
    right = NIGHTS[seed % 2] - timedelta(days=10)
    swept, told = [], {}
    for number in range(STEPS):
        right += timedelta(minutes=chance.randrange(5, 1_200))
        now = right + chance.choice([timedelta(0), timedelta(0), *JUMPS])
        if chance.random() < 0.6:
            uid = f"u{chance.randrange(8)}"
            starts = f"{right + timedelta(minutes=chance.randrange(-40_000, 20_000)):%Y-%m-%dT%H:%M}"
            outcome = give(alpha, announce(uid, starts, hours=chance.randrange(1, 5)), at=now)
            for one in (*outcome.accepted, *outcome.unchanged, *outcome.superseded):
                told[one.closure.reference] = told.get(one.closure.reference, 0) + (one.step is not None)
        if number % 2:
            sweep(register, now)
            swept.append(now)
            for reference in told:
                assert not find_closure(register, EVERYBODY, reference).expired_early(now)
    right += timedelta(days=20)
    sweep(register, right)
    swept.append(right)

    assert verify_record(register).faults == ()
    assert len(told) > 4
    for reference, entries in told.items():
        history, stood = zip(*find_history(register, EVERYBODY, reference), strict=True)
        steps = Counter(one.step for one in history)
        assert len(history) - steps[Step.EXPIRED] - steps[Step.REINSTATED] == entries
        for before, one in itertools.pairwise(history):
            assert (one.step is not Step.REINSTATED) or before.step is Step.EXPIRED
            if one.step is Step.EXPIRED:
                assert before.step is not Step.EXPIRED
                assert one.received_at in swept
                assert one.window.ends <= one.received_at
        assert find_closure(register, EVERYBODY, reference) == stood[-1]
        assert stood[-1].state is State.EXPIRED


def on_time(register, right, jump=timedelta(0)):
    """The scheduler's sweep at ``right``, by a clock that is off by ``jump``."""
    return sweep_on_time(register, ClockReading(right + jump, "one", right - BOOTED))


def steps_of(register, reference):
    return [(one.step, one.received_at) for one, _ in find_history(register, EVERYBODY, reference)]


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_the_scheduler_expires_nothing_early_by_a_clock_that_jumps(seed, register, alpha, announce, give):
    chance = random.Random(seed)
    right = NIGHTS[seed % 2] - timedelta(days=10)
    on_time(register, right)
    references, seen = set(), {}
    for number in range(STEPS):
        right += timedelta(minutes=chance.randrange(5, 1_200))
        starts = f"{right + timedelta(minutes=chance.randrange(-3_000, 3_000)):%Y-%m-%dT%H:%M}"
        outcome = give(alpha, announce(f"u{chance.randrange(8)}", starts, hours=chance.randrange(1, 5)), at=right)
        references |= {one.closure.reference for one in (*outcome.accepted, *outcome.superseded)}
        # No two jumps in a row: one of up to a day that lasts for an hour would be believed.
        on_time(register, right, chance.choice(JUMPS) if number % 2 else timedelta(0))
        for reference in references:
            closure = find_closure(register, EVERYBODY, reference)
            assert not closure.expired_early(right)
            seen[closure.state] = seen.get(closure.state, 0) + 1
    assert min(seen[State.PLANNED], seen[State.EXPIRED]) > 10
    on_time(register, right + 10 * DAY)
    for reference in references:
        history = find_history(register, EVERYBODY, reference)
        assert Step.REINSTATED not in {one.step for one, _ in history}
        assert history[-1][1].state is State.EXPIRED


def test_a_day_ahead_for_a_minute_expires_nothing_and_tells_nobody(register, alpha, announce, give, add_recipient):
    add_recipient("dcc", "starts", "open", "expired")
    (ack,) = give(alpha, announce("u1", "2026-11-25T15:00", hours=2)).accepted
    on_time(register, NOW)
    for seconds in (5, 65):
        report = on_time(register, NOW + timedelta(seconds=seconds), DAY + 6 * HOUR)
        assert (report.expired, report.to_tell) == (0, 0)
    assert on_time(register, NOW + timedelta(seconds=125)).to_tell == 0
    assert steps_of(register, ack.closure.reference) == [(Step.FIRST, NOW)]


def test_what_a_clock_that_ran_ahead_had_expire_stands_again(register, alpha, announce, give):
    (ack,) = give(alpha, announce("u1", "2026-11-24T15:00", hours=2)).accepted
    assert sweep(register, NOW + DAY).expired == 1
    noticed = NOW + timedelta(seconds=65)
    assert (on_time(register, noticed).reinstated, on_time(register, noticed).reinstated) == (1, 0)
    assert find_closure(register, EVERYBODY, ack.closure.reference).state is State.PLANNED
    over = datetime(2026, 11, 25, tzinfo=UTC)
    assert [on_time(register, at).expired for at in (over - HOUR, over, over + HOUR)] == [0, 1, 0]
    assert steps_of(register, ack.closure.reference) == [
        (Step.FIRST, NOW), (Step.EXPIRED, NOW + DAY), (Step.REINSTATED, noticed), (Step.EXPIRED, over),
    ]  # fmt: skip
    assert verify_record(register).faults == ()


def test_expiry_is_noted_once_a_day_at_a_time_of_no_closure(register, alpha, announce, give):
    """When a row was written would tell when a window ended: all of a day are written together."""
    given = [announce(f"u{n}", f"2026-11-24T{n + 10}:17", hours=1 + n % 3) for n in range(12)]
    # One that ended before it was told of, and one that ends between midnight and the sweep that comes after it.
    given += [announce("past", "2026-11-20T10:17"), announce("at midnight", "2026-11-24T23:02", hours=1)]
    on_time(register, NOW)
    references = [ack.closure.reference for ack in give(alpha, *given).accepted]
    swept = [NOW + timedelta(minutes=n) for n in range(13, 60 * 24 * 2, 13)]
    for at in swept:
        on_time(register, at)
    noted = [steps_of(register, reference)[-1] for reference in references]
    first_after = [next(at for at in swept if at >= datetime(2026, 11, day, tzinfo=UTC)) for day in (25, 26)]
    assert set(noted) == {(Step.EXPIRED, at) for at in first_after}
    assert noted[-2:] == [(Step.EXPIRED, at) for at in first_after]


def test_the_first_sweep_catches_up_with_days_that_nobody_swept(register, alpha, announce, give):
    (ack,) = give(alpha, announce("u1", "2026-11-24T15:00", hours=2)).accepted
    assert [on_time(register, NOW + days * DAY).expired for days in (0, 4, 4)] == [0, 1, 0]
    assert steps_of(register, ack.closure.reference)[-1] == (Step.EXPIRED, NOW + 4 * DAY)


def test_a_clock_that_is_far_ahead_purges_nothing(register, alpha, announce, give):
    """What is purged does not come back."""
    give(alpha, announce("u1", "2026-11-24T15:00", hours=2), octets=b"said")
    on_time(register, NOW)
    ahead = ClockReading(NOW + 4_000 * DAY, "one", NOW - BOOTED)
    assert keep_house_on_time(register, ahead) == "nothing, as the clock is 4000 days, 0:00:00 ahead of its own pace"
    right = ClockReading(NOW, "one", NOW - BOOTED)
    assert keep_house_on_time(register, right).startswith("purged 0 notices, 0 closures")
    confirm_clock(register, ahead)
    assert keep_house_on_time(register, ahead).startswith("purged 1 notices, 1 closures")
