"""What is told of a closure as it happens: what it does to what stands, what is doubted, and what takes it back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.closure import Revision, State, Step, advance, begin, step_of
from app.domain.fact import NO_FACT, Difference, Fact, FactDoubted, FactKind, ToldFact
from app.domain.notice import Announcement, mark_of
from app.domain.notice_period import NoticePeriod
from app.domain.told_fact import before_last_fact, step_back, step_of_fact, told_words
from app.domain.verdict import Verdict
from app.domain.window import ClosureWindow

STARTS, ENDS = (datetime(2026, 12, 6, hour, tzinfo=UTC) for hour in (2, 6))
PLAN = ClosureWindow(STARTS, ENDS)
MINUTE = timedelta(minutes=1)
PERIOD = NoticePeriod(24, ">=20", short_notice=False, recommended_days=20, policy_version=1, holiday_version="")
FIRST = Revision(
    entry=1,
    number=1,
    step=Step.FIRST,
    received_at=datetime(2026, 11, 2, 9, tzinfo=UTC),
    window_received_at=datetime(2026, 11, 2, 9, tzinfo=UTC),
    changed_at=datetime(2026, 11, 2, 9, tzinfo=UTC),
    window=PLAN,
    gateway="GW1",
    verdict=Verdict(PERIOD, PERIOD, PERIOD),
)
PLANNED = begin(FIRST, closure_id=b"0123456789abcdef", reference="CN-ABC", user="ACME")
SAID = Announcement(uid="uid@acme", gateway="GW1", window=PLAN)
MARK = mark_of(SAID)


def at(hour, minute=0):
    return STARTS.replace(hour=hour, minute=minute)


def entry(closure, step, window, fact, received_at):
    """The entry that a step makes, as the register writes it."""
    is_new = window != closure.window
    return Revision(
        entry=closure.entries + 1,
        number=closure.number + 1 if is_new else None,
        step=step,
        received_at=received_at,
        window_received_at=closure.window_received_at,
        changed_at=max(received_at, closure.changed_at) if is_new else closure.changed_at,
        window=window,
        gateway=closure.gateway,
        fact=fact,
    )


class Story:
    """A closure and its history, as facts are told one after the other."""

    def __init__(self):
        self.closure, self.history = PLANNED, [(FIRST, PLANNED)]

    def add(self, revision):
        self.closure = advance(self.closure, revision)
        self.history.append((revision, self.closure))
        return self

    def tell(self, kind, told_at, now):
        if kind is FactKind.TAKEN_BACK:
            told = step_back(self.closure, before_last_fact(self.history))
        else:
            told = step_of_fact(self.closure, ToldFact(kind, told_at), now)
        return self.add(entry(self.closure, told.step, told.window, told.fact, now))


def stands(closure):
    return closure.window, closure.planned, closure.fact, closure.difference, closure.number


def test_nothing_told_is_as_planned():
    assert stands(PLANNED) == (PLAN, PLAN, NO_FACT, None, 1)
    assert [PLANNED.is_open(now) for now in (STARTS - MINUTE, STARTS, ENDS - MINUTE, ENDS)] == [
        False,
        True,
        True,
        False,
    ]
    assert (PLANNED.is_over_time(ENDS), PLANNED.has_passed(ENDS), PLANNED.state_at(ENDS)) == (
        False,
        True,
        State.EXPIRED,
    )


def test_what_is_over_time_lasts_until_now_and_nothing_else_does():
    closure = Story().tell(FactKind.CLOSED, at(2, 3), at(2, 3)).closure
    assert (PLANNED.lasting(at(8)), closure.lasting(ENDS - MINUTE)) == (PLANNED, closure)
    lasting = closure.lasting(at(8))
    assert lasting == replace(closure, window=ClosureWindow(STARTS, at(8) + timedelta(microseconds=1)), plan=PLAN)
    assert (lasting.is_open(at(8)), lasting.difference, lasting.planned) == (True, Difference.OVER_TIME, PLAN)


def test_told_to_re_open_earlier_it_is_over_time_only_after_the_plan():
    closure = Story().tell(FactKind.STILL_CLOSED, at(4), at(3)).closure
    assert [closure.is_over_time(now) for now in (at(4), ENDS - MINUTE, ENDS)] == [False, False, True]
    assert [closure.is_open(now) for now in (at(4), ENDS, at(9))] == [True, True, True]


def test_told_closed_changes_no_window_and_is_watched():
    closure = Story().tell(FactKind.CLOSED, at(2, 3), at(2, 4)).closure
    assert stands(closure) == (PLAN, PLAN, Fact(at(2, 3), None, is_watched=True), None, 1)
    assert [closure.is_open(now) for now in (at(2, 2), at(2, 3), ENDS, at(9))] == [False, True, True, True]
    assert (closure.is_over_time(ENDS - MINUTE), closure.is_over_time(ENDS)) == (False, True)
    assert closure.difference_at(ENDS) is Difference.OVER_TIME
    assert (closure.has_passed(at(9)), closure.state_at(at(9))) == (False, State.PLANNED)


@pytest.mark.parametrize(
    ("reopened_at", "difference", "number"),
    [
        (at(4, 10), Difference.EARLY, 2),
        (ENDS, Difference.ON_PLAN, 1),
        (at(6, 20), Difference.OVER_TIME, 2),
    ],
)
def test_told_re_opened_says_how_it_differs_from_the_plan(reopened_at, difference, number):
    told = Story().tell(FactKind.CLOSED, at(2, 3), at(2, 4)).tell(FactKind.REOPENED, reopened_at, at(7))
    window = ClosureWindow(STARTS, reopened_at)
    assert stands(told.closure) == (window, PLAN, Fact(at(2, 3), reopened_at), difference, number)
    assert (told.closure.is_open(reopened_at), told.closure.has_passed(reopened_at)) == (False, True)


def test_still_closed_moves_the_end_and_the_plan_stays():
    closure = Story().tell(FactKind.STILL_CLOSED, at(8), at(5)).closure
    assert stands(closure) == (
        ClosureWindow(STARTS, at(8)), PLAN, Fact(is_watched=True), Difference.OVER_TIME, 2,
    )  # fmt: skip
    earlier = Story().tell(FactKind.STILL_CLOSED, at(5, 30), at(5)).closure
    assert (earlier.difference, earlier.window.ends) == (Difference.EARLY, at(5, 30))


def test_what_is_told_is_no_move():
    closure = Story().tell(FactKind.STILL_CLOSED, at(8), at(5)).tell(FactKind.REOPENED, at(7), at(7)).closure
    assert (closure.moves, closure.moved_from) == (0, None)


def doubted(story, kind, told_at, now):
    with pytest.raises(FactDoubted) as doubt:
        story.tell(kind, told_at, now)
    return doubt.value.text


@pytest.mark.parametrize(
    ("kind", "told_at", "now", "words"),
    [
        (FactKind.CLOSED, at(3), at(2), "That time is still to come."),
        (FactKind.CLOSED, at(1, 44), at(1, 45), "That is before its window."),
        (FactKind.CLOSED, ENDS, at(7), "That is after its window."),
        (FactKind.REOPENED, at(5), at(4), "That time is still to come."),
        (FactKind.REOPENED, STARTS, at(4), "That is before it closed."),
        (FactKind.STILL_CLOSED, at(4), at(5), "That time is past."),
        (FactKind.STILL_CLOSED, at(8), at(1), "It has not begun."),
        (FactKind.STILL_CLOSED, at(1, 55), at(1, 50), "That is before it begins."),
        (FactKind.STILL_CLOSED, STARTS + timedelta(days=31, minutes=1), at(5), "That is longer than 31 days in all."),
        (FactKind.TAKEN_BACK, None, at(5), "Nothing was told of this closure since it was planned so."),
    ],
)
def test_what_does_not_fit_is_asked_back_with_what_stands(kind, told_at, now, words):
    planned = "CN-ABC is planned from Sun 6 Dec 2026 02:00 GMT to Sun 6 Dec 2026 06:00 GMT."
    assert doubted(Story(), kind, told_at, now) == f"{words} {planned}"


@pytest.mark.parametrize(
    ("kind", "told_at", "again", "now", "words"),
    [
        (FactKind.CLOSED, at(2, 3), at(2, 9), at(3), "It was told closed already."),
        (FactKind.REOPENED, at(3), at(3), at(3), "It was told re-opened already."),
        (FactKind.STILL_CLOSED, at(8), at(8), at(3), "That was told already."),
    ],
)
def test_twice_is_asked_back(kind, told_at, again, now, words):
    assert doubted(Story().tell(kind, told_at, now), kind, again, now).startswith(words)


@pytest.mark.parametrize("kind", list(FactKind))
def test_a_withdrawn_closure_is_asked_back(kind):
    story = Story()
    withdrawn = replace(entry(story.closure, Step.WITHDRAWN, PLAN, None, at(1)), number=2, verdict=FIRST.verdict)
    assert doubted(story.add(withdrawn), kind, at(3), at(3)) == (
        "This closure is withdrawn. CN-ABC is planned from Sun 6 Dec 2026 02:00 GMT to Sun 6 Dec 2026 06:00 GMT, "
        "withdrawn."
    )


def test_it_may_close_a_little_early_and_clocks_may_differ_a_little():
    assert Story().tell(FactKind.CLOSED, at(1, 45), at(1, 46)).closure.fact.closed_at == at(1, 45)
    now = at(3)
    assert Story().tell(FactKind.REOPENED, now + MINUTE, now).closure.fact.reopened_at == now


def test_told_late_it_is_not_waited_for():
    closure = Story().tell(FactKind.CLOSED, at(2, 3), at(9)).closure
    assert (closure.fact, closure.is_watched) == (Fact(at(2, 3)), False)
    assert closure.state_at(at(9)) is State.EXPIRED


def test_what_is_taken_back_stands_as_before_one_by_one():
    story = Story().tell(FactKind.CLOSED, at(2, 3), at(2, 4))
    closed = story.closure
    story.tell(FactKind.STILL_CLOSED, at(8), at(5))
    later = story.closure
    story.tell(FactKind.REOPENED, at(7), at(7))
    story.tell(FactKind.TAKEN_BACK, None, at(7, 1))
    assert stands(story.closure)[:4] == stands(later)[:4]
    story.tell(FactKind.TAKEN_BACK, None, at(7, 2))
    assert stands(story.closure)[:4] == stands(closed)[:4]
    story.tell(FactKind.TAKEN_BACK, None, at(7, 3))
    assert stands(story.closure)[:4] == stands(PLANNED)[:4]
    assert doubted(story, FactKind.TAKEN_BACK, None, at(7, 4)).startswith("Nothing was told of this closure")


@pytest.mark.parametrize(
    ("window", "now", "step"),
    [
        (ClosureWindow(STARTS, at(4)), at(4), Step.REOPENED),
        (ClosureWindow(STARTS, at(4)), at(3), Step.SHORTENED),
        (ClosureWindow(STARTS, at(8)), at(5), Step.LENGTHENED),
        (ClosureWindow(STARTS, at(7)), at(8), Step.REOPENED),
        (ClosureWindow(at(1), at(4)), at(5), Step.MOVED),
        (ClosureWindow(STARTS, at(4)), at(1), Step.SHORTENED),
    ],
)
def test_a_calendar_that_changes_the_end_of_what_runs_tells_the_same(window, now, step):
    assert step_of(PLANNED, MARK, replace(SAID, window=window), now) is step


@given(st.lists(st.tuples(st.sampled_from(list(FactKind)), st.integers(100, 600), st.integers(0, 60)), max_size=8))
def test_whatever_is_told_in_any_order_leaves_the_plan_and_says_one_thing(told):
    story, now = Story(), at(1)
    for kind, minutes, later in told:
        now += timedelta(minutes=later)
        try:
            story.tell(kind, at(0) + timedelta(minutes=minutes), now)
        except FactDoubted:
            continue
    closure = story.closure
    assert (closure.planned, closure.window.starts, closure.moves) == (PLAN, STARTS, 0)
    assert (closure.fact.reopened_at is None) or (closure.fact.reopened_at == closure.window.ends)
    assert not (closure.is_watched and closure.fact.reopened_at)
    numbers = [revision.number for revision, _ in story.history if revision.number is not None]
    assert numbers == [*range(1, closure.number + 1)]
    assert told_words(closure).startswith("planned from Sun 6 Dec 2026 02:00 GMT to Sun 6 Dec 2026 06:00 GMT")


def test_still_closed_after_it_re_opened_is_asked_back_and_until_the_plan_is_told_closed():
    assert doubted(Story().tell(FactKind.REOPENED, at(3), at(3)), FactKind.STILL_CLOSED, at(8), at(4)).startswith(
        "It was told re-opened already."
    )
    closure = Story().tell(FactKind.STILL_CLOSED, ENDS, at(4)).closure
    assert stands(closure) == (PLAN, PLAN, Fact(is_watched=True), None, 1)


def test_what_the_scheduler_notes_takes_nothing_back():
    story = Story().tell(FactKind.CLOSED, at(2, 3), at(9))
    noted = replace(entry(story.closure, Step.EXPIRED, PLAN, None, at(10)), number=None)
    assert story.add(noted).tell(FactKind.TAKEN_BACK, None, at(11)).closure.fact == NO_FACT


def test_what_is_not_certain_yet_is_made_so_and_confirmed_by_a_notice_of_the_same_times():
    unsure = replace(PLANNED, provisional=True)
    said = [replace(SAID, provisional=provisional) for provisional in (True, False)]
    assert [step_of(PLANNED, MARK, one, at(1)) for one in said] == [Step.MADE_PROVISIONAL, None]
    assert [step_of(unsure, MARK, one, at(1)) for one in said] == [None, Step.CONFIRMED]
