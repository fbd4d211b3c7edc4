"""What is sealed is read as it was written: nothing is judged or reckoned again on the way."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.closure import PlannedClosure, Revision, State, Step
from app.domain.notice import SenderMark
from app.domain.notice_period import NoticePeriod
from app.domain.verdict import Verdict
from app.domain.window import ClosureWindow
from app.store.bodies import (
    dump_closure,
    dump_revision,
    dump_verdict,
    load_closure,
    load_revision,
    load_verdict,
)

AT = datetime(2026, 11, 2, 9, 0, 0, 1, tzinfo=UTC)
WINDOW = ClosureWindow(datetime(2026, 12, 6, 2, tzinfo=UTC), datetime(2026, 12, 6, 6, tzinfo=UTC))
LATER = ClosureWindow(WINDOW.starts + timedelta(days=7), WINDOW.ends + timedelta(days=7))
# By today's rule 24 of 20 Working Days is in time, and 3 is not: here it was judged the other way round.
IN_TIME = NoticePeriod(24, ">=20", short_notice=True, recommended_days=20, policy_version=7, holiday_version="table 9")
TOO_LATE = replace(IN_TIME, working_days=3, band="a band of then", short_notice=False)
VERDICT = Verdict(first_notice=IN_TIME, current_date=TOO_LATE, change=replace(IN_TIME, working_days=2, band="2-4"))
CLOSURE = PlannedClosure(
    id=b"0123456789abcdef",
    reference="CN-ABC",
    user="ACME",
    gateway="GW2",
    window=WINDOW,
    state=State.EXPIRED,
    number=4,
    entries=6,
    first_received_at=AT,
    window_received_at=AT + timedelta(seconds=1),
    changed_at=AT + timedelta(seconds=2),
    verdict=VERDICT,
    moved_from=LATER,
    moves=2,
    former_gateways=("GW1", "GW3"),
)
MARK = SenderMark(uid="uid \u0141;,\\ \U0001f50c", recurrence_id="20261206T020000Z", position=3, sequence=2, dtstamp=AT)
REVISION = Revision(
    entry=6,
    number=4,
    step=Step.GATEWAY_CHANGED,
    received_at=AT,
    window_received_at=AT + timedelta(seconds=1),
    changed_at=AT + timedelta(seconds=2),
    window=WINDOW,
    gateway="GW2",
    channel="caldav",
    given_by="Zo\u00eb's phone",
    verdict=VERDICT,
    remarks=("read as London time",),
    left_out=("SUMMARY", "LOCATION"),
)


def test_what_was_written_before_there_were_cut_offs_is_read():
    old = [[24, ">=20", 1], [3, "a band of then", 0], [2, "2-4", 1], 20, 7, "table 9"]
    assert dump_verdict(VERDICT) == old
    assert load_verdict(old) == VERDICT


def test_a_verdict_is_read_as_it_was_judged_whatever_the_rule_is_by_now():
    read = load_verdict(dump_verdict(VERDICT))
    assert read == VERDICT
    assert (read.short_notice, read.late_change, read.first_notice.short_notice) == (False, True, True)


@pytest.mark.parametrize(
    ("closure", "mark"),
    [
        (CLOSURE, MARK),
        (replace(CLOSURE, state=State.PLANNED, moved_from=None, moves=0, former_gateways=()), MARK),
        (replace(CLOSURE, state=State.WITHDRAWN), replace(MARK, recurrence_id="", position=None, dtstamp=None)),
        (CLOSURE, replace(MARK, position=0, sequence=0)),
    ],
)
def test_a_closure_and_its_mark_are_read_as_they_were_written(closure, mark):
    assert load_closure(closure.id, closure.user, dump_closure(closure, mark, 7)) == (closure, mark, 7)


@pytest.mark.parametrize(
    "revision",
    [
        REVISION,
        replace(REVISION, entry=1, number=1, step=Step.FIRST, remarks=(), left_out=()),
        replace(REVISION, number=None, step=Step.SUPERSEDED, verdict=None),
        replace(REVISION, number=None, step=Step.EXPIRED, verdict=None, channel="", given_by=""),
    ],
)
def test_a_revision_is_read_as_it_was_written(revision):
    assert load_revision(dump_revision(revision)) == revision


def _verdicts():
    minutes = st.times().map(lambda at: at.replace(second=0, microsecond=0))
    deferred = st.one_of(st.just(()), st.tuples(st.dates(), st.none() | minutes))
    periods = st.tuples(st.tuples(st.integers(0, 300), st.text(max_size=12), st.booleans()), deferred)
    judged = st.builds(
        lambda days, recommended, version, table: [
            NoticePeriod(*one, recommended, version, table, *counted_from) for one, counted_from in days
        ],
        st.lists(periods, min_size=3, max_size=3),
        st.integers(1, 60),
        st.integers(1, 9),
        st.text(max_size=12),
    )
    return judged.map(lambda three: Verdict(*three))


@given(_verdicts())
def test_any_verdict_at_all(verdict):
    assert load_verdict(dump_verdict(verdict)) == verdict
    revision = replace(REVISION, verdict=verdict)
    assert load_revision(dump_revision(revision)) == revision
    closure = replace(CLOSURE, verdict=verdict)
    assert load_closure(closure.id, closure.user, dump_closure(closure, MARK, 7)) == (closure, MARK, 7)
