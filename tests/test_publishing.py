"""A feed is rendered once for all who want it, and nobody waits for a feed that somebody else wants."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from app.factory import publisher_of
from app.publishing import Publishing
from app.register.people.enrolment import enrol_gateway, enrol_user, shred_user
from app.store.engine import read_head
from feeds.scope import FeedScope, ScopeKind

EVERYTHING, OF_ALPHA = FeedScope(ScopeKind.ALL), FeedScope(ScopeKind.USER, "ALPHA")


@pytest.fixture
def publishing(register, settings):
    return Publishing(register, publisher_of(settings))


@pytest.fixture
def head(store):
    """Return a function that reads the head."""

    def read():
        with store.reading() as connection:
            return read_head(connection)

    return read


@pytest.fixture
def asked(store):
    """The statements that the database was asked meanwhile."""
    statements = []

    def note(_connection, _cursor, statement, *_rest):
        statements.append(statement)

    sa.event.listen(store.engine, "before_cursor_execute", note)
    yield statements
    sa.event.remove(store.engine, "before_cursor_execute", note)


def test_who_read_the_head_earlier_gets_what_stands(publishing, head, asked, alpha, announce, give, clock):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    earlier = head()
    give(alpha, announce("u2", "2027-02-08T02:00"))
    newest = publishing.feed(EVERYTHING, head(), clock())
    asked.clear()
    assert publishing.feed(EVERYTHING, earlier, clock()) is newest
    assert publishing.feed(OF_ALPHA, earlier, clock()).entries == newest.entries
    assert asked == []


def test_all_who_come_at_once_get_one_rendering(publishing, head, asked, alpha, announce, give, clock):
    give(alpha, *(announce(f"u{number}", f"2027-02-{number:02}T02:00") for number in range(1, 20)))
    now_at, together = head(), threading.Barrier(8)
    asked.clear()

    def ask(_):
        together.wait(30)
        feed = publishing.feed(EVERYTHING, now_at, clock())
        return id(feed), id(feed.gzipped())

    with ThreadPoolExecutor(8) as threads:
        got = set(threads.map(ask, range(8)))
    assert len(got) == 1
    assert sum("FROM closures" in statement for statement in asked) == 1


def test_nobody_waits_for_a_feed_of_another_scope(publishing, head, alpha, announce, give, clock):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    now_at = head()
    with ThreadPoolExecutor(2) as threads:
        with publishing._shelf(EVERYTHING, clock().date()).rendering:
            waits = threads.submit(publishing.feed, EVERYTHING, now_at, clock())
            other = threads.submit(publishing.feed, OF_ALPHA, now_at, clock()).result(30)
            assert (len(other.entries), waits.done()) == (1, False)
        assert waits.result(30).entries == other.entries


def test_who_is_shredded_while_it_catches_up_is_shown_no_more(
    publishing, store, head, alpha, enrolled, announce, give, clock
):
    beta = enrolled("BETA", "GW-B1")
    give(alpha, announce("u1", "2027-02-07T02:00"))
    give(beta, announce("u1", "2027-02-08T02:00", gateway="GW-B1"))
    assert [entry.user_code for entry in publishing.feed(EVERYTHING, head(), clock()).entries] == ["ALPHA", "BETA"]
    give(beta, announce("u2", "2027-02-09T02:00", gateway="GW-B1"))
    before = head()
    shred_user(store, "ALPHA", clock())
    feed = publishing.feed(EVERYTHING, before, clock())
    assert [entry.user_code for entry in feed.entries] == ["BETA", "BETA"]


def test_a_new_user_or_gateway_has_nothing_rendered_anew(publishing, store, head, asked, alpha, announce, give, clock):
    def shown():
        with publishing.board(EVERYTHING, head(), clock().date()) as board:
            return board.shown()

    give(alpha, announce("u1", "2027-02-07T02:00"))
    feed, (rendered,) = publishing.feed(EVERYTHING, head(), clock()), shown()
    enrol_user(store, "NEW", "New Energy", "Energy Supplier")
    enrol_gateway(store, "ALPHA", "GW-A3", "The third")
    now_at = head()
    asked.clear()
    assert publishing.feed(EVERYTHING, now_at, clock()) is feed
    assert asked == []
    give(alpha, announce("u2", "2027-02-08T02:00", gateway="GW-A3"))
    first, second = shown()
    assert first is rendered
    assert (second.entry.gateway_code, second.entry.gateway_name) == ("GW-A3", "The third")
