import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ical.lines import content_lines, escape_text, fold_line, plain_octets, unescape_text
from app.ical.unread import Unread


def unfold(octets):
    return [(line.number, line.octets) for line in content_lines(plain_octets(octets))]


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"A:1\r\nB:2\r\n", [(1, b"A:1"), (2, b"B:2")]),
        (b"A:1\nB:2", [(1, b"A:1"), (2, b"B:2")]),
        (b"A:1\r\n 2\r\n\t3\r\nB:4\r\n", [(1, b"A:123"), (4, b"B:4")]),
        (b"\r\n\r\nA:1\r\n\r\nB:2\r\n", [(3, b"A:1"), (5, b"B:2")]),
        (b"\xef\xbb\xbfA:1\r\n", [(1, b"A:1")]),
        (b"A:\x00\x01\x1b\x7f1\r\r\n", [(1, b"A:1")]),
        ("A:é".encode()[:3] + b"\r\n " + "é".encode()[1:] + b"\r\n", [(1, "A:é".encode())]),
        (b"A:1\rB:2\n", [(1, b"A:1"), (2, b"B:2")]),
        (b"A:1\rB:2\r\rC:3\r", [(1, b"A:1"), (2, b"B:2"), (4, b"C:3")]),
        (b"A:1\r\nB:2\rC:3\nD:4\r\r\nE:5", [(1, b"A:1"), (2, b"B:2"), (3, b"C:3"), (4, b"D:4"), (5, b"E:5")]),
        (b"A:1\r 2\r\tB\rC:3", [(1, b"A:12B"), (4, b"C:3")]),
    ],
    ids=[
        "crlf",
        "lf",
        "folds",
        "blank",
        "bom",
        "controls",
        "fold in a character",
        "lone cr",
        "cr only",
        "mixed",
        "cr folds",
    ],
)
def test_content_lines_with_their_physical_numbers(octets, expected):
    assert unfold(octets) == expected


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        ("BEGIN:VCALENDAR\r\n".encode("utf-16"), "utf-16"),
        ("BEGIN:VCALENDAR\r\n".encode("utf-16-be"), "utf-16"),
        ("BEGIN:VCALENDAR\r\n".encode("utf-32"), "utf-16"),
        (b"<!DOCTYPE html><title>Sign in</title>", "markup"),
        (b"\xef\xbb\xbf <?xml version='1.0'?>", "markup"),
    ],
)
def test_what_is_not_utf_8_lines_is_refused_by_name(octets, code):
    with pytest.raises(Unread) as refused:
        plain_octets(octets)
    assert refused.value.code == code
    assert refused.value.remedy


def test_a_megabyte_of_folds_or_blank_lines_is_one_line_or_none():
    assert unfold(b"A:" + b"\n x" * 300_000) == [(1, b"A:" + b"x" * 300_000)]
    assert unfold(b"\r\n" * 400_000 + b"A:1") == [(400_001, b"A:1")]


def test_every_line_knows_its_place_among_the_octets_folds_and_line_end_included():
    octets = b"\xef\xbb\xbfa:1\r\n\r\nb;c=d:2\r\n  3\nno property\r\n"
    lines = list(content_lines(plain_octets(octets)))
    assert [(line.name, octets[line.start : line.end]) for line in lines] == [
        ("A", b"a:1\r\n"),
        ("B", b"b;c=d:2\r\n  3\n"),
        ("", b"no property\r\n"),
    ]


def test_a_folded_line_is_unfolded_to_itself_and_no_line_is_longer_than_75_octets():
    for length in range(60, 300):
        line = b"X:" + "ä".encode() * length
        folded = fold_line(line)
        assert max(map(len, folded.split(b"\r\n"))) <= 75
        assert unfold(folded) == [(1, line)]


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc"))))
def test_a_text_that_is_escaped_is_unescaped_to_itself(text):
    assert unescape_text(escape_text(text)) == text
    assert escape_text("a\\b;c,d\ne") == "a\\\\b\\;c\\,d\\ne"
