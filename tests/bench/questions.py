"""What a question costs, now and as of then, and how that grows: ``python tests/bench/questions.py [N]``.

Medians of the CPU time of this process, since neighbours disturb wall time; the record is in memory, and the first
question after a start pays for reading it. The register of N closures is spread over two years; that of 10 N has the
rest beyond the eight weeks that are asked about, so that the same question has the same answer. Nothing here is a test.
"""

import argparse
import resource
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.domain.access import Principal, Role
from app.domain.clash import find_clashes, find_clashing
from app.domain.closure import PlannedClosure, State
from app.domain.load import free_slots, hourly_load, stretches
from app.domain.notice import Announcement, Channel, Notice, NoticeContent
from app.domain.notice_period import NoticePeriod
from app.domain.verdict import Verdict
from app.domain.window import ClosureWindow
from app.factory import prepare
from app.register.late_changes import answer_late_changes, record_late_changes
from app.register.people import enrolment
from app.register.questions.changes import changes_between, moved_often
from app.register.questions.clashes import clashes_in
from app.register.questions.closed import closed_at, closed_in, triage_gateway
from app.register.questions.load import busiest_hours, find_free_slots
from app.register.questions.silent_users import silent_users
from app.register.reading import Question, read_schedule
from app.register.receive import receive_notice
from app.settings import read_settings

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
BEGINS = datetime(2027, 1, 1, tzinfo=UTC)
EIGHT_WEEKS = ClosureWindow(BEGINS, BEGINS + timedelta(days=56))
DCC = Principal("bench", Role.DCC)


def median_ms(work, times=15):
    spent = []
    for _ in range(times):
        began = time.process_time()
        work()
        spent.append((time.process_time() - began) * 1000)
    return statistics.median(spent)


def sweeps(count):
    """100,000 closures of 200 gateways in two years: what the pure sweeps cost."""
    lead = NoticePeriod(25, ">=20", short_notice=False, recommended_days=20, policy_version=1, holiday_version="t")
    lines = []
    for number in range(count):
        starts = BEGINS + timedelta(minutes=number * 1_051_200 / count // 1)
        window = ClosureWindow(starts, starts + timedelta(minutes=30 + number * 7 % 240))
        lines.append(
            PlannedClosure(
                id=number.to_bytes(16, "big"),
                reference=f"CN-{number:010}",
                user="U",
                gateway=f"GW-{number % 200}",
                window=window,
                state=State.PLANNED,
                number=1,
                entries=1,
                first_received_at=NOW,
                window_received_at=NOW,
                changed_at=NOW,
                verdict=Verdict(lead, lead, lead),
            )
        )
    span = ClosureWindow(BEGINS, BEGINS + timedelta(days=731))
    categories = {f"GW-{n}": frozenset({"Other"}) for n in range(200)}
    print(f"== sweeps over {count:,} closures in two years (s)")
    for name, work in (
        ("which clash", lambda: len(find_clashing(lines))),
        ("every pair", lambda: sum(1 for _ in find_clashes(lines))),
        ("stretches", lambda: sum(1 for _ in stretches(lines, span))),
        ("free slots", lambda: sum(1 for _ in free_slots(lines, span, timedelta(hours=1), 10))),
        ("every hour", lambda: len(hourly_load(lines, span, categories))),
    ):
        began = time.process_time()
        found = work()
        print(f"{name:12} {time.process_time() - began:.2f} ({found:,} found)")


def fill(service, users, first, count, begins, days):
    """Record ``count`` closures, one in ten of them moved once, spread over ``days``."""
    for share, user in enumerate(users):
        announcements = []
        for number in range(first + share, first + count, len(users)):
            starts = begins + timedelta(minutes=(number - first) * days * 1440 // count)
            window = ClosureWindow(starts, starts + timedelta(hours=4))
            announcements.append(Announcement(uid=f"u{number}", gateway=f"GW-{share}", window=window))
        notice = Notice(user.code, Channel.API, NOW - timedelta(days=30), "text/calendar", b"")
        receive_notice(service.register, user, notice, NoticeContent(tuple(announcements), ()))
        moved = [
            Announcement(
                uid=one.uid,
                gateway=one.gateway,
                window=ClosureWindow(one.window.starts + timedelta(hours=1), one.window.ends + timedelta(hours=1)),
            )
            for one in announcements[::10]
        ]
        notice = Notice(user.code, Channel.API, NOW - timedelta(days=10), "text/calendar", b"")
        receive_notice(service.register, user, notice, NoticeContent(tuple(moved), ()))


def questions(register):
    """Name, and what asks it now or as of an instant."""
    week = ClosureWindow(BEGINS, BEGINS + timedelta(days=7))
    return {
        "schedule 8 weeks": lambda at: read_schedule(register, DCC, Question(EIGHT_WEEKS, as_of=at)),
        "schedule + clashes": lambda at: clashes_in(register, DCC, Question(EIGHT_WEEKS, as_of=at), NOW),
        "closed at": lambda at: closed_at(register, DCC, BEGINS + timedelta(days=20), at),
        "closed in a week": lambda at: closed_in(register, DCC, week, at, NOW),
        "triage": lambda at: triage_gateway(register, DCC, "GW-3", BEGINS + timedelta(days=20), at),
        "free slots": lambda at: find_free_slots(
            register, DCC, Question(EIGHT_WEEKS, as_of=at), hours=4, below=3
        ),
        "busiest hours": lambda at: busiest_hours(register, DCC, EIGHT_WEEKS, at, 10),
        "moved twice": lambda at: moved_often(register, DCC, 2, at, NOW),
        "silent users": lambda at: silent_users(register, DCC, 6, at, NOW),
    }  # fmt: skip


def measure(service, label):
    register = service.register
    began = time.process_time()
    read_schedule(register, DCC, Question(EIGHT_WEEKS))
    print(
        f"== {label}; first question {time.process_time() - began:.2f} s; RSS {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB"
    )
    found = {}
    then = NOW - timedelta(days=20)
    for name, ask in questions(register).items():
        now_ms, then_ms = median_ms(lambda ask=ask: ask(None)), median_ms(lambda ask=ask: ask(then))
        found[name] = now_ms
        print(f"{name:20} {now_ms:8.2f} ms   as of then {then_ms:8.2f} ms   ratio {then_ms / now_ms:.2f}")
    span = ClosureWindow(NOW - timedelta(days=11), NOW - timedelta(days=9))
    for name, ask in (
        ("changes, 2 days", lambda: changes_between(register, DCC, span.starts, span.ends)),
        ("late changes", lambda: answer_late_changes(register, DCC, span)),
    ):
        found[name] = median_ms(ask, 7)
        print(f"{name:20} {found[name]:8.2f} ms")
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("count", nargs="?", type=int, default=10_000)
    count = parser.parse_args().count
    sweeps(10 * count)
    folder = Path(tempfile.mkdtemp())
    environ = {"CLOSURES_DATA_DIR": str(folder / "data"), "CLOSURES_KEY_DIR": str(folder / "keys")}
    service = prepare(read_settings(environ), NOW)
    users = []
    for number in range(40):
        users.append(enrolment.enrol_user(service.store, f"U{number}", f"User {number}"))
        enrolment.enrol_gateway(service.store, f"U{number}", f"GW-{number}")
    fill(service, users, 0, count, BEGINS, 730)
    record_late_changes(service.register, NOW)
    small = measure(service, f"{count:,} closures")
    fill(service, users, count, 9 * count, BEGINS + timedelta(days=100), 630)
    large = measure(service, f"{10 * count:,} closures, as many in the eight weeks")
    print("== growth")
    for name, before in small.items():
        print(f"{name:20} {large[name] / before:.2f}")
    service.close()


if __name__ == "__main__":
    main()
