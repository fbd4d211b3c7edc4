"""The clock jumps, by an hour, a day, a year back, over both nights on which London's changes (docs/targets.md, 16).

No notice is lost, no window expires before a sweep whose clock had passed its end, none expires twice, and when the
clock is right again everything that has passed has expired.
"""

import itertools
import os
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.access import Principal, Role
from app.domain.closure import State, Step
from app.jobs.sweep import sweep
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
    right += timedelta(days=20)
    sweep(register, right)
    swept.append(right)

    assert verify_record(register).faults == ()
    assert len(told) > 4
    for reference, entries in told.items():
        history, stood = zip(*find_history(register, EVERYBODY, reference), strict=True)
        steps = Counter(one.step for one in history)
        assert len(history) - steps[Step.EXPIRED] == entries
        for before, one in itertools.pairwise(history):
            if one.step is Step.EXPIRED:
                assert before.step is not Step.EXPIRED
                assert one.received_at in swept
                assert one.window.ends <= one.received_at
        assert find_closure(register, EVERYBODY, reference) == stood[-1]
        assert stood[-1].state is State.EXPIRED
