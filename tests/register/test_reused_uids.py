"""A notice that moves all that we know of it by months asks back in a preview, and says so when it is recorded."""

from datetime import UTC, datetime

import pytest

from app.domain.notice import Channel, Notice, NoticeContent
from app.register.receive import preview_notice

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
TEXT = (
    "All that we know by its UID here moves by months (2 closures, the first from Sun 7 Mar 2027 02:00 GMT to "
    "Sun 7 Nov 2027 02:00 GMT): the UIDs may have been used again."
)
REMEDY = (
    "If these are other closures, give each event a UID that no earlier one had, and they stand beside the earlier "
    "ones. If those were moved, nothing is needed."
)


@pytest.fixture
def spring(alpha, announce, give):
    return give(alpha, announce("0@default", "2027-03-07T02:00"), announce("1@default", "2027-03-14T02:00"))


def preview(register, alpha, *announcements, **options):
    notice = Notice("ALPHA", Channel.UPLOAD, NOW, "text/calendar", b"", "a test")
    return preview_notice(register, alpha, notice, NoticeContent(announcements, ()), **options)


def test_it_is_asked_in_a_preview_and_remarked_when_recorded(register, spring, alpha, announce, give):
    autumn = (
        announce("0@default", "2027-11-07T02:00", line=4),
        announce("1@default", "2027-11-14T02:00"),
        announce("2@default", "2027-11-21T02:00"),
    )
    asked = preview(register, alpha, *autumn)
    (problem,) = asked.problems
    assert (problem.text, problem.remedy, problem.line, problem.property, problem.code) == (
        TEXT, REMEDY, 4, "UID", "reused-uids",
    )  # fmt: skip
    recorded = give(alpha, *autumn)
    assert (recorded.problems, recorded.remarks, len(recorded.accepted)) == ((), (f"{TEXT} {REMEDY}",), 3)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2027-03-07T02:00", "2027-11-14T02:00"),  # one of them stayed
        ("2027-11-07T02:00", "2027-03-21T02:00"),  # one was moved by a week
        ("2027-05-05T02:00", "2027-11-14T02:00"),  # by 59 days
    ],
)
def test_a_notice_that_moves_only_some_by_months_is_taken_at_its_word(register, spring, alpha, announce, first, second):
    told = announce("0@default", first), announce("1@default", second)
    assert preview(register, alpha, *told).problems == ()


def test_back_by_months_counts_too_and_one_closure_is_enough(register, alpha, announce, give):
    give(alpha, announce("0@default", "2027-11-07T02:00"))
    (problem,) = preview(register, alpha, announce("0@default", "2027-03-07T02:00")).problems
    assert problem.text.startswith(
        "All that we know by its UID here moves by months (1 closure, the first from Sun 7 Nov"
    )


def test_new_closures_and_withdrawals_are_no_such_thing(register, spring, alpha, announce):
    gone = announce("0@default", "2027-11-07T02:00", withdrawn=True)
    assert preview(register, alpha, gone, announce("new", "2027-11-07T02:00")).problems == ()


def test_a_change_of_one_closure_by_its_reference_means_that_closure(register, spring, alpha, announce):
    reference = spring.accepted[0].closure.reference
    assert preview(register, alpha, announce("x", "2027-11-07T02:00"), about=reference).problems == ()
