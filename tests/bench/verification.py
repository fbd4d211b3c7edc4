"""How long verification takes, beside hashing the same leaves once: python tests/bench/verification.py [ENTRIES]

The entries are written straight into the tables: a third each of notices, revisions and assessments, four revisions to
a closure. Calendars are not among them. Ends with 1 where the record is not sound.
"""

import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import islice

import sqlalchemy as sa

from app.domain.closure import Revision, Step, advance, begin
from app.domain.notice import Channel, Notice, SenderMark
from app.domain.verdict import Receipts, judge
from app.domain.window import ClosureWindow
from app.factory import prepare
from app.register.people import enrolment
from app.register.verification import verify_onward, verify_record
from app.security.merkle import Tree, leaf_hash
from app.security.tokens import new_reference, new_row_id
from app.settings import read_settings
from app.store import assessments, closures, notices, tables
from app.store.engine import read_head, write_head
from app.store.log import LogWriter, iterate_log
from app.store.proven import proven

ENTRIES = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
REVISIONS = 4
OCTETS = b"BEGIN:VCALENDAR\r\n" + b"X-FILLER:%b\r\n" % (b"x" * 400) + b"END:VCALENDAR\r\n"


def history(rules, at):
    """Four revisions of one closure whose window has begun."""
    policy = rules.policy_for(NOW)
    judged = judge(
        Receipts(at, at, at), ClosureWindow(NOW, NOW + timedelta(hours=4)), None, policy, rules.calendar_for(policy)
    )
    for number in range(1, REVISIONS + 1):
        starts = NOW - timedelta(days=number)
        yield Revision(
            entry=number, number=number, step=Step.FIRST if number == 1 else Step.MOVED, received_at=at,
            window_received_at=at, changed_at=at, window=ClosureWindow(starts, starts + timedelta(hours=4)),
            gateway="GW-1", channel="api", given_by="bench", verdict=judged,
        )  # fmt: skip


class Rows:
    """Rows of a few tables, written in bulk at the end."""

    def __init__(self, connection):
        self.connection, self.waiting = connection, {}

    def add(self, table, row):
        self.waiting.setdefault(table, []).append(row)

    def flush(self, table):
        rows = iter(self.waiting.pop(table))
        while batch := list(islice(rows, 5_000)):
            self.connection.execute(sa.insert(table), batch)


def fill(service, user):
    store, rules = service.store, service.register.rulebook()
    sent = []
    with store.writing() as connection:
        head, rows, judged = read_head(connection, lock=True), Rows(connection), []
        log = LogWriter(head)
        at = NOW
        for _ in range(ENTRIES // 3 // REVISIONS):
            closure, closure_id, reference = None, new_row_id(), new_reference()
            for revision in history(rules, at):
                notice = Notice("BENCH", Channel.API, at, "text/calendar", OCTETS, "bench")
                notice_id = new_row_id()
                sealed = notices.seal_notice(store, notice_id, user.id, notice)
                place = notices.append_leaf(log, notice_id, at, sealed)
                sent.append({"id": notice_id, "user_id": user.id, "received_at": at, "log_index": place,
                             "log_size": place + 2, "digest": bytes(16), "sealed": sealed})  # fmt: skip
                sealed = closures.seal_revision(store, user.id, closure_id, revision)
                place, _ = log.append("revision", closures.revision_content(closure_id, sealed))
                row = closures.revision_row(
                    user.id, closure_id, revision, notice_id=notice_id, log_index=place, sealed=sealed
                )
                rows.add(tables.revisions, proven(connection, tables.revisions, row))
                judged.append((closure_id, revision))
                closure = (
                    begin(revision, closure_id=closure_id, reference=reference, user="BENCH")
                    if closure is None
                    else advance(closure, revision)
                )
            closures.insert_closures(store, connection, user.id, [(closure, SenderMark(reference, "", 0, 0, None))], 1)
            closures.index_weeks(store, connection, user.id, [closure], [])
        for closure_id, revision in judged:
            row = assessments.append_assessment(
                store, log, user_id=user.id, closure_id=closure_id, entry=revision.entry, verdict=revision.verdict,
                received_at=at, now=at,
            )  # fmt: skip
            rows.add(tables.assessments, row)
        log.close()
        leaves = [entry.leaf for entry in iterate_log(connection)] + [row["leaf"] for row in log._rows]
        tree = Tree(leaves)
        for row in sent:
            rows.add(tables.notices, row | {"log_root": tree.root(row["log_size"])})
        for table in (tables.notices, tables.revisions, tables.assessments):
            rows.flush(table)
        write_head(connection, log.flush(connection))
    return leaves


def main():
    with tempfile.TemporaryDirectory() as folder:
        settings = read_settings({"CLOSURES_DATA_DIR": f"{folder}/data", "CLOSURES_KEY_DIR": f"{folder}/keys"})
        service = prepare(settings, NOW)
        user = enrolment.enrol_user(service.store, "BENCH", "Bench Energy")
        enrolment.enrol_gateway(service.store, "BENCH", "GW-1")
        leaves = fill(service, user)
        begins = time.process_time()
        for leaf in leaves:
            leaf_hash(leaf * 8)
        Tree(leaves)
        hashed = time.process_time() - begins
        begins = time.process_time()
        found = verify_record(service.register)
        took = time.process_time() - begins
        onward = []
        for _ in range(2):
            begins = time.process_time()
            verify_onward(service.register)
            onward.append(time.process_time() - begins)
        service.close()
    print(
        f"{found.size} entries: {took:.2f} s of one core, {took / hashed:.1f} x hashing their leaves ({hashed:.2f} s)"
    )
    print(f"the hourly check: {onward[0]:.2f} s the first time, {onward[1]:.2f} s the second")
    print(*found.faults[:5], sep="\n", end="\n" if found.faults else "")
    return not found.is_sound


if __name__ == "__main__":
    sys.exit(main())
