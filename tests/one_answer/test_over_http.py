"""CalDAV as programs speak it to a running service: places by absolute and relative addresses, conditions, bodies.

CLOSURES_HTTP_ACTS says how many acts are tried.
"""

import asyncio
import http.client
import os
import random
import shutil
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from io import BytesIO
from urllib.parse import urlsplit

import aiohttp
import pytest
import requests
from lxml import etree

from tests.one_answer import events, readers
from tests.one_answer.running_service import hours_ahead

ACTS = int(os.environ.get("CLOSURES_HTTP_ACTS", "60"))
FIRST = hours_ahead(24 * 40)
LASTS = timedelta(hours=3)
NS = {"D": "DAV:", "C": "urn:ietf:params:xml:ns:caldav"}
DECLARED = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
CALENDAR = {"Content-Type": "text/calendar"}
LONG_AGO = "Tue, 01 Sep 2020 11:00:00 GMT"
LARGE_HEADERS = {**CALENDAR, "Depth": "0"}
LARGE = b"BEGIN:VCALENDAR\r\nX-A:" + b"a" * 7_000_000 + b"\r\nEND:VCALENDAR\r\n"


def octets(uid, hours=0, sequence=0):
    starts = FIRST + timedelta(hours=hours)
    return events.write_calendar(events.write_event(uid, starts, starts + LASTS, sequence=sequence))


def refused(answer):
    """Return the status and the one element that DAV:error holds."""
    (only,) = etree.fromstring(answer.content)
    return answer.status_code, etree.QName(only).localname


def multiget(program, collection, hrefs, **headers):
    """Ask for members by their hrefs; return their rows in order: the href and whether there is such a member."""
    named = "".join(f"<D:href>{href}</D:href>" for href in hrefs)
    body = f"<C:calendar-multiget {DECLARED}><D:prop><D:getetag/></D:prop>{named}</C:calendar-multiget>"
    answer = program.ask("REPORT", collection, body.encode(), 207, Depth="1", **headers)
    rows = etree.fromstring(answer.content).findall("D:response", NS)
    return [(row.findtext("D:href", namespaces=NS), row.find("D:propstat", NS) is not None) for row in rows]


class Spelling:
    """Ways in which programs write the address of a place here, each with the Host header that goes with it."""

    def __init__(self, base, chance):
        self.base, self.chance = base, chance
        self.port = urlsplit(base).port

    def of(self, path):
        """Return a spelling of a path, and the headers of the request that has it."""
        host = f"127.0.0.1:{self.port}"
        return self.chance.choice(
            [
                (path, {}),
                (path.replace(".ics", "%2Eics"), {}),
                (self.base + path, {}),
                (self.base.replace("//", "//USER@") + path, {}),
                (f"https://{host}{path}", {}),
                (f"http://{host}{path}", {"Host": "upstream"}),
                (f"http://localhost:{self.port}{path}", {"Host": f"localhost:{self.port}"}),
                (f"http://Closures.Example{path}", {"Host": "closures.example"}),
                (f"https://closures.example:443{path}", {"Host": "closures.example"}),
            ]
        )


class Shelves:
    """Two calendars, what should be in them (name to UID), and acts on them with the status that each must have."""

    def __init__(self, sender, chance):
        self.program, self.chance = sender.program, chance
        self.collections = [sender.collection(gateway) for gateway in sender.gateways]
        self.held = [{}, {}]
        self.hours = {}
        self.spelling = Spelling(sender.program.base, chance)

    def put(self):
        at = self.chance.randrange(2)
        if self.held[at] and self.chance.random() < 0.4:
            name, uid = self.chance.choice(sorted(self.held[at].items()))
            # The same hours: a closure that was told of twice is one.
            sent, expected = octets(uid, self.hours[uid], sequence=self.chance.randrange(1, 9)), 204
        else:
            uid = f"event-{len(self.hours)}"
            self.hours[uid] = 4 * len(self.hours)
            name, sent, expected = f"{uid}.ics", octets(uid, self.hours[uid]), 201
        self.program.ask("PUT", self.collections[at] + name, sent, expected, **{"Content-Type": "text/calendar"})
        self.held[at][name] = uid

    def move(self):
        self._carry("MOVE")

    def copy(self):
        self._carry("COPY")

    def _carry(self, method):
        """Carry a member to a name of its own, here or there, over what stands there or beside it."""
        here = self.chance.randrange(2)
        if not self.held[here]:
            return self.put()
        name, uid = self.chance.choice(sorted(self.held[here].items()))
        there = self.chance.randrange(2)
        new = f"{uid}-{self.chance.randrange(3)}.ics"
        if there == here and new == name:
            return None
        destination, headers = self.spelling.of(self.collections[there] + new)
        standing = {held: other for other, held in self.held[there].items() if other != name or there != here}
        copied_here = method == "COPY" and there == here
        expected = 403 if copied_here or standing.get(uid, new) != new else 204 if new in self.held[there] else 201
        answer = self.program.ask(
            method, self.collections[here] + name, None, expected, Destination=destination, **headers
        )
        if expected == 403:
            assert refused(answer) == (403, "no-uid-conflict")
            return None
        if method == "MOVE":
            del self.held[here][name]
        self.held[there][new] = uid
        return None

    def check(self):
        """Ask for each name that ever was, spelt in some way: there is what should be, and nothing else."""
        for collection, held in zip(self.collections, self.held, strict=True):
            names = sorted({*held, *(f"{uid}{end}.ics" for uid in self.hours for end in ("", "-0", "-1", "-2"))})
            spelt, headers = self.spelling.of(collection)
            hrefs = [self.chance.choice([spelt, collection]) + name for name in names]
            rows = multiget(self.program, collection, hrefs, **headers)
            assert [is_there for _, is_there in rows] == [name in held for name in names]
            assert [href for href, _ in rows] == [collection.replace(".ics", "%2Eics") + name for name in names]


def test_acts_by_absolute_and_relative_addresses_do_what_they_say(running, sender):
    chance = random.Random(11)
    shelves = Shelves(sender, chance)
    for act in range(ACTS):
        chance.choice([shelves.put, shelves.move, shelves.copy])()
        if act % 10 == 0:
            shelves.check()
    shelves.check()
    standing = [
        (gateway, shelves.hours[uid])
        for gateway, held in zip(sender.gateways, shelves.held, strict=True)
        for uid in held.values()
    ]
    found = sender.program.ask("GET", f"/api/v1/closures?from={FIRST:%Y-%m-%d}&to=2030-01-01").json()["closures"]
    assert sorted(
        (one["gateway"], round((events.instant(one["starts"]) - FIRST) / timedelta(hours=1)))
        for one in found
        if one["state"] == "planned"
    ) == sorted(standing)


def test_a_new_name_changes_no_closure(sender):
    here = sender.collection(sender.gateways[0])
    sender.program.ask("PUT", here + "old.ics", octets("renamed"), 201, **CALENDAR)
    before = sender.closures()
    moved = sender.program.ask("MOVE", here + "old.ics", None, 201, Destination=sender.program.base + here + "new.ics")
    assert moved.headers["Location"] == here + "new.ics"
    sender.program.ask("GET", here + "old.ics", status=404)
    assert sender.program.ask("GET", here + "new.ics").content == octets("renamed")
    assert sender.closures() == before


def test_an_address_of_another_host_is_none_of_ours(sender):
    here = sender.collection(sender.gateways[0])
    sender.program.ask("PUT", here + "a.ics", octets("a"), 201, **CALENDAR)
    for host in ("elsewhere.example", "127.0.0.1:1", "127.0.0.1", "closures.example:80@elsewhere.example"):
        answer = sender.program.ask("MOVE", here + "a.ics", None, 502, Destination=f"http://{host}{here}b.ics")
        assert refused(answer) == (502, "responsedescription")
        assert multiget(sender.program, here, [f"http://{host}{here}a.ics"]) == [(f"http://{host}{here}a.ics", False)]
    assert multiget(sender.program, here, [f"{here}a.ics"]) == [(f"{here}a.ics", True)]


@pytest.mark.parametrize(
    "condition",
    [
        {"If": '(["0000stale0000"])'},
        {"If": "(Not [{tag}])"},
        {"If": '<{base}{path}> (["other"])'},
        {"If": "(<opaquelocktoken:1>)"},
        {"If-Match": '"0000stale0000"'},
        {"If-Unmodified-Since": LONG_AGO},
    ],
)
def test_a_condition_that_does_not_hold_is_412_and_changes_nothing(sender, condition):
    here, path = sender.program, sender.collection(sender.gateways[0]) + "c.ics"
    tag = here.ask("PUT", path, octets("c"), 201, **CALENDAR).headers["ETag"]
    stated = {
        name: text.format(tag=tag, base=here.base, path=path) if name == "If" else text
        for name, text in condition.items()
    }
    before = sender.closures()
    assert refused(here.ask("PUT", path, octets("c", 5, 1), 412, **CALENDAR, **stated)) == (412, "responsedescription")
    assert refused(here.ask("DELETE", path, None, 412, **stated)) == (412, "responsedescription")
    assert (here.ask("GET", path).content, sender.closures()) == (octets("c"), before)


@pytest.mark.parametrize(
    "condition",
    [{"If": "([{tag}])"}, {"If": "<{base}{path}> ([{tag}])"}, {"If": '(Not ["other"])'}, {"If": '(["x"]) ([{tag}])'}],
)
def test_a_condition_that_holds_lets_a_change_through(sender, condition):
    here, path = sender.program, sender.collection(sender.gateways[0]) + "c.ics"
    for act, body in (("PUT", octets("c", 5, 1)), ("DELETE", None)):
        tag = (here.ask("PUT", path, octets("c"), None, **CALENDAR) and here.ask("GET", path)).headers["ETag"]
        stated = {name: text.format(tag=tag, base=here.base, path=path) for name, text in condition.items()}
        here.ask(act, path, body, 204, **CALENDAR, **stated)
        if act == "PUT":
            here.ask("DELETE", path, status=204)


def test_one_uid_in_two_calendars_is_two_closures(sender):
    first, second = (sender.collection(gateway) + "two.ics" for gateway in sender.gateways)
    for path in (first, second):
        sender.program.ask("PUT", path, octets("two"), 201, If_None_Match="*", **CALENDAR)
    sender.program.ask("DELETE", second, status=204)
    assert sender.program.ask("GET", first).content == octets("two")
    sender.program.ask("GET", second, status=404)
    assert sorted((one.gateway, one.state) for one in sender.closures().values()) == [
        (sender.gateways[0], "planned"), (sender.gateways[1], "withdrawn"),
    ]  # fmt: skip


def without_an_end(uid, *starts):
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//sender//EN", "BEGIN:VEVENT", f"UID:{uid}"]
    return "\r\n".join([*lines, "DTSTAMP:20261101T080000Z", *starts, "END:VEVENT", "END:VCALENDAR", ""]).encode()


def test_an_event_of_a_day_without_an_end_is_that_day(sender):
    path = sender.collection(sender.gateways[0]) + "day.ics"
    octets = without_an_end("day", "DTSTART;VALUE=DATE:20270628", "RRULE:FREQ=WEEKLY;COUNT=2")
    sender.program.ask("PUT", path, octets, 201, **CALENDAR)
    assert sorted((events.iso(one.starts), events.iso(one.ends)) for one in sender.closures().values()) == [
        ("2027-06-27T23:00:00Z", "2027-06-28T23:00:00Z"),
        ("2027-07-04T23:00:00Z", "2027-07-05T23:00:00Z"),
    ]


@pytest.mark.parametrize(
    "starts",
    [
        ["DTSTART:20270628T020000Z"],
        ["DTSTART;TZID=Europe/London:20270628T020000"],
        ["DTSTART:20270628T020000"],
        ["DTSTART;VALUE=DATE-TIME:20270628T000000Z", "RRULE:FREQ=WEEKLY;COUNT=2"],
        ["DTSTART:20270628T020000Z", "X-MICROSOFT-CDO-ALLDAYEVENT:FALSE"],
    ],
)
def test_an_event_at_a_time_without_an_end_has_no_length(sender, starts):
    path = sender.collection(sender.gateways[0]) + "time.ics"
    answer = sender.program.ask("PUT", path, without_an_end("time", *starts), 403, **CALENDAR)
    assert refused(answer) == (403, "valid-calendar-object-resource")
    assert "This event has no end." in answer.text
    assert sender.closures() == {}


def test_twenty_thousand_addresses_are_answered(sender):
    here = sender.collection(sender.gateways[0])
    sender.program.ask("PUT", here + "n-19999.ics", octets("n"), 201, **CALENDAR)
    hrefs = [f"{sender.program.base if at % 2 else ''}{here}n-{at}.ics" for at in range(20_000)]
    rows = multiget(sender.program, here, hrefs)
    assert rows == [(f"{here}n-{at}.ics", at == 19_999) for at in range(20_000)]


def addresses(sender):
    """Return where a body of 7 MB may be sent, with what must be answered: by whom it is, method, path and status."""
    own, nobody = sender.program.auth, None
    here = sender.collection(sender.gateways[0])
    return [
        (own, "PUT", here + "large.ics", 403, b"max-resource-size"),
        (own, "POST", here, 403, b"max-resource-size"),
        (own, "PROPFIND", here, 413, b"larger than 1,000,000 octets"),
        (own, "REPORT", here, 413, b"larger than 4,000,000 octets"),
        (own, "DELETE", here + "nothing.ics", 404, b"There is nothing here"),
        (nobody, "PUT", here + "large.ics", 401, b"Sign in with the User's code"),
        (own, "POST", f"/api/v1/notices?gateway={sender.gateways[0]}", 413, b"Send "),
        (nobody, "POST", "/api/v1/notices", 401, b"code"),
        (nobody, "POST", "/feeds/x.ics", 405, b"not done here"),
        (nobody, "POST", "/nothing", 404, b"nothing at this address"),
    ]


def test_a_large_body_is_answered_in_our_words_by_http_client(sender):
    parts = urlsplit(sender.program.base)
    for credential, method, path, status, words in addresses(sender):
        headers = dict(LARGE_HEADERS)
        if credential:
            headers["Authorization"] = requests.auth._basic_auth_str(*credential)
        with closing(http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)) as connection:
            for _ in range(2):  # the connection is as good as before
                connection.request(method, path, LARGE, headers)
                answer = connection.getresponse()
                assert (method, path, answer.status, words in answer.read()) == (method, path, status, True)
            connection.request("GET", "/livez")
            assert connection.getresponse().status == 200


def in_chunks():
    for at in range(0, len(LARGE), 100_000):
        yield LARGE[at : at + 100_000]


@pytest.mark.parametrize("body", [lambda: LARGE, in_chunks], ids=["whole", "chunked"])
def test_a_large_body_is_answered_in_our_words_by_requests(sender, body):
    for credential, method, path, status, words in addresses(sender):
        answer = requests.request(
            method, sender.program.base + path, data=body(), headers=LARGE_HEADERS, auth=credential, timeout=60
        )
        assert (method, path, answer.status_code, words in answer.content) == (method, path, status, True)


@pytest.mark.parametrize("expect", ["Expect:", "Expect: 100-continue"])
def test_a_large_body_is_answered_in_our_words_by_curl(sender, tmp_path, expect):
    if shutil.which("curl") is None:
        pytest.skip("NOT RUN: there is no curl here")
    (tmp_path / "large.ics").write_bytes(LARGE)
    for credential, method, path, status, words in addresses(sender):
        words_of_curl = [
            *("curl", "--silent", "--show-error", "--request", method, "--data-binary", f"@{tmp_path}/large.ics"),
            *("--write-out", "\n%{http_code}"),
            *("--header", "Content-Type: text/calendar", "--header", "Depth: 0", "--header", expect),
            *(("--user", ":".join(credential)) if credential else ()),
            sender.program.base + path,
        ]
        done = subprocess.run(words_of_curl, capture_output=True, timeout=60, check=True)
        found = done.stdout.rpartition(b"\n")[2].decode(), words in done.stdout, done.stderr
        assert (method, path, *found) == (method, path, str(status), True, b"")


def test_a_large_body_is_answered_in_our_words_by_aiohttp(sender):
    async def ask(credential, method, path):
        headers = dict(LARGE_HEADERS)
        if credential:
            headers["Authorization"] = requests.auth._basic_auth_str(*credential)
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, sender.program.base + path, data=BytesIO(LARGE), headers=headers) as answer,
        ):
            return answer.status, await answer.read()

    with ThreadPoolExecutor(1) as elsewhere:  # where no other loop runs
        for credential, method, path, status, words in addresses(sender):
            found, said = elsewhere.submit(asyncio.run, ask(credential, method, path)).result(60)
            assert (method, path, found, words in said) == (method, path, status, True)


def test_a_large_body_is_answered_in_our_words_by_chromium(sender, chromium):
    script = """async ([method, path, authorization]) => {
      const body = "BEGIN:VCALENDAR\\r\\nX-A:" + "a".repeat(7_000_000) + "\\r\\nEND:VCALENDAR\\r\\n";
      const headers = { "Content-Type": "text/calendar", Depth: "0", ...(authorization && { Authorization: authorization }) };
      const answer = await fetch(path, { method, headers, body, credentials: "omit" });
      return [answer.status, await answer.text()];
    }"""
    with closing(chromium.new_context(bypass_csp=True)) as context:
        page = context.new_page()
        page.goto(sender.program.base + "/livez")
        for credential, method, path, status, words in addresses(sender):
            authorization = requests.auth._basic_auth_str(*credential) if credential else ""
            found, said = page.evaluate(script, [method, path, authorization])
            assert (method, path, found, words.decode() in said) == (method, path, status, True)


def test_a_large_form_is_answered_by_a_page(sender):
    page = sender.browser.ask("GET", "/notices/new")
    answer = sender.browser.submit(page, "/notices/preview", files={"file": ("large.ics", LARGE)}, status=413)
    assert "That is too large." in readers.words_of(answer.text)


def said(running, *lines):
    """Send a request as it is written here; return the status and the headers of the answer."""
    parts = urlsplit(running.base)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        connection.sendall("".join(line + "\r\n" for line in (*lines, "Connection: close", "")).encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, dict(answer.getheaders())


@pytest.mark.parametrize("path", ["/", "/livez", "/dav/", "/feeds/x.ics", "/api/v1/closures", "/nothing"])
def test_a_request_of_http_1_1_names_a_host(running, path):
    without, _ = said(running, f"GET {path} HTTP/1.1")
    empty, _ = said(running, f"GET {path} HTTP/1.1", "Host:")
    older, _ = said(running, f"GET {path} HTTP/1.0")
    assert without == 400
    assert empty == older != 400


@pytest.mark.parametrize("target", ["/", "*", "/dav/"])
def test_options_say_what_is_offered(running, sender, target):
    credential = requests.auth._basic_auth_str(*sender.program.auth)
    status, headers = said(running, f"OPTIONS {target} HTTP/1.1", "Host: x", f"Authorization: {credential}")
    assert (status, headers["DAV"]) == (200, "1, 3, access-control, calendar-access")
    assert ({"PROPFIND", "REPORT"} <= set(headers["Allow"].split(", ")), "Content-Type" in headers) == (True, False)


@pytest.mark.parametrize("target", ["/", "*"])
def test_nobody_need_be_known_to_ask_what_the_host_offers(running, target):
    status, headers = said(running, f"OPTIONS {target} HTTP/1.1", "Host: x")
    assert (status, headers["DAV"], headers["Content-Length"]) == (200, "1, 3, access-control, calendar-access", "0")
