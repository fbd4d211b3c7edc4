"""Calendar objects as senders write them, and what a calendar program edits in one: lines, and nothing but lines."""

import re
from datetime import UTC, datetime, timedelta

STAMP = "20260901T080000Z"
_TIMES = ("DTSTART", "DTEND", "DURATION")
_INSTANCES = ("EXDATE", "RDATE", "RECURRENCE-ID")


def compact(instant):
    """Write an instant as iCalendar does."""
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def iso(instant):
    """Write an instant as JSON and addresses do."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def instant(text):
    """Read what ``iso`` writes."""
    return datetime.fromisoformat(text).astimezone(UTC)


def write_event(uid, starts, ends, *more, sequence=0, summary="Change 4711 of the billing system"):
    """Return the lines of an event."""
    return [
        *("BEGIN:VEVENT", f"UID:{uid}", f"DTSTAMP:{STAMP}", f"DTSTART:{compact(starts)}", f"DTEND:{compact(ends)}"),
        *(f"SEQUENCE:{sequence}", f"SUMMARY:{summary}", *more, "END:VEVENT"),
    ]


def write_calendar(*events):
    """Return a calendar object of these events."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//sender//EN", *(line for event in events for line in event)]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def lines_of(octets):
    """Return the content lines of a calendar object, unfolded."""
    return re.sub(r"\r\n[ \t]", "", octets.decode()).removesuffix("\r\n").split("\r\n")


def values_of(octets, name):
    """Return the values of a property in every VEVENT, in order."""
    return [line.rpartition(":")[2] for event in split(octets)[1] for line in event if _name(line) == name]


def sequence_of(octets):
    """Return the highest SEQUENCE that an object bears."""
    return max((int(value) for value in values_of(octets, "SEQUENCE")), default=0)


def sequences_of(octets):
    """Return the SEQUENCE of each VEVENT by its RECURRENCE-ID, "" for the master."""
    return {
        next((line for line in event if _name(line) == "RECURRENCE-ID"), ""): max(
            (int(line.rpartition(":")[2]) for line in event if _name(line) == "SEQUENCE"), default=0
        )
        for event in split(octets)[1]
    }


def is_told_newer(octets, than):
    """Tell whether a program, and we, can see by SEQUENCE alone that an object is newer: none falls, and one rises."""
    now, then = sequences_of(octets), sequences_of(than)
    risen = [identity for identity, number in now.items() if number > then.get(identity, -1)]
    return bool(risen) and all(now.get(identity, number) >= number for identity, number in then.items())


def split(octets):
    """Return the lines before the VEVENTs, the lines of each VEVENT, and those after them."""
    before, events, after, depth = [], [], [], 0
    for line in lines_of(octets):
        if line == "BEGIN:VEVENT":
            events.append([])
            depth = 1
        if depth:
            events[-1].append(line)
            depth = 0 if line == "END:VEVENT" else depth
        else:
            (after if events else before).append(line)
    return before, events, after


def _joined(before, events, after):
    lines = [*before, *(line for event in events for line in event), *after, ""]
    return "\r\n".join(_folded(line) for line in lines).encode()


def _folded(line):
    octets, parts = line.encode(), []
    while len(octets) > 75:
        cut = 75
        while octets[cut] & 0xC0 == 0x80:
            cut -= 1
        parts.append(octets[:cut].decode())
        octets = b" " + octets[cut:]
    return "\r\n".join([*parts, octets.decode()])


def _name(line):
    return re.split("[;:]", line, maxsplit=1)[0].upper()


def _stated(event, **values):
    """Return the lines of an event with these properties in place of what it says of them."""
    names = {name.replace("_", "-") for name in values}
    kept = [line for line in event[:-1] if _name(line) not in names]
    return [*kept, *(f"{name.replace('_', '-')}:{value}" for name, value in values.items()), event[-1]]


def _is_master(event):
    return all(_name(line) != "RECURRENCE-ID" for line in event)


def renamed(octets, summary):
    """Rename every event: what a program sends that touches neither the time nor SEQUENCE."""
    before, events, after = split(octets)
    return _joined(before, [_stated(event, SUMMARY=summary) for event in events], after)


def marked(octets, status):
    """Set the STATUS of every event, and raise SEQUENCE."""
    before, events, after = split(octets)
    raised = sequence_of(octets) + 1
    return _joined(before, [_stated(event, STATUS=status, SEQUENCE=raised) for event in events], after)


def moved(octets, starts, ends):
    """Give the event, or the series as a whole, new times; what was said of single instances goes, as programs do."""
    before, events, after = split(octets)
    raised = sequence_of(octets) + 1
    event = next((event for event in events if _is_master(event)), events[0])
    plain = [line for line in event if _name(line) not in {*_TIMES, *_INSTANCES, "STATUS"}]
    new = _stated(plain, DTSTART=compact(starts), DTEND=compact(ends), SEQUENCE=raised, STATUS="CONFIRMED")
    return _joined(before, [new], after)


def with_override(octets, place, later):
    """Move one instance of a plain weekly series: an override is added, or takes the place of that instance's."""
    before, events, after = split(octets)
    master = next(event for event in events if _is_master(event))
    starts, ends = (_instant(next(line for line in master if _name(line) == name)) for name in ("DTSTART", "DTEND"))
    week = timedelta(weeks=place)
    identity = f"RECURRENCE-ID:{compact(starts + week)}"
    plain = [line for line in master if _name(line) not in {"RRULE", "EXDATE", "RDATE", "STATUS"}]
    times = {"DTSTART": compact(starts + week + later), "DTEND": compact(ends + week + later)}
    new = _stated(plain, **times, SEQUENCE=sequence_of(octets) + 1)
    kept = [event for event in events if identity not in event]
    return _joined(before, [*kept, [*new[:-1], identity, new[-1]]], after)


def is_plain_series(octets):
    """Tell whether the object has a rule, and its times are in UTC."""
    return bool(values_of(octets, "RRULE")) and all(value.endswith("Z") for value in values_of(octets, "DTSTART"))


def _instant(line):
    return datetime.strptime(line.rpartition(":")[2], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
