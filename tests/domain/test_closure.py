import dataclasses
import inspect
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.closure import (
    PlannedClosure,
    State,
    Step,
    apply_step,
    expired,
    first_heard,
    is_older,
    restated,
    step_of,
)
from app.domain.notice import Announcement
from app.domain.window import ClosureWindow

START = datetime(2026, 12, 6, 2, tzinfo=UTC)
TICK = timedelta(microseconds=1)
HEARD, LATER, LATEST = (datetime(2026, 11, day, 9, tzinfo=UTC) for day in (2, 9, 16))
STAMP = datetime(2026, 11, 1, 12, tzinfo=UTC)


def span(first, after):
    return ClosureWindow(START + timedelta(hours=first), START + timedelta(hours=after))


SAID = Announcement(
    uid="uid@acme",
    gateway="GW1",
    window=span(0, 4),
    recurrence_id="20261206T020000Z",
    sender_sequence=2,
    sender_dtstamp=STAMP,
    position=3,
)
CLOSURE = first_heard(SAID, closure_id=b"0123456789abcdef", reference="CN-ABC", user="ACME", received_at=HEARD)
WITHDRAWN = apply_step(CLOSURE, replace(SAID, withdrawn=True), Step.WITHDRAWN, LATER)


def facts(closure):
    return dataclasses.asdict(closure) | {"window": closure.window, "moved_from": closure.moved_from}


def changed(before, after):
    """The facts that differ, as they are afterwards."""
    old = facts(before)
    return {name: value for name, value in facts(after).items() if value != old[name]}


def test_words_of_the_record():
    assert [str(state) for state in State] == ["planned", "withdrawn", "expired"]
    assert [(str(step), step.is_numbered) for step in Step] == [
        ("first notice", True),
        ("moved", True),
        ("lengthened", True),
        ("shortened", True),
        ("gateway changed", True),
        ("withdrawn", True),
        ("planned again", True),
        ("superseded", False),
        ("expired", False),
    ]


def test_the_closure_that_a_first_notice_makes():
    assert (
        PlannedClosure(
            id=b"0123456789abcdef",
            reference="CN-ABC",
            user="ACME",
            gateway="GW1",
            uid="uid@acme",
            recurrence_id="20261206T020000Z",
            position=3,
            window=span(0, 4),
            state=State.PLANNED,
            number=1,
            entries=1,
            first_received_at=HEARD,
            window_received_at=HEARD,
            sender_sequence=2,
            sender_dtstamp=STAMP,
            moved_from=None,
            moves=0,
            former_gateways=(),
        )
        == CLOSURE
    )


def test_a_closure_is_built_from_named_facts():
    kinds = {parameter.kind for parameter in inspect.signature(PlannedClosure).parameters.values()}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}


def test_a_first_notice_needs_a_window():
    with pytest.raises(AssertionError):
        first_heard(replace(SAID, window=None), closure_id=b"1", reference="CN-1", user="ACME", received_at=HEARD)


@pytest.mark.parametrize(
    ("instant", "is_open"),
    [(START - TICK, False), (START, True), (span(0, 4).ends - TICK, True), (span(0, 4).ends, False)],
)
def test_open_is_read_off_the_clock(instant, is_open):
    assert CLOSURE.is_open(instant) is is_open
    assert expired(CLOSURE).is_open(instant) is is_open
    assert WITHDRAWN.is_open(instant) is False


@pytest.mark.parametrize(
    ("instant", "passed"),
    [(START, False), (span(0, 4).ends - TICK, False), (span(0, 4).ends, True), (span(0, 400).ends, True)],
)
def test_only_a_planned_closure_is_due_to_expire(instant, passed):
    assert CLOSURE.has_passed(instant) is passed
    assert expired(CLOSURE).has_passed(instant) is False
    assert WITHDRAWN.has_passed(instant) is False


WINDOW_STEPS = [
    (span(0, 4), None),
    (span(-1, 4), Step.LENGTHENED),
    (span(0, 5), Step.LENGTHENED),
    (span(-1, 5), Step.LENGTHENED),
    (span(1, 4), Step.SHORTENED),
    (span(0, 3), Step.SHORTENED),
    (span(1, 3), Step.SHORTENED),
    (span(1, 5), Step.MOVED),
    (span(-1, 3), Step.MOVED),
    (span(4, 8), Step.MOVED),
    (span(-8, -4), Step.MOVED),
]


@pytest.mark.parametrize(("window", "step"), WINDOW_STEPS)
@pytest.mark.parametrize("closure", [CLOSURE, expired(CLOSURE)], ids=["planned", "expired"])
def test_what_another_window_is(closure, window, step):
    assert step_of(closure, replace(SAID, window=window)) is step


@pytest.mark.parametrize(
    ("closure", "said", "step"),
    [
        (CLOSURE, SAID, None),
        (CLOSURE, replace(SAID, window=None), None),
        (CLOSURE, replace(SAID, withdrawn=True), Step.WITHDRAWN),
        (CLOSURE, replace(SAID, withdrawn=True, window=None, gateway="GW2"), Step.WITHDRAWN),
        (expired(CLOSURE), replace(SAID, withdrawn=True), Step.WITHDRAWN),
        (WITHDRAWN, replace(SAID, withdrawn=True), None),
        (WITHDRAWN, SAID, Step.PLANNED_AGAIN),
        (WITHDRAWN, replace(SAID, window=span(9, 10), gateway="GW2"), Step.PLANNED_AGAIN),
        (CLOSURE, replace(SAID, gateway="GW2"), Step.GATEWAY_CHANGED),
        (CLOSURE, replace(SAID, gateway="GW2", window=span(9, 10)), Step.GATEWAY_CHANGED),
        (CLOSURE, replace(SAID, sender_sequence=1, window=span(9, 10)), Step.SUPERSEDED),
        (CLOSURE, replace(SAID, sender_sequence=1, withdrawn=True), Step.SUPERSEDED),
        (WITHDRAWN, replace(SAID, sender_sequence=1), Step.SUPERSEDED),
    ],
)
def test_what_an_announcement_does(closure, said, step):
    assert step_of(closure, said) is step


@pytest.mark.parametrize(
    ("sequence", "dtstamp", "older"),
    [
        (1, STAMP, True),
        (1, STAMP + TICK, True),  # SEQUENCE decides before DTSTAMP
        (1, None, True),
        (0, STAMP + TICK, True),
        (2, STAMP - TICK, True),
        (2, STAMP, False),
        (2, STAMP + TICK, False),
        (2, None, False),
        (3, STAMP - TICK, False),
        (3, None, False),
        (0, None, False),  # a form makes no claim
    ],
)
def test_which_of_two_notices_is_newer(sequence, dtstamp, older):
    assert is_older(replace(SAID, sender_sequence=sequence, sender_dtstamp=dtstamp), CLOSURE) is older


def test_a_stamp_is_not_older_than_none():
    unstamped = replace(CLOSURE, sender_dtstamp=None)
    assert is_older(SAID, unstamped) is False
    assert is_older(replace(SAID, sender_sequence=0), replace(unstamped, sender_sequence=0)) is False


NEWER = replace(SAID, sender_sequence=5, sender_dtstamp=STAMP + timedelta(days=1))
MARKED = {"sender_sequence": 5, "sender_dtstamp": STAMP + timedelta(days=1)}


@pytest.mark.parametrize(("window", "step"), WINDOW_STEPS[1:])
def test_another_window_takes_the_place_of_the_old_one(window, step):
    after = apply_step(CLOSURE, replace(NEWER, window=window), step, LATER)
    assert changed(CLOSURE, after) == MARKED | {
        "window": window,
        "number": 2,
        "entries": 2,
        "window_received_at": LATER,
        "moved_from": span(0, 4),
        "moves": 1,
    }


def test_each_move_is_counted_and_the_last_old_window_kept():
    once = apply_step(CLOSURE, replace(SAID, window=span(1, 5)), Step.MOVED, LATER)
    twice = apply_step(once, replace(SAID, window=span(2, 6)), Step.MOVED, LATEST)
    assert (twice.moves, twice.moved_from, twice.window, twice.number) == (2, span(1, 5), span(2, 6), 3)
    assert (twice.first_received_at, twice.window_received_at) == (HEARD, LATEST)


def test_a_changed_gateway_is_no_move():
    after = apply_step(CLOSURE, replace(NEWER, gateway="GW2"), Step.GATEWAY_CHANGED, LATER)
    assert changed(CLOSURE, after) == MARKED | {
        "gateway": "GW2",
        "former_gateways": ("GW1",),
        "number": 2,
        "entries": 2,
        "window_received_at": LATER,
    }


def test_a_changed_gateway_may_bring_a_new_window():
    after = apply_step(CLOSURE, replace(SAID, gateway="GW2", window=span(9, 10)), Step.GATEWAY_CHANGED, LATER)
    assert changed(CLOSURE, after) == {
        "gateway": "GW2",
        "former_gateways": ("GW1",),
        "window": span(9, 10),
        "number": 2,
        "entries": 2,
        "window_received_at": LATER,
        "moved_from": span(0, 4),
        "moves": 1,
    }


def test_a_changed_gateway_without_a_window_keeps_the_window():
    after = apply_step(CLOSURE, replace(SAID, gateway="GW2", window=None), Step.GATEWAY_CHANGED, LATER)
    assert (after.window, after.moves, after.gateway) == (span(0, 4), 0, "GW2")


def test_every_gateway_that_was_left_is_kept_oldest_first():
    closure = CLOSURE
    for gateway in ("GW2", "GW2", "GW3", "GW1"):
        closure = apply_step(closure, replace(SAID, gateway=gateway), Step.GATEWAY_CHANGED, LATER)
    assert (closure.gateway, closure.former_gateways) == ("GW1", ("GW1", "GW2", "GW3"))


def test_a_withdrawal_leaves_the_window_and_the_gateway_as_they_were():
    after = apply_step(
        CLOSURE, replace(NEWER, withdrawn=True, window=span(9, 10), gateway="GW2"), Step.WITHDRAWN, LATER
    )
    assert changed(CLOSURE, after) == MARKED | {"state": State.WITHDRAWN, "number": 2, "entries": 2}


@pytest.mark.parametrize("window", [span(0, 4), span(9, 10)])
def test_planned_again_is_the_same_closure_and_no_move(window):
    after = apply_step(WITHDRAWN, replace(SAID, window=window, gateway="GW2"), Step.PLANNED_AGAIN, LATEST)
    news = {"window": window} if window != span(0, 4) else {}
    assert changed(WITHDRAWN, after) == news | {
        "gateway": "GW2",
        "former_gateways": ("GW1",),
        "state": State.PLANNED,
        "number": 3,
        "entries": 3,
        "window_received_at": LATEST,
    }


def test_an_expired_closure_that_is_moved_is_planned():
    after = apply_step(expired(CLOSURE), replace(SAID, window=span(48, 52)), Step.MOVED, LATER)
    assert (after.state, after.number, after.entries, after.window) == (State.PLANNED, 2, 3, span(48, 52))


def test_a_superseded_notice_only_lengthens_the_history():
    old = replace(SAID, sender_sequence=1, window=span(9, 10), gateway="GW2", withdrawn=True)
    assert changed(CLOSURE, apply_step(CLOSURE, old, Step.SUPERSEDED, LATER)) == {"entries": 2}


def test_expiry_is_an_entry_without_a_number():
    assert changed(CLOSURE, expired(CLOSURE)) == {"state": State.EXPIRED, "entries": 2}


@pytest.mark.parametrize(
    ("said", "news"),
    [
        ({"sender_sequence": 5}, {"sender_sequence": 5}),
        ({"sender_sequence": 0, "sender_dtstamp": None}, {}),  # a form takes nothing back
        ({"sender_dtstamp": STAMP + TICK}, {"sender_dtstamp": STAMP + TICK}),
        ({"recurrence_id": "20261207T020000Z", "position": 4}, {"recurrence_id": "20261207T020000Z", "position": 4}),
        ({"position": 0}, {"position": 0}),
        ({"position": None}, {}),  # one occurrence sent without its rule
        ({"window": span(9, 10), "gateway": "GW2", "withdrawn": True}, {}),
    ],
)
def test_what_an_announcement_without_news_leaves_behind(said, news):
    assert changed(CLOSURE, restated(CLOSURE, replace(SAID, **said))) == news


announcements = st.builds(
    lambda first, length, gateway, withdrawn, timeless, sequence, stamp: replace(
        SAID,
        window=None if withdrawn and timeless else span(first, first + length),
        gateway=gateway,
        withdrawn=withdrawn,
        sender_sequence=sequence,
        sender_dtstamp=None if stamp is None else STAMP + timedelta(hours=stamp),
    ),
    st.integers(0, 4),
    st.integers(1, 3),
    st.sampled_from(["GW1", "GW2"]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 4),
    st.none() | st.integers(0, 3),
)
EXPIRE = "expire"


@pytest.mark.parametrize("sequence", [0, 1, 2, 3])
@pytest.mark.parametrize("dtstamp", [None, STAMP - TICK, STAMP, STAMP + TICK])
def test_what_stands_by_receipt_is_never_older_and_its_mark_is_the_one_that_stands(sequence, dtstamp):
    said = replace(SAID, sender_sequence=sequence, sender_dtstamp=dtstamp, by_receipt=True)
    assert is_older(said, CLOSURE) is False
    marked = restated(CLOSURE, said)
    assert (marked.sender_sequence, marked.sender_dtstamp) == (sequence, dtstamp)


@given(st.lists(announcements | st.just(EXPIRE), max_size=25))
def test_a_history_never_loses_a_window(told):
    closure, standing, numbered, history = CLOSURE, SAID.window, 1, 1
    gateways, state, mark = ["GW1"], State.PLANNED, (SAID.sender_sequence, SAID.sender_dtstamp)
    for n, said in enumerate(told, start=1):
        before, now = closure, HEARD + timedelta(days=n)
        if said == EXPIRE:
            if not before.has_passed(now + timedelta(days=90)):
                continue
            closure, history, state = expired(before), history + 1, State.EXPIRED
        elif (step := step_of(before, said)) is None:
            closure = restated(before, said)
        else:
            closure, history = apply_step(before, said, step, now), history + 1
            claims = said.sender_sequence != 0 or said.sender_dtstamp is not None
            stamped = said.sender_dtstamp is not None and mark[1] is not None
            is_late_mail = claims and (
                said.sender_sequence < mark[0]
                or (said.sender_sequence == mark[0] and stamped and said.sender_dtstamp < mark[1])
            )
            assert (step is Step.SUPERSEDED) is is_late_mail
            if step is not Step.SUPERSEDED:
                numbered += 1
                state = State.WITHDRAWN if said.withdrawn else State.PLANNED
                if not said.withdrawn:
                    standing = said.window
                    gateways += [said.gateway] * (said.gateway != gateways[-1])
                    assert closure.window_received_at == now
                    if step in {Step.MOVED, Step.LENGTHENED, Step.SHORTENED}:
                        assert closure.moved_from == before.window
        if said != EXPIRE and (closure.entries == before.entries or closure.number > before.number):
            mark = (max(mark[0], said.sender_sequence), said.sender_dtstamp or mark[1])
        assert (closure.number, closure.entries) == (numbered, history)
        assert (closure.window, closure.state) == (standing, state)
        assert [*closure.former_gateways, closure.gateway] == gateways
        assert (closure.sender_sequence, closure.sender_dtstamp) == mark
        assert (closure.id, closure.reference, closure.uid) == (CLOSURE.id, CLOSURE.reference, CLOSURE.uid)
        assert (closure.user, closure.first_received_at) == (CLOSURE.user, HEARD)
