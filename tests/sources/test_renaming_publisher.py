"""A publisher that names its events anew at every look, and whatever else is said of published calendars: N looks.

Made after reports of Microsoft 365's published calendars, not after a tenant of our own. How many looks is
CLOSURES_PUBLISHER_LOOKS (make publisher N=1000).
"""

import os
import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from app.domain.closure import State
from app.pulling.fetch_failure import words_of
from app.register.verification import verify_record
from app.store.sources import OK

LOOKS = int(os.environ.get("CLOSURES_PUBLISHER_LOOKS", "60"))
LONDON = ZoneInfo("Europe/London")
AGENT = "Mozilla/5.0 (compatible; calendar)"
FIRST = datetime(2027, 1, 4, 2, 0, tzinfo=UTC)
TITLES = ("Gateway closed", "Gateway closed", "Billing release", "Busy")
LENGTHS = (2, 4, 4, 6)
ZONE = (
    "BEGIN:VTIMEZONE\r\nTZID:GMT Standard Time\r\nBEGIN:STANDARD\r\nDTSTART:16010101T020000\r\nTZOFFSETFROM:+0100\r\n"
    "TZOFFSETTO:+0000\r\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\nBEGIN:DAYLIGHT\r\n"
    "DTSTART:16010101T010000\r\nTZOFFSETFROM:+0000\r\nTZOFFSETTO:+0100\r\n"
    "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"
)


@dataclass
class Entry:
    """An event as its owner knows it."""

    title: str
    starts: datetime
    hours: int

    @property
    def window(self):
        return self.starts, self.starts + timedelta(hours=self.hours)


@dataclass
class Publisher:
    """A calendar that moves, and how it is published."""

    chance: random.Random
    entries: list[Entry] = field(default_factory=list)
    refused: int = 0

    def free_start(self, taken):
        while True:
            starts = FIRST + timedelta(days=self.chance.randrange(300), hours=self.chance.randrange(0, 20, 2))
            if starts not in taken:
                return starts

    def add(self):
        self.entries.append(
            Entry(
                self.chance.choice(TITLES),
                self.free_start({entry.starts for entry in self.entries}),
                self.chance.choice(LENGTHS),
            )
        )

    def move(self, count):
        """Move so many entries somewhere, often nearby, never to where one is or was."""
        taken = {entry.starts for entry in self.entries}
        for entry in self.chance.sample(self.entries, count):
            near = entry.starts + timedelta(hours=self.chance.choice([-26, -1, 1, 24, 170]))
            entry.starts = near if near not in taken and self.chance.random() < 0.7 else self.free_start(taken)
            taken.add(entry.starts)

    def answer(self, method, headers):
        if headers.get("User-Agent") != AGENT:
            self.refused += 1
            return 500, {}, b""
        if method != "GET":
            return 500, {}, b""
        return 200, {"Content-Type": "text/calendar; charset=utf-8"}, self.calendar().encode()

    def calendar(self):
        events = [self.event(entry) for entry in self.chance.sample(self.entries, len(self.entries))]
        text = (
            "BEGIN:VCALENDAR\r\nMETHOD:PUBLISH\r\nPRODID:Microsoft Exchange Server 2010\r\nVERSION:2.0\r\n"
            f"X-WR-CALNAME:Calendar\r\n{ZONE}{''.join(events)}END:VCALENDAR\r\n"
        )
        kind = self.chance.randrange(6)
        if kind == 0:
            text = text.removesuffix("END:VCALENDAR\r\n")
        elif kind == 1:
            text = text.replace("END:VEVENT\r\n", "")
        elif kind == 2:
            text = text.replace("END:VEVENT\r\n", "").removesuffix("END:VCALENDAR\r\n")
        return self.chance.choice(["", "<!-- served by\r\n some front end -->\r\n"]) + text

    def event(self, entry):
        starts, ends = (f"{at.astimezone(LONDON):%Y%m%dT%H%M%S}" for at in entry.window)
        uid = "" if self.chance.random() < 0.1 else f"UID:{uuid.uuid4().hex}\r\n"
        comment = self.chance.choice(["", "", "<!-- converted -->\r\n"])
        return (
            f"BEGIN:VEVENT\r\nDESCRIPTION:\\n\r\n{comment}{uid}SUMMARY:{entry.title}\r\n"
            f"DTSTART;TZID=GMT Standard Time:{starts}\r\nDTEND;TZID=GMT Standard Time:{ends}\r\nCLASS:PUBLIC\r\n"
            "PRIORITY:5\r\nDTSTAMP:20261124T090000Z\r\nTRANSP:OPAQUE\r\nSTATUS:CONFIRMED\r\nEND:VEVENT\r\n"
        )


def standing(watched):
    """Return the start and end of each planned closure, by its reference."""
    return {
        one.reference: (one.window.starts, one.window.ends) for one in watched.schedule() if one.state is State.PLANNED
    }


def test_after_each_look_closures_are_events_and_moves_are_moves(watch, site, near):
    publisher = Publisher(random.Random(8))
    for _ in range(12):
        publisher.add()
    site.answer = publisher.answer
    watched = watch(site.url, near, agent=AGENT)
    watched.poll()
    moves = alone = kept = 0
    for _ in range(LOOKS):
        before, stood = standing(watched), {entry.window: entry for entry in publisher.entries}
        count = publisher.chance.choice([0, 1, 1, 1, 2, 3])
        publisher.move(count)
        moves += count
        if publisher.chance.random() < 0.05 and len(publisher.entries) < 30:
            publisher.add()
        report = watched.poll()
        after = standing(watched)
        assert report.standing.outcome == OK
        assert sorted(after.values()) == sorted(entry.window for entry in publisher.entries)
        if count == 1 and len(stood) == len(publisher.entries):
            alone += 1
            kept += all(after[reference] == stood[window].window for reference, window in before.items())
    closures = watched.schedule()
    assert len(closures) == len(publisher.entries), "each move kept its closure"
    revisions = sum(one.number - 1 for one in closures)
    assert 0.99 * moves <= revisions <= moves, "and each was one revision"
    assert (kept, publisher.refused) == (alone, 0)
    assert verify_record(watched.register).faults == ()


def test_an_agent_that_the_publisher_does_not_know_is_named_as_the_cause(watch, site, near):
    publisher = Publisher(random.Random(1))
    publisher.add()
    site.answer = publisher.answer
    outcome = watch(site.url, near).poll().standing.outcome
    assert (outcome, publisher.refused) == ("answer 500", 2)
    assert [word in words_of(outcome)[1] for word in ("Microsoft 365", "agent (User-Agent)")] == [True, True]
