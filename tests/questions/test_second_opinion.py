"""A slow, obvious second implementation, minute by minute, on random registers; and what the API said at each past instant.

The second opinion keeps the notices as they were told, and knows nothing of revisions, weeks, sweeps or folding. How
many registers and instants is CLOSURES_OPINIONS in hundreds (make opinions N=5).
"""

import os
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.access import Principal, Role
from app.domain.closure import Step
from app.domain.window import ClosureWindow
from app.register.questions.changes import changes_between, moved_often
from app.register.questions.clashes import clashes_in
from app.register.questions.closed import closed_at, closed_in, triage_gateway
from app.register.questions.load import busiest_hours, find_free_slots
from app.register.reading import Question, read_schedule

TOLD = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
FIRST = datetime(2026, 11, 30, 0, 0, tzinfo=UTC)  # the minutes that are looked at begin here
MINUTES = 300
HUNDREDS = int(os.environ.get("CLOSURES_OPINIONS", "1"))
SPAN = ClosureWindow(FIRST, FIRST + timedelta(minutes=MINUTES))


@dataclass(frozen=True)
class Told:
    """One notice as it was told; ``first`` and ``after`` are minutes from FIRST.

    ``closure`` is the clerk's own name of what it is about; ``by_name`` says that the sender told it of that closure,
    at whichever gateway, and not of the event ``uid`` at ``gateway``.
    """

    at: datetime
    closure: str
    uid: str
    gateway: str
    first: int
    after: int
    withdrawn: bool
    by_name: bool = False


def minute(number):
    return FIRST + timedelta(minutes=number)


def iso(instant):
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def random_story(rng, gateways, begins):
    """A dozen notices of five events: first notices, moves, other gateways, withdrawals, planned again, repeats.

    An event at another gateway is another closure, unless the sender names the closure that goes there.
    """
    story = []
    standing = {}  # the last notice of what stands at (gateway, UID)
    at = begins
    for _ in range(rng.randrange(1, 13)):
        at += timedelta(minutes=rng.randrange(1, 600))
        uid = f"u{rng.randrange(5)}"
        known = sorted(place for place in standing if place[1] == uid)
        place = rng.choice(known) if known and rng.random() < 0.7 else (rng.choice(gateways), uid)
        before = standing.get(place)
        free = [gateway for gateway in gateways if (gateway, uid) not in standing]
        if before and rng.random() < 0.2:
            told = replace(before, at=at, withdrawn=True, by_name=False)
        else:
            first = rng.randrange(-60, 320) if before is None or rng.random() < 0.7 else before.first
            goes = before is not None and bool(free) and rng.random() < 0.3
            name = f"{len(story)}" if before is None else before.closure
            gateway = rng.choice(free) if goes else place[0]
            told = Told(at, name, uid, gateway, first, first + rng.randrange(1, 120), withdrawn=False, by_name=goes)
            standing.pop(place, None)
        standing[told.gateway, uid] = told
        story.append(told)
    return story


class SecondOpinion:
    """What a patient clerk would answer from the notices alone."""

    def __init__(self, story):
        self.story = story

    def known(self, as_of):
        """The last notice of each closure told by then."""
        last = {}
        for told in self.story:
            if told.at <= as_of:
                last[told.closure] = told
        return list(last.values())

    def closed(self, as_of, number):
        return {told.gateway for told in self.known(as_of) if not told.withdrawn and told.first <= number < told.after}

    def peak(self, as_of):
        return max(len(self.closed(as_of, number)) for number in range(MINUTES))

    def slots(self, as_of, length, below):
        found, begun = [], None
        for number in range(MINUTES + 1):
            free = number < MINUTES and len(self.closed(as_of, number)) < below
            if free and begun is None:
                begun = number
            elif not free and begun is not None:
                if number - begun >= length:
                    found.append((iso(minute(begun)), iso(minute(number))))
                begun = None
        return found

    def clashes(self, as_of):
        """For each pair of closures at different gateways, the first and last minute in which both are closed."""
        standing = [told for told in self.known(as_of) if not told.withdrawn]
        found = set()
        for one in standing:
            for two in standing:
                both = [
                    number
                    for number in range(-60, 500)
                    if one.first <= number < one.after and two.first <= number < two.after
                ]
                if (
                    one.closure < two.closure
                    and one.gateway != two.gateway
                    and both
                    and any(0 <= n < MINUTES for n in both)
                ):
                    found.add((iso(minute(both[0])), iso(minute(both[-1] + 1))))
        return found

    def reopening(self, as_of, hour):
        """The gateways closed in one minute and open in the next, which is in this hour."""
        return set().union(
            *(
                self.closed(as_of, number - 1) - self.closed(as_of, number)
                for number in range(60 * hour, 60 * hour + 60)
            )
        )

    def steps(self, since, until):
        """What each notice did to what stood before it, by comparing the two."""
        last, found = {}, []
        for told in self.story:
            before = last.get(told.closure)
            last[told.closure] = told
            if not since <= told.at < until:
                continue
            if before is None:
                found.append(Step.FIRST)
            elif told.withdrawn:
                found += [] if before.withdrawn else [Step.WITHDRAWN]
            elif before.withdrawn:
                found.append(Step.PLANNED_AGAIN)
            elif told.gateway != before.gateway:
                found.append(Step.GATEWAY_CHANGED)
            elif (told.first, told.after) != (before.first, before.after):
                minutes_before = set(range(before.first, before.after))
                minutes_now = set(range(told.first, told.after))
                grew, shrank = minutes_before <= minutes_now, minutes_now <= minutes_before
                found.append(Step.LENGTHENED if grew else Step.SHORTENED if shrank else Step.MOVED)
        return [step.value for step in found]

    def moves(self, as_of):
        """How often each closure's window changed while it stood."""
        last, moves = {}, {}
        for told in self.story:
            if told.at > as_of:
                continue
            before = last.get(told.closure)
            window = (told.first, told.after)
            if before and not before.withdrawn and not told.withdrawn and window != (before.first, before.after):
                moves[told.closure] = moves.get(told.closure, 0) + 1
            last[told.closure] = told
        return moves


def tell(world, user, announced, told, references):
    """Give a notice; ``references`` holds ours of the clerk's names, and learns the one of a first notice."""
    window = (minute(told.first), minute(told.after))
    about = references[told.closure] if told.by_name else ""
    announcement = announced(told.uid, told.gateway, *window, withdrawn=told.withdrawn)
    outcome = world.give(user, announcement, at=told.at, about=about)
    (ack,) = (*outcome.accepted, *outcome.withdrawn, *outcome.unchanged)
    assert references.setdefault(told.closure, ack.closure.reference) == ack.closure.reference


def compare(world, principal, second, rng):
    """Ask both the same, now and as of a random instant."""
    register = world.service.register
    instants = [told.at for told in second.story]
    now = instants[-1] + timedelta(hours=1)
    for as_of in (None, rng.choice(instants), rng.choice(instants) - timedelta(minutes=1)):
        at = as_of or now
        number = rng.randrange(MINUTES)
        here = closed_at(register, principal, minute(number), as_of)
        told_of = {*here["gateways"], *(one["gateway"] for one in here["told_later"])}
        assert told_of == second.closed(at, number)
        span = closed_in(register, principal, SPAN, as_of, now)
        assert set(span["gateways"]) == set().union(*(second.closed(at, n) for n in range(MINUTES)))
        assert span["peak"]["closed"] == second.peak(at)
        length, below = rng.randrange(1, 120), rng.randrange(1, 4)
        asked = Question(SPAN, as_of=as_of)
        slots = find_free_slots(register, principal, asked, hours=length / 60, below=below)["slots"]
        assert [(slot["starts"], slot["ends"]) for slot in slots] == second.slots(at, length, below)
        clashes = clashes_in(register, principal, asked, now)["clashes"]
        assert {(one["starts"], one["ends"]) for one in clashes} == second.clashes(at)
        hours = {one["hour"]: one for one in busiest_hours(register, principal, SPAN, as_of, 99)["hours"]}
        for hour in range(MINUTES // 60):
            closed = set().union(*(second.closed(at, n) for n in range(60 * hour, 60 * hour + 60)))
            found = hours.get(iso(minute(60 * hour)), {"closed": 0, "reopening": 0})
            assert (found["closed"], found["reopening"]) == (len(closed), len(second.reopening(at, hour)))
        moved = moved_often(register, principal, 1, as_of, now)["closures"]
        assert sorted(one["moves"] for one in moved) == sorted(second.moves(at).values())
        planned = {told.gateway for told in second.known(at)}
        for gateway in planned:
            found = triage_gateway(register, principal, gateway, minute(number), as_of)
            inside = bool(found["inside"] or found["told_later"])
            assert inside == (gateway in second.closed(at, number))
    since, until = sorted(rng.choice(instants) for _ in range(2))
    changes = changes_between(register, principal, since, until)[0]["changes"]
    assert [one["change"] for one in changes] == second.steps(since, until)


def random_registers(make_world, announced, count, seed):
    """Each register is a User of its own with three gateways: it sees itself alone, as every User does."""
    world = make_world(TOLD)
    rng = random.Random(seed)
    users = [world.enrol(f"U{n}", "Other", *(f"U{n}-{gateway}" for gateway in "ABC")) for n in range(count)]
    for user in users:
        story, references = random_story(rng, [f"{user.code}-{gateway}" for gateway in "ABC"], TOLD), {}
        for told in story:
            tell(world, user, announced, told, references)
        compare(world, Principal(user.code, Role.USER, frozenset({user.code})), SecondOpinion(story), rng)


def test_random_registers_answer_as_a_patient_clerk_would(make_world, announced):
    random_registers(make_world, announced, 15, 20261124)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 5))
def test_hundreds_of_random_registers_answer_as_a_patient_clerk_would(make_world, announced, seed):
    random_registers(make_world, announced, HUNDREDS * 50, seed)


QUESTIONS = (
    ("closures", {"from_": "2026-11-29", "to": "2026-12-02"}),
    ("clashes", {"from_": "2026-11-29", "to": "2026-12-02"}),
    ("closed", {"from_": "2026-11-29", "to": "2026-12-02"}),
    ("closed", {"at": "2026-11-30T01:00Z", "gateway": "R0-A"}),
    ("free-slots", {"from_": "2026-11-30", "to": "2026-12-01", "hours": "1"}),
    ("busiest-hours", {"from_": "2026-11-29", "to": "2026-12-02"}),
    ("moved", {"times": "1"}),
    ("silent-users", {"months": "1"}),
)


def without_as_of(answer):
    return {name: value for name, value in answer.json.items() if name != "as_of"}


def replay(make_world, announced, count, seed):
    """Ask everything after each of many random notices; in the end ask again as of each of those instants."""
    world = make_world(TOLD)
    rng = random.Random(seed)
    users = [world.enrol(f"R{n}", "Other", f"R{n}-A", f"R{n}-B") for n in range(3)]
    world.let_in("dcc", role=Role.DCC)
    world.let_in("one", user_code="R1")
    standing, said, at, references = {}, [], TOLD, {}
    for _ in range(count):
        at += timedelta(minutes=rng.randrange(1, 4_000 // max(1, count // 10)))
        user, uid = rng.choice(users), f"u{rng.randrange(1 + count // 8)}"
        first = rng.randrange(-600, 1_500)
        place = f"{user.code}-{rng.choice('AB')}", uid
        before = standing.get(place)
        name = f"{len(said)}" if before is None else before.closure
        told = Told(at, name, uid, place[0], first, first + rng.randrange(1, 300), withdrawn=False)
        if before and rng.random() < 0.25:
            told = replace(before, at=at, withdrawn=True)
        standing[place] = told
        tell(world, user, announced, told, references)
        world.clock.now = at
        said += [
            (at, who, path, query, without_as_of(world.ask(path, who, **query)))
            for who in ("dcc", "one")
            for path, query in QUESTIONS
            if who == "dcc" or "gateway" not in query
        ]
    world.clock.now = at + timedelta(days=30)
    for then, who, path, query, answer in said:
        assert (path, without_as_of(world.ask(path, who, as_of=then, **query))) == (path, answer)
    return len(said)


def test_as_of_a_past_instant_is_what_was_answered_then(make_world, announced):
    assert replay(make_world, announced, 25, 7) == 25 * 15


@pytest.mark.slow
def test_as_of_each_of_many_instants_is_what_was_answered_then(make_world, announced):
    assert replay(make_world, announced, HUNDREDS * 100, 8) == HUNDREDS * 1_500


def test_a_second_process_and_one_that_was_there_all_along_know_the_same(make_world, announced, dcc):
    world = make_world(TOLD)
    user = world.enrol("U", "Other", "U-A", "U-B", "U-C")
    from app.factory import open_service

    story, references = random_story(random.Random(3), ["U-A", "U-B", "U-C"], TOLD), {}
    for told in story:
        tell(world, user, announced, told, references)
        read_schedule(world.service.register, dcc, Question(SPAN))
    fresh = open_service(world.service.settings)
    for at in (None, *(told.at for told in story)):
        asked = Question(SPAN, as_of=at)
        assert read_schedule(fresh.register, dcc, asked) == read_schedule(world.service.register, dcc, asked)
    fresh.close()
