"""What a form states is written so that the one reader of notices finds exactly that."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.intake.ical import read_ical
from app.intake.read_request import ReadRequest
from app.intake.written_event import FormEvent, Repeat, rule_of, write_events

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="\N{BYTE ORDER MARK}"), min_size=1, max_size=60)  # fmt: skip


def read(stated):
    found = read_ical(write_events([stated]), ReadRequest(NOW, ("GW-A1",), stated.gateway))
    assert found.problems == ()
    return found.announcements


@given(TEXT, st.datetimes(datetime(2026, 12, 1), datetime(2027, 12, 1)), st.timedeltas(timedelta(minutes=1), timedelta(days=30)))  # fmt: skip
def test_an_event_reads_as_it_was_stated(uid, starts, length):
    starts = starts.replace(second=0, microsecond=0, tzinfo=UTC)
    ends = (starts + length).replace(second=0, microsecond=0)
    (found,) = read(FormEvent(f"form:{uid}", "GW-A1", starts, max(ends, starts + timedelta(minutes=1))))
    assert (found.uid, found.window.starts, found.window.ends) == (
        f"form:{uid}",
        starts,
        max(ends, starts + timedelta(minutes=1)),
    )
    assert (found.sender_sequence, found.sender_dtstamp, found.recurrence_id) == (0, None, "")


def test_a_time_without_zone_is_on_londons_clocks():
    (found,) = read(FormEvent("u", "GW-A1", datetime(2027, 6, 6, 2), datetime(2027, 6, 6, 6)))
    assert found.window.starts == datetime(2027, 6, 6, 1, tzinfo=UTC)


def test_one_occurrence_is_named():
    stated = FormEvent("u", "GW-A1", datetime(2026, 12, 7, 2), datetime(2026, 12, 7, 6), "20261206T020000Z")
    (found,) = read(stated)
    assert (found.recurrence_id, found.window.starts) == ("20261206T020000Z", datetime(2026, 12, 7, 2, tzinfo=UTC))


def test_the_rules_of_a_form():
    first = date(2026, 12, 6)
    assert rule_of(Repeat.NEVER, first, 1, None, None) == ""
    assert rule_of(Repeat.WEEKLY, first, 9, date(2027, 3, 31), None) == "FREQ=WEEKLY;INTERVAL=1;UNTIL=20270331"
    assert rule_of(Repeat.WEEKS, first, 3, None, 4) == "FREQ=WEEKLY;INTERVAL=3;COUNT=4"
    assert rule_of(Repeat.MONTHLY, first, 1, None, 4) == "FREQ=MONTHLY;BYDAY=1SU;COUNT=4"
    assert rule_of(Repeat.MONTHLY, date(2026, 12, 24), 1, None, 4) == "FREQ=MONTHLY;BYDAY=4TH;COUNT=4"
    assert rule_of(Repeat.MONTHLY, date(2026, 12, 25), 1, None, 4) == "FREQ=MONTHLY;BYDAY=-1FR;COUNT=4"


@given(st.dates(date(2026, 12, 1), date(2027, 3, 1)), st.integers(2, 10))
def test_a_monthly_repeat_leaves_no_month_out(first, count):
    starts = datetime(first.year, first.month, first.day, 2)
    found = read(FormEvent("u", "GW-A1", starts, starts + timedelta(hours=4), rule=rule_of(Repeat.MONTHLY, first, 1, None, count)))  # fmt: skip
    months = [one.window.starts.year * 12 + one.window.starts.month for one in found]
    assert months == list(range(months[0], months[0] + count))
    assert {one.window.starts.weekday() for one in found} == {first.weekday()}
