import gzip

import pytest

from app.domain.refusal import NoticeCompressed, NoticeUnreadable
from app.intake.media import read_notice

SHEET = b"gateway,starts,ends,reference\r\nGW-1,2026-12-06T02:00,2026-12-06T06:00,a\r\n"
LISTING = b'[{"gateway": "GW-1", "starts": "2026-12-06T02:00", "ends": "2026-12-06T06:00", "reference": "a"}]'


@pytest.fixture
def octets(calendar, event):
    found = {"calendar": calendar(event(uid="a")), "sheet": SHEET, "listing": LISTING}
    return found | {f"old {kind}": octets.replace(b"\r\n", b"\r") for kind, octets in found.items()}


@pytest.mark.parametrize(
    ("kind", "media_type", "uid"),
    [
        ("calendar", "text/calendar", "a"),
        ("calendar", "Text/Calendar; charset=UTF-8; method=PUBLISH", "a"),
        ("calendar", "application/octet-stream", "a"),
        ("calendar", "Closures 2026.ICS", "a"),
        ("calendar", "", "a"),
        ("sheet", "text/csv", "sheet:a"),
        ("sheet", "application/vnd.ms-excel", "sheet:a"),
        ("sheet", "application/octet-stream", "sheet:a"),
        ("sheet", "closures.csv", "sheet:a"),
        ("sheet", "", "sheet:a"),
        ("old sheet", "", "sheet:a"),
        ("old calendar", "", "a"),
        ("listing", "", "listing:a"),
        ("listing", "application/json", "listing:a"),
        ("listing", "text/plain", "listing:a"),
    ],
)
def test_the_type_the_name_or_the_first_octets_choose(octets, asking, kind, media_type, uid):
    assert [one.uid for one in read_notice(octets[kind], media_type, asking).announcements] == [uid]


@pytest.mark.parametrize("media_type", ["application/pdf", "text/html", "closures.xlsb", "x"])
def test_other_types_are_refused_naming_those_that_are_read(octets, asking, media_type):
    with pytest.raises(NoticeUnreadable) as refused:
        read_notice(octets["calendar"], media_type, asking)
    assert (
        refused.value.remedy
        == "Send text/calendar (.ics), text/csv (.csv), an Excel workbook (.xlsx), application/json, or a mail (.eml)."
    )
    assert [problem.code for problem in refused.value.problems] == ["media-type"]


def test_a_type_that_is_named_is_believed(octets, asking):
    with pytest.raises(NoticeUnreadable):
        read_notice(octets["sheet"], "text/calendar", asking)


@pytest.mark.parametrize("kind", ["calendar", "sheet", "listing"])
@pytest.mark.parametrize("media_type", ["", "text/calendar", "text/csv", "closures.json", "application/gzip"])
def test_what_is_compressed_is_refused_in_words(octets, asking, kind, media_type):
    with pytest.raises(NoticeCompressed) as refused:
        read_notice(gzip.compress(octets[kind]), media_type, asking)
    assert refused.value.text == "The notice is compressed."
    assert refused.value.remedy == "Send it as it is, without compression and without Content-Encoding."
    assert [problem.code for problem in refused.value.problems] == ["compressed"]
