"""What there is to tell, when it is due, and when it no longer holds."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from app.domain.closure import Revision, State, Step, begin
from app.domain.fact import Fact
from app.domain.notice_policy import FIRST_POLICY
from app.domain.notification import Kind, due_from, is_due, kinds_of_hour, kinds_of_step, still_holds
from app.domain.verdict import Receipts, judge
from app.domain.window import ClosureWindow
from app.domain.working_days import WorkingDayCalendar

DAYS = WorkingDayCalendar("england-and-wales", "v", (date(2026, 12, 25), date(2026, 12, 28)), date(2027, 12, 31))
STARTS = datetime(2026, 12, 6, 2, tzinfo=UTC)  # a Sunday
HOUR = timedelta(hours=1)
TOLD = datetime(2026, 10, 1, 9, tzinfo=UTC)


def planned(told=TOLD, starts=STARTS):
    window = ClosureWindow(starts, starts + 4 * HOUR)
    revision = Revision(
        entry=1,
        number=1,
        step=Step.FIRST,
        received_at=told,
        window_received_at=told,
        changed_at=told,
        window=window,
        gateway="GW-1",
        verdict=judge(Receipts(told, told, told), window, None, FIRST_POLICY, DAYS),
    )
    return begin(revision, closure_id=b"c", reference="CN-1", user="ALPHA")


@pytest.mark.parametrize(
    ("step", "late", "from_notice", "kinds"),
    [
        (Step.FIRST, False, True, {"new", "clash", "receipt"}),
        (Step.FIRST, False, False, {"new", "clash"}),
        (Step.PLANNED_AGAIN, True, True, {"new", "clash", "late", "receipt"}),
        (Step.MOVED, False, True, {"moved", "clash", "receipt"}),
        (Step.LENGTHENED, False, True, {"moved", "clash", "receipt"}),
        (Step.SHORTENED, False, True, {"moved", "clash", "receipt"}),
        (Step.GATEWAY_CHANGED, True, True, {"moved", "clash", "late", "receipt"}),
        (Step.WITHDRAWN, True, True, {"withdrawn", "late", "receipt"}),
        (Step.REOPENED, False, True, {"re-opened"}),
        (Step.TOLD_CLOSED, False, True, set()),
        (Step.SUPERSEDED, False, True, set()),
        (Step.EXPIRED, False, False, set()),
        (Step.REINSTATED, False, False, set()),
    ],
)
def test_what_a_step_gives_to_tell(step, late, from_notice, kinds):
    told = [kinds_of_step(step, late=late, from_notice=from_notice, numbered=one) for one in (False, True)]
    assert told == [kinds, kinds | {"revision"}]


@pytest.mark.parametrize(
    ("now", "kinds"),
    [
        # Working Days strictly between the day and Sun 6 Dec: from Fri 27 Nov there are five, Mon 30 to Fri 4.
        (datetime(2026, 11, 26, 23, 59, tzinfo=UTC), set()),
        (datetime(2026, 11, 27, 0, 0, tzinfo=UTC), {"reminder"}),
        (STARTS - 24 * HOUR - timedelta(microseconds=1), {"reminder"}),
        (STARTS - 24 * HOUR, {"reminder", "starts"}),
        (STARTS - timedelta(microseconds=1), {"reminder", "starts"}),
        (STARTS, {"open"}),
        (STARTS + 4 * HOUR - timedelta(microseconds=1), {"open"}),
        (STARTS + 4 * HOUR, {"expired"}),
        (STARTS + 28 * HOUR, {"expired"}),
        (STARTS + 28 * HOUR + timedelta(microseconds=1), set()),
    ],
)
def test_what_the_clock_gives_to_tell(now, kinds):
    assert kinds_of_hour(planned(), now, DAYS) == kinds


def test_nothing_by_the_clock_of_what_is_withdrawn():
    closure = replace(planned(), state=State.WITHDRAWN)
    assert [kinds_of_hour(closure, at, DAYS) for at in (STARTS - HOUR, STARTS, STARTS + 5 * HOUR)] == [set()] * 3


def test_that_it_is_over_is_told_whether_or_not_it_was_noted():
    assert kinds_of_hour(replace(planned(), state=State.EXPIRED), STARTS + 5 * HOUR, DAYS) == {"expired"}


@pytest.mark.parametrize(("told", "reminded"), [((2026, 11, 27), set()), ((2026, 11, 26), {"reminder"})])
def test_nobody_is_reminded_of_what_it_has_only_just_told(told, reminded):
    # Told on Fri 27 Nov there are five Working Days to go already; on Thu 26 Nov there were six.
    found = kinds_of_hour(planned(datetime(*told, 9, tzinfo=UTC)), datetime(2026, 11, 30, tzinfo=UTC), DAYS)
    assert found == reminded


NOW = STARTS - 12 * HOUR


@pytest.mark.parametrize(
    "kind", [kind for kind in Kind if kind not in {Kind.NEW, Kind.OPEN, Kind.OVER_TIME, Kind.EXPIRED}]
)
def test_a_later_revision_overtakes_what_waits(kind):
    closure = replace(planned(), number=3)
    assert [still_holds(kind, number, closure, 1, NOW) for number in (2, 3, 4)] == [False, True, False]


@pytest.mark.parametrize(
    ("number", "since", "state", "holds"),
    [
        (1, 1, State.PLANNED, True),
        (1, 1, State.EXPIRED, True),
        (1, 1, State.WITHDRAWN, False),
        (1, 3, State.PLANNED, False),
        (3, 3, State.PLANNED, True),
    ],
)
def test_new_outlives_a_move_but_no_withdrawal(number, since, state, holds):
    closure = replace(planned(), number=5, state=state)
    assert still_holds(Kind.NEW, number, closure, since, NOW) is holds


@pytest.mark.parametrize("kind", [Kind.STARTS, Kind.REMINDER])
def test_no_reminder_once_it_has_started_or_is_not_planned(kind):
    closure = planned()
    found = [still_holds(kind, 1, closure, 1, at) for at in (STARTS - timedelta(microseconds=1), STARTS)]
    assert found == [True, False]
    assert still_holds(kind, 1, replace(closure, state=State.WITHDRAWN), 1, NOW) is False


def test_open_is_told_while_it_is_open():
    closure = planned()
    instants = (STARTS - HOUR, STARTS, STARTS + 4 * HOUR)
    assert [still_holds(Kind.OPEN, 1, closure, 1, at) for at in instants] == [False, True, False]
    assert still_holds(Kind.OPEN, 1, replace(closure, state=State.WITHDRAWN), 1, STARTS) is False


def test_that_it_is_over_is_told_once_it_is():
    closure, ends = planned(), STARTS + 4 * HOUR
    assert [still_holds(Kind.EXPIRED, 1, closure, 1, at) for at in (STARTS, ends, ends + 900 * HOUR)] == [
        False, True, True,
    ]  # fmt: skip
    assert still_holds(Kind.EXPIRED, 1, replace(closure, state=State.WITHDRAWN), 1, ends) is False


@pytest.mark.parametrize(
    ("since", "hour", "now", "due"),
    [
        ("2026-07-01T06:59", None, "2026-07-01T06:59", True),
        ("2026-07-01T06:59", 8, "2026-07-01T06:59:59", False),  # 07:59:59 in London
        ("2026-07-01T06:59", 8, "2026-07-01T07:00", True),  # 08:00 in London
        ("2026-07-01T07:00", 8, "2026-07-01T07:00", False),
        ("2026-07-01T07:00", 8, "2026-07-02T06:59", False),
        ("2026-07-01T07:00", 8, "2026-07-02T07:00", True),
        ("2026-06-29T07:00", 8, "2026-07-01T06:00", True),  # a day was missed
        ("2026-12-01T07:59", 8, "2026-12-01T08:00", True),  # GMT
        ("2026-03-28T08:30", 1, "2026-03-29T00:59", False),  # 01:00 does not exist that night: it is 02:00 BST
        ("2026-03-28T08:30", 1, "2026-03-29T01:00", True),
        ("2027-07-01T08:00", 8, "2026-07-01T06:00", True),  # written before the clock was set back
    ],
)
def test_when_a_digest_is_due(since, hour, now, due):
    begun, at = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (since, now))
    assert is_due(due_from(hour, begun), at) is due


def test_what_is_told_at_once_has_no_date():
    """The instant, kept in clear, would tell when a window starts."""
    assert due_from(None, STARTS) is None


@pytest.mark.parametrize(
    ("hour", "after", "told"),
    [
        (8, "2026-11-24T07:59:59", "2026-11-24T08:00"),
        (8, "2026-11-24T08:00", "2026-11-25T08:00"),  # what comes in at the digest's own instant is for the next one
        (0, "2026-12-31T12:00", "2027-01-01T00:00"),
        (8, "2026-07-01T12:00", "2026-07-02T07:00"),  # London is an hour ahead in summer
        (0, "2026-06-30T23:30", "2026-07-01T23:00"),  # already the first of July in London
        (1, "2026-03-28T12:00", "2026-03-29T01:00"),  # 01:00 does not exist that day: the end of the gap
        (1, "2026-10-24T12:00", "2026-10-25T00:00"),  # 01:00 comes twice: the first
    ],
)
def test_the_next_digest_tells_what_begins_to_wait_now(hour, after, told):
    since, at = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (after, told))
    assert due_from(hour, since) == at
    moment = timedelta(seconds=1)
    assert [is_due(at, now) for now in (at - moment, at + moment)] == [False, True]


def test_over_time_is_told_while_it_is_so_and_its_end_is_not_awaited_meanwhile():
    watched = replace(planned(), fact=Fact(STARTS, None, is_watched=True))
    ends = STARTS + 4 * HOUR
    assert [kinds_of_hour(watched, at, DAYS) for at in (ends - HOUR, ends, ends + 40 * HOUR)] == [
        {Kind.OPEN}, {Kind.OVER_TIME}, {Kind.OVER_TIME},
    ]  # fmt: skip
    assert [still_holds(Kind.OVER_TIME, 1, one, 1, ends) for one in (watched, planned())] == [True, False]
