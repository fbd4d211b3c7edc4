"""Generated files with contradictions: what is announced is what two of three other readers take, or we say a word.

The number of files is CLOSURES_FILES (make readers N=5000). A silent difference is one where the windows differ from
those that two of the three agree on, and neither a remark nor a problem was given back.
"""

import os
import random
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.intake.ical import read_ical
from app.intake.read_request import ReadRequest
from tests.intake import other_readers

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
FILES = int(os.environ.get("CLOSURES_FILES", "600"))
LONDON = ZoneInfo("Europe/London")
ZONES = {
    "Europe/London": ("+0000", "+0100"), "Europe/Berlin": ("+0100", "+0200"), "Europe/Athens": ("+0200", "+0300"),
}  # fmt: skip
RIGHT, OTHER, NONE = "right", "other", "none"


def definition(name, winter, summer):
    """A VTIMEZONE with the European rule; the change is at 01:00 UTC, whatever its offsets."""
    at = {"+0000": (1, 2), "+0100": (2, 3), "+0200": (3, 4)}.get(winter, (2, 3))
    return (
        f"BEGIN:VTIMEZONE\r\nTZID:{name}\r\n"
        f"BEGIN:STANDARD\r\nDTSTART:19701025T{at[1]:02}0000\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\n"
        f"TZOFFSETFROM:{summer}\r\nTZOFFSETTO:{winter}\r\nEND:STANDARD\r\n"
        f"BEGIN:DAYLIGHT\r\nDTSTART:19700329T{at[0]:02}0000\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\n"
        f"TZOFFSETFROM:{winter}\r\nTZOFFSETTO:{summer}\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"
    )


def random_file(rng):
    """A calendar of one event, and whether it states a zone: a series or not, exceptions that fit or do not."""
    kind = rng.choice(["day", "floating", "utc", "zone", "zone", "zone", "windows"])
    start = datetime(2026, 10, rng.randrange(1, 29), rng.choice([1, 2, 12, 23]), rng.choice([0, 30]))
    hours = rng.choice([2, 4, 26])
    zones, name = [], ""
    if kind in {"zone", "windows"}:
        name = rng.choice(list(ZONES))
        offsets = ZONES[name]
        if kind == "windows":
            name, offsets = "GMT Standard Time", ZONES["Europe/London"]
        how = rng.choice([RIGHT, RIGHT, OTHER, NONE])
        if how == OTHER:
            offsets = rng.choice([("+0000", "+0000"), ("+0100", "+0200"), ("+0200", "+0300")])
        if how != NONE:
            zones.append(definition(name, *offsets))

    def spelt(property_name, moment, how=kind):
        day, clock = f"{moment:%Y%m%d}", f"{moment:%Y%m%dT%H%M%S}"
        return {
            "day": f"{property_name};VALUE=DATE:{day}",
            "floating": f"{property_name}:{clock}",
            "utc": f"{property_name}:{clock}Z",
        }.get(how, f"{property_name};TZID={name}:{clock}")

    if kind == "day":
        start, hours = start.replace(hour=0, minute=0), rng.choice([24, 48])
    ends = start + timedelta(hours=hours)
    lines = [spelt("DTSTART", start)]
    if rng.random() < 0.3:
        lines.append(f"DURATION:P{hours // 24}D" if kind == "day" else f"DURATION:PT{hours}H")
    elif kind in {"zone", "windows"} and rng.random() < 0.15:
        lines.append(f"DTEND:{ends:%Y%m%dT%H%M%S}")  # without the zone of its start
    else:
        lines.append(spelt("DTEND", ends))
    if rng.random() < 0.06:
        # Each time twice over: a day with a time, or a zone beside UTC.
        lines = [re.sub(r"(DTSTART|DTEND);VALUE=DATE:(\d+)", r"\1;VALUE=DATE:\2T220000Z", line) for line in lines]
        lines = [re.sub(r"(TZID=.*)", r"\1Z", line) for line in lines]
    overrides = []
    if rng.random() < 0.8:
        every, step = rng.choice([("DAILY", 1), ("WEEKLY", 7)])
        count = rng.randrange(3, 9)
        end = f"COUNT={count}"
        if rng.random() < 0.3:
            last = start + timedelta(days=step * (count - 1))
            end = f"UNTIL={last:%Y%m%d}" if kind == "day" else f"UNTIL={last + timedelta(hours=12):%Y%m%dT%H%M%SZ}"
        lines.append(f"RRULE:FREQ={every};{end}")
        for _ in range(rng.randrange(3)):
            when = start + timedelta(days=step * rng.randrange(count))
            off = rng.choice([0, 0, 0, 1])
            how = rng.choice([kind, kind, kind, "utc", "day", "floating"])
            if rng.random() < 0.6:
                lines.append(spelt("EXDATE", when + timedelta(hours=off), how))
            else:
                moved = when + timedelta(hours=3 if kind != "day" else 24)
                overrides.append([
                    spelt("RECURRENCE-ID", when + timedelta(hours=off), how), spelt("DTSTART", moved),
                    spelt("DTEND", moved + timedelta(hours=hours)), rng.choice(["STATUS:CONFIRMED", "STATUS:CANCELLED"]),
                ])  # fmt: skip
    head = ["UID:a@example.org", "DTSTAMP:20260901T090000Z", "SEQUENCE:0", "SUMMARY:Work"]
    events = ["\r\n".join(["BEGIN:VEVENT", *head, *each, "END:VEVENT"]) + "\r\n" for each in (lines, *overrides)]
    text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\n" + "".join([*zones, *events]) + "END:VCALENDAR\r\n"
    return text, kind not in {"day", "floating"}


def in_london(spans):
    """What states no zone is London's wall clock, by our rule for it."""
    if spans is None:
        return None
    return [
        tuple((at if at.tzinfo else at.replace(tzinfo=LONDON)).astimezone(UTC) for at in span) for span in spans
    ]  # fmt: skip


def agreed(readings):
    """What at least two of the readers take; None where no two agree."""
    for reading in readings:
        if reading is not None and sum(reading == other for other in readings) > 1:
            return reading
    return None


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory):
    """A folder in which node finds ical.js; fetched for this run, since nothing of it is needed to run the service."""
    npm = shutil.which("npm")
    if npm is None or not Path("/usr/lib/x86_64-linux-gnu/girepository-1.0/ICalGLib-3.0.typelib").exists():
        pytest.skip("NOT RUN: npm or gir1.2-ical-3.0 and python3-gi are not installed; .ci/run installs them")
    folder = tmp_path_factory.mktemp("readers")
    (folder / "package.json").write_text('{"private": true}')
    fetch = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", other_readers.ICAL_JS]
    subprocess.run(fetch, cwd=folder, capture_output=True, timeout=120, check=True)
    return folder


@pytest.mark.slow
def test_no_silent_difference_from_two_of_three_other_readers(node_folder):
    rng, years = random.Random(20260901), (2026, 2027)
    made = [random_file(rng) for _ in range(FILES)]
    files, stated = [text for text, _ in made], [zoned for _, zoned in made]
    readers = (
        other_readers.by_recurring_ical_events(files, years),
        other_readers.by_ical_js(node_folder, files, years),
        other_readers.by_libical(files, years, stated=stated),
    )
    context = ReadRequest(now=NOW, gateways=("GW-1",), gateway="GW-1")
    silent, compared = [], 0
    for text, *theirs in zip(files, *readers, strict=True):
        expected = agreed([in_london(spans) for spans in theirs])
        content = read_ical(text.encode(), context)
        ours = sorted(
            (told.window.starts, told.window.ends)
            for told in content.announcements
            if told.window and not told.withdrawn
        )
        said = content.problems or content.remarks or any(told.remarks for told in content.announcements)
        compared += expected is not None
        if expected is not None and ours != expected and not said:
            silent.append((text, expected, ours))
    assert silent == []
    assert compared > FILES * 0.8
