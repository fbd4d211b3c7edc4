"""The scheduler as it runs: at once at the start, woken by a notice, one leader, and no end because a job failed."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine

from app.domain.notice import Channel, Notice
from app.domain.window import ClosureWindow
from app.factory import utc_now
from app.intake.ical import read_ical
from app.intake.read_request import ReadRequest
from app.jobs.horizon import extend_horizon
from app.jobs.post_office import open_post_office
from app.jobs.timetable import Timetable
from app.pulling.http_client import Outbound
from app.register.reading import Question, read_schedule
from app.register.receive import receive_notice
from app.register.verification import verify_record
from app.register.witnesses import Witnesses
from app.store import runs, tables
from feeds.entry import Publisher

OFFICE = open_post_office(
    Publisher("Notices", "notices@closures.example", "https://closures.example", "c.example"), Outbound(), None
)
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def soon(condition, seconds=10):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return False


def last_run(store, name):
    with store.reading() as connection:
        return runs.read_run(connection, name)


@pytest.fixture
def timetable(register):
    timetable = Timetable(register, utc_now, Outbound(), OFFICE, Witnesses())
    timetable.start()
    yield timetable
    timetable.stop()


def test_it_sweeps_at_once_and_wakes_when_a_notice_comes(timetable, store, alpha, announce, give):
    assert soon(lambda: last_run(store, "sweep") is not None)
    give(alpha, announce("u1", "2026-12-01T02:00"))

    def assessed():
        with store.reading() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(tables.assessments)).scalar_one()

    # The next sweep is a minute away: what assesses the notice is the ear that listens each second.
    assert soon(lambda: assessed() == 1)


def test_a_job_that_fails_is_tried_again(register, store, alpha, announce, give, monkeypatch):
    timetable = Timetable(register, utc_now, Outbound(), OFFICE, Witnesses())
    with store.writing() as connection:
        connection.execute(sa.text("ALTER TABLE job_runs RENAME TO away"))
    timetable.start()
    time.sleep(1.5)
    with store.writing() as connection:
        connection.execute(sa.text("ALTER TABLE away RENAME TO job_runs"))
    give(alpha, announce("u1", "2026-12-01T02:00"))
    assert soon(lambda: last_run(store, "late-changes") is not None)
    timetable.stop()


def test_the_scheduler_process_stops_when_told(service, environ, store):
    process = subprocess.Popen(
        [sys.executable, "-c", "from app.cli import main; main()", "work"],
        env=os.environ | environ,
        stderr=subprocess.PIPE,
    )
    ran = soon(lambda: last_run(store, "sweep") is not None, 20)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert (ran, process.returncode, b"the scheduler stopped" in err) == (True, 0, True)


WEEKLY = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:weekly\r\nDTSTAMP:20261101T000000Z\r\n"
    b"DTSTART:20261206T020000Z\r\nDTEND:20261206T040000Z\r\nRRULE:FREQ=WEEKLY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def test_a_rule_without_end_goes_on_and_its_later_occurrences_are_not_late(register, alpha, dcc):
    reading = read_ical(WEEKLY, ReadRequest(now=NOW, gateways=("GW-A1", "GW-A2"), gateway="GW-A1"))
    notice = Notice("ALPHA", Channel.API, NOW, "text/calendar", WEEKLY)
    first = receive_notice(register, alpha, notice, reading)
    assert extend_horizon(register, NOW) == 0
    later = NOW + timedelta(days=70)
    added = extend_horizon(register, later)
    assert added == 10
    assert extend_horizon(register, later) == 0
    found = read_schedule(register, dcc, Question(ClosureWindow(NOW, NOW + timedelta(days=800))))
    assert len(found) == len(first.accepted) + added
    newest = found[-1]
    assert (newest.verdict.late_change, newest.verdict.short_notice, newest.first_received_at) == (False, False, NOW)
    assert verify_record(register).faults == ()


def test_a_clock_that_is_set_far_back_does_not_silence_the_scheduler(register, store):
    """Times at which jobs run next were made by the clock that was ahead: a day later, without a look at the clock."""
    timetable = Timetable(register, utc_now, Outbound(), OFFICE, Witnesses())
    now = utc_now()
    with time_machine.travel(now + timedelta(days=1), tick=True):
        timetable.start()
        assert soon(lambda: last_run(store, "sweep") is not None)
    try:
        assert last_run(store, "sweep").ran_at > now + timedelta(hours=23)
        assert soon(lambda: last_run(store, "sweep").ran_at < now + timedelta(hours=23))
    finally:
        timetable.stop()


def test_one_that_is_stopped_as_it_starts_ends_without_a_word(register):
    """An exception in the scheduler's own thread makes pytest fail this test."""
    for _ in range(40):
        timetable = Timetable(register, utc_now, Outbound(), OFFICE, Witnesses())
        timetable.start()
        timetable.stop()
