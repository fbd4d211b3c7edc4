"""A history of closures as such histories are: four changes in five come after the start. Plan, fact and difference show.

CLOSURES_REPLAY says of how many closures (60, if not given; ``make replay N=4000``).
"""

import os
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.domain.access import Principal, Role
from app.domain.fact import FactKind, ToldFact
from app.domain.notice import Announcement, Channel
from app.domain.notification import Kind
from app.domain.party import User
from app.domain.window import ClosureWindow
from app.jobs.sweep import sweep
from app.register.messages import recipients
from app.register.questions.closed import triage_gateway
from app.register.questions.late_report import read_period, report
from app.register.reading import find_closure
from app.register.tell_fact import tell_fact
from app.register.verification import verify_record
from app.store import outbox_tables
from app.store.recipients import Carrier

CLOSURES = int(os.environ.get("CLOSURES_REPLAY", "60"))
MINUTE = timedelta(minutes=1)
BEGINS = datetime(2027, 1, 4, tzinfo=UTC)
DCC = Principal("dcc", Role.DCC)
# Of 913 changes in the public record of a comparable federation: early and extended ones, and those before the start.
SHAPES = ["early"] * 414 + ["extended"] * 325 + ["moved before"] * 174 + ["as planned"] * 3139


class Replay:
    """A register whose closures go one by one as their shapes say, and what each is expected to show."""

    def __init__(self, register, user, give):
        self.register, self.user, self.give = register, user, give
        self.chance = random.Random(4052)
        self.told = Counter()

    def plan(self, number, gateway):
        starts = BEGINS + timedelta(hours=6 * number, minutes=self.chance.randrange(120))
        ends = starts + timedelta(minutes=self.chance.randrange(60, 240))
        said = Announcement(f"replay-{number}", gateway, ClosureWindow(starts, ends))
        made = self.give(self.user, said, at=starts - timedelta(days=30)).accepted[0].closure
        return made.reference, starts, ends

    def tell(self, reference, kind, at, now):
        fact = ToldFact(kind, at)
        tell_fact(self.register, DCC, reference, fact, channel=Channel.API, now=now)

    def shown(self, reference):
        closure = find_closure(self.register, DCC, reference)
        return closure.planned.ends, closure.window.ends, closure.difference and closure.difference.value

    def early(self, reference, starts, ends, number, gateway):
        """Half by a fact, half by the calendar, whose event is made shorter."""
        at = starts + (ends - starts) / 2
        if self.chance.random() < 0.5:
            self.tell(reference, FactKind.REOPENED, at, at + MINUTE)
        else:
            shorter = Announcement(f"replay-{number}", gateway, ClosureWindow(starts, at))
            self.give(self.user, shorter, at=at + MINUTE)
        assert self.shown(reference) == (ends, at, "early")

    def extended(self, reference, starts, ends, number, gateway):
        """Told closed; over time from the planned end on; then longer, then re-opened."""
        self.tell(reference, FactKind.CLOSED, starts + 3 * MINUTE, starts + 4 * MINUTE)
        before = over_time_told(self.register)
        sweep(self.register, ends - MINUTE)
        assert over_time_told(self.register) == before
        sweep(self.register, ends + MINUTE)  # a moved clock: the scheduler's next look is within the minute
        assert over_time_told(self.register) == before + 1
        answer = triage_gateway(self.register, DCC, gateway, ends + 20 * MINUTE, None)["answer"]
        assert answer.startswith(f"{gateway} is over time, planned from ")
        assert answer.endswith("not told re-opened: 20 min over.")
        until, at = ends + 90 * MINUTE, ends + 70 * MINUTE
        self.tell(reference, FactKind.STILL_CLOSED, until, ends + 21 * MINUTE)
        assert self.shown(reference) == (ends, until, "over time")
        self.tell(reference, FactKind.REOPENED, at, at + MINUTE)
        assert self.shown(reference) == (ends, at, "over time")

    def moved_before(self, reference, starts, ends, number, gateway):
        """A move before the start is a plan, and tells nothing of how it went."""
        later = timedelta(minutes=30)
        moved = Announcement(f"replay-{number}", gateway, ClosureWindow(starts + later, ends + later))
        self.give(self.user, moved, at=starts - timedelta(days=2))
        assert self.shown(reference) == (ends + later, ends + later, None)

    def as_planned(self, reference, starts, ends, number, gateway):
        assert self.shown(reference) == (ends, ends, None)


def over_time_told(register):
    """Count what waits or was told: the one recipient hears of nothing else."""
    with register.store.reading() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(outbox_tables.notifications)).scalar_one()


@pytest.fixture
def replay(register, enrolled, give):
    user: User = enrolled("ALPHA", "GW-A1", "GW-A2", "GW-A3")
    recipients.add_recipient(
        register.store, label="desk", carrier=Carrier.EMAIL, address="desk@dcc.example", user_code=None,
        kinds=frozenset({Kind.OVER_TIME}), digest_hour=None, now=BEGINS - timedelta(days=60),
    )  # fmt: skip
    return Replay(register, user, give)


def test_every_early_end_and_extension_shows_plan_fact_and_difference(replay, register):
    shapes = [SHAPES[at * len(SHAPES) // CLOSURES] for at in range(CLOSURES)]
    replay.chance.shuffle(shapes)
    for number, shape in enumerate(shapes):
        gateway = f"GW-A{number % 3 + 1}"
        reference, starts, ends = replay.plan(number, gateway)
        getattr(replay, shape.replace(" ", "_"))(reference, starts, ends, number, gateway)
    wanted = Counter(shapes)
    assert over_time_told(register) == wanted["extended"] > 0
    row = report(register, DCC, read_period("2027-Q1"), BEGINS + timedelta(days=400), pseudonyms=False)["rows"][0]
    if CLOSURES <= 340:  # they are six hours apart: all of them in the quarter
        assert (row["closures"], row["early"], row["over_time"], row["moves"]) == (
            CLOSURES, wanted["early"], wanted["extended"], wanted["moved before"],
        )  # fmt: skip
    assert verify_record(register).faults == ()
