"""Content lines to components: where each stands among the octets, what is mended, and who must not be given that."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ical.components import flat_lines, read_calendars, read_sole_calendar, written
from app.ical.unread import Unread

OBJECT = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:one\r\nSUMMARY;LANGUAGE=en:a\r\n  b\r\nBEGIN:VALARM\r\n"
    b"ACTION:DISPLAY\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
CUT = OBJECT.partition(b"BEGIN:VALARM")[0]


def shape(component):
    """A component as (name, names of its lines, its parts)."""
    return component.name, [line.name for line in component.lines], [shape(part) for part in component.parts]


def faults(octets):
    """What was mended, by component, in the order of their BEGINs."""
    (calendar,) = read_calendars(octets).calendars
    return [(part.name, *part.fault) for part in (calendar, *calendar.within()) if part.fault]


def test_lines_and_parts_stand_in_their_component_at_their_place_among_the_octets():
    calendar = read_sole_calendar(OBJECT)
    alarm = ("VALARM", ["ACTION"], [])
    assert shape(calendar) == ("VCALENDAR", ["VERSION"], [("VEVENT", ["UID", "SUMMARY"], [alarm])])
    (event,) = calendar.events()
    assert [OBJECT[line.start : line.end] for line in event.lines] == [
        b"UID:one\r\n",
        b"SUMMARY;LANGUAGE=en:a\r\n  b\r\n",
    ]
    assert [line.octets for line in event.lines] == [b"UID:one", b"SUMMARY;LANGUAGE=en:a b"]
    assert [(line.number, part.line) for part in event.within() for line in part.lines] == [(8, 7)]
    assert OBJECT[event.start : event.start + 12] == b"BEGIN:VEVENT"
    assert OBJECT[event.closes :] == b"END:VEVENT\r\nEND:VCALENDAR\r\n"


def test_what_is_written_reads_as_what_was_read():
    long = OBJECT.replace(b"a\r\n  b", "ä".encode() * 60)
    calendar = read_sole_calendar(long)
    assert shape(read_sole_calendar(written(calendar))) == shape(calendar)
    assert max(map(len, written(calendar).split(b"\r\n"))) <= 75
    assert [line.octets for line in flat_lines(read_sole_calendar(written(calendar)))] == [
        line.octets for line in flat_lines(calendar)
    ]


@pytest.mark.parametrize(
    ("octets", "mended"),
    [
        (OBJECT, []),
        (OBJECT.replace(b"END:VALARM\r\n", b""), [("VCALENDAR", "part-without-end", 9), ("VEVENT", "part-without-end", 9), ("VALARM", "no-end", 7)]),
        (OBJECT.replace(b"BEGIN:VALARM\r\n", b""), [("VCALENDAR", "end-without-begin", 8), ("VEVENT", "end-without-begin", 8)]),
        (OBJECT.replace(b"END:VEVENT\r\n", b""), [("VCALENDAR", "part-without-end", 10), ("VEVENT", "no-end", 3)]),
        (OBJECT.replace(b"VEVENT", b"X-BOX").replace(b"VALARM", b"VEVENT"), [("VEVENT", "misplaced", 7)]),
        (CUT, [("VCALENDAR", "no-end", 1), ("VEVENT", "no-end", 3)]),
        (OBJECT.replace(b"ACTION", b"BEGIN:VEVENT\r\nACTION"), [("VCALENDAR", "part-without-end", 1), ("VEVENT", "no-end", 3), ("VALARM", "no-end", 7), ("VEVENT", "end-without-begin", 10)]),
    ],
    ids=["nothing", "no END inside", "no BEGIN inside", "no END", "inside a stranger", "cut off", "a second BEGIN"],
)  # fmt: skip
def test_what_is_mended_is_noted_where_it_is(octets, mended):
    assert faults(octets) == mended


def test_begin_and_end_behind_a_semicolon_are_read_but_no_calendar_is_sound_with_them():
    odd = OBJECT.replace(b":VEVENT", b";VEVENT")
    assert shape(read_calendars(odd).calendars[0]) == shape(read_sole_calendar(OBJECT))
    with pytest.raises(Unread, match="A line is not NAME;PARAMETER=VALUE:VALUE"):
        read_sole_calendar(odd)


def test_what_stands_outside_of_calendars_and_several_of_them_are_kept_apart():
    stream = read_calendars(b"X-BEFORE:1\r\nBEGIN:VEVENT\r\n" + OBJECT + OBJECT + b"END:VEVENT\r\nafter\r\n")
    assert [line.octets for line in stream.strays] == [b"X-BEFORE:1", b"END:VEVENT", b"after"]
    assert [(part.name, part.line, part.is_cut_off) for part in stream.outside] == [("VEVENT", 2, True)]
    assert len(stream.calendars) == 2
    assert (stream.lines, stream.nameless) == (24, 1)


def test_a_thousand_levels_are_counted_and_no_more():
    deep = b"BEGIN:VCALENDAR\r\n" + b"BEGIN:A\r\n" * 1_000 + b"END:A\r\n" * 1_000 + b"END:VCALENDAR\r\n"
    (calendar,) = read_calendars(deep).calendars
    assert len(list(calendar.within())) == 31
    assert calendar.fault == ("too-deep", 33)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"VERSION:2.0\r\n" + OBJECT, "The calendar does not begin with BEGIN:VCALENDAR."),
        (b"X:1\r\n", "The calendar does not begin with BEGIN:VCALENDAR."),
        (OBJECT + OBJECT, "Something follows the END of the calendar."),
        (OBJECT + b"X:1\r\n", "Something follows the END of the calendar."),
        (CUT, "The calendar has no END."),
        (OBJECT.replace(b"END:VALARM\r\n", b""), "An END does not match its BEGIN."),
        (OBJECT.replace(b"UID:one", b"no property"), "A line is not NAME;PARAMETER=VALUE:VALUE."),
        (OBJECT.replace(b"UID:one", b"Uid: one"), "A line is not NAME;PARAMETER=VALUE:VALUE."),
        (OBJECT.replace(b"UID:one", b"\xc2\xa0UID:one"), "A line is not NAME;PARAMETER=VALUE:VALUE."),
        (OBJECT + OBJECT[OBJECT.index(b"BEGIN:VEVENT") : OBJECT.index(b"END:VCALENDAR")], "Something follows the END of the calendar."),
        (OBJECT.replace(b"UID:one", b"UID:\xff"), "The calendar is not UTF-8."),
        (OBJECT.replace(b"UID:one", b"UID:\x01"), "The calendar holds control characters."),
        (OBJECT.replace(b"UID:one", b"UID:a\rb"), "The calendar holds control characters."),
        (OBJECT.replace(b"UID:one", b"X:1\r\n" * 20_000 + b"UID:1"), "The calendar has more than 20,000 lines."),
        (OBJECT.replace(b"UID:one\r\n", b"BEGIN:A\r\n" * 7 + b"END:A\r\n" * 7), "The calendar nests too deep."),
    ],
)  # fmt: skip
def test_what_is_not_one_sound_calendar_is_refused_by_name(octets, text):
    with pytest.raises(Unread) as refused:
        read_sole_calendar(octets)
    assert refused.value.text == text


PIECES = st.sampled_from(
    [b"BEGIN:VCALENDAR", b"END:VCALENDAR", b"BEGIN:VEVENT", b"END:VEVENT", b"BEGIN:VALARM", b"END:VALARM", b"BEGIN:VTODO",
     b"END:VTODO", b"UID:1", b"garbage", b" fold", b"", b'X-A;B="c:d":e']
)  # fmt: skip


@given(st.lists(PIECES, max_size=30).filter(any), st.sampled_from([b"\n", b"\r\n"]))
def test_every_line_is_in_one_component_or_outside_and_every_place_is_its_own(pieces, line_end):
    octets = line_end.join([b"X-FIRST:1", *pieces, b""])
    stream = read_calendars(octets)
    outermost = sorted((*stream.calendars, *stream.outside), key=lambda part: part.start)
    parts = [part for component in outermost for part in (component, *component.within())]
    lines = sorted([line for part in parts for line in part.lines] + list(stream.strays), key=lambda line: line.start)
    for part in parts:
        assert octets[part.start :].replace(line_end + b" ", b"").upper().startswith(f"BEGIN:{part.name}".encode())
    assert all(before.end <= after.start for before, after in itertools.pairwise(lines))
    unfolded = [octets[line.start : line.end].replace(line_end + b" ", b"").strip() for line in lines]
    assert unfolded == [line.octets for line in lines]
    if not any(part.fault for part in parts):
        assert stream.lines == len(lines) + 2 * len(parts)
