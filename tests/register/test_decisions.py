"""What becomes of each announcement, as values: the step, what stands after it, the sender's mark and the verdict."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.closure import State, Step, advance
from app.domain.notice import Announcement, mark_of
from app.domain.notice_policy import FIRST_POLICY
from app.domain.verdict import Receipts, judge
from app.domain.window import ClosureWindow
from app.domain.working_days import WorkingDayCalendar
from app.register.decisions import Occasion, decide, unnumbered
from app.register.matching import Match
from app.store.closures import Held

DAYS = WorkingDayCalendar("england-and-wales", "table 7", (), datetime(2028, 12, 31).date())
START = datetime(2026, 12, 6, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HEARD, LATER = (datetime(2026, 11, day, 9, tzinfo=UTC) for day in (2, 9))
STAMP = datetime(2026, 11, 1, 12, tzinfo=UTC)


def span(first, after):
    return ClosureWindow(START + timedelta(hours=first), START + timedelta(hours=after))


def occasion(received_at, **facts):
    plain = {
        "user": "ACME",
        "received_at": received_at,
        "heard_at": received_at,
        "policy": FIRST_POLICY,
        "working_days": DAYS,
        "stamped_at": HEARD - timedelta(days=9),
        "channel": "api",
        "given_by": "a token",
    }
    return Occasion(**(plain | facts))


def told(held, announcement, received_at=LATER, **facts):
    """The decision on one announcement."""
    (decision,), problems = decide([Match(announcement, held)], occasion(received_at, **facts))
    assert problems == []
    return decision


def held_after(decision):
    return Held(decision.closure, decision.mark, b"user", 1, 1)


SAID = Announcement(
    uid="uid@acme",
    gateway="GW1",
    window=span(0, 4),
    recurrence_id="20261206T020000Z",
    sender_sequence=2,
    sender_dtstamp=STAMP,
    position=3,
    remarks=("read as London time",),
    left_out=("SUMMARY",),
)
FIRST = told(None, SAID, HEARD)
CLOSURE, HELD = FIRST.closure, held_after(FIRST)
NEWER = replace(SAID, sender_sequence=5, sender_dtstamp=STAMP + timedelta(days=1))
GONE = held_after(told(HELD, replace(SAID, withdrawn=True)))


def expire(held):
    return replace(held, closure=advance(held.closure, unnumbered(held.closure, Step.EXPIRED, LATER)))


PAST = expire(HELD)


def verdict(first, of_window, now, window, replaced=None):
    return judge(Receipts(first, of_window, now), window, replaced, FIRST_POLICY, DAYS)


def changed(before, after):
    """The facts of a closure that differ, as they are afterwards."""
    names = [field.name for field in fields(before)]
    return {name: getattr(after, name) for name in names if getattr(after, name) != getattr(before, name)}


def test_what_a_first_announcement_makes():
    revision = FIRST.revision
    assert (FIRST.held, FIRST.step, FIRST.mark, FIRST.announcement) == (None, Step.FIRST, mark_of(SAID), SAID)
    assert (revision.entry, revision.number, revision.channel, revision.given_by) == (1, 1, "api", "a token")
    assert (revision.remarks, revision.left_out) == (("read as London time",), ("SUMMARY",))
    assert (revision.received_at, revision.window_received_at, revision.changed_at) == (HEARD, HEARD, HEARD)
    assert (CLOSURE.user, CLOSURE.gateway, CLOSURE.window, CLOSURE.state) == ("ACME", "GW1", span(0, 4), State.PLANNED)
    assert CLOSURE.verdict == revision.verdict == verdict(HEARD, HEARD, HEARD, span(0, 4))


def test_an_occurrence_found_later_was_heard_of_with_its_rule():
    later = told(None, SAID, LATER, heard_at=HEARD)
    revision, closure = later.revision, later.closure
    assert (revision.received_at, revision.window_received_at, revision.changed_at) == (LATER, HEARD, LATER)
    assert (closure.first_received_at, closure.window_received_at) == (HEARD, HEARD)
    assert closure.verdict == verdict(HEARD, HEARD, HEARD, span(0, 4))


@pytest.mark.parametrize("lacking", [{"withdrawn": True}, {"withdrawn": True, "window": None}])
def test_a_withdrawal_of_what_nobody_announced_is_a_problem_and_no_step(lacking):
    said = replace(SAID, line=4, **lacking)
    decisions, (problem,) = decide([Match(said, None)], occasion(LATER))
    assert (decisions, problem.code, problem.property, problem.line) == ([], "nothing-to-withdraw", "UID", 4)


def test_each_match_is_decided_by_itself_in_the_order_given():
    matches = [Match(replace(SAID, withdrawn=True), HELD), Match(replace(SAID, uid="new"), None), Match(SAID, HELD)]
    decisions, problems = decide(matches, occasion(LATER))
    assert ([decision.step for decision in decisions], problems) == ([Step.WITHDRAWN, Step.FIRST, None], [])


NEWS = {"number": 2, "entries": 2, "changed_at": LATER}
WINDOW_STEPS = [
    (span(-1, 4), Step.LENGTHENED),
    (span(0, 5), Step.LENGTHENED),
    (span(1, 4), Step.SHORTENED),
    (span(0, 3), Step.SHORTENED),
    (span(1, 5), Step.MOVED),
    (span(-1, 3), Step.MOVED),
    (span(4, 8), Step.MOVED),
]


@pytest.mark.parametrize(("window", "step"), WINDOW_STEPS)
def test_another_window_takes_the_place_of_the_old_one(window, step):
    decision = told(HELD, replace(NEWER, window=window))
    assert (decision.step, decision.mark) == (step, mark_of(NEWER))
    assert changed(CLOSURE, decision.closure) == NEWS | {
        "window": window,
        "window_received_at": LATER,
        "moved_from": span(0, 4),
        "moves": 1,
        "verdict": verdict(HEARD, LATER, LATER, window, span(0, 4)),
    }


@pytest.mark.parametrize("window", [span(0, 4), None, span(9, 10)])
def test_a_changed_gateway_brings_a_window_or_keeps_it(window):
    decision = told(HELD, replace(NEWER, gateway="GW2", window=window))
    moved = {} if window != span(9, 10) else {"window": window, "moved_from": span(0, 4), "moves": 1}
    assert decision.step is Step.GATEWAY_CHANGED
    assert changed(CLOSURE, decision.closure) == NEWS | moved | {
        "gateway": "GW2",
        "former_gateways": ("GW1",),
        "window_received_at": LATER,
        "verdict": verdict(HEARD, LATER, LATER, window or span(0, 4), span(0, 4)),
    }


def test_a_withdrawal_leaves_the_window_and_the_gateway_as_they_were():
    decision = told(HELD, replace(NEWER, withdrawn=True, window=span(9, 10), gateway="GW2"))
    assert (decision.step, decision.mark) == (Step.WITHDRAWN, mark_of(NEWER))
    assert changed(CLOSURE, decision.closure) == NEWS | {
        "state": State.WITHDRAWN,
        "verdict": verdict(HEARD, HEARD, LATER, span(0, 4), span(0, 4)),
    }


@pytest.mark.parametrize("window", [span(0, 4), span(9, 10), span(-300, -200)])
def test_planned_again_is_measured_to_the_new_start_only(window):
    again = LATER + timedelta(days=1)
    decision = told(GONE, replace(SAID, window=window, gateway="GW2"), again)
    news = {"window": window} if window != span(0, 4) else {}
    assert changed(GONE.closure, decision.closure) == news | {
        "gateway": "GW2",
        "former_gateways": ("GW1",),
        "state": State.PLANNED,
        "number": 3,
        "entries": 3,
        "window_received_at": again,
        "changed_at": again,
        "verdict": verdict(HEARD, again, again, window),
    }


def test_an_expired_closure_that_is_moved_is_planned_and_measured_to_the_start_that_stood():
    now = told(PAST, replace(SAID, window=span(48, 52)), START + timedelta(days=1)).closure
    assert (now.state, now.number, now.entries, now.window) == (State.PLANNED, 2, 3, span(48, 52))
    assert (now.verdict.current_date.band, now.verdict.change.band) == ("<2", "after end")


def test_a_superseded_notice_only_lengthens_the_history():
    old = replace(SAID, sender_sequence=1, window=span(9, 10), gateway="GW2", withdrawn=True, remarks=("a remark",))
    decision = told(HELD, old)
    assert (decision.step, decision.mark) == (Step.SUPERSEDED, HELD.mark)
    assert changed(CLOSURE, decision.closure) == {"entries": 2}
    revision = decision.revision
    assert (revision.number, revision.verdict, revision.window, revision.gateway) == (None, None, span(0, 4), "GW1")
    assert (revision.received_at, revision.remarks, revision.channel) == (LATER, ("a remark",), "api")


def test_what_says_nothing_new_leaves_its_mark_and_no_entry():
    decision = told(HELD, NEWER)
    assert (decision.revision, decision.step, decision.closure) == (None, None, CLOSURE)
    assert decision.mark == mark_of(NEWER)


def test_the_day_of_a_change_is_never_that_of_another_nor_goes_back():
    closure, held, stamps = CLOSURE, HELD, []
    for hours, received_at in ((5, HEARD), (6, HEARD + SECOND / 4), (7, HEARD - timedelta(hours=1)), (8, LATER)):
        decision = told(held, replace(SAID, window=span(0, hours)), received_at)
        closure, held = decision.closure, held_after(decision)
        stamps.append(closure.changed_at)
    assert stamps == [HEARD + SECOND, HEARD + 2 * SECOND, HEARD + 3 * SECOND, LATER]
    ahead = LATER + timedelta(days=1)
    assert told(held, replace(SAID, window=span(0, 1)), LATER, stamped_at=ahead).closure.changed_at == ahead


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


def is_late_mail(said, mark):
    """The rule of RFC 5546 2.1.5, said again."""
    sequence, stamp = mark
    if said.sender_sequence == 0 and said.sender_dtstamp is None:
        return False
    if said.sender_sequence != sequence:
        return said.sender_sequence < sequence
    return said.sender_dtstamp is not None and stamp is not None and said.sender_dtstamp < stamp


@given(st.lists(announcements | st.just(EXPIRE), max_size=25))
def test_a_history_never_loses_a_window(all_told):
    held, standing, numbered, history = HELD, SAID.window, 1, 1
    gateways, state, mark = ["GW1"], State.PLANNED, (SAID.sender_sequence, SAID.sender_dtstamp)
    for n, said in enumerate(all_told, start=1):
        before, now = held, HEARD + timedelta(days=n)
        if said == EXPIRE:
            if not before.closure.has_passed(now + timedelta(days=90)):
                continue
            held, history, state = expire(before), history + 1, State.EXPIRED
        else:
            decision = told(before, said, now)
            held, step = held_after(decision), decision.step
            late_mail = is_late_mail(said, mark)
            assert (step is Step.SUPERSEDED) is late_mail
            history += step is not None
            if not late_mail:
                mark = (max(mark[0], said.sender_sequence), said.sender_dtstamp or mark[1])
                if step is not None:
                    numbered += 1
                    state = State.WITHDRAWN if said.withdrawn else State.PLANNED
                    if not said.withdrawn:
                        standing = said.window
                        gateways += [said.gateway] * (said.gateway != gateways[-1])
                        assert held.closure.window_received_at == now
                        if step in {Step.MOVED, Step.LENGTHENED, Step.SHORTENED}:
                            assert held.closure.moved_from == before.closure.window
        closure = held.closure
        assert (closure.number, closure.entries) == (numbered, history)
        assert (closure.window, closure.state) == (standing, state)
        assert [*closure.former_gateways, closure.gateway] == gateways
        assert (held.mark.sequence, held.mark.dtstamp) == mark
        assert (closure.id, closure.reference, held.mark.uid) == (CLOSURE.id, CLOSURE.reference, SAID.uid)
        assert (closure.user, closure.first_received_at) == (CLOSURE.user, HEARD)
