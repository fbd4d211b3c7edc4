"""Another door gives one event in place of a series, a series in place of one event, or a series with other starts."""

from datetime import timedelta

import pytest

from tests.one_answer import events, readers
from tests.one_answer.calendars import instances_of
from tests.one_answer.running_service import hours_ahead

FIRST, SECOND = (hours_ahead(hours) for hours in (1082, 1400))
LASTS = FIRST - hours_ahead(1078)
WEEK = timedelta(weeks=1)


def one_event(sequence):
    return events.write_calendar(events.write_event("kind", FIRST, FIRST + LASTS, sequence=sequence))


def series(starts, sequence):
    octets = events.write_calendar(events.write_event("kind", starts, starts + LASTS, sequence=sequence))
    return octets.replace(b"END:VEVENT", b"RRULE:FREQ=WEEKLY;COUNT=3\r\nEND:VEVENT")


def post(sender, octets):
    path = f"/api/v1/notices?gateway={sender.gateways[0]}"
    sender.program.ask("POST", path, octets, Content_Type="text/calendar")


def planned(sender):
    seen = [readers.api_show(sender.program, reference) for reference in sender.closures()]
    return sorted(closure.starts for closure in seen if closure.state == "planned")


@pytest.mark.parametrize(
    ("put", "given", "starts"),
    [
        (
            series(FIRST, 7),
            events.write_calendar(events.write_event("kind", SECOND, SECOND + LASTS, sequence=8)),
            [SECOND],
        ),
        (one_event(7), series(FIRST, 8), [FIRST, FIRST + WEEK, FIRST + 2 * WEEK]),
        (one_event(7), series(SECOND, 8), [SECOND, SECOND + WEEK, SECOND + 2 * WEEK]),
        (series(FIRST, 7), series(SECOND, 8), [SECOND, SECOND + WEEK, SECOND + 2 * WEEK]),
    ],
    ids=["series-then-one", "one-then-series", "one-then-series-elsewhen", "series-then-series-elsewhen"],
)
def test_the_member_states_just_what_is_planned(sender, database_url, put, given, starts):
    calendar = sender.calendar()
    calendar.put("kind.ics", put, 201)
    stale = calendar.fetch("kind.ics").octets
    post(sender, given)
    assert planned(sender) == starts
    member = calendar.fetch("kind.ics")
    assert stated(member.octets) == starts
    assert events.sequence_of(member.octets) > 7
    # An old copy is refused, and the same edit after a sync changes no time.
    calendar.put("kind.ics", events.renamed(stale, "Renamed"), 412)
    calendar.put("kind.ics", events.renamed(member.octets, "Renamed"), 204, If_Match=member.etag)
    assert planned(sender) == starts


def stated(octets):
    return sorted(starts for starts, _, cancelled in instances_of(octets) if not cancelled)
