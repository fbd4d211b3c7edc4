"""How long all digests take to move to a new key, and how long others wait: python tests/bench/index_move.py [CLOSURES]

``CLOSURES_DATABASE_URL`` names an empty database; without it, SQLite in a folder of its own. A writer and a reader go on
meanwhile; each says its longest wait. Ends with 1 where one of them failed, or nothing is found afterwards.
"""

import os
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta

import psutil

from app.domain.notice import Announcement, Channel, Notice, NoticeContent
from app.domain.refusal import Refusal
from app.domain.window import ClosureWindow
from app.factory import open_service, prepare
from app.register.move_index import move_index
from app.register.people import credentials, enrolment
from app.register.receive import receive_notice
from app.settings import read_settings
from app.store import parties, tables

CLOSURES = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
USERS, AT_ONCE = 20, 500
NOW = datetime.now(UTC).replace(microsecond=0)


def fill(register, users):
    """Notices of 500 closures, each of an event of its own, so that each stands in a calendar too."""
    for first in range(0, CLOSURES, AT_ONCE):
        user = users[first // AT_ONCE % USERS]
        announcements = []
        for number in range(first, min(first + AT_ONCE, CLOSURES)):
            starts = NOW + timedelta(days=30, hours=number % 12_000)
            window = ClosureWindow(starts, starts + timedelta(hours=4))
            announcements.append(Announcement(f"bench-{number}@example.org", f"GW-{user.code}", window))
        notice = Notice(user.code, Channel.UPLOAD, NOW, "text/calendar", b"x" * 400, "bench")
        receive_notice(register, user, notice, NoticeContent(tuple(announcements), (), events=len(announcements)))


def repeat(work, waits, done):
    """Do it again and again, and note how long each took; a failure is a wait of minus one."""
    while not done.is_set():
        began = time.perf_counter()
        try:
            work()
            waits.append(time.perf_counter() - began)
        except Refusal as problem:
            print(f"FAILED: {problem.text}")
            waits.append(-1.0)
        time.sleep(0.005)


def main():
    with tempfile.TemporaryDirectory() as folder:
        environ = {
            "CLOSURES_DATA_DIR": f"{folder}/data", "CLOSURES_KEY_DIR": f"{folder}/keys",
            "CLOSURES_PLANNED_PER_USER": "1000000",
            **{name: os.environ[name] for name in ("CLOSURES_DATABASE_URL",) if name in os.environ},
        }  # fmt: skip
        settings = read_settings(environ)
        service = prepare(settings, NOW)
        store = service.store
        users = []
        for number in range(USERS):
            users.append(enrolment.enrol_user(store, f"U{number:02}", f"User {number}"))
            enrolment.enrol_gateway(store, f"U{number:02}", f"GW-U{number:02}")
        _, password = enrolment.issue_token(store, label="bench", now=NOW, user_code="U00")
        began = time.perf_counter()
        fill(service.register, users)
        print(f"{CLOSURES:,} closures recorded in {time.perf_counter() - began:.0f} s")
        other = open_service(settings)
        reads, writes, done = [], [], threading.Event()

        def write():
            with other.store.writing() as connection:
                parties.count_forgetting(connection, NOW)

        def read():
            assert credentials.principal_of_token(other.register, "U00", password, NOW) is not None
            with other.store.reading() as connection:
                parties.find_user(other.store, connection, "U01")

        at_work = [
            threading.Thread(target=repeat, args=(work, waits, done))
            for work, waits in ((write, writes), (read, reads))
        ]
        for thread in at_work:
            thread.start()
        time.sleep(1)
        store.keyring.rotate(root=True)
        usual, began, cpu = max(writes), time.perf_counter(), psutil.Process().cpu_times()
        moved = move_index(store)
        spent, used = time.perf_counter() - began, psutil.Process().cpu_times()
        time.sleep(1)
        done.set()
        for thread in at_work:
            thread.join()
        print(
            f"moved in {spent:.2f} s ({used.user + used.system - cpu.user - cpu.system:.2f} s of CPU time with the readers); "
            f"a writer waited {max(writes):.2f} s at most (before: {usual:.2f} s), a reader {max(reads):.3f} s; "
            f"resident {psutil.Process().memory_info().rss / 1e6:.0f} MB"
        )
        with store.reading() as connection:
            held = connection.execute(tables.weeks.select().limit(1)).first()
        sys.exit(0 if moved and held and min(*reads, *writes) >= 0 else 1)


if __name__ == "__main__":
    main()
