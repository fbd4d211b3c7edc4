"""The record in memory follows the register: through moves, expiry, forgetting, shredding and a clock set back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.domain.access import Principal, Role
from app.domain.closure import State, Step
from app.domain.notice import Channel
from app.domain.refusal import StoreBusy, Unknown
from app.domain.told_fact import FactKind, ToldFact
from app.domain.window import ClosureWindow
from app.register.expire import expire_past_windows
from app.register.history_cache import HistoryCache
from app.register.people.enrolment import enrol_gateway, enrol_user, shred_user
from app.register.reading import (
    Question,
    find_closure,
    read_everything,
    read_recorded,
    read_schedule,
    require_gateway,
)
from app.register.recorded_change import EVERY_KIND
from app.register.retention import purge_expired
from app.register.tell_fact import tell_fact
from app.security.sealing import SealBroken
from app.store.receipt_order import received_in
from app.store.tables import revisions
from tests.register.test_tampering import edit

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
YEAR = ClosureWindow(NOW - timedelta(days=30), NOW + timedelta(days=700))


@pytest.fixture
def lines(register, dcc):
    """Return a function that gives what is known: (window's day, state, number, moves)."""

    def known(as_of=None):
        found = read_schedule(register, dcc, Question(YEAR, as_of=as_of))
        return [(f"{one.window.starts:%m-%d}", one.state.value, one.number, one.moves) for one in found]

    return known


def test_every_step_is_followed(register, alpha, announce, give, dcc, lines):
    assert lines() == []
    (ack,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    assert lines() == [("02-07", "planned", 1, 0)]
    give(alpha, announce("u1", "2027-02-08T02:00", sender_sequence=2), at=NOW + timedelta(days=1))
    assert lines() == [("02-08", "planned", 2, 1)]
    # An older notice that arrives late is part of the history and changes nothing.
    give(alpha, announce("u1", "2027-02-20T02:00", sender_sequence=1), at=NOW + timedelta(days=2))
    assert lines() == [("02-08", "planned", 2, 1)]
    give(
        alpha,
        replace(announce("u1", "2027-02-08T02:00", sender_sequence=3), withdrawn=True),
        at=NOW + timedelta(days=3),
    )
    # Planned again on another day: a new beginning, not a move.
    give(alpha, announce("u1", "2027-03-08T02:00", sender_sequence=4), at=NOW + timedelta(days=4))
    assert lines() == [("03-08", "planned", 4, 1)]
    elsewhere = announce("u1", "2027-03-08T02:00", gateway="GW-A2", sender_sequence=5)
    give(alpha, elsewhere, at=NOW + timedelta(days=5), about=ack.closure.reference)
    assert expire_past_windows(register, datetime(2027, 4, 1, tzinfo=UTC)) == 1
    assert lines() == [("03-08", "expired", 5, 1)]
    assert [lines(NOW + timedelta(days=day)) for day in (-1, 0, 1, 2, 3, 4)] == [
        [], [("02-07", "planned", 1, 0)], [("02-08", "planned", 2, 1)], [("02-08", "planned", 2, 1)],
        [("02-08", "withdrawn", 3, 1)], [("03-08", "planned", 4, 1)],
    ]  # fmt: skip
    recorded = read_recorded(register, dcc, NOW, datetime(2027, 5, 1, tzinfo=UTC))
    assert [one.step for one in recorded] == [
        Step.FIRST, Step.MOVED, Step.SUPERSEDED, Step.WITHDRAWN, Step.PLANNED_AGAIN, Step.GATEWAY_CHANGED, Step.EXPIRED,
    ]  # fmt: skip
    assert [one.is_late for one in recorded] == [False] * 7


def test_what_stands_in_memory_is_what_stands_on_disk(register, alpha, announce, give, dcc):
    (ack,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    for days, starts in enumerate(("2027-02-08T02:00", "2027-02-09T02:00", "2027-02-09T03:00"), 1):
        give(alpha, announce("u1", starts), at=NOW + timedelta(days=days))
    (line,) = read_everything(register, dcc)
    assert line == find_closure(register, dcc, ack.closure.reference)
    assert line == find_closure(register, dcc, ack.closure.reference, NOW + timedelta(days=4))


def test_a_closure_that_was_not_known_then_is_not_found(register, alpha, announce, give, dcc):
    (ack,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    with pytest.raises(Unknown, match="not known then"):
        find_closure(register, dcc, ack.closure.reference, NOW - timedelta(seconds=1))


def test_a_shredded_user_is_forgotten_and_the_others_stay(register, store, alpha, enrolled, announce, give, dcc, lines):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    give(enrolled("BETA", "GW-B1"), announce("b", "2027-02-09T02:00", gateway="GW-B1"))
    assert len(lines()) == 2
    shred_user(store, "ALPHA", NOW)
    assert lines() == [("02-09", "planned", 1, 0)]
    with pytest.raises(Unknown):
        require_gateway(register, dcc, "GW-A1")


def test_purged_facts_are_forgotten(register, alpha, announce, give, lines):
    give(alpha, announce("u1", "2026-11-25T02:00"), announce("u2", "2027-11-25T02:00"))
    assert len(lines()) == 2
    purge_expired(register, datetime(2034, 1, 1, tzinfo=UTC))
    assert lines() == [("11-25", "planned", 1, 0)]


def test_a_clock_set_back_leaves_the_order_of_receipt(register, alpha, announce, give, dcc, lines):
    give(alpha, announce("u1", "2027-02-07T02:00"), at=NOW)
    give(alpha, announce("u2", "2027-02-08T02:00"), at=NOW - timedelta(hours=1))
    give(alpha, announce("u1", "2027-02-09T02:00"), at=NOW - timedelta(hours=2))
    # What was recorded last stands; at an instant, the last entry whose receipt is not after it.
    assert lines() == [("02-08", "planned", 1, 0), ("02-09", "planned", 2, 1)]
    assert lines(NOW - timedelta(hours=2)) == [("02-09", "planned", 2, 1)]
    recorded = read_recorded(register, dcc, NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert [one.received_at for one in recorded] == [NOW - timedelta(hours=2), NOW - timedelta(hours=1), NOW]


def test_a_span_longer_than_the_record_and_one_within_a_week(register, alpha, announce, give, dcc):
    give(alpha, announce("u1", "2027-02-07T22:00", 6))
    decades = ClosureWindow(datetime(1990, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC))
    midnight = datetime(2027, 2, 8, tzinfo=UTC)
    found = [
        len(read_schedule(register, dcc, Question(span)))
        for span in (
            decades,
            ClosureWindow(midnight, midnight + timedelta(minutes=1)),
            ClosureWindow(midnight + timedelta(hours=4), midnight + timedelta(hours=5)),
        )
    ]
    assert found == [1, 1, 0]


def test_filters_and_who_may_see(register, alpha, enrolled, announce, give, dcc):
    give(alpha, announce("u1", "2027-02-07T02:00"), announce("u2", "2027-02-07T02:00", gateway="GW-A2"))
    give(enrolled("BETA", "GW-B1"), announce("b", "2027-02-07T02:00", gateway="GW-B1"))
    beta = Principal("b", Role.USER, frozenset({"BETA"}))
    asked = [
        Question(YEAR),
        Question(YEAR, user="ALPHA"),
        Question(YEAR, gateway="GW-A2"),
        Question(YEAR, state=State.EXPIRED, now=NOW),
    ]
    assert [len(read_schedule(register, dcc, one)) for one in asked] == [3, 2, 1, 0]
    assert [len(read_schedule(register, beta, one)) for one in asked] == [1, 0, 0, 0]
    require_gateway(register, beta, "GW-B1")
    for code in ("GW-A1", "GW-NONE"):
        with pytest.raises(Unknown, match="no such gateway"):
            require_gateway(register, beta, code)


@pytest.mark.parametrize("reader", ["histories_of_users", "recorded_between"])
def test_a_database_that_is_away_leaves_the_record_in_memory_sound(
    register, alpha, announce, give, lines, monkeypatch, reader
):
    from app.store import histories as rows

    give(alpha, announce("u0", "2027-02-06T02:00"))
    if reader == "recorded_between":
        assert len(lines()) == 1  # it follows from here
    give(alpha, announce("u1", "2027-02-07T02:00"), announce("u2", "2027-02-08T02:00"))
    whole = getattr(rows, reader)

    def broken(*arguments):
        yield next(iter(whole(*arguments)))
        raise StoreBusy("The database does not answer.")

    monkeypatch.setattr(rows, reader, lambda *arguments: list(broken(*arguments)))
    with pytest.raises(StoreBusy):
        lines()
    monkeypatch.undo()
    assert lines() == [(f"02-0{day}", "planned", 1, 0) for day in (6, 7, 8)]


def test_a_new_user_or_gateway_is_known_at_once_and_drops_nothing(register, store, alpha, announce, give, dcc):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    (before,) = read_everything(register, dcc)
    named = register.history.parties().users
    new = enrol_user(store, "NEW", "New Energy", "Energy Supplier")
    enrol_gateway(store, "NEW", "GW-N1", "The new one")
    (after,) = read_everything(register, dcc)
    assert after is before
    assert register.history.parties().users[alpha.id] is named[alpha.id]
    assert (register.history.names.users["NEW"], register.history.names.gateways["GW-N1"]) == (
        "New Energy",
        "The new one",
    )
    give(new, announce("u1", "2027-02-08T02:00", gateway="GW-N1"))
    assert [one.user for one in read_everything(register, dcc)] == ["ALPHA", "NEW"]


def test_a_watch_that_ends_and_begins_between_two_questions_is_followed(register, store, alpha, announce, give, dcc):
    cache = HistoryCache(store)
    (ack,) = give(alpha, announce("u1", "2026-11-24T08:00")).accepted

    def tell(told, minutes):
        now = NOW + timedelta(minutes=minutes)
        tell_fact(register, dcc, ack.closure.reference, told, channel=Channel.API, now=now)

    def watched():
        return [one.reference for one in cache.watched(None, _everybody)]

    tell(ToldFact(FactKind.CLOSED, NOW), 1)
    assert watched() == [ack.closure.reference]
    tell(ToldFact(FactKind.TAKEN_BACK, None), 2)
    tell(ToldFact(FactKind.CLOSED, NOW), 3)
    assert watched() == [ack.closure.reference]


def test_a_history_that_lost_its_last_entry_is_no_answer(store, alpha, announce, give, dcc):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    give(alpha, announce("u1", "2027-02-08T02:00"), at=NOW + timedelta(days=1))
    with store.writing() as connection:
        connection.execute(sa.delete(revisions).where(revisions.c.entry == 2))
    for span in (YEAR, None):
        with pytest.raises(SealBroken):
            HistoryCache(store).closures(span, None, _everybody)


@pytest.mark.parametrize("column", ["id", "user_id"])
def test_a_closure_whose_row_is_another_is_no_answer(service, alpha, announce, give, column):
    for uid in ("u1", "u2"):
        give(alpha, announce(uid, "2027-02-07T02:00"))
    week = ClosureWindow(NOW + timedelta(days=74), NOW + timedelta(days=76))
    assert len(HistoryCache(service.store).closures(week, None, _everybody)) == 2
    least = "(SELECT MIN(reference) FROM closures)"
    edit(service, f"UPDATE closures SET {column} = :other WHERE reference = {least}", other=bytes(16))
    with pytest.raises(SealBroken):
        HistoryCache(service.store).closures(week, None, _everybody)


def test_entries_that_say_each_others_places_are_no_answer(store, alpha, announce, give):
    for uid, starts in (("u1", "2027-02-07T02:00"), ("u2", "2026-11-26T02:00")):
        give(alpha, announce(uid, starts))
    cache = HistoryCache(store)
    assert len(cache.received(received_in(NOW, NOW + timedelta(days=1)), _everybody, EVERY_KIND).entries) == 2
    with store.writing() as connection:
        first, second = connection.execute(sa.select(revisions.c.log_index)).scalars()
        for before, after in ((first, -1), (second, first), (-1, second)):
            connection.execute(sa.update(revisions).where(revisions.c.log_index == before).values(log_index=after))
    with pytest.raises(SealBroken):
        cache.received(received_in(NOW, NOW + timedelta(days=2)), _everybody, EVERY_KIND)


def _everybody(parties):
    return set(parties.users)
