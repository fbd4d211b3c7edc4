"""Prints docs/intake-survey.md: what is understood of the calendars of real producers that icalendar ships."""

import importlib.resources
import re
from collections import Counter
from datetime import UTC, datetime

from app.domain.refusal import NoticeUnreadable
from app.intake.ical import read_ical
from app.intake.read_request import ReadRequest

STARTS = re.compile(rb"^DTSTART[^\r\n]*:(\d{4})", re.MULTILINE)
HEAD = """# What is understood of real calendars

Every `.ics` file of `icalendar/tests/calendars` goes through `read_ical` as a notice for one gateway, received in the
middle of the years that the file speaks of. Printed by `python tests/intake/survey.py`; a test holds this page to it.
"""


def when(octets):
    """Return a receipt in the years that the file speaks of, so that its dates are within reach."""
    years = sorted(int(year) for year in STARTS.findall(octets) if int(year) > 1995)
    return datetime(years[len(years) // 2] if years else 2026, 6, 1, tzinfo=UTC)


def survey():
    """Return the page."""
    folder = importlib.resources.files("icalendar") / "tests/calendars"
    paths = sorted((path for path in folder.iterdir() if path.name.endswith(".ics")), key=lambda path: path.name)
    counts, codes, refusals = Counter(), Counter(), Counter()
    for path in paths:
        octets = path.read_bytes()
        counts["files"] += 1
        try:
            reading = read_ical(octets, ReadRequest(now=when(octets), gateways=("GW-1",)))
        except NoticeUnreadable as refusal:
            counts["files refused whole"] += 1
            refusals.update(problem.code for problem in refusal.problems)
            continue
        counts["events"] += reading.events
        counts["closures announced"] += sum(not one.withdrawn for one in reading.announcements)
        counts["closures withdrawn"] += sum(one.withdrawn for one in reading.announcements)
        counts["series without end"] += len(reading.series)
        counts["files with a problem"] += bool(reading.problems)
        codes.update(problem.code for problem in reading.problems)
    lines = [HEAD, "| what | how many |", "|---|---|"]
    lines += [f"| {name} | {number} |" for name, number in counts.items()]
    lines += ["", "| why a file was refused whole | files |", "|---|---|"]
    lines += [f"| `{code}` | {number} |" for code, number in sorted(refusals.items())]
    lines += ["", "| problem named | times |", "|---|---|"]
    lines += [f"| `{code}` | {number} |" for code, number in sorted(codes.items())]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(survey(), end="")
