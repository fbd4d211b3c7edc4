"""DCC's calendars are what the feeds show, read-only, with a sync that hears of revisions and of days passing."""

from datetime import UTC, datetime, timedelta

import icalendar
import pytest

from app.caldav.backend import Condition, TokenUnknown
from app.caldav.boards.board import board_of_dcc
from app.domain.maintenance import MaintenanceKind
from app.domain.notice import NoticeContent
from app.domain.refusal import AccessRefused
from app.factory import publisher_of
from app.ical.components import read_calendars
from app.publishing import Publishing
from app.register.maintenance import PLACE, import_maintenance
from app.register.people import enrolment
from app.store.engine import read_head
from feeds.scope import FeedScope, ScopeKind


class Reader:
    """A calendar program of DCC's staff, reading one collection through one worker."""

    def __init__(self, register, publishing, clock, name="all"):
        self.register, self.publishing, self.clock, self.name = register, publishing, clock, name
        self.held, self.token = {}, ""

    @property
    def board(self):
        return board_of_dcc(self.register, self.publishing, "DCC planning", self.clock())

    @property
    def collection(self):
        return self.board.collection("DCC", self.name)

    @property
    def newest(self):
        return self.board.reached(self.collection).token

    def sync(self, most=None):
        while True:
            page = self.board.changes(self.collection, self.token, most)
            assert most is None or len(page.changed) + len(page.gone) <= most
            self.held |= {entry.name: entry.etag for entry in page.changed}
            for name in page.gone:
                self.held.pop(name, None)
            self.token = page.token
            if not page.is_cut:
                return page

    def listed(self):
        return {entry.name: entry.etag for entry in self.board.entries(self.collection)}


@pytest.fixture
def reader(register, settings, clock):
    return lambda name="all": Reader(register, Publishing(register, publisher_of(settings)), clock, name)


def test_members_are_the_feeds_own_octets(register, settings, reader, alpha, announce, give, clock):
    give(alpha, announce("u1", "2027-02-07T02:00"), announce("u2", "2026-11-26T02:00"))
    everything, late = reader(), reader("late")
    with register.store.reading() as connection:
        feed = everything.publishing.feed(FeedScope(ScopeKind.ALL), read_head(connection), clock())
    members = list(everything.board.every_member(everything.collection))
    event = members[0].octets.split(b"BEGIN:VEVENT")[1].split(b"END:VEVENT")[0]
    assert (len(members), event in feed.calendar, b"METHOD" in members[0].octets) == (2, True, False)
    parsed = icalendar.Calendar.from_ical(members[0].octets)
    assert str(parsed.walk("VEVENT")[0]["UID"]) == members[0].uid
    (one,) = late.listed()
    assert late.board.members(late.collection, [one, "x"])[one].instances[0].starts == datetime(
        2026, 11, 26, 2, tzinfo=UTC
    )
    assert late.board.entry(late.collection, one).length == len(late.board.members(late.collection, [one])[one].octets)
    assert late.board.entry(late.collection, "x") is None


def test_the_home_holds_three_collections_that_nobody_writes(reader, alpha, announce, give):
    board = reader().board
    assert [(collection.name, collection.writable) for collection in board.collections("dcc")] == [
        ("all", False), ("late", False), ("maintenance", False),
    ]  # fmt: skip
    assert (board.collections("ALPHA"), board.collection("dcc", "x"), board.principal("ALPHA")) == ([], None, None)
    assert (board.principal("DCC"), board.principals()) == (board.asker(), [board.asker()])
    for name in ("all", "maintenance"):
        collection = board.collection("dcc", name)
        newest = board.reached(collection).token
        assert (board.entries(collection), board.changes(collection, "", None).changed) == ([], [])
        assert board.changes(collection, newest, 1).token == newest
        with pytest.raises(AccessRefused):
            board.put(collection, "a.ics", read_calendars(b"BEGIN:VCALENDAR"), Condition())
        with pytest.raises(AccessRefused):
            board.delete(collection, "a.ics", Condition())
        with pytest.raises(AccessRefused):
            board.move(collection, "a.ics", collection, "b.ics", Condition(), overwrite=True)
        with pytest.raises(AccessRefused):
            board.refuse(collection, b"what the protocol refused")
    board.set_properties("/x/", {"{a}b": "<b/>"})
    assert board.properties("/x/") == {"{a}b": "<b/>"}


def test_touching_is_by_the_half_open_window(reader, alpha, announce, give):
    give(alpha, announce("u1", "2027-02-07T02:00"))  # to 06:00
    board, at = reader().board, lambda hour: datetime(2027, 2, 7, hour, tzinfo=UTC)
    spans = [(at(0), at(2)), (at(0), at(3)), (at(5), at(7)), (at(6), at(7)), (None, at(3)), (at(5), None), (None, None)]
    assert [len(list(board.touching(board.collection("dcc", "all"), *span))) for span in spans] == [0, 1, 1, 0, 1, 1, 1]


@pytest.mark.parametrize("most", [None, 1, 2, 3])
@pytest.mark.parametrize("name", ["all", "late"])
def test_a_client_that_syncs_holds_what_is_listed(reader, alpha, announce, give, clock, name, most):
    client = reader(name)
    give(alpha, *(announce(f"u{day}", f"2026-12-{day:02}T02:00") for day in range(1, 8)))
    client.sync(most)
    assert client.held == client.listed()
    clock.forward(hours=1)
    # One is moved, one withdrawn, one new; told at different times.
    give(alpha, announce("u1", "2026-12-20T02:00", sender_sequence=1), at=clock())
    give(alpha, announce("u2", "2026-12-02T02:00", withdrawn=True), announce("n", "2027-06-01T02:00"), at=clock())
    client.sync(most)
    assert client.held == client.listed()
    for days in (1, 30, 7, 4, 60, 600):  # past horizons end, one withdrawn leaves
        clock.forward(days=days)
        client.sync(most)
        assert client.held == client.listed()
    assert client.held == {}


def test_a_token_changes_with_the_collection_alone_and_on_every_worker_alike(reader, alpha, announce, give, clock):
    one, other = reader(), reader()
    give(alpha, announce("u1", "2027-02-07T02:00"))
    assert one.newest == other.newest
    give(alpha, announce("u2", "2027-02-08T02:00"))
    token = other.newest
    clock.forward(days=1)  # nothing comes or goes today
    give(alpha, announce("u2", "2027-02-08T02:00"))  # nor is this news
    assert (one.newest, other.newest) == (token, token)
    assert one.board.changes(one.collection, token, None).changed == []


def test_what_is_no_token_of_this_collection_is_unknown(service, reader, alpha, announce, give):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    one, late = reader(), reader("late")
    token = one.newest
    other_leaf = token.replace(token.split("_")[2].split(".")[1], "0" * 12)
    for bad in (late.newest, "x", "1-2", token + "0", other_leaf):
        with pytest.raises(TokenUnknown):
            one.board.changes(one.collection, bad, None)
    assert one.board.changes(one.collection, token, None).changed == []
    # A name that is new stands in no octet of before.
    enrolment.enrol_gateway(service.store, "ALPHA", "GW-A9", "Another")
    assert one.board.changes(one.collection, token, None).changed == []
    # What is forgotten is told by no change: whoever syncs starts again.
    enrolment.enrol_user(service.store, "GONE", "Gone Energy", "Energy Supplier")
    enrolment.shred_user(service.store, "GONE", service.store.now())
    with pytest.raises(TokenUnknown):
        one.board.changes(one.collection, token, None)


def test_a_token_of_a_lost_timeline_is_unknown(register, reader, alpha, announce, give):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    one = reader()
    token = one.newest
    position, mark = token.split("_")[2].split(".")
    assert (int(position) > 0, len(mark)) == (True, 12)
    beyond = token.replace(f"{position}.{mark}", f"{int(position) + 99}.{mark}")
    with pytest.raises(TokenUnknown):
        one.board.changes(one.collection, beyond, None)


def test_a_withdrawn_closure_stays_as_cancelled_for_its_time(reader, alpha, announce, give, clock):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    give(alpha, announce("u1", "2027-02-07T02:00", withdrawn=True, sender_sequence=1), at=clock.forward(hours=1))
    client = reader()
    client.sync()
    (member,) = client.board.every_member(client.collection)
    assert b"STATUS:CANCELLED" in member.octets
    clock.now += timedelta(days=60)
    assert client.sync().gone == []
    clock.now += timedelta(days=1)
    assert (client.sync().gone, client.held) == ([member.entry.name], {})


@pytest.fixture
def plan(register, announce, clock):
    """Return a function that imports DCC's own windows: ``plan("m1", "2027-02-07T02:00")``."""

    def record(*stated):
        announced = tuple(
            announce(uid, starts, gateway=PLACE, withdrawn=withdrawn) for uid, starts, withdrawn in stated
        )
        reading = NoticeContent(announced, (), events=len(announced))
        return import_maintenance(register, MaintenanceKind.MAINTENANCE, reading, clock())

    return record


def test_dccs_own_dates_are_members_that_a_sync_follows(reader, plan, clock):
    one, other = reader("maintenance"), reader("maintenance")
    assert one.sync().changed == []
    first = plan(("m1", "2027-02-07T02:00", False), ("m2", "2027-03-07T02:00", False))
    names = {f"{each.reference}.ics" for each in first.added}
    one.sync()
    other.sync(most=1)
    assert set(one.held) == names == set(other.held)
    assert one.held == one.listed() == other.held
    (member,) = one.board.members(one.collection, [f"{first.added[0].reference}.ics"]).values()
    assert [(each.starts, each.ends) for each in member.instances] == [
        (datetime(2027, 2, 7, 2, tzinfo=UTC), datetime(2027, 2, 7, 6, tzinfo=UTC))
    ]
    clock.forward(hours=1)
    (moved,) = plan(("m1", "2027-02-14T02:00", False)).moved
    assert [entry.name for entry in one.sync().changed] == [f"{moved.reference}.ics"]
    assert one.held == one.listed() != other.held
    clock.forward(days=115)
    gone = one.sync()
    assert (gone.gone, one.held, one.listed()) == ([f"{moved.reference}.ics"], one.listed(), one.held)


def test_an_entry_that_comes_in_before_the_place_of_a_token_ends_the_token(reader, plan, clock):
    one = reader("maintenance")
    plan(("m1", "2027-02-07T02:00", False))
    one.sync()
    clock.forward(days=-1)
    plan(("m2", "2027-03-07T02:00", False))
    with pytest.raises(TokenUnknown):
        one.sync()
    one.token = ""
    one.sync()
    assert one.held == one.listed()
