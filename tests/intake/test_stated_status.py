"""Cancellation said otherwise: what withdraws, and what is only remarked, by all that an event says of itself."""

from dataclasses import replace

import pytest

from app.ical.lines import content_lines
from app.ical.parsed_line import Heads
from app.intake.ical import read_ical
from app.intake.stated_status import is_called_off, title_of

HOW = "To withdraw it, press Withdraw this closure on its page, or send it with STATUS:CANCELLED."
SPELLED = "Its STATUS is spelled in another way than CANCELLED; it was read as that."
UNKNOWN = f"Its STATUS is none of TENTATIVE, CONFIRMED and CANCELLED, so the closure stays planned. {HOW}"
CALLED_OFF = f"Its title says that it is cancelled, but the closure stays planned. {HOW}"
MAINTNOTE = "X-MAINTNOTE-STATUS:CANCELLED was read as the withdrawal of the closure."
MAINTNOTE_UNKNOWN = f"X-MAINTNOTE-STATUS is none that is known, so the closure stays planned. {HOW}"
DIFFERENT = "X-MAINTNOTE-STATUS and STATUS say different things of the closure; STATUS was taken."
COMPLETED = (
    "X-MAINTNOTE-STATUS:COMPLETED changes no time: the closure stays as it is stated here. If the gateway re-opened "
    "earlier than that, send the time as its end."
)
RE_SCHEDULED = (
    "X-MAINTNOTE-STATUS:RE-SCHEDULED: the times of this event were taken as the new ones. If another event took its "
    f"place, this one stays planned. {HOW}"
)


@pytest.mark.parametrize(
    ("lines", "withdrawn", "remarks"),
    [
        (["STATUS:CANCELLED"], True, ()),
        (["status:cancelled"], True, ()),
        (["STATUS:CANCELED"], True, (SPELLED,)),
        (["STATUS:Canceled"], True, (SPELLED,)),
        (['STATUS:"Cancelled"'], True, (SPELLED,)),
        (["STATUS:CANCELLED."], True, (SPELLED,)),
        (["STATUS:CANCEL"], True, (SPELLED,)),
        (["STATUS:CONFIRMED"], False, ()),
        (["STATUS:tentative"], False, ()),
        (["STATUS:"], False, ()),
        (["STATUS:ABGESAGT"], False, (UNKNOWN,)),
        (["STATUS:DELETED"], False, (UNKNOWN,)),
        (["STATUS:NEEDS-ACTION"], False, (UNKNOWN,)),
        (["STATUS:NOT CANCELLED"], False, (UNKNOWN,)),
        (["X-MAINTNOTE-STATUS:CANCELLED"], True, (MAINTNOTE,)),
        (["X-MAINTNOTE-STATUS:cancelled", "X-MAINTNOTE-OBJECT-ID:GW-1"], True, (MAINTNOTE,)),
        (["X-MAINTNOTE-STATUS:Canceled"], True, (MAINTNOTE,)),
        (["X-MAINTNOTE-STATUS:CANCELLED", "STATUS:"], True, (MAINTNOTE,)),
        (["X-MAINTNOTE-STATUS:CANCELLED", "STATUS:gone"], True, (MAINTNOTE,)),
        (["X-MAINTNOTE-STATUS:CANCELLED", "STATUS:CANCELLED"], True, ()),
        (["X-MAINTNOTE-STATUS:CANCELLED", "STATUS:CONFIRMED"], False, (DIFFERENT,)),
        (["X-MAINTNOTE-STATUS:CONFIRMED", "STATUS:CANCELLED"], True, (DIFFERENT,)),
        (["X-MAINTNOTE-STATUS:COMPLETED", "STATUS:CANCELED"], True, (SPELLED, DIFFERENT)),
        (["X-MAINTNOTE-STATUS:CONFIRMED"], False, ()),
        (["X-MAINTNOTE-STATUS:in-process", "STATUS:CONFIRMED"], False, ()),
        (["X-MAINTNOTE-STATUS:COMPLETED"], False, (COMPLETED,)),
        (["X-MAINTNOTE-STATUS:RE-SCHEDULED", "STATUS:CONFIRMED"], False, (RE_SCHEDULED,)),
        (["X-MAINTNOTE-STATUS:Rescheduled"], False, (RE_SCHEDULED,)),
        (["X-MAINTNOTE-STATUS:ABORTED"], False, (MAINTNOTE_UNKNOWN,)),
        (["SUMMARY:Canceled: Works"], False, (CALLED_OFF,)),
        (["SUMMARY;LANGUAGE=de:Abgesagt: Arbeiten", "STATUS:CONFIRMED"], False, (CALLED_OFF,)),
        (["SUMMARY:Canceled: Works", "STATUS:BUSY"], False, (UNKNOWN, CALLED_OFF)),
        (["SUMMARY:Canceled: Works", "STATUS:CANCELLED"], True, ()),
        (["SUMMARY:Works"], False, ()),
    ],
)
def test_what_withdraws_and_what_is_remarked(read, event, lines, withdrawn, remarks):
    reading = read(event(*lines))
    assert [(sent.withdrawn, sent.remarks) for sent in reading.announcements] == [(withdrawn, remarks)]
    assert reading.problems == ()


def test_a_method_says_all_that_its_calendar_says_of_standing(read, event):
    reading = read(event("STATUS:odd", "SUMMARY:Canceled: Works", "X-MAINTNOTE-STATUS:CONFIRMED"), method="CANCEL")
    assert [(sent.withdrawn, sent.remarks) for sent in reading.announcements] == [(True, ())]


def test_the_withdrawal_is_of_the_object_that_is_named(read, event, asking):
    two = replace(asking, gateways=("GW-1", "GW-2"))
    lines = ["X-MAINTNOTE-STATUS:CANCELLED", "X-MAINTNOTE-OBJECT-ID;X-MAINTNOTE-OBJECT-IMPACT=OUTAGE:gw-2"]
    reading = read(event(*lines), asking=two)
    assert [(sent.gateway, sent.withdrawn) for sent in reading.announcements] == [("GW-2", True)]


def test_one_occurrence_alone_is_withdrawn_by_a_maintnote_too(read, event):
    series = {"starts": "DTSTART:20261206T020000Z", "ends": "DTEND:20261206T060000Z"}
    one = event("RECURRENCE-ID:20261213T020000Z", "X-MAINTNOTE-STATUS:CANCELLED", **series)
    reading = read(event("RRULE:FREQ=WEEKLY;COUNT=3", **series), one)
    assert [(sent.recurrence_id, sent.withdrawn) for sent in reading.announcements] == [
        ("20261206T020000Z", False),
        ("20261213T020000Z", True),
        ("20261220T020000Z", False),
    ]


@pytest.mark.parametrize("status", ["Status:Cancelled", "Status:CANCELED"])
def test_a_status_that_is_written_like_a_sentence_withdraws_nothing(read, event, codes, status):
    reading = read(event("DESCRIPTION:The old change", status))
    assert (codes(reading), reading.announcements) == ([(10, "STATUS", "line")], ())
    assert read(event("Status:Confirmed")).problems == ()


@pytest.mark.parametrize(
    "title",
    [
        *(
            "Canceled: Works",
            "Cancelled:Works",
            "CANCELLED Works",
            "cancelled",
            "Cancelled - Works",
            "[Cancelled] Works",
        ),
        *("(CANCELED) Works", "*** CANCELLED *** Works", "Canceled event: Works", "Canceled event with note: Works"),
        *("RE: Canceled: Works", "FW: Re: Cancelled: Works", "Updated: Cancelled: Works", "Withdrawn: Works"),
        *("Abgesagt: Works", "Abgesagter Termin: Works", "ENTFÄLLT: Works", "Annulé : Works", "Annule\u0301 : Works"),
        *("Annulé\u00a0: Works", "Geannuleerd: Works", "Cancelado: Works", "Annullato: Works", "Odwołane: Works"),
        *("Inställt: Works", "Aflyst: Works", "Отменено: Works", "已取消: Works", "❌ Cancelled: Works"),
    ],
)
def test_titles_of_what_does_not_take_place(title):
    assert is_called_off(title)


@pytest.mark.parametrize(
    "title",
    [
        *(
            "",
            "Works",
            "Works (was: cancelled)",
            "Cancelled works at Leeds",
            "Cancellation test",
            "cancelled, then planned",
        ),
        *("Uncancelled: Works", "Cancel-safe works", "Not cancelled: Works", "Annulet: Works"),
    ],
)
def test_other_titles(title):
    assert not is_called_off(title)


def test_a_title_in_any_encoding(calendar, event, asking):
    octets = calendar(event("SUMMARY:Annul# : Works")).replace(b"#", b"\xe9")
    reading = read_ical(octets, asking)
    assert [sent.remarks for sent in reading.announcements] == [(CALLED_OFF,)]
    (line,) = content_lines(b'SUMMARY;ALTREP="cid:1":Works\\, at last\r\n')
    assert title_of(line, Heads()) == "Works, at last"
    assert title_of(None, Heads()) == ""
