"""calendar-query on random calendars, with rules that end and rules that do not, against mere wall clocks."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

LONDON = ZoneInfo("Europe/London")
FIRST_NIGHTS = [datetime(2026, 10, 20), datetime(2027, 3, 20), datetime(2026, 12, 28), datetime(2027, 6, 1)]
CALENDARS, WINDOWS = 100, 16
THE_END = datetime(2062, 1, 1)  # after every window


def read(naive, zone):
    """A wall clock as an instant: the first of two; one that is missing by the offset before."""
    if zone is UTC:
        return naive.replace(tzinfo=UTC)
    return naive.replace(tzinfo=zone).astimezone(UTC)


@dataclass
class Series:
    """A random event: where it starts, how it recurs, which instances are excluded and which are moved.

    ``step`` is a span of days or the number of months; ``count`` is None where the rule has no end.
    """

    form: str
    first: datetime
    lasts: timedelta
    step: timedelta | int
    count: int | None
    excluded: set = field(default_factory=set)
    moved: dict = field(default_factory=dict)

    @property
    def zone(self):
        return UTC if self.form == "utc" else LONDON

    def start_of(self, position):
        if isinstance(self.step, timedelta):
            return self.first + position * self.step
        months = self.first.month - 1 + position * self.step
        return self.first.replace(year=self.first.year + months // 12, month=months % 12 + 1)

    def instances(self):
        found = []
        position = -1
        while (position := position + 1) != self.count:
            start, lasts = self.start_of(position), self.lasts
            if start > THE_END:
                break
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
        if self.count != 1:
            monthly = f"MONTHLY;INTERVAL={self.step}" if isinstance(self.step, int) else None
            ends = "" if self.count is None else f";COUNT={self.count}"
            rule = [f"RRULE:FREQ={monthly or ('DAILY' if self.step.days == 1 else 'WEEKLY')}{ends}"]
        rule += [self.stamp("EXDATE", self.start_of(position)) for position in sorted(self.excluded)]
        lines = vevent(self.first, self.lasts, *rule)
        for position, (shift, lasts) in self.moved.items():
            original = self.start_of(position)
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


def random_endless(random):
    """A rule without an end, or with a far one, that began up to thirty years ago or begins soon."""
    made = random_series(random)
    first = made.first.replace(year=random.randrange(1996, 2028), day=random.randrange(1, 29))
    step = random.choice([timedelta(days=1), timedelta(days=7), timedelta(days=7), 1, 1, 3])
    count = random.choice([None, None, 1_500]) if isinstance(step, timedelta) else None
    endless = Series(made.form, first, made.lasts, step, count)
    day = timedelta(days=1)
    # An occurrence of today's: it can be changed from here, and is not where the rule is.
    near = next(at for at in range(20_000) if endless.start_of(at) > datetime(2026, 9, 1))
    if count is None or near + 40 < count:
        endless.excluded = set(random.sample(range(near, near + 20), 3))
        shift = random.randrange(-3000, 3000) * (day if made.form == "date" else timedelta(hours=1))
        endless.moved[near + 21] = shift, made.lasts + day
    return endless


def random_far_window(random):
    start = datetime(random.randrange(1990, 2060), random.randrange(1, 13), random.randrange(1, 29), tzinfo=UTC)
    return start, start + timedelta(hours=random.choice([1, 24, 24 * 5, 24 * 20, 24 * 400]))


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


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_a_rule_without_end_is_found_years_ahead_and_years_back(seed, fresh, say):
    random = Random(seed)
    client = fresh()
    held = {}
    while len(held) < 12:
        made = random_endless(random)
        name = f"{len(held)}.ics"
        if client.put(name, made.octets(name)).status == 201:
            held[name] = made.instances()
    for _ in range(14):
        window = random_far_window(random)
        stated = say.span(*(f"{one:%Y%m%dT%H%M%SZ}" for one in window))
        expected = [name for name, instances in held.items() if is_inside(instances, window)]
        assert client.query(say.comp("VEVENT", stated)).names() == expected
        expand = f'<C:calendar-data><C:expand start="{window[0]:%Y%m%dT%H%M%SZ}" end="{window[1]:%Y%m%dT%H%M%SZ}"/>'
        shown = client.query(say.comp("VEVENT", stated + '<C:prop-filter name="UID"/>'), f"{expand}</C:calendar-data>")
        assert shown.names() == expected
        events = sum(is_inside([one], window) for name in expected for one in held[name])
        assert shown.body.count(b"BEGIN:VEVENT") == events
        busy = [(max(a, window[0]), min(b, window[1])) for name in expected for a, b in held[name]]
        assert_busy(client, say, window, [(a, b) for a, b in busy if a < b])
