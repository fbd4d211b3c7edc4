"""What asking costs as the record grows: ``python tests/bench/growth.py [N ...]``, by default 10,000 and 100,000.

For each N a register of N closures of 40 Users, as many a week as make two years of them, one in ten moved once, is
filled by large notices. The first eight weeks hold as many closures in each register, and all but what says otherwise
is about those. Each question is asked by a process of its own, as after a start: CPU time of the first one and the
median of later ones, and of those before which a gateway was added. Then one process is asked everything, for its
memory. ``--keep FOLDER`` leaves the registers there, and finds those that are. Nothing here is a test.
"""

import argparse
import json
import resource
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pages import signed_in

from app.domain.access import Principal, Role
from app.domain.asked import Asked
from app.domain.closure import Step
from app.domain.notice import Announcement, Channel, Notice, NoticeContent
from app.domain.window import ClosureWindow
from app.factory import create_app, prepare
from app.register.late_changes import answer_late_changes
from app.register.people import enrolment
from app.register.questions.changes import latest_changes, moved_often
from app.register.questions.closed import closed_at, closed_in, triage_gateway
from app.register.questions.planned import look_up
from app.register.reading import Question, read_over_time, read_page, read_schedule
from app.register.receive import receive_notice
from app.register.recorded_change import kind_of
from app.register.told_today import ToldToday
from app.settings import read_settings
from app.store.receipt_order import received_in

BEGINS = datetime(2027, 1, 4, tzinfo=UTC)
NOW = BEGINS - timedelta(days=40)
DCC, U3 = Principal("bench", Role.DCC), Principal("bench", Role.USER, frozenset({"U3"}))
HOUR = timedelta(hours=1)
USERS, AT_ONCE = 40, 500
NAMES = (
    "feed of 8 weeks", "query of 7 days", "sync, no change", "Now", "Horizon", "triage", "closed in a week", "closed at",
    "schedule 8 weeks", "schedule as of", "over time", "planned? a gateway", "moved twice", "changes, a page",
    "changes, of a User", "changes, no match", "late changes, of all", "a scrape", "one with gateways", "told today",
)  # fmt: skip
MEMORY = "memory"
SYNC = (
    '<D:sync-collection xmlns:D="DAV:"><D:sync-token>{}</D:sync-token><D:sync-level>1</D:sync-level>'
    "<D:prop><D:getetag/></D:prop></D:sync-collection>"
)
QUERY = (
    '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/>'
    '</D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range '
    'start="20270104T000000Z" end="20270111T000000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>'
)
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


def questions(app):
    """Name, and what asks it: by page, feed and CalDAV, and of the register itself."""
    register, week = app.extensions["closures"].register, ClosureWindow(BEGINS, BEGINS + timedelta(days=7))
    eight, then = ClosureWindow(BEGINS, BEGINS + timedelta(days=56)), NOW - timedelta(days=30)
    told = ClosureWindow(NOW - timedelta(days=100), NOW)
    today = ToldToday(register)
    passed_over = received_in(told.starts, told.ends)
    return {
        **requests(app),
        "closed at": lambda: closed_at(register, DCC, BEGINS, None),
        "schedule 8 weeks": lambda: read_schedule(register, DCC, Question(eight)),
        "schedule as of": lambda: read_schedule(register, DCC, Question(eight, as_of=then)),
        "closed in a week": lambda: closed_in(register, DCC, week, None, BEGINS),
        "triage": lambda: triage_gateway(register, DCC, "GW-3", BEGINS, None),
        "over time": lambda: read_over_time(register, DCC, BEGINS),
        "moved twice": lambda: moved_often(register, DCC, 2, None, BEGINS),
        "planned? a gateway": lambda: look_up(register, DCC, Asked(("gw-17",), None, None), BEGINS),
        "changes, a page": lambda: latest_changes(register, DCC, told.starts, told.ends, 50, finished=False),
        "changes, of a User": lambda: latest_changes(register, U3, told.starts, told.ends, 50, finished=False),
        "changes, no match": lambda: read_page(register, DCC, passed_over, {kind_of(Step.EXPIRED, is_late=False)}, 50),
        "told today": lambda: told_whole(today),
        "late changes, of all": lambda: answer_late_changes(register, DCC, told),
    }


def told_whole(today):
    """What as many scrapes ask as it takes until a day is counted whole on which all was told."""
    while today.count(NOW - timedelta(days=90)) is None:
        pass


def requests(app):
    """The same for whole requests, without a socket, on the first day that closures are planned for."""
    store = app.extensions["closures"].store
    staff, client = signed_in(app, store, BEGINS), app.test_client()
    made = enrolment.add_subscription(
        store, scope_text="all", label="t", secret_url=False, past_days=0, horizon_days=55, now=BEGINS
    )
    feed = basic(made.subscription.id, made.token)
    _, token = enrolment.issue_token(store, label="t", now=BEGINS, user_code="U3")
    calendar = {"path": "/dav/calendars/U3/GW-3/", "method": "REPORT", "content_type": "application/xml"}
    calendar["headers"] = {**basic("U3", token), "Depth": "1"}

    _, token = enrolment.issue_token(store, label="t", now=BEGINS, role=Role.OPS)
    ops = {"Authorization": f"Bearer {token}"}

    def read(asked_by, **request):
        answer = asked_by.open(**request)
        assert answer.status_code in {200, 207}, (request, answer.status_code)
        return answer.text

    newest = ""

    def sync():
        nonlocal newest
        newest = read(client, **calendar, data=SYNC.format(newest)).partition("sync-token>")[2].partition("<")[0]

    return {
        "feed of 8 weeks": lambda: read(client, path=f"/feeds/{made.subscription.id}.ics", headers=feed),
        "query of 7 days": lambda: read(client, **calendar, data=QUERY),
        "sync, no change": sync,
        "a scrape": lambda: read(client, path="/metrics"),
        "one with gateways": lambda: read(client, path="/metrics", headers=ops),
        "Now": lambda: read(staff, path="/"),
        "Horizon": lambda: read(staff, path="/horizon"),
    }


def basic(name, word):
    return {"Authorization": "Basic " + b64encode(f"{name}:{word}".encode()).decode()}


def ask(folder, name):
    """Ask one question, or all for the memory that it takes; print JSON: (first, later, after a gateway), ms of CPU."""
    app = create_app(settings_of(folder), now=lambda: BEGINS)
    asked = questions(app)
    if name == MEMORY:
        for work in asked.values():
            work()
        print(json.dumps(most_memory()))
        return
    work = asked[name]

    def spent():
        began = time.process_time()
        work()
        return (time.process_time() - began) * 1000

    first, later = spent(), statistics.median(spent() for _ in range(15))
    after = []
    for _ in range(5):
        enrolment.enrol_gateway(app.extensions["closures"].store, "U0", f"GW-{secrets.token_hex(9).upper()}")
        after.append(spent())
    print(json.dumps((first, later, statistics.median(after))))


def most_memory():
    """The most that this process held, in MB: what getrusage says is that of whoever started it, if that held more."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


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


def told_by(folder, name):
    words = [sys.executable, __file__, "--ask", folder, name]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def measure(counts, folder):
    """Fill a register of each size where it is not there, and print what each question costs in all of them.

    All are asked in turn, three times, and the least counts: what else the machine does is then the same for each.
    """
    places = {count: Path(folder, str(count)) for count in counts}
    for count, place in places.items():
        if not place.exists():
            fill(place, count)
        size = sum(file.stat().st_size for file in Path(place, "data").rglob("*")) / 1e6
        print(f"{count:,} closures: {size:.0f} MB on disk, closures closed {command(place):.2f} s with starting Python")
    print("CPU ms: the first time, later (beside the smallest register), and after gateway add (beside later)")
    for name in NAMES:
        rounds = [{count: told_by(place, name) for count, place in places.items()} for _ in range(3)]
        found = {
            count: [min(figures) for figures in zip(*(one[count] for one in rounds), strict=True)] for count in counts
        }
        for count, (first, later, after) in found.items():
            beside = later / found[counts[0]][1]
            print(
                f"{name:20} {count:9,} {first:9.1f} {later:8.2f} ({beside:.2f}) {after:8.2f} ({after / later:.2f})",
                flush=True,
            )
    for count, place in places.items():
        print(f"{MEMORY:20} {count:9,} {told_by(place, MEMORY):.0f} MB")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("counts", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--keep", metavar="FOLDER", help="where the registers stay")
    parser.add_argument("--ask", nargs=2, help=argparse.SUPPRESS)
    stated = parser.parse_args()
    if stated.ask:
        ask(*stated.ask)
    elif stated.keep:
        measure(stated.counts, stated.keep)
    else:
        with tempfile.TemporaryDirectory() as folder:
            measure(stated.counts, folder)


if __name__ == "__main__":
    main()
