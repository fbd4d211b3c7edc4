"""Prints what the CalDAV protocol itself costs, over a dict of 10,000 members: CPU milliseconds, median of several."""

import importlib.util
import sys
import time
from datetime import timedelta
from pathlib import Path
from statistics import median

from app.caldav.backend import CalendarMember, MemberEntry, MemberInstance

_PATH = Path(__file__).parents[1] / "caldav" / "conftest.py"
_SPEC = importlib.util.spec_from_file_location("caldav_conftest", _PATH)
protocol = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = protocol
_SPEC.loader.exec_module(protocol)
HELD = 10_000
GATEWAY = protocol.GATEWAY


def fill(backend):
    """One event an hour, of about 700 octets; the backend finds a span as an index would."""
    shelf = backend.shelves["ALPHA", "GW-1"]
    octets = protocol._calendar(protocol._event("SUMMARY:Gateway closed", "DESCRIPTION:" + "x" * 480))
    for number in range(HELD):
        name = f"{number:08}-4b1d-4d63-9b54-aaaaaaaaaaaa.ics"
        starts = backend.now + timedelta(hours=number)
        entry = MemberEntry(name, f"{number:016x}", len(octets), backend.now, backend.now)
        shelf.members[name] = CalendarMember(
            entry, name, octets, (MemberInstance(starts, starts + timedelta(hours=4)),)
        )
        shelf.log.append(name)
    every = list(shelf.members.values())

    def touching(collection, starts, ends):
        first = max(0, (starts - backend.now) // timedelta(hours=1) - 4)
        return every[first : (ends - backend.now) // timedelta(hours=1) + 1]

    def changes(collection, token, most):
        return protocol.CollectionChanges([every[-1].entry], [], token="10000")

    backend.touching, backend.changes = touching, changes
    return [GATEWAY + name for name in list(shelf.members)[:100]]


def cost(ask, times):
    """The median CPU time of a call, in milliseconds."""
    spent = []
    for _ in range(times):
        begun = time.process_time()
        ask()
        spent.append((time.process_time() - begun) * 1_000)
    return median(spent)


def main():
    backend = protocol.DictBackend()
    client = protocol.Client(backend)
    hundred = fill(backend)
    week = protocol.comp("VEVENT", protocol.span("20261101T000000Z", "20261108T000000Z"))
    data = "<D:getetag/><C:calendar-data/>"
    rows = {
        "PROPFIND depth 1 of 10,000": (
            lambda: client.propfind(GATEWAY, "D:getetag", "D:getcontenttype", "D:resourcetype", depth="1"),
            5,
        ),
        "sync-collection, 1 change": (lambda: client.sync("data:,9999"), 50),
        "calendar-query of 7 days, tags": (lambda: client.query(week), 50),
        "calendar-query of 7 days, data": (lambda: client.query(week, data), 50),
        "calendar-multiget of 100": (lambda: client.multiget(*hundred), 50),
        "GET": (lambda: client.ask("GET", hundred[0]), 50),
    }
    for name, (ask, times) in rows.items():
        print(f"{name:<34} {cost(ask, times):8.2f} ms")


if __name__ == "__main__":
    main()
