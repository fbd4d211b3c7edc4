"""A calendar taken apart by UID: what is wanted, what counts as a change, what is not the whole of a calendar."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ical.parsed_line import printable
from app.intake.ical import read_ical
from app.intake.read_request import ReadRequest
from app.pulling.fetch_failure import SourceUnread
from app.pulling.split_by_uid import Filter, cancellation_of, take_apart

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ASKING = ReadRequest(now=NOW, gateways=("GW-A1", "GW-A2"), gateway="GW-A1")
ANY = Filter()
ZONE = """BEGIN:VTIMEZONE
TZID:Ours
BEGIN:STANDARD
DTSTART:19701025T020000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T010000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
END:DAYLIGHT
END:VTIMEZONE
"""


def event(uid, *more, start="DTSTART:20261206T020000Z"):
    lines = ["BEGIN:VEVENT", f"UID:{uid}", start, "DURATION:PT4H", *more, "END:VEVENT"]
    return "".join(f"{line}\n" for line in lines)


def calendar(*parts):
    return ("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//them//EN\n" + "".join(parts) + "END:VCALENDAR\n").encode()


def uids(octets, wanted=ANY):
    return [piece.uid for piece in take_apart(octets, wanted).pieces]


def digest(octets):
    (piece,) = take_apart(octets, ANY).pieces
    return piece.digest


def test_each_uid_is_a_calendar_of_its_own_with_what_it_is_read_with():
    octets = calendar(
        "METHOD:PUBLISH\nX-WR-TIMEZONE:Europe/Paris\nX-WR-CALNAME:Mine\n",
        ZONE,
        event("a", "RRULE:FREQ=WEEKLY;COUNT=2", start="DTSTART;TZID=Ours:20260606T020000"),
        event("b", start="DTSTART:20261206T020000"),
        event("a", "RECURRENCE-ID;TZID=Ours:20260613T020000", start="DTSTART;TZID=Ours:20260614T020000"),
    )
    apart = take_apart(octets, ANY)
    pieces, held = apart.pieces, apart.held
    assert ([piece.uid for piece in pieces], held) == (["a", "b"], 3)
    whole = {(one.uid, one.recurrence_id, one.window) for one in read_ical(octets, ASKING).announcements}
    apart = [read_ical(piece.octets, ASKING) for piece in pieces]
    assert {(one.uid, one.recurrence_id, one.window) for one_of in apart for one in one_of.announcements} == whole
    assert [one_of.whole_uids for one_of in apart] == [{"a"}, {"b"}]
    together = read_ical(b"".join(piece.octets for piece in pieces), ASKING)
    assert {(one.uid, one.recurrence_id, one.window) for one in together.announcements} == whole


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (Filter(), ["a", "b", "c", "d"]),
        (Filter(word="gateway"), ["a", "d"]),
        (Filter(word="GATEWAY down"), ["a"]),
        (Filter(category="changes"), ["b", "c"]),
        (Filter(category="WORK"), ["b"]),
        (Filter(category="work,changes"), []),
        (Filter(category="chang"), []),
    ],
)
def test_a_filter_takes_by_a_word_or_a_whole_category_in_any_case(wanted, taken):
    octets = calendar(
        event("a", "SUMMARY:Gateway down\\, all night"),
        event("b", "SUMMARY:Dinner", "CATEGORIES:Work,Changes"),
        event("c", "CATEGORIES:Private", "CATEGORIES;LANGUAGE=en:changes"),
        event("d", "SUMMARY;LANGUAGE=en:Our gate", " way", "BEGIN:VALARM", "SUMMARY:Changes", "END:VALARM"),
    )
    assert uids(octets, wanted) == taken


def test_an_occurrence_that_was_changed_goes_with_its_series():
    octets = calendar(
        event("a", "SUMMARY:Gateway", "RRULE:FREQ=WEEKLY;COUNT=2"),
        event("a", "SUMMARY:Moved", "RECURRENCE-ID:20261213T020000Z"),
    )
    (piece,) = take_apart(octets, Filter(word="gateway")).pieces
    assert piece.octets.count(b"BEGIN:VEVENT") == 2


def test_an_event_without_a_uid_has_the_one_that_an_upload_of_it_gets():
    later = event("", start="DTSTART:20261213T020000Z")
    octets = calendar(event("a"), event("x").replace("UID:x\n", ""), later)
    uploaded = [one.uid for one in read_ical(octets, ASKING).announcements]
    apart = take_apart(octets, ANY)
    assert [(piece.uid, piece.keyless) for piece in apart.pieces] == [(uid, uid != "a") for uid in uploaded]
    (told,) = read_ical(apart.pieces[1].under("kept").octets, ASKING).announcements[:1]
    assert (told.uid, told.remarks) == ("kept", ())


def test_a_piece_under_another_uid_is_the_same_but_for_that():
    octets = calendar(ZONE, event("a", "RRULE:FREQ=DAILY;COUNT=2"), event("a", "RECURRENCE-ID:20261207T020000Z"))
    (piece,) = take_apart(octets, ANY).pieces
    again = piece.under("b;\\,").octets
    assert piece.under("a") == piece
    assert again == piece.octets.replace(b"UID:a", b"UID:b\\;\\\\\\,")


@pytest.mark.parametrize("line", ["DTSTAMP:20261101T000000Z", "SUMMARY:x", "LAST-MODIFIED:20261101T000000Z", "X-A:1"])
def test_what_we_do_not_read_is_no_change(line):
    assert digest(calendar(event("a", line))) == digest(calendar(event("a")))


@pytest.mark.parametrize(
    "line", ["SEQUENCE:1", "STATUS:CANCELLED", "LOCATION:GW-A2", "RRULE:FREQ=DAILY", "EXDATE:20261206T020000Z"]
)
def test_what_we_read_is_a_change(line):
    assert digest(calendar(event("a", line))) != digest(calendar(event("a")))


def test_a_zone_or_a_method_that_changes_is_a_change():
    plain = calendar(ZONE, event("a"))
    assert (
        len(
            {
                digest(plain),
                digest(plain.replace(b"+0100", b"+0200")),
                digest(calendar("METHOD:CANCEL\n", ZONE, event("a"))),
            }
        )
        == 3
    )


GOOD = calendar(ZONE, event("a", "BEGIN:VALARM", "END:VALARM"), event("b"))


@pytest.mark.parametrize(
    ("octets", "outcome"),
    [
        (b"", "not-calendar"),
        (b"  \r\n", "not-calendar"),
        (b"<html></html>", "not-calendar"),
        (b"hello", "not-calendar"),
        (b"BEGIN:VEVENT\nEND:VEVENT\n", "not-calendar"),
        ("BEGIN:VCALENDAR".encode("utf-16"), "not-calendar"),
        (b"BEGIN:VCALENDAR\n", "broken-off"),
        (GOOD + b"BEGIN:VEVENT\n", "broken-off"),
        (GOOD + b"END:VCALENDAR\n", "broken-off"),
        (GOOD.replace(b"END:VALARM\n", b""), "broken-off"),
        (GOOD.replace(b"END:VCALENDAR", b"BEGIN:X\n" * 40), "broken-off"),
        (calendar("BEGIN:VCALENDAR\n", "END:VCALENDAR\n"), "broken-off"),
    ],
)
def test_what_is_not_the_whole_of_a_calendar_is_refused(octets, outcome):
    with pytest.raises(SourceUnread) as caught:
        take_apart(octets, ANY)
    assert caught.value.outcome == outcome


@given(st.integers(1, len(GOOD) - 1))
def test_no_part_of_a_calendar_passes_for_the_whole(length):
    cut = GOOD[:length]
    if cut.strip() != GOOD.strip():
        try:
            assert not take_apart(cut, ANY).whole
        except SourceUnread:
            return
        assert cut.endswith(b"END:VEVENT\n")


NO_ENDS = b"".join(line for line in calendar(event("a"), event("b")).splitlines(True) if not line.startswith(b"END:"))


@pytest.mark.parametrize(
    ("octets", "whole"),
    [
        (calendar(event("a"), event("b")).replace(b"END:VEVENT\n", b""), True),
        (calendar(ZONE, event("a"), event("b")).replace(b"END:VEVENT\n", b"", 1), True),
        (calendar(event("a"), event("b")).replace(b"END:VCALENDAR\n", b""), False),
        (NO_ENDS, False),
        (b"<!-- made by -->\r\n" + calendar(event("a"), event("b")) + b"<!-- a\nb -->\n", True),
        (calendar(event("a", "<!-- an\nexport: of -->"), "<!-- -->\n", event("b")), True),
    ],
)
def test_ends_and_comments_that_a_publisher_gets_wrong_lose_no_event(octets, whole):
    apart = take_apart(octets, ANY)
    told = [read_ical(piece.octets, ASKING) for piece in apart.pieces]
    assert [(one.announcements[0].uid, one.problems) for one in told] == [("a", ()), ("b", ())]
    assert (apart.whole, apart.held) == (whole, 2)


def test_a_comment_that_is_not_closed_is_named_as_the_text_that_it_is():
    apart = take_apart(calendar(event("a", "<!-- not closed"), event("b", "X-A:-->")), ANY)
    first, second = (read_ical(piece.octets, ASKING) for piece in apart.pieces)
    assert [problem.code for problem in first.problems] == ["line"]
    assert ([told.uid for told in second.announcements], second.problems) == (["b"], ())


@pytest.mark.parametrize(
    "octets",
    [
        NO_ENDS[:-1],
        NO_ENDS[: NO_ENDS.index(b"BEGIN:VEVENT\nUID:b")],
        calendar(event("a"), event("b")).removesuffix(b"END:VEVENT\nEND:VCALENDAR\n"),
        calendar(event("a"), event("b")).removesuffix(b"\nEND:VCALENDAR\n"),
        calendar(event("a")) + NO_ENDS + calendar(event("c")),
        calendar(ZONE.replace("END:VTIMEZONE\n", ""), event("a"), event("b")),
    ],
)
def test_what_may_be_cut_in_the_middle_of_an_event_is_refused(octets):
    with pytest.raises(SourceUnread) as caught:
        take_apart(octets, ANY)
    assert caught.value.outcome == "broken-off"


def test_several_calendars_in_one_file_are_read():
    assert uids(calendar(event("a")) + calendar(event("b"))) == ["a", "b"]


@given(
    st.lists(
        st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1).map(printable).filter(bool), unique=True
    )
)
def test_a_cancellation_names_every_uid_as_intake_reads_it(names):
    told = read_ical(cancellation_of(names), ASKING).announcements if names else ()
    assert [(one.uid, one.withdrawn) for one in told] == [(name, True) for name in names]
