"""calendar-query on 1,000 random calendars against an evaluator that knows nothing but wall clocks."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

LONDON = ZoneInfo("Europe/London")
FIRST_NIGHTS = [datetime(2026, 10, 20), datetime(2027, 3, 20), datetime(2026, 12, 28), datetime(2027, 6, 1)]
CALENDARS, WINDOWS = 100, 16


def read(naive, zone):
    """A wall clock as an instant: the first of two; after a gap, its end."""
    if zone is UTC:
        return naive.replace(tzinfo=UTC)
    instant = naive.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != naive:
        return naive.replace(hour=1, minute=0, tzinfo=UTC)
    return instant


@dataclass
class Series:
    """A random event: where it starts, how it recurs, which instances are excluded and which are moved."""

    form: str
    first: datetime
    lasts: timedelta
    step: timedelta
    count: int
    excluded: set = field(default_factory=set)
    moved: dict = field(default_factory=dict)

    @property
    def zone(self):
        return UTC if self.form == "utc" else LONDON

    def instances(self):
        found = []
        for position in range(self.count):
            start, lasts = self.first + position * self.step, self.lasts
            if position in self.moved:
                shift, lasts = self.moved[position]
                start += shift
            elif position in self.excluded:
                continue
            found.append((read(start, self.zone), read(start + lasts, self.zone)))
        return found

    def stamp(self, name, naive):
        match self.form:
            case "utc":
                return f"{name}:{naive:%Y%m%dT%H%M%SZ}"
            case "london":
                return f"{name};TZID=Europe/London:{naive:%Y%m%dT%H%M%S}"
            case "floating":
                return f"{name}:{naive:%Y%m%dT%H%M%S}"
            case _:
                return f"{name};VALUE=DATE:{naive:%Y%m%d}"

    def octets(self, uid):
        def vevent(start, lasts, *lines):
            stated = [f"UID:{uid}", self.stamp("DTSTART", start), self.stamp("DTEND", start + lasts), *lines]
            return ["BEGIN:VEVENT", *stated, "END:VEVENT"]

        rule = []
        if self.count > 1:
            rule = [f"RRULE:FREQ={'DAILY' if self.step.days == 1 else 'WEEKLY'};COUNT={self.count}"]
        rule += [self.stamp("EXDATE", self.first + position * self.step) for position in sorted(self.excluded)]
        lines = vevent(self.first, self.lasts, *rule)
        for position, (shift, lasts) in self.moved.items():
            original = self.first + position * self.step
            lines += vevent(original + shift, lasts, self.stamp("RECURRENCE-ID", original))
        return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *lines, "END:VCALENDAR", ""]).encode()


def random_series(random):
    form = random.choice(["utc", "london", "floating", "date"])
    day = timedelta(days=1)
    first = random.choice(FIRST_NIGHTS) + random.randrange(12) * day
    lasts = random.choice([1, 2]) * day
    if form != "date":
        first += timedelta(minutes=30 * random.randrange(48))
        lasts = timedelta(minutes=30 * random.randrange(5, 60))
    count = random.choice([1, 2, 5, 12])
    made = Series(form, first, lasts, random.choice([day, 7 * day]), count)
    if count > 1:
        made.excluded = set(random.sample(range(count), random.randrange(min(count, 3))))
        for position in random.sample(range(count), random.randrange(min(count, 4))):
            shift = random.randrange(-9, 10) * day if form == "date" else timedelta(hours=random.randrange(-200, 200))
            made.moved[position] = shift, made.lasts + (day if form == "date" else timedelta(minutes=30))
        made.excluded -= set(made.moved)
    return made


def random_window(random):
    start = random.choice(FIRST_NIGHTS).replace(tzinfo=UTC) + timedelta(minutes=30 * random.randrange(-400, 4000))
    end = start + timedelta(minutes=random.choice([1, 30, 60, 24 * 60, 7 * 24 * 60, 40 * 24 * 60]))
    return random.choice([(start, end)] * 8 + [(start, None), (None, end)])


def is_inside(instances, window):
    starts, ends = window
    return any((starts is None or starts < b) and (ends is None or ends > a) for a, b in instances)


@pytest.mark.parametrize("seed", range(10))
def test_a_query_finds_exactly_what_takes_place_in_its_window(seed, fresh, say):
    random = Random(seed)
    client = fresh()
    held = {}
    while len(held) < CALENDARS:
        made = random_series(random)
        name = f"{len(held)}.ics"
        if client.put(name, made.octets(name)).status == 201:
            held[name] = made.instances()
    for _ in range(WINDOWS):
        window = random_window(random)
        expected = [name for name, instances in held.items() if is_inside(instances, window)]
        stated = say.span(*(one and f"{one:%Y%m%dT%H%M%SZ}" for one in window))
        assert client.query(say.comp("VEVENT", stated)).names() == expected
        read_too = client.query(say.comp("VEVENT", stated + '<C:prop-filter name="UID"/>'))
        assert read_too.names() == expected
        if None not in window:
            busy = [
                (max(a, window[0]), min(b, window[1]))
                for instances in held.values()
                for a, b in instances
                if is_inside([(a, b)], window)
            ]
            assert_busy(client, say, window, busy)


def assert_busy(client, say, window, busy):
    """Free-busy covers the same instants, each once."""
    stated = say.span(*(f"{one:%Y%m%dT%H%M%SZ}" for one in window))
    found = client.report(say.xml("C:free-busy-query", stated))
    text = found.body.decode().replace("\r\n ", "")
    periods = [
        tuple(datetime.strptime(one, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) for one in period.split("/"))
        for line in text.split("\r\n")
        if line.startswith("FREEBUSY")
        for period in line.partition(":")[2].split(",")
    ]
    merged = []
    for a, b in sorted(busy):
        if merged and a <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(b, merged[-1][1])
        else:
            merged.append((a, b))
    assert periods == merged
