from datetime import UTC, datetime

import pytest

from app.intake.ical import read_ical
from app.intake.read_request import ReadRequest

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


def _event(*lines, uid="one@example.org", starts="DTSTART:20261206T020000Z", ends="DTEND:20261206T060000Z"):
    stated = [f"UID:{uid}" if uid else "", "DTSTAMP:20260901T090000Z", starts, ends, *lines]
    return "\r\n".join(["BEGIN:VEVENT", *filter(None, stated), "END:VEVENT"]) + "\r\n"


def _calendar(*parts, method=None):
    head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n"
    return (head + (f"METHOD:{method}\r\n" if method else "") + "".join(parts) + "END:VCALENDAR\r\n").encode()


@pytest.fixture(scope="session")
def now():
    """1 September 2026, noon."""
    return NOW


@pytest.fixture(scope="session")
def asking():
    return ReadRequest(now=NOW, gateways=("GW-1",))


@pytest.fixture(scope="session")
def event():
    return _event


@pytest.fixture(scope="session")
def calendar():
    return _calendar


@pytest.fixture(scope="session")
def read(asking):
    """Read events, given as the lines of each, in one calendar."""

    def _read(*events, method=None, asking=asking):
        return read_ical(_calendar(*events, method=method), asking)

    return _read


@pytest.fixture(scope="session")
def windows():
    """The windows of a reading as ``20261206T020000/20261206T060000`` in UTC, in order."""

    def _windows(reading):
        return [
            f"{one.window.starts:%Y%m%dT%H%M%S}/{one.window.ends:%Y%m%dT%H%M%S}" if one.window else None
            for one in reading.announcements
        ]

    return _windows


@pytest.fixture(scope="session")
def codes():
    """The problems of a reading as (line, property, code)."""
    return lambda reading: [(one.line, one.property, one.code) for one in reading.problems]
