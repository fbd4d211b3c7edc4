"""Polls of an .ics address: what changes, what does not, what is believed to be gone, and who waits for whom."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.domain.access import Principal, Role
from app.domain.window import ClosureWindow
from app.jobs import pulls
from app.jobs.post_office import open_post_office
from app.jobs.pulls import poll_due
from app.jobs.timetable import Timetable
from app.pulling import look
from app.pulling.http_client import Outbound
from app.pulling.look import next_due, poll_source
from app.register.reading import Question, read_schedule
from app.register.sources import gateway_of
from app.register.verification import verify_record
from app.register.witnesses import Witnesses
from app.store import runs, sources, tables
from app.store.sources import OK
from feeds.entry import Publisher

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def starts(day):
    return f"202612{day:02}T020000Z"


@pytest.fixture
def three(an_event, a_calendar):
    """Return a function that writes a calendar of these days of December, each event with its day as its UID."""
    return lambda *days, more=(): a_calendar(*(an_event(f"u{day}", starts(day), 4, *more) for day in days))


def states(watched):
    return {uid: state for uid, _, state, _ in watched.closures()}


@pytest.mark.parametrize("condition", [{"ETag": '"7"'}, {"Last_Modified": "Tue, 24 Nov 2026 08:00:00 GMT"}, {}])
def test_an_unchanged_file_writes_nothing_but_that_it_was_polled(watch, site, near, written, three, store, condition):
    site.show(three(6, 7), **condition)
    watched = watch(site.url, near)
    first = watched.poll()
    before = written()
    second = watched.poll()
    assert (written(), second.polled.answers) == (before, ())
    assert (second.standing.state, second.standing.row_version) == (first.standing.state, first.standing.row_version)
    assert second.standing.polled_at == first.standing.polled_at + timedelta(minutes=15)


def test_a_calendar_that_stamps_its_events_anew_each_time_has_not_changed(watch, site, near, written, three):
    site.show(three(6))
    watched = watch(site.url, near)
    watched.poll()
    before = written()
    site.show(three(6).replace(b"DTSTAMP:20261101T000000Z", b"DTSTAMP:20261124T091500Z").replace(b"4711", b"4712"))
    assert (watched.poll().standing.outcome, written()) == (OK, before)


def test_what_moved_is_told_and_nothing_else_is(watch, site, near, three, a_calendar, an_event):
    site.show(three(6, 7, 8))
    watched = watch(site.url, near)
    watched.poll()
    site.show(a_calendar(an_event("u6", starts(9)), an_event("u7", starts(7)), an_event("u8", starts(8))))
    (answer,) = watched.poll().polled.answers
    assert [(one.step.value, one.closure.gateway) for one in answer.accepted] == [("moved", "GW-A1")]
    assert (len(answer.unchanged), verify_record(watched.register).faults) == (0, ())


def test_one_gone_is_withdrawn_at_the_second_look(watch, site, near, three):
    site.show(three(6, 7, 8))
    watched = watch(site.url, near)
    watched.poll()
    site.show(three(6, 7), ETag='"2"')
    assert (watched.poll().polled.answers, states(watched)["u8"]) == ((), "planned")
    watched.poll()
    assert states(watched) == {"u6": "planned", "u7": "planned", "u8": "withdrawn"}
    site.show(three(6, 7, 8))
    watched.poll()
    assert states(watched)["u8"] == "planned"


def test_one_that_comes_back_between_two_looks_was_never_gone(watch, site, near, three, written):
    site.show(three(6, 7))
    watched = watch(site.url, near)
    watched.poll()
    before = written()
    for shown in ((6,), (6, 7), (6,), (6, 7), (6, 7)):
        site.show(three(*shown))
        watched.poll()
    assert (written(), states(watched)) == (before, {"u6": "planned", "u7": "planned"})


def test_a_failed_poll_between_two_looks_counts_as_none(watch, site, near, three):
    site.show(three(6, 7))
    watched = watch(site.url, near)
    watched.poll()
    site.show(three(6))
    watched.poll()
    site.answer = lambda *_: (503, {}, b"")
    assert watched.poll(days=3).standing.outcome == "answer 503"
    assert states(watched)["u7"] == "planned"
    site.show(three(6))
    watched.poll()
    assert states(watched)["u7"] == "withdrawn"


def test_a_landslide_must_stand_for_a_day(watch, site, near, three):
    site.show(three(6, 7, 8, 9, 10))
    watched = watch(site.url, near)
    watched.poll()
    site.show(three(6))
    report = watched.poll()
    assert (report.polled.state.doubted, len(report.polled.state.missing)) == (True, 4)
    watched.poll(hours=23)
    assert set(states(watched).values()) == {"planned"}
    watched.poll(hours=1)
    assert states(watched) == {"u6": "planned"} | {f"u{day}": "withdrawn" for day in (7, 8, 9, 10)}


def test_a_landslide_that_ends_in_time_leaves_everything(watch, site, near, three, written):
    site.show(three(6, 7, 8, 9, 10))
    watched = watch(site.url, near)
    watched.poll()
    before = written()
    site.show(three(6))
    watched.poll()
    site.show(three(6, 7, 8, 9, 10))
    watched.poll(hours=20)
    site.show(three(6))
    watched.poll(hours=20)
    assert written() == before


def test_what_the_filter_leaves_out_is_stored_nowhere(watch, site, near, a_calendar, an_event, store, written):
    words = ("SUMMARY:Dentist", "CATEGORIES:Private")
    mine = tuple(line for line in an_event("private-1", starts(6), 1, *words) if "4711" not in line)
    site.show(a_calendar(an_event("u7", starts(7), 4, "CATEGORIES:Gateway"), mine))
    watched = watch(site.url, near, word="BILLING")
    report = watched.poll()
    assert states(watched) == {"u7": "planned"}
    with store.reading() as connection:
        (notice_id,) = connection.execute(sa.text("SELECT id FROM notices")).scalars()
        from app.store.notices import read_notice

        kept = read_notice(store, connection, bytes(notice_id), "ALPHA").octets
    assert (b"u7" in kept, b"private" in kept, b"Dentist" in kept, "private" in report.standing.state) == (
        *(True, False, False, False),
    )


def test_what_was_over_before_the_source_was_added_is_nobodys_late_notice(
    watch, site, near, three, a_calendar, an_event
):
    site.show(a_calendar(an_event("old", "20251206T020000Z"), an_event("u6", starts(6))))
    watched = watch(site.url, near)
    watched.poll()
    assert states(watched) == {"u6": "planned"}


def test_a_past_event_that_a_calendar_drops_is_not_withdrawn(watch, site, near, three):
    site.show(three(6, 7))
    watched = watch(site.url, near)
    watched.poll()
    site.show(three(7))
    watched.poll(days=12, hours=20)
    watched.poll()
    assert states(watched)["u6"] == "planned"


def test_an_event_moved_to_another_source_of_the_user_is_not_gone(watch, site, near, three, register, clock):
    site.show(three(6))
    first = watch(site.url, near)
    second = watch(site.url + "?other", near)
    first.poll()
    second.poll()
    site.show(three(7))
    first.poll()
    first.poll()
    # The second source still holds it as its own: that one decides.
    assert states(first)["u6"] == "planned"


def test_one_calendar_for_two_gateways_is_a_closure_at_each_and_ends_at_each(
    watch, site, near, three, register, clock, a_calendar, an_event
):
    site.show(three(6, 7, 8))
    first = watch(site.url, near)
    second = watch(site.url, near, topic=gateway_of(register.store, "ALPHA", "GW-A2"))

    def standing():
        first.poll()
        second.poll()
        span = ClosureWindow(clock() - timedelta(days=300), clock() + timedelta(days=300))
        found = read_schedule(register, Principal("a test", Role.ADMIN), Question(span))
        return sorted((one.gateway, one.window.starts.day, one.state.value, one.number) for one in found)

    both = ("GW-A1", "GW-A2")
    assert standing() == [(gateway, day, "planned", 1) for gateway in both for day in (6, 7, 8)]
    site.show(a_calendar(*(an_event(f"u{day}", starts(day + 10 * (day == 6))) for day in (6, 7, 8))))
    moved = [(7, "planned", 1), (8, "planned", 1), (16, "planned", 2)]
    assert standing() == [(gateway, *facts) for gateway in both for facts in moved]
    site.show(three(7, 8))
    standing()
    gone = [(7, "planned", 1), (8, "planned", 1), (16, "withdrawn", 3)]
    assert standing() == [(gateway, *facts) for gateway in both for facts in gone]


def test_an_event_that_cannot_be_read_is_a_problem_and_the_others_are_taken(watch, site, near, a_calendar, an_event):
    no_end = tuple(line for line in an_event("u8", starts(8)) if not line.startswith("DTEND"))
    site.show(a_calendar(an_event("u7", starts(7)), no_end))
    report = watch(site.url, near).poll()
    assert [(one.code, one.property) for one in report.polled.state.found.problems] == [("no-end", "DTEND")]
    assert report.polled.state.found.accepted == 1


def test_how_an_event_was_read_is_said_as_to_one_who_uploads_it(watch, site, near, a_calendar, an_event):
    undefined = tuple(
        line.replace("DTSTART:", "DTSTART;TZID=GMT Standard Time:")
        .replace("DTEND:", "DTEND;TZID=GMT Standard Time:")
        .replace("00Z", "00")
        for line in an_event("u7", starts(7))
    )
    site.show(a_calendar(undefined))
    told = (
        "The time zone GMT Standard Time is not defined here: Europe/London was taken. If that is wrong, give the times in UTC.",
    )
    watched = watch(site.url, near)
    first = watched.poll()
    assert (first.remarks, first.polled.state.found.remarks) == (told, told)
    # A look that finds nothing new says nothing; the list keeps what was said.
    again = watched.poll()
    assert (again.remarks, again.polled.state.found.remarks) == ((), told)


def test_only_one_poller_has_a_source_at_a_time(watch, site, near, three, register, store, clock):
    site.show(three(6))
    watched = watch(site.url, near)

    def meanwhile(method, headers):
        # While this look goes on, another poller comes: it looks too, and the first one's mark is then void.
        site.show(three(6))
        clock.forward(seconds=1)
        inner.append(poll_source(register, near, watched.source.id, clock))
        return site.answer(method, headers)

    inner = []
    site.answer = meanwhile
    assert poll_source(register, near, watched.source.id, clock) is None
    assert [one.standing.outcome for one in inner] == [OK]
    assert len(watched.closures()) == 1


def test_a_source_taken_by_another_poller_is_left_to_it(watch, near, store, clock):
    watched = watch("http://127.0.0.1:9/", near)
    with store.writing() as connection:
        _, standing = sources.read_source(store, connection, watched.source.id)
        later = clock() + timedelta(minutes=1)
        assert sources.take_source(connection, watched.source.id, standing.due_at, later)
        assert not sources.take_source(connection, watched.source.id, standing.due_at, later)


def test_one_sources_fault_does_not_touch_another(watch, site, near, three, register, store, clock, monkeypatch):
    bad, good = watch("http://127.0.0.1:1/", near), watch(site.url, near)
    site.show(three(6))
    report = poll_due(register, near, clock)
    assert (report.polled, report.unread, states(good)) == (2, 1, {"u6": "planned"})
    with store.reading() as connection:
        assert runs.read_run(connection, "pulls").outcome == "2 polled, 1 of them without result"
        assert sources.due_sources(connection, clock()) == []
    assert poll_due(register, near, clock) == pulls.PullReport(0, 0)
    clock.forward(days=1)
    whole = look.poll

    def breaks(register, subject, *rest):
        if subject.source.id == bad.source.id:
            raise RuntimeError("a fault of ours")
        return whole(register, subject, *rest)

    monkeypatch.setattr(look, "poll", breaks)
    site.show(three(7))
    assert poll_due(register, near, clock) == pulls.PullReport(2, 1)
    assert states(good)["u7"] == "planned"


def test_a_failing_source_is_asked_less_and_less_and_at_least_daily():
    every = timedelta(minutes=15)
    waits = [next_due(b"x" * 16, every, failures, NOW) - NOW for failures in range(12)]
    for failures, wait in enumerate(waits):
        plain = min(every * 2**failures, timedelta(days=1))
        assert plain <= wait <= plain * 1.1
    spread = {next_due(bytes([n]) * 16, every, 0, NOW) for n in range(50)}
    assert len(spread) == 50
    assert next_due(b"x" * 16, timedelta(days=2), 3, NOW) - NOW <= timedelta(days=2.2)


def test_a_shredded_user_has_no_sources(watch, site, near, three, register, store, clock):
    site.show(three(6))
    watched = watch(site.url, near)
    store.keyring.shred(watched.source.user_id)
    assert (poll_due(register, near, clock), site.asked) == (pulls.PullReport(0, 0), [])


def test_a_strict_site_reads_the_sources_that_it_may(watch, near, register, clock):
    watch("http://127.0.0.1:9/", near)
    assert poll_due(register, Outbound(), clock) == pulls.PullReport(1, 1)


def test_the_timetable_polls_by_itself_and_a_slow_source_holds_up_nothing(
    watch, site, near, three, register, store, clock, alpha, announce, give
):
    watched, asked, shown = watch(site.url, near), threading.Event(), threading.Event()

    def slow(method, headers):
        asked.set()
        shown.wait(15)
        site.show(three(6))
        return site.answer(method, headers)

    site.answer = slow
    publisher = Publisher("Notices", "notices@closures.example", "https://closures.example", "c.example")
    timetable = Timetable(register, clock, near, open_post_office(publisher, near, None), Witnesses())
    timetable.start()
    try:
        assert asked.wait(20)
        give(alpha, announce("told", "2026-12-01T02:00"))
        assert soon(lambda: assessed(store) == 1), "the ear that listens waits for the source"
        assert states(watched) == {"told": "planned"}
        shown.set()
        assert soon(lambda: states(watched) == {"told": "planned", "u6": "planned"})
    finally:
        shown.set()
        timetable.stop()


def assessed(store):
    with store.reading() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(tables.assessments)).scalar_one()


def soon(condition, seconds=10):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return False
