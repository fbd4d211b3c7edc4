"""A board that follows each change stands as one that is made of everything, and says what came since."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.board import Everything, FeedBoard, Heard
from feeds.scope import EPOCH, FeedScope, ScopeKind, last_edge, takes
from tests.feeds.items import Item

DAY = timedelta(days=1)
TODAY = date(2026, 12, 6)
ALL = FeedScope(ScopeKind.ALL, past_days=2, horizon_days=6, withdrawn_days=3)
SCOPES = [
    ALL,
    replace(ALL, withdrawn_days=0),
    FeedScope(ScopeKind.USER, "ALPHA", past_days=2, horizon_days=6),
    FeedScope(ScopeKind.GATEWAY, "GW-1", past_days=2, horizon_days=6),
    FeedScope(ScopeKind.LATE, past_days=2, horizon_days=6),
    FeedScope(ScopeKind.CHANGES, past_days=2),
    FeedScope(ScopeKind.FULL),
]


@pytest.fixture(scope="session")
def histories(planned):
    """Lists of versions of closures, as they might change: some or many at first, then a few at a time."""
    noon = datetime(2026, 12, 6, 12, tzinfo=UTC)

    def version(number, day, hours, user, gateways, marks):
        starts = noon + DAY * day
        withdrawn, late = marks
        entry = replace(
            planned, reference=f"CN-{number}", user_code=user, gateway_code=f"GW-{gateways[0]}", starts=starts,
            ends=starts + timedelta(hours=hours), withdrawn=withdrawn, late_change=late,
        )  # fmt: skip
        return entry, tuple(f"GW-{gateway}" for gateway in gateways[1:])

    versions = st.builds(
        version,
        st.integers(0, 39),
        st.integers(-12, 12),
        st.sampled_from([1, 4, 24, 100]),
        st.sampled_from(["ALPHA", "BETA"]),
        st.lists(st.integers(1, 3), min_size=1, max_size=3),
        st.tuples(st.booleans(), st.booleans()),
    )
    later = st.lists(st.lists(versions, max_size=3), max_size=8)
    many = st.lists(versions, min_size=20, max_size=30, unique_by=lambda version: version[0].reference)
    return st.builds(lambda first, after: [first, *after], st.lists(versions, max_size=4) | many, later)


def dated(history):
    """Items of a history: each step has its change number and a later stamp, and a closure keeps former gateways."""
    known, taken = {}, []
    for change, step in enumerate(history, 1):
        items = {}
        for entry, former in step:
            stamp = datetime(2026, 12, 1, tzinfo=UTC) + timedelta(hours=9 * change)
            known[entry.reference] = former + known.get(entry.reference, ())
            items[entry.reference] = Item(replace(entry, changed=stamp), change, known[entry.reference])
        taken.append(list(items.values()))
    return taken


def told(board):
    return [item.entry for item in board.shown()], board.newest, board.changed_at


@given(data=st.data(), scope=st.sampled_from(SCOPES))
def test_a_board_that_follows_is_one_made_anew(histories, data, scope):
    everything = Everything()
    board = FeedBoard(scope, TODAY, everything)
    assert told(board) == ([], Heard(), EPOCH)
    for items in dated(data.draw(histories)):
        board.follow(everything.take(items))
        assert told(board) == told(FeedBoard(scope, TODAY, everything))
    held = everything.in_order()
    assert len(everything) == len(held)
    assert [item.entry.sort_key for item in held] == sorted(item.entry.sort_key for item in held)
    assert board.shown() == [item for item in held if takes(scope, item.entry, TODAY)]
    edges = [(last_edge(scope, item.entry, TODAY), item.entry.reference) for item in held]
    revisions = [(item.change, item.entry.reference) for item in held]
    dated_edges = [edge for edge in edges if edge[0]]
    assert board.newest == Heard(max(revisions, default=(0, "")), max(dated_edges, default=(0, "")))


@given(data=st.data(), scope=st.sampled_from(SCOPES), most=st.sampled_from([None, 1, 2, 3]))
def test_who_follows_a_board_over_days_holds_what_it_shows(histories, data, scope, most):
    everything, client, heard = Everything(), {}, Heard()
    for number, items in enumerate(dated(data.draw(histories))):
        everything.take(items)
        board = FeedBoard(scope, TODAY + number * DAY, everything)
        cut = True
        while cut:
            step = board.after(heard, most)
            assert most is None or len(step.shown) + len(step.gone) <= most
            named = [*(item.entry.reference for item in step.shown), *step.gone]
            assert len(named) == len(set(named))
            client |= {item.entry.reference: item for item in step.shown}
            for reference in step.gone:
                client.pop(reference, None)
            heard, cut = step.reached, step.is_cut
        assert client == {item.entry.reference: item for item in board.shown()}
        assert heard == board.newest


@given(data=st.data(), scope=st.sampled_from(SCOPES))
def test_touching_is_what_shares_an_instant(histories, data, scope):
    everything = Everything()
    for items in dated(data.draw(histories)):
        everything.take(items)
    board = FeedBoard(scope, TODAY, everything)
    instants = st.none() | st.integers(-400, 400).map(
        lambda hours: datetime(2026, 12, 6, tzinfo=UTC) + timedelta(hours=hours)
    )
    starts, ends = data.draw(instants), data.draw(instants)
    assert board.touching(starts, ends) == [
        item
        for item in board.shown()
        if (ends is None or item.entry.starts < ends) and (starts is None or starts < item.entry.ends)
    ]


def test_the_beginning_of_time_is_before_everything(planned):
    everything = Everything([Item(planned)])
    board = FeedBoard(FeedScope(ScopeKind.FULL), TODAY, everything)
    first = datetime.min.replace(tzinfo=UTC)
    assert board.touching(first, None) == [Item(planned)]
    assert (board.named(planned.reference), board.named("CN-0")) == (Item(planned), None)
    assert everything[planned.reference] == everything.get(planned.reference) == Item(planned)
    late = FeedBoard(FeedScope(ScopeKind.LATE), TODAY, everything)
    assert late.named(planned.reference) is None


def test_a_closure_that_left_for_another_gateway_changed_the_feed(planned):
    here = FeedScope(ScopeKind.GATEWAY, planned.gateway_code)
    everything = Everything([Item(planned)])
    board = FeedBoard(here, TODAY, everything)
    left = replace(planned, gateway_code="GW-OTHER", changed=planned.changed + DAY)
    board.follow(everything.take([Item(left, 2, (planned.gateway_code,))]))
    assert (board.shown(), board.changed_at) == ([], left.changed)
    elsewhere = FeedBoard(FeedScope(ScopeKind.GATEWAY, "GW-THIRD"), TODAY, everything)
    assert elsewhere.changed_at == EPOCH
