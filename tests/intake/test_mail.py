"""A mail as a notice: its first part that is a calendar, a sheet or a listing, read as that part alone would be."""

import random
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from app.domain.notice import Channel, Notice
from app.domain.refusal import NoticeCompressed, NoticeTooLarge, NoticeUnreadable
from app.intake.media import read_notice
from app.intake.minimise import minimised

SHEET = b"gateway,starts,ends,reference\r\nGW-1,2026-12-06T02:00,2026-12-06T06:00,a\r\n"
LISTING = b'[{"gateway": "GW-1", "starts": "2026-12-06T02:00", "ends": "2026-12-06T06:00", "reference": "a"}]'


def mail(subject="Closure"):
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"], made["Subject"] = "anna@alpha.example", "notices@closures.example", subject
    made.set_content("Dear all, see below.\r\n")
    return made


def invitation(octets, method="REQUEST", **parameters):
    """As Outlook sends one: the calendar is an alternative of the text."""
    made = mail()
    made.add_alternative("<p>Dear all</p>", subtype="html")
    params = {"method": method, "charset": "utf-8"} | parameters
    made.add_alternative(octets, maintype="text", subtype="calendar", params=params)
    return made


def attached(octets, media_type, file_name):
    made = mail()
    maintype, _, subtype = media_type.partition("/")
    made.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="logo.png")
    made.add_attachment(octets, maintype=maintype, subtype=subtype, filename=file_name)
    return made


def forwarded(made, times):
    for _ in range(times):
        outer = mail("Fwd")
        outer.add_attachment(made)
        made = outer
    return made


def read(made, asking):
    octets = made if isinstance(made, bytes) else made.as_bytes()
    return read_notice(octets, "message/rfc822", asking)


def refused(made, asking):
    with pytest.raises(NoticeUnreadable) as caught:
        read(made, asking)
    return caught.value.text


@pytest.fixture
def octets(calendar, event):
    return calendar(event(uid="a"), method="REQUEST")


@pytest.mark.parametrize(
    ("media_type", "file_name"),
    [
        ("text/calendar", None),
        ("application/ics", "invite.ics"),
        ("application/octet-stream", "Schließung.ics"),
        ("application/octet-stream", "=?utf-8?Q?closures=2Eics?="),
        ("text/plain", "closures.ics"),
    ],
)
def test_an_attached_calendar_is_read_as_it_would_be_alone(octets, asking, media_type, file_name):
    assert read(attached(octets, media_type, file_name), asking) == read_notice(octets, "text/calendar", asking)


@pytest.mark.parametrize(
    ("octets", "media_type", "file_name"),
    [
        (SHEET, "text/csv", "closures.csv"),
        (SHEET, "application/vnd.ms-excel", "closures.csv"),
        (LISTING, "application/json", None),
    ],
)
def test_so_is_a_sheet_and_so_is_a_listing(asking, octets, media_type, file_name):
    assert read(attached(octets, media_type, file_name), asking) == read_notice(octets, media_type, asking)


@pytest.mark.parametrize("times", [0, 1, 5])
def test_an_invitation_is_read_however_often_it_was_forwarded(octets, asking, times):
    assert read(forwarded(invitation(octets), times), asking) == read_notice(octets, "text/calendar", asking)


def test_the_first_part_that_is_a_notice_counts(octets, calendar, event, asking):
    made = invitation(octets)
    made.add_attachment(calendar(event(uid="b")), maintype="text", subtype="calendar", filename="b.ics")
    assert [one.uid for one in read(made, asking).announcements] == ["a"]


@pytest.mark.parametrize("stated", ["REQUEST", "request", "PUBLISH"])
def test_a_method_stated_beside_the_calendar_is_the_one_inside(octets, asking, stated):
    assert [one.withdrawn for one in read(invitation(octets, stated), asking).announcements] == [False]


@pytest.mark.parametrize(
    ("stated", "inside"), [("CANCEL", "REQUEST"), ("REQUEST", "CANCEL"), ("CANCEL", None), ("X", "REQUEST")]
)
def test_where_the_two_differ_nothing_is_taken(calendar, event, asking, stated, inside):
    reading = read(invitation(calendar(event(uid="a"), method=inside), stated), asking)
    assert (reading.announcements, [(one.property, one.text) for one in reading.problems]) == (
        (),
        [("METHOD", "The mail says another METHOD than the calendar in it.")],
    )


def test_a_cancellation_withdraws(calendar, event, asking):
    reading = read(invitation(calendar(event(uid="a"), method="CANCEL"), "CANCEL"), asking)
    assert [(one.uid, one.withdrawn) for one in reading.announcements] == [("a", True)]


def test_a_mail_without_a_notice_is_refused_in_words(asking):
    assert refused(mail(), asking) == "The mail holds no calendar, sheet or listing."
    assert refused(b"", asking) == "The mail holds no calendar, sheet or listing."


def test_what_is_compressed_inside_is_refused_as_it_would_be_alone(asking):
    with pytest.raises(NoticeCompressed):
        read(attached(b"\x1f\x8b\x08", "text/calendar", "a.ics"), asking)


def test_a_part_is_as_large_as_a_notice_may_be(calendar, event, asking):
    padded = calendar(event("DESCRIPTION:x", uid="a")) + b"\r\n" * 600_000
    with pytest.raises(NoticeTooLarge):
        read(attached(padded, "text/calendar", "a.ics"), asking)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"Content-Type: message/rfc822\n\n" * 30, "The mail holds parts within parts, 12 levels deep."),
        (b"Content-Type: message/rfc822\n\n" * 20_000, "The mail has more lines, parts or levels than are read."),
        (b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 501, "The mail has more lines, parts or levels than are read."),
        (b"a: b\r\n" * 200_001, "The mail has more lines, parts or levels than are read."),
        (b"\r" * 200_001, "The mail has more lines, parts or levels than are read."),
        (b'Content-Type: text/x; name="' + b'"";' * 300_000 + b"\n\n", "The mail holds no calendar, sheet or listing."),
        (b"Content-Type: text/calendar" + b";a=b" * 200_000 + b"\n\nx", "No BEGIN:VCALENDAR was found."),
        (b"Content-Type: text/x; name==?zlib?b?AA?=\n\n", "The mail cannot be read."),
    ],
    ids=["nested", "nested without end", "parts", "headers", "lines", "quotes", "parameters", "no charset"],
)  # fmt: skip
def test_what_would_never_end_is_refused_in_words(asking, octets, text):
    assert refused(octets, asking) == text


@pytest.mark.parametrize("seed", range(20))
def test_a_mutilated_mail_is_read_or_refused(octets, asking, seed):
    chance, whole = random.Random(seed), forwarded(invitation(octets), 1).as_bytes()
    pieces = [
        b"=?",
        b"?=",
        b"\xff",
        b"\0",
        b"*0*=",
        b"utf-8''%zz",
        b'"',
        b"\r",
        b"\n--",
        b"\nContent-Type: ",
        b"x-uuencode",
        b"charset=punycode",
    ]
    for _ in range(50):
        made = bytearray(whole)
        for _ in range(chance.randint(1, 9)):
            at = chance.randrange(len(made))
            made[at : at + chance.choice([0, 0, 1, 40])] = chance.choice(pieces)
        with suppress(NoticeUnreadable):  # whatever else is raised is a fault of ours
            read(bytes(made), asking)


def test_of_a_mail_without_details_the_calendar_alone_is_kept(octets, asking):
    whole = Notice("ALPHA", Channel.API, asking.now, "message/rfc822", invitation(octets).as_bytes())
    kept = minimised(whole, read(whole.octets, asking))
    alone = Notice("ALPHA", Channel.API, asking.now, "text/calendar", octets)
    assert kept == minimised(alone, read(whole.octets, asking))
    assert b"Dear all" not in kept.octets
