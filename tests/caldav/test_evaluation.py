"""What a report may have evaluated beyond what was expanded at PUT: bounded for one member, and for a whole request."""

from datetime import UTC, datetime, timedelta

import pytest

from app.caldav.backend import TooMuchAsked
from app.caldav.boards.evaluation import Evaluation

COSTLY = "RRULE:FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24))) + ";BYMINUTE=0,15,30,45"


def span(year, days=1):
    starts = datetime(year, 1, 5, tzinfo=UTC)
    return starts, starts + timedelta(days=days)


@pytest.fixture
def member(client, backend, calendar, event):
    """Return a function that puts an event and gives it back as a member."""

    def put(*lines, **times):
        assert client.put("a.ics", calendar(event(*lines, **times))).status == 201
        shelf = backend.collection("ALPHA", "GW-1")
        return backend.members(shelf, ["a.ics"])["a.ics"]

    return put


def test_what_was_expanded_is_not_evaluated_again(member):
    once = member()
    assert Evaluation().instances("GW-1", once, *span(2050)) is once.instances


def test_an_occurrence_far_off_is_found_with_what_lasts_into_the_span(member):
    weekly = member("RRULE:FREQ=WEEKLY", ends="DTEND:20261213T010000Z")
    found = Evaluation().instances("GW-1", weekly, *span(2041))
    touching = [one.starts for one in found if one.ends > span(2041)[0] and one.starts < span(2041)[1]]
    assert touching == [datetime(2040, 12, 30, 2, tzinfo=UTC)]


def test_a_member_that_is_too_much_is_taken_to_recur(member, client, say):
    costly = member(COSTLY, ends="DURATION:PT5M")
    assert Evaluation().instances("GW-1", costly, *span(2060)) is None
    far = say.span("20600105T000000Z", "20600106T000000Z")
    assert client.query(say.comp("VEVENT", far)).names() == ["a.ics"]
    assert client.query(say.comp("VEVENT", far + '<C:prop-filter name="UID"/>')).names() == ["a.ics"]


def test_a_request_that_is_too_much_is_refused(member, client, backend, say):
    costly = member(COSTLY, ends="DURATION:PT5M")
    shared = Evaluation()

    def ask_until_it_is_too_much():
        for year in range(2050, 2080):
            shared.instances("GW-1", costly, *span(year))

    with pytest.raises(TooMuchAsked):
        ask_until_it_is_too_much()
    backend.evaluation = shared
    refused = client.query(say.comp("VEVENT", say.span("20600105T000000Z", "20600106T000000Z")))
    assert refused.refusal() == (507, "number-of-matches-within-limits")


@pytest.mark.parametrize("ends", [("00010101T000000Z", "00010108T000000Z"), ("99981230T000000Z", "99991231T235959Z")])
def test_a_span_at_the_end_of_time_is_answered(member, client, say, ends):
    member("RRULE:FREQ=YEARLY;COUNT=3")
    zone = "<C:timezone-id>Pacific/Auckland</C:timezone-id>"
    assert client.query(say.comp("VEVENT", say.span(*ends)), more=zone).names() == []
    alarm = say.comp("VALARM", say.span(*ends))
    assert client.query(say.comp("VEVENT", alarm)).names() == []
