"""Real calendars as sources: what is added, moved and deleted there is a new, moved and withdrawn closure here."""

import uuid

import pytest

from app.store.sources import OK


@pytest.fixture
def names():
    """UIDs of this test alone, since the server is shared by all of them."""
    return [f"{uuid.uuid4()}@alpha.example" for _ in range(3)]


@pytest.fixture
def empty(peer):
    """The server, its calendar empty again at the end."""
    put = set()
    whole = peer.put
    peer.put = lambda name, octets: (put.add(name), whole(name, octets))
    yield peer
    del peer.put
    for name in put:
        peer.ask("DELETE", peer.path + name)


def test_added_moved_and_deleted_there_is_new_moved_and_withdrawn_here(empty, watch, an_event, a_calendar, names):
    first, second, _ = names
    watched = watch(empty.url, empty.outbound, username="alpha", password="correct horse")
    assert (watched.poll().standing.outcome, watched.closures()) == (OK, [])

    empty.put("a.ics", a_calendar(an_event(first, "20261206T020000Z")))
    empty.put("b.ics", a_calendar(an_event(second, "20261213T020000Z")))
    watched.poll()
    both = sorted([(first, "20261206T020000Z", "planned", 1), (second, "20261213T020000Z", "planned", 1)])
    assert watched.closures() == both

    empty.put("a.ics", a_calendar(an_event(first, "20261207T020000Z")))
    report = watched.poll()
    moved = sorted([(first, "20261207T020000Z", "planned", 2), (second, "20261213T020000Z", "planned", 1)])
    assert watched.closures() == moved
    (answer,) = report.polled.answers
    assert [(one.step.value, one.receipt is not None) for one in answer.accepted] == [("moved", True)]

    empty.delete("a.ics")
    watched.poll()
    assert watched.closures() == moved
    report = watched.poll()
    assert watched.closures() == sorted(
        [(first, "20261207T020000Z", "withdrawn", 3), (second, "20261213T020000Z", "planned", 1)]
    )
    assert [len(one.withdrawn) for one in report.polled.answers] == [1]
    assert (watched.poll().polled.answers, watched.poll().standing.outcome) == ((), OK)


def test_a_wrong_password_changes_nothing_and_is_named(empty, watch, an_event, a_calendar, names):
    empty.put("c.ics", a_calendar(an_event(names[0], "20261206T020000Z")))
    watched = watch(empty.url, empty.outbound, username="alpha", password="wrong")
    assert (watched.poll().standing.outcome, watched.closures()) == ("sign-in", [])
    no_name = watch(empty.url + "?", empty.outbound)
    assert (no_name.poll().standing.outcome, watched.closures()) == ("sign-in", [])


def test_of_a_mixed_calendar_only_what_is_meant_is_taken(empty, watch, an_event, a_calendar, names, store):
    first, second, _ = names
    empty.put("d.ics", a_calendar(an_event(first, "20261206T020000Z", 4, "CATEGORIES:Gateway closure,Work")))
    empty.put("e.ics", a_calendar(an_event(second, "20261207T020000Z", 4, "CATEGORIES:Private")))
    watched = watch(empty.url, empty.outbound, username="alpha", password="correct horse", category="gateway closure")
    watched.poll()
    assert watched.closures() == [(first, "20261206T020000Z", "planned", 1)]
    state = watched.poll().standing.state
    assert (first in state, second in state) == (True, False)
    # What loses its category is no closure any more: it goes as if it were deleted.
    empty.put("d.ics", a_calendar(an_event(first, "20261206T020000Z", 4, "CATEGORIES:Work")))
    watched.poll()
    watched.poll()
    assert watched.closures() == [(first, "20261206T020000Z", "withdrawn", 2)]


def test_an_event_that_gets_another_name_there_is_the_same_closure(empty, watch, an_event, a_calendar, names):
    watched = watch(empty.url, empty.outbound, username="alpha", password="correct horse")
    empty.put("f.ics", a_calendar(an_event(names[0], "20261206T020000Z")))
    watched.poll()
    empty.delete("f.ics")
    empty.put("g.ics", a_calendar(an_event(names[0], "20261206T020000Z")))
    watched.poll()
    watched.poll()
    assert watched.closures() == [(names[0], "20261206T020000Z", "planned", 1)]


def test_a_whole_series_is_taken_and_one_occurrence_moved(empty, watch, an_event, a_calendar, names):
    rule = "RRULE:FREQ=WEEKLY;COUNT=3"
    series = an_event(names[0], "20261206T020000Z", 4, rule)
    watched = watch(empty.url, empty.outbound, username="alpha", password="correct horse")
    empty.put("h.ics", a_calendar(series))
    watched.poll()
    starts = ["20261206T020000Z", "20261213T020000Z", "20261220T020000Z"]
    assert watched.closures() == [(names[0], start, "planned", 1) for start in starts]
    changed = an_event(names[0], "20261214T020000Z", 4, "RECURRENCE-ID:20261213T020000Z")
    empty.put("h.ics", a_calendar(series, changed))
    watched.poll()
    assert [one[1:] for one in watched.closures()] == [
        ("20261206T020000Z", "planned", 1),
        ("20261214T020000Z", "planned", 2),
        ("20261220T020000Z", "planned", 1),
    ]
    empty.delete("h.ics")
    watched.poll()
    watched.poll()
    assert {one[2] for one in watched.closures()} == {"withdrawn"}
