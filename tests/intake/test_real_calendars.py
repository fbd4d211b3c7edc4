"""Files of real producers, as icalendar ships them: each VEVENT is understood or named, and nothing is raised."""

import importlib.resources
import itertools
import re
from datetime import UTC, datetime

import pytest

from app.domain.refusal import NoticeUnreadable
from app.intake.ical import read_ical
from app.intake.read_request import ReadRequest

FOLDER = importlib.resources.files("icalendar") / "tests/calendars"
PATHS = sorted((path for path in FOLDER.iterdir() if path.name.endswith(".ics")), key=lambda path: path.name)
STARTS = re.compile(rb"^DTSTART[^\r\n]*:(\d{4})", re.MULTILINE)


def when(octets):
    """Return a receipt in the years that the file speaks of, so that its dates are within reach."""
    years = sorted(int(year) for year in STARTS.findall(octets) if int(year) > 1995)
    return datetime(years[len(years) // 2] if years else 2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_each_event_is_understood_or_named(path):
    octets = path.read_bytes()
    lines = octets.replace(b"\r\n", b"\n").split(b"\n")
    begun = [number for number, line in enumerate(lines, 1) if line.strip().upper() == b"BEGIN:VEVENT"]
    try:
        reading = read_ical(octets, ReadRequest(now=when(octets), gateways=("GW-1",)))
    except NoticeUnreadable as refusal:
        named = refusal.problems
    else:
        named = None
    if named is not None:
        assert len(named) == 1
        return
    assert reading.events == len(begun)
    spans = list(itertools.pairwise([*begun, len(lines) + 1]))
    told = [one.line for one in reading.announcements] + [one.line for one in reading.problems]
    unnamed = [first for first, after in spans if not any(line is not None and first <= line < after for line in told)]
    assert unnamed == []
