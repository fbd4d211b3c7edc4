"""What questions cost as the record grows: ``python tests/bench/growth.py [N ...]``, by default 10,000 and 100,000.

For each N a register of N closures of 40 Users, as many a week as make two years of them, one in ten moved once, is
filled by large notices, an hour apart. Then a process of its own is asked, as after a start: CPU time of the first
question and the median of later ones, and the memory of the process by then. A scrape of /metrics is asked too, with a
token that sees gateways and without; "told today" is what one has to count where all was told on one day. Nothing here
is a test.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.domain.access import Principal, Role
from app.domain.asked import Asked
from app.domain.notice import Announcement, Channel, Notice, NoticeContent
from app.domain.window import ClosureWindow
from app.factory import create_app, open_service, prepare
from app.register.late_changes import answer_late_changes
from app.register.people import enrolment
from app.register.questions.changes import latest_changes, moved_often
from app.register.questions.closed import closed_at, closed_in, triage_gateway
from app.register.questions.planned import look_up
from app.register.reading import Question, read_over_time, read_schedule
from app.register.receive import receive_notice
from app.register.told_today import ToldToday
from app.settings import read_settings

BEGINS = datetime(2027, 1, 4, tzinfo=UTC)
NOW = BEGINS - timedelta(days=40)
DCC = Principal("bench", Role.DCC)
HOUR = timedelta(hours=1)
USERS, AT_ONCE = 40, 500
A_WEEK = 96  # closures in each of the weeks that are asked about, however many there are


def settings_of(folder):
    environ = {"CLOSURES_DATA_DIR": f"{folder}/data", "CLOSURES_KEY_DIR": f"{folder}/keys"}
    return read_settings({**environ, "CLOSURES_PLANNED_PER_USER": "100000"})


def fill(folder, count):
    """The first eight weeks have as many closures in every register; the others are spread over what follows."""
    service = prepare(settings_of(folder), NOW)
    users = []
    for number in range(USERS):
        users.append(enrolment.enrol_user(service.store, f"U{number}", f"User {number}"))
        enrolment.enrol_gateway(service.store, f"U{number}", f"GW-{number}")
    near = 8 * A_WEEK
    at = NOW - timedelta(days=90)
    for share, user in enumerate(users):
        mine = []
        for number in range(share, count, USERS):
            if number < near:
                starts = BEGINS + timedelta(minutes=number * 56 * 1440 // near)
            else:
                starts = BEGINS + timedelta(days=60, minutes=(number - near) * 670 * 1440 // max(1, count - near))
            mine.append(Announcement(f"u{number}", f"GW-{share}", ClosureWindow(starts, starts + 4 * HOUR)))
        moved = [
            Announcement(one.uid, one.gateway, ClosureWindow(one.window.starts + HOUR, one.window.ends + HOUR))
            for one in mine[::10]
        ]
        for told in (mine, moved):
            for first in range(0, len(told), AT_ONCE):
                at += timedelta(minutes=5)
                notice = Notice(user.code, Channel.API, at, "text/calendar", b"")
                content = NoticeContent(tuple(told[first : first + AT_ONCE]), ())
                receive_notice(service.register, user, notice, content)
    service.close()


def questions(register):
    """Name, and what asks it."""
    at = BEGINS + timedelta(days=20, hours=1)
    week = ClosureWindow(BEGINS, BEGINS + timedelta(days=7))
    eight, then = ClosureWindow(BEGINS, BEGINS + timedelta(days=56)), NOW - timedelta(days=30)
    since = NOW - timedelta(days=100)
    today = ToldToday(register)
    return {
        "closed at": lambda: closed_at(register, DCC, at, None),
        "schedule 8 weeks": lambda: read_schedule(register, DCC, Question(eight)),
        "schedule as of": lambda: read_schedule(register, DCC, Question(eight, as_of=then)),
        "closed in a week": lambda: closed_in(register, DCC, week, None, NOW),
        "triage": lambda: triage_gateway(register, DCC, "GW-3", at, None),
        "over time": lambda: read_over_time(register, DCC, at),
        "over time as of": lambda: read_over_time(register, DCC, at, then),
        "moved twice": lambda: moved_often(register, DCC, 2, None, NOW),
        "planned? a gateway": lambda: look_up(register, DCC, Asked(("gw-17",), None, None), NOW),
        "changes, a page": lambda: latest_changes(register, DCC, since, NOW, 50, finished=False),
        "late changes": lambda: answer_late_changes(register, DCC, ClosureWindow(since, NOW)),
        "told today": lambda: told_whole(today),
    }


def told_whole(today):
    """What as many scrapes ask as it takes until the day is counted whole."""
    while today.count(NOW - timedelta(days=90)) is None:
        pass


def scrapes(folder, store):
    """The same for /metrics."""
    client = create_app(settings_of(folder), now=lambda: NOW).test_client()
    _, token = enrolment.issue_token(store, label="bench", now=NOW, role=Role.OPS)
    headers = {"Authorization": f"Bearer {token}"}
    return {
        "a scrape": lambda: client.get("/metrics").data,
        "with gateways": lambda: client.get("/metrics", headers=headers).data,
    }


def ask(folder):
    """Ask one process everything; print it as JSON: by question (first, later) in ms of CPU, and MB."""
    service = open_service(settings_of(folder))
    found = {}
    for name, work in (questions(service.register) | scrapes(folder, service.store)).items():
        spent = []
        for _ in range(9):
            began = time.process_time()
            work()
            spent.append((time.process_time() - began) * 1000)
        found[name] = (spent[0], statistics.median(spent[1:]))
    found["memory"] = (0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(found))


def command(folder):
    """Return the CPU time of ``closures closed`` in seconds; what is its own is the first question of all."""
    environ = {"CLOSURES_DATA_DIR": f"{folder}/data", "CLOSURES_KEY_DIR": f"{folder}/keys"}

    def spent():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        words = [sys.executable, "-c", "from app.cli import main; main()", "closed"]
        subprocess.run(words, env=environ, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return statistics.median(spent() for _ in range(3))


def measure(places):
    """Fill a register in each folder, ask it, and print how it compares with the first."""
    first = None
    for count, folder in places:
        began = time.monotonic()
        fill(folder, count)
        size = sum(file.stat().st_size for file in Path(folder, "data").rglob("*")) / 1e6
        print(f"== {count:,} closures, filled in {time.monotonic() - began:.0f} s, {size:.0f} MB on disk")
        told = subprocess.run([sys.executable, __file__, "--ask", folder], check=True, capture_output=True, text=True)
        found = json.loads(told.stdout.splitlines()[-1])
        first = first or found
        for name, (cold, warm) in found.items():
            unit, before = ("MB" if name == "memory" else "ms"), first[name][1]
            print(f"{name:20} first {cold:9.1f}   then {warm:8.2f} {unit}   ratio {warm / before:.2f}")
        print(f"closures closed      {command(folder):.2f} s with starting Python")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("counts", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--ask", help=argparse.SUPPRESS)
    stated = parser.parse_args()
    if stated.ask:
        ask(stated.ask)
        return
    with ExitStack() as stack:
        measure([(count, stack.enter_context(tempfile.TemporaryDirectory())) for count in stated.counts])


if __name__ == "__main__":
    main()
