"""A closure's states, the steps between them, and the fold from its revisions to what stands."""

import dataclasses
import inspect
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.closure import (
    NEXT_STATE,
    PlannedClosure,
    Revision,
    State,
    Step,
    advance,
    begin,
    fold,
    is_older,
    step_of,
)
from app.domain.notice import Announcement, mark_of
from app.domain.notice_period import NoticePeriod
from app.domain.verdict import Verdict
from app.domain.window import ClosureWindow

START = datetime(2026, 12, 6, 2, tzinfo=UTC)
TICK = timedelta(microseconds=1)
HEARD, LATER = (datetime(2026, 11, day, 9, tzinfo=UTC) for day in (2, 9))
STAMP = datetime(2026, 11, 1, 12, tzinfo=UTC)
WHOSE = {"closure_id": b"0123456789abcdef", "reference": "CN-ABC", "user": "ACME"}


def span(first, after):
    return ClosureWindow(START + timedelta(hours=first), START + timedelta(hours=after))


def judged(days):
    """A verdict to tell from others by its days."""
    period = NoticePeriod(days, "a band", short_notice=False, recommended_days=20, policy_version=1, holiday_version="")
    return Verdict(period, period, period)


FIRST = Revision(
    entry=1,
    number=1,
    step=Step.FIRST,
    received_at=HEARD + TICK,
    window_received_at=HEARD,
    changed_at=HEARD,
    window=span(0, 4),
    gateway="GW1",
    channel="api",
    given_by="a token",
    verdict=judged(24),
    remarks=("read as London time",),
    left_out=("SUMMARY",),
)
CLOSURE = begin(FIRST, **WHOSE)
SAID = Announcement(
    uid="uid@acme",
    gateway="GW1",
    window=span(0, 4),
    recurrence_id="20261206T020000Z",
    sender_sequence=2,
    sender_dtstamp=STAMP,
    position=3,
)
MARK = mark_of(SAID)


def following(closure, step, **facts):
    """The revision that comes next and repeats what stands, but for ``facts``."""
    numbered = {"number": closure.number + 1, "verdict": judged(7)} if step.is_judged else {"number": None}
    plain = {
        "entry": closure.entries + 1,
        "step": step,
        "received_at": LATER,
        "window_received_at": closure.window_received_at,
        "changed_at": closure.changed_at,
        "window": closure.window,
        "gateway": closure.gateway,
    }
    return Revision(**(plain | numbered | facts))


def after(closure, step, **facts):
    return advance(closure, following(closure, step, **facts))


WITHDRAWN, EXPIRED = after(CLOSURE, Step.WITHDRAWN), after(CLOSURE, Step.EXPIRED)
STANDING = {State.PLANNED: CLOSURE, State.WITHDRAWN: WITHDRAWN, State.EXPIRED: EXPIRED}


def facts_of(closure):
    return {field.name: getattr(closure, field.name) for field in dataclasses.fields(closure)}


def changed(before, now):
    """The facts that differ, as they are afterwards."""
    old = facts_of(before)
    return {name: value for name, value in facts_of(now).items() if value != old[name]}


def test_words_of_the_record():
    assert [str(state) for state in State] == ["planned", "withdrawn", "expired"]
    assert [(str(step), step.is_shown, step.is_judged) for step in Step] == [
        ("first notice", True, True),
        ("moved", True, True),
        ("lengthened", True, True),
        ("shortened", True, True),
        ("gateway changed", True, True),
        ("withdrawn", True, True),
        ("planned again", True, True),
        ("superseded", False, False),
        ("expired", False, False),
        ("reinstated", False, False),
        ("made provisional", True, False),
        ("confirmed", True, False),
        ("told closed", True, False),
        ("re-opened", True, False),
        ("taken back", True, False),
    ]


def test_a_late_change_is_a_plan_told_later_than_recommended():
    early = judged(20)
    told_late = dataclasses.replace(early.change, short_notice=True)
    late = dataclasses.replace(early, change=told_late)
    steps = [Step.MOVED, Step.WITHDRAWN, Step.SUPERSEDED, Step.EXPIRED, Step.TOLD_CLOSED]
    assert [following(CLOSURE, step, verdict=late).is_late for step in steps] == [True, True, False, False, False]
    assert not following(CLOSURE, Step.MOVED, verdict=early).is_late
    assert not following(CLOSURE, Step.MOVED, verdict=None).is_late


@pytest.mark.parametrize(
    ("state", "before_the_end", "at_the_end"),
    [
        (State.PLANNED, State.PLANNED, State.EXPIRED),
        (State.EXPIRED, State.PLANNED, State.EXPIRED),  # noted by a clock that ran ahead: the window itself says
        (State.WITHDRAWN, State.WITHDRAWN, State.WITHDRAWN),
    ],
)
def test_what_is_planned_has_expired_as_its_window_ends(state, before_the_end, at_the_end):
    closure = replace(CLOSURE, state=state)
    ends = closure.window.ends
    assert [closure.state_at(now) for now in (ends - TICK, ends)] == [before_the_end, at_the_end]


def test_the_closure_that_a_first_revision_makes():
    assert (
        PlannedClosure(
            id=b"0123456789abcdef",
            reference="CN-ABC",
            user="ACME",
            gateway="GW1",
            window=span(0, 4),
            state=State.PLANNED,
            number=1,
            entries=1,
            first_received_at=HEARD,
            window_received_at=HEARD,
            changed_at=HEARD,
            verdict=judged(24),
            moved_from=None,
            moves=0,
            former_gateways=(),
        )
        == CLOSURE
    )


@pytest.mark.parametrize("value", [PlannedClosure, Revision])
def test_a_closure_and_a_revision_are_built_from_named_facts(value):
    kinds = {parameter.kind for parameter in inspect.signature(value).parameters.values()}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}


def test_closures_are_told_apart_by_all_they_hold_and_sorted_into_sets_by_their_id():
    again, moved = after(CLOSURE, Step.MOVED, window=span(1, 5)), after(CLOSURE, Step.MOVED, window=span(1, 5))
    assert {CLOSURE, again, moved} == {CLOSURE, again}
    assert {hash(closure) for closure in (CLOSURE, again, moved)} == {hash(CLOSURE.id)}


@pytest.mark.parametrize("lacking", ["number", "verdict"])
def test_nothing_begins_with_an_entry_that_tells_nothing(lacking):
    with pytest.raises(AssertionError):
        begin(replace(FIRST, **{lacking: None}), **WHOSE)


# What may follow on what (docs/glossary.md); "-" may not be.
TABLE = """
                   nothing    planned    withdrawn  expired
first notice       planned    -          -          -
moved              -          planned    -          planned
lengthened         -          planned    -          planned
shortened          -          planned    -          planned
gateway changed    -          planned    -          planned
withdrawn          -          withdrawn  -          withdrawn
planned again      -          -          planned    -
superseded         -          planned    withdrawn  expired
expired            -          expired    -          -
reinstated         -          -          -          planned
made provisional   -          planned    -          expired
confirmed          -          planned    -          expired
told closed        -          planned    -          expired
re-opened          -          planned    -          planned
taken back         -          planned    -          planned
"""
ROWS = [(line[:19].strip(), line[19:].split()) for line in TABLE.strip("\n").splitlines()]
CELLS = [
    (None if before == "nothing" else State(before), Step(step), None if leads_to == "-" else State(leads_to))
    for step, cells in ROWS[1:]
    for before, leads_to in zip(ROWS[0][1], cells, strict=True)
]


def test_the_table_holds_the_steps_that_may_be_and_no_other():
    expected = {before: {} for before in (None, *State)}
    for before, step, leads_to in CELLS:
        if leads_to is not None:
            expected[before][step] = leads_to
    assert expected == NEXT_STATE
    assert len(CELLS) == len(Step) * (1 + len(State))


@pytest.mark.parametrize(("before", "step", "leads_to"), CELLS)
def test_a_step_leads_where_the_table_says_or_may_not_be(before, step, leads_to):
    def taken():
        if before is None:
            return begin(replace(FIRST, step=step), **WHOSE)
        return after(STANDING[before], step)

    if leads_to is None:
        with pytest.raises(KeyError):
            taken()
    else:
        assert taken().state is leads_to


@pytest.mark.parametrize(
    ("instant", "is_open"),
    [(START - TICK, False), (START, True), (span(0, 4).ends - TICK, True), (span(0, 4).ends, False)],
)
def test_open_is_read_off_the_clock(instant, is_open):
    assert CLOSURE.is_open(instant) is is_open
    assert EXPIRED.is_open(instant) is is_open
    assert WITHDRAWN.is_open(instant) is False


@pytest.mark.parametrize(
    ("instant", "passed"),
    [(START, False), (span(0, 4).ends - TICK, False), (span(0, 4).ends, True), (span(0, 400).ends, True)],
)
def test_only_a_planned_closure_is_due_to_expire(instant, passed):
    assert CLOSURE.has_passed(instant) is passed
    assert EXPIRED.has_passed(instant) is False
    assert WITHDRAWN.has_passed(instant) is False


@pytest.mark.parametrize(
    ("instant", "ahead"), [(START - TICK, True), (START, False), (START + TICK, False), (span(0, 4).ends, False)]
)
def test_only_a_planned_closure_is_ahead_until_it_starts(instant, ahead):
    assert CLOSURE.is_ahead(instant) is ahead
    assert EXPIRED.is_ahead(instant) is False
    assert WITHDRAWN.is_ahead(instant) is False


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
@pytest.mark.parametrize("closure", [CLOSURE, EXPIRED], ids=["planned", "expired"])
def test_what_another_window_is(closure, window, step):
    assert step_of(closure, MARK, replace(SAID, window=window), LATER) is step


@pytest.mark.parametrize(
    ("closure", "said", "step"),
    [
        (CLOSURE, SAID, None),
        (CLOSURE, replace(SAID, window=None), None),
        (CLOSURE, replace(SAID, withdrawn=True), Step.WITHDRAWN),
        (CLOSURE, replace(SAID, withdrawn=True, window=None, gateway="GW2"), Step.WITHDRAWN),
        (EXPIRED, replace(SAID, withdrawn=True), Step.WITHDRAWN),
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
    assert step_of(closure, MARK, said, LATER) is step


@pytest.mark.parametrize("closure", STANDING.values(), ids=STANDING)
@given(
    st.sampled_from([span(0, 4), span(9, 10)]), st.sampled_from(["GW1", "GW2"]), st.booleans(), st.sampled_from([1, 2])
)
def test_whatever_is_announced_may_follow_on_what_stands(closure, window, gateway, withdrawn, sequence):
    said = replace(SAID, window=window, gateway=gateway, withdrawn=withdrawn, sender_sequence=sequence)
    assert step_of(closure, MARK, said, LATER) in {None, *NEXT_STATE[closure.state]}


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
    assert is_older(replace(SAID, sender_sequence=sequence, sender_dtstamp=dtstamp), MARK) is older


def test_a_stamp_is_not_older_than_none():
    unstamped = replace(MARK, dtstamp=None)
    assert is_older(SAID, unstamped) is False
    assert is_older(replace(SAID, sender_sequence=0), replace(unstamped, sequence=0)) is False


@pytest.mark.parametrize("sequence", [0, 1, 2, 3])
@pytest.mark.parametrize("dtstamp", [None, STAMP - TICK, STAMP, STAMP + TICK])
def test_what_stands_by_receipt_is_never_older(sequence, dtstamp):
    said = replace(SAID, sender_sequence=sequence, sender_dtstamp=dtstamp, by_receipt=True)
    assert is_older(said, MARK) is False


TOLD = {"window_received_at": LATER, "changed_at": LATER}
NEWS = TOLD | {"number": 2, "entries": 2, "verdict": judged(7)}


@pytest.mark.parametrize(("window", "step"), WINDOW_STEPS[1:])
def test_another_window_takes_the_place_of_the_old_one(window, step):
    now = after(CLOSURE, step, window=window, **TOLD)
    assert changed(CLOSURE, now) == NEWS | {"window": window, "moved_from": span(0, 4), "moves": 1}


def test_each_move_is_counted_and_the_last_old_window_kept():
    once = after(CLOSURE, Step.MOVED, window=span(1, 5))
    twice = after(once, Step.MOVED, window=span(2, 6), **TOLD)
    assert (twice.moves, twice.moved_from, twice.window, twice.number) == (2, span(1, 5), span(2, 6), 3)
    assert (twice.first_received_at, twice.window_received_at) == (HEARD, LATER)


def test_a_changed_gateway_is_no_move():
    now = after(CLOSURE, Step.GATEWAY_CHANGED, gateway="GW2", **TOLD)
    assert changed(CLOSURE, now) == NEWS | {"gateway": "GW2", "former_gateways": ("GW1",)}


def test_a_changed_gateway_may_bring_a_new_window():
    now = after(CLOSURE, Step.GATEWAY_CHANGED, gateway="GW2", window=span(9, 10), **TOLD)
    assert changed(CLOSURE, now) == NEWS | {
        "gateway": "GW2",
        "former_gateways": ("GW1",),
        "window": span(9, 10),
        "moved_from": span(0, 4),
        "moves": 1,
    }


def test_every_gateway_that_was_left_is_kept_oldest_first():
    closure = CLOSURE
    for gateway in ("GW2", "GW2", "GW3", "GW1"):
        closure = after(closure, Step.GATEWAY_CHANGED, gateway=gateway)
    assert (closure.gateway, closure.former_gateways) == ("GW1", ("GW1", "GW2", "GW3"))


def test_a_withdrawal_is_no_move_and_leaves_the_day_on_which_the_times_were_told():
    now = after(CLOSURE, Step.WITHDRAWN, changed_at=LATER)
    assert changed(CLOSURE, now) == {
        "state": State.WITHDRAWN,
        "number": 2,
        "entries": 2,
        "changed_at": LATER,
        "verdict": judged(7),
    }


@pytest.mark.parametrize("window", [span(0, 4), span(9, 10)])
def test_planned_again_is_the_same_closure_and_no_move(window):
    now = after(WITHDRAWN, Step.PLANNED_AGAIN, window=window, gateway="GW2", verdict=judged(3), **TOLD)
    news = {"window": window} if window != span(0, 4) else {}
    assert changed(WITHDRAWN, now) == news | TOLD | {
        "gateway": "GW2",
        "former_gateways": ("GW1",),
        "state": State.PLANNED,
        "number": 3,
        "entries": 3,
        "verdict": judged(3),
    }


def test_an_expired_closure_that_is_moved_is_planned():
    now = after(EXPIRED, Step.MOVED, window=span(48, 52))
    assert (now.state, now.number, now.entries, now.window) == (State.PLANNED, 2, 3, span(48, 52))


def test_what_expired_early_stands_again_as_it_was():
    assert [EXPIRED.expired_early(at) for at in (CLOSURE.window.ends - TICK, CLOSURE.window.ends)] == [True, False]
    assert not any(one.expired_early(CLOSURE.window.starts) for one in (CLOSURE, WITHDRAWN))
    assert changed(CLOSURE, after(EXPIRED, Step.REINSTATED)) == {"entries": 3}


@pytest.mark.parametrize(
    ("step", "news"),
    [(Step.SUPERSEDED, {"entries": 2}), (Step.EXPIRED, {"entries": 2, "state": State.EXPIRED})],
)
def test_an_entry_without_a_number_changes_nothing_else(step, news):
    assert changed(CLOSURE, after(CLOSURE, step, window=span(9, 10), gateway="GW2", **TOLD)) == news


def other_than(values, value):
    return st.sampled_from([other for other in values if other != value])


SPANS = [span(first, first + length) for first in range(4) for length in (1, 2, 3)]
GATEWAYS = ["GW1", "GW2", "GW3"]
MOVES = {Step.MOVED, Step.LENGTHENED, Step.SHORTENED}
# What is told beside a plan has laws of its own: tests/domain/test_told_fact.py.
TOLD_AS_IT_HAPPENS = {step for step in Step if step.is_shown and not step.is_judged}


def told_window(draw, step, standing):
    """The window that a step may bring: another, the same, or any."""
    if step in MOVES:
        return draw(other_than(SPANS, standing))
    return standing if step is Step.WITHDRAWN else draw(st.sampled_from(SPANS))


def told_gateway(draw, step, standing):
    """The gateway that a step may bring."""
    if step is Step.GATEWAY_CHANGED:
        return draw(other_than(GATEWAYS, standing))
    return draw(st.sampled_from(GATEWAYS)) if step is Step.PLANNED_AGAIN or not step.is_judged else standing


@st.composite
def histories(draw):
    """Every history that the table allows. What an entry without a number says of times or gateway is arbitrary."""
    window, gateway = draw(st.sampled_from(SPANS)), draw(st.sampled_from(GATEWAYS))
    history = [replace(FIRST, window=window, gateway=gateway)]
    state, number = State.PLANNED, 1
    for entry in range(2, draw(st.integers(2, 21))):
        step = draw(st.sampled_from(sorted(set(NEXT_STATE[state]) - TOLD_AS_IT_HAPPENS)))
        state, received_at = NEXT_STATE[state][step], HEARD + timedelta(days=entry)
        told = told_window(draw, step, window), told_gateway(draw, step, gateway)
        number += step.is_judged
        history.append(
            Revision(
                entry=entry,
                number=number if step.is_judged else None,
                step=step,
                received_at=received_at,
                window_received_at=received_at,
                changed_at=received_at,
                window=told[0],
                gateway=told[1],
                verdict=judged(entry) if step.is_judged else None,
            )
        )
        if step.is_judged:
            window, gateway = told
    return history


@given(histories())
def test_the_fold_is_one_step_after_the_other(history):
    standing = [begin(history[0], **WHOSE)]
    for revision in history[1:]:
        standing.append(advance(standing[-1], revision))
    assert list(fold(history, **WHOSE)) == standing
    assert [closure.state for closure in standing] == list(states_of(history))


def states_of(history):
    state = None
    for revision in history:
        state = NEXT_STATE[state][revision.step]
        yield state


@given(histories())
def test_what_stands_is_what_the_numbered_revisions_say(history):
    for entries, closure in enumerate(fold(history, **WHOSE), start=1):
        numbered = [revision for revision in history[:entries] if revision.step.is_judged]
        last = numbered[-1]
        assert (closure.number, closure.entries) == (len(numbered), entries)
        assert (closure.changed_at, closure.verdict) == (last.changed_at, last.verdict)
        assert (closure.window, closure.gateway) == (last.window, last.gateway)
        assert (closure.window_received_at, closure.first_received_at) == (last.window_received_at, HEARD)
        assert (closure.id, closure.reference, closure.user) == tuple(WHOSE.values())


@given(histories())
def test_the_number_rises_by_one_with_each_numbered_step_and_never_else(history):
    standing = list(fold(history, **WHOSE))
    risen = [now.number - before.number for before, now in pairwise(standing)]
    assert risen == [int(revision.step.is_judged) for revision in history[1:]]
    assert [closure.entries for closure in standing] == list(range(1, len(history) + 1))


@given(histories())
def test_moves_are_the_changes_of_the_window_but_for_what_is_planned_again(history):
    (*_, closure) = fold(history, **WHOSE)
    numbered = [revision for revision in history if revision.step.is_judged]
    left = [
        before.window
        for before, now in pairwise(numbered)
        if now.window != before.window and now.step is not Step.PLANNED_AGAIN
    ]
    assert (closure.moves, closure.moved_from) == (len(left), left[-1] if left else None)


@given(histories())
def test_the_gateways_that_were_left_and_the_one_that_stands_are_those_announced_in_turn(history):
    (*_, closure) = fold(history, **WHOSE)
    told = [revision.gateway for revision in history if revision.step.is_judged]
    assert [*closure.former_gateways, closure.gateway] == [
        told[0],
        *(now for before, now in pairwise(told) if now != before),
    ]


def test_nothing_stands_where_nothing_was_heard():
    assert list(fold([], **WHOSE)) == []
