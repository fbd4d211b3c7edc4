"""Where details are dropped, the minimised object is what stands, and its client is told to fetch it (ADR 23)."""

import json
import re
import zlib
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from app.domain.notice import Channel, Notice
from app.domain.refusal import NoticeUnreadable
from app.domain.retention import RetentionPolicy
from app.intake.media import read_notice
from app.intake.read_request import ReadRequest
from app.register.people.enrolment import issue_token
from app.register.receive import keep_notice, receive_notice
from app.register.rulebook import set_retention
from app.register.verification import verify_record
from app.security.keyring import Keyring
from app.store import notices, tables
from app.store.archive import dump_database

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOME = "/dav/calendars/ALPHA/GW-A1/"
ELSEWHERE = "/dav/calendars/ALPHA/GW-A2/"
SYNC = '<D:sync-collection xmlns:D="DAV:"><D:sync-token>{}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>'
WORDS = ("SUMMARY:Quokka upgrade", "LOCATION:Quokka street", "DESCRIPTION:quokka", "BEGIN:VALARM", "END:VALARM")
TIMES = ("20270207T020000Z", "20270207T060000Z")


@pytest.fixture
def dropping(store):
    set_retention(store, RetentionPolicy(0, keeps_details=False), NOW)


@pytest.fixture
def put(ask, alpha, token):
    """Return a function that puts an object as ALPHA's calendar program does."""
    password = token("ALPHA")

    def send(path, octets=b"", method="PUT", **headers):
        return ask(method, path, "ALPHA", password, octets, Content_Type="text/calendar", **headers)

    return send


def sync(put, path, token=""):
    answer = put(path, SYNC.format(token).encode(), "REPORT", Depth="0").text
    rows = re.findall(r"<D:href>([^<]+)</D:href>.*?(?:<D:getetag>&?[^<]*?([0-9a-f]{16,})|(404))", answer, re.DOTALL)
    return rows, re.search("<D:sync-token>([^<]+)<", answer)[1]


def test_the_minimised_object_is_put_fetched_moved_and_synchronised(dropping, register, put, event):
    least = event("u1", *TIMES, "SUMMARY:Gateway closed")
    _, empty = sync(put, HOME)
    stored = put(HOME + "a.ics", event("u1", *TIMES, *WORDS), If_None_Match="*")
    assert (stored.status_code, "ETag" in stored.headers) == (201, False)
    assert '"left_out":["DESCRIPTION","LOCATION","SUMMARY","VALARM"]' in stored.headers["X-Closure-Receipt"]
    got = put(HOME + "a.ics", method="GET")
    assert (got.data, put(HOME + "a.ics", method="HEAD").headers["ETag"]) == (least, got.headers["ETag"])
    etag = got.headers["ETag"].strip('"')
    rows, at_home = sync(put, HOME, empty)
    assert rows == [(HOME + "a.ics", etag, "")]
    # The same words again, or the octets that were fetched, change nothing; the latter came as they stand.
    assert "ETag" not in put(HOME + "a.ics", event("u1", *TIMES, *WORDS), If_Match=f'"{etag}"').headers
    again = put(HOME + "a.ics", least, If_Match=f'"{etag}"')
    assert (again.status_code, again.headers["ETag"], sync(put, HOME, at_home)[0]) == (204, f'"{etag}"', [])
    moved = put(HOME + "a.ics", method="MOVE", Destination=ELSEWHERE + "a.ics")
    assert (moved.status_code, moved.headers["ETag"]) == (201, f'"{etag}"')
    assert put(ELSEWHERE + "a.ics", method="GET").data == least
    assert sync(put, HOME, at_home)[0] == [(HOME + "a.ics", "", "404")]
    assert sync(put, ELSEWHERE)[0] == [(ELSEWHERE + "a.ics", etag, "")]
    assert verify_record(register).faults == ()


def test_a_series_with_a_changed_occurrence_is_found_where_its_times_are(dropping, put, calendar, lines):
    weekly = lines("u1", *TIMES, "SUMMARY:Quokka", "RRULE:FREQ=WEEKLY;COUNT=3")
    changed = lines("u1", "20270215T020000Z", "20270215T060000Z", "RECURRENCE-ID:20270214T020000Z", "SUMMARY:Quokka")
    assert put(HOME + "a.ics", calendar(weekly, changed)).status_code == 201
    query = """<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><C:calendar-data>
        <C:expand start="20270201T000000Z" end="20270301T000000Z"/></C:calendar-data></D:prop><C:filter>
        <C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">
        <C:time-range start="20270215T000000Z" end="20270216T000000Z"/></C:comp-filter></C:comp-filter></C:filter>
        </C:calendar-query>"""
    text = put(HOME, query.encode(), "REPORT", Depth="1").text
    assert re.findall(r"DTSTART:(\d{8})", text) == ["20270207", "20270215", "20270221"]


def test_the_representation_preferred_is_the_one_that_stands(dropping, put, event):
    answer = put(HOME + "a.ics", event("u1", *TIMES, *WORDS), Prefer="return=representation")
    assert (answer.status_code, answer.data) == (201, event("u1", *TIMES, "SUMMARY:Gateway closed"))
    assert answer.headers["ETag"] == put(HOME + "a.ics", method="GET").headers["ETag"]


def test_the_rule_applies_from_then_on(store, put, event, alpha):
    whole = event("u1", *TIMES, *WORDS)
    assert "ETag" in put(HOME + "a.ics", whole).headers
    set_retention(store, RetentionPolicy(0, keeps_details=False), NOW)
    assert put(HOME + "a.ics", method="GET").data == whole
    assert "ETag" not in put(HOME + "a.ics", whole).headers
    assert put(HOME + "a.ics", method="GET").data == event("u1", *TIMES, "SUMMARY:Gateway closed")
    set_retention(store, RetentionPolicy(0), NOW)
    assert "ETag" in put(HOME + "a.ics", whole).headers
    assert put(HOME + "a.ics", method="GET").data == whole


class Sealed:
    """Everything that is ever sealed, as it was before."""

    def __init__(self, monkeypatch):
        self.texts = []
        seal = Keyring.seal

        def listening(ring, owner, table, column, row, version, plaintext):
            self.texts += [plaintext, opened(plaintext)]
            return seal(ring, owner, table, column, row, version, plaintext)

        monkeypatch.setattr(Keyring, "seal", listening)

    def holds(self, word):
        return any(word in text.lower() for text in self.texts)


def opened(plaintext):
    try:
        return zlib.decompress(plaintext)
    except zlib.error:
        return b""


@pytest.fixture
def sealed(monkeypatch):
    return Sealed(monkeypatch)


def send_everywhere(service, web, put, event, calendar, lines, alpha):
    """Give notice through the doors, good and bad, with a word in every place where a program puts one."""
    put(HOME + "a.ics", event("u1", *TIMES, *WORDS, "STATUS:QUOKKA"))
    put(HOME + "b.ics", calendar(lines("u2", *TIMES, "SUMMARY:quokka", "RRULE:FREQ=WEEKLY", "LOCATION;X-A=quokka:q")))
    put(HOME + "c.ics", event("u3", "quokka"))
    put(HOME + "d.ics", b"quokka")
    put(HOME + "e.ics", event("u1", *TIMES, *WORDS))  # the UID stands elsewhere
    put(HOME + "a.ics", method="MOVE", Destination=ELSEWHERE + "a.ics")
    put(ELSEWHERE + "a.ics", method="DELETE")
    password = issue_token(service.store, label="a program", now=NOW, user_code="ALPHA")[1]
    given = {"Authorization": f"Bearer {password}"}
    sheet = "gateway,starts,ends,reference,why\nGW-A1,2027-03-07T02:00,2027-03-07T06:00,r1,quokka\nGW-A1,quokka,,r2,\n"
    entry = {"gateway": "GW-A1", "starts": "2027-04-07T02:00Z", "ends": "2027-04-07T06:00Z", "why": "quokka"}
    bodies = [
        ("text/calendar; name=quokka.ics", calendar(lines("u5", *TIMES, *WORDS), ["UID:u6", "DTSTART:quokka"])),
        ("text/csv", sheet.encode()),
        ("application/json", json.dumps({"note": "quokka", "closures": [entry]}).encode()),
        ("text/quokka", b"quokka"),
        ("text/calendar", b"BEGIN:VCALENDAR\r\nSUMMARY:quokka\r\n"),
    ]  # fmt: skip
    codes = []
    for query in ("gateway=GW-A1", "gateway=GW-A1&all_or_nothing=1"):
        for kind, body in bodies:
            headers = given | {"Content-Type": kind}
            codes.append(web.test_client().post(f"/api/v1/notices?{query}", data=body, headers=headers).status_code)
    return codes


def test_the_senders_words_are_nowhere_sealed_or_not(
    dropping, sealed, service, web, put, event, calendar, lines, alpha, tmp_path
):  # fmt: skip
    assert send_everywhere(service, web, put, event, calendar, lines, alpha)[:5] == [200, 200, 200, 422, 422]
    assert (sealed.holds(b"u5"), sealed.holds(b"quokka")) == (True, False)
    dump_database(service.store, tmp_path / "backup", lambda _: None)
    found = [path for path in tmp_path.rglob("*") if path.is_file() and b"quokka" in path.read_bytes().lower()]
    assert found == []
    assert verify_record(service.register).faults == ()


def test_the_search_finds_them_where_details_are_kept(sealed, service, web, put, event, calendar, lines, alpha):
    send_everywhere(service, web, put, event, calendar, lines, alpha)
    assert sealed.holds(b"quokka")


def test_of_what_could_not_be_read_the_receipt_is_left(dropping, register, store, alpha):
    octets = b"quokka"
    with pytest.raises(NoticeUnreadable):
        read_notice(octets, "text/calendar", ReadRequest(now=NOW, gateways=("GW-A1",)))
    sent = Notice("ALPHA", Channel.API, NOW, "text/quokka", octets, "a program")
    assert keep_notice(register, alpha, sent) is False
    with store.reading() as connection:
        (row,) = connection.execute(sa.select(tables.notices)).all()
        kept = notices.read_notice(store, connection, row.id, "ALPHA")
    assert kept == Notice("ALPHA", Channel.API, NOW, "", b"", "a program")


def test_what_was_left_out_is_still_named_in_the_receipt(dropping, register, alpha, event):
    octets = event("u1", *TIMES, *WORDS)
    reading = read_notice(octets, "text/calendar", ReadRequest(now=NOW, gateways=("GW-A1",)))
    sent = Notice("ALPHA", Channel.API, NOW, "text/calendar", octets)
    (ack,) = receive_notice(register, alpha, sent, reading).accepted
    assert ack.left_out == ("DESCRIPTION", "LOCATION", "SUMMARY", "VALARM")
