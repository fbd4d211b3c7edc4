"""Made and mutilated requests, each made of its number alone: the same number is the same request, on any machine."""

import csv
import importlib.resources
import io
import json
import random
from functools import cache
from pathlib import Path

HOME = "/dav/calendars/ALPHA/GW-A1/"
ROOT = Path(__file__).parents[2]
LARGEST = 20_000  # octets of what is mutilated: time goes into many requests rather than into long ones
METHODS = (
    *("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "PROPPATCH", "REPORT", "MOVE", "COPY", "MKCOL"),
    *("MKCALENDAR", "LOCK", "PATCH", "TRACE", "ACL", "X"),
)
PATHS = (
    *("/", "/dav/", "/dav/calendars/", "/dav/calendars/ALPHA/", HOME, HOME + "a.ics", "/dav/principals/ALPHA/"),
    *("/api/v1/notices", "/api/v1/closures", "/api/v1/closures/CN-0000000000", "/api/v1/changes", "/api/v1/clashes"),
    *("/api/v1/closed", "/api/v1/free-slots", "/api/v1/busiest-hours", "/api/v1/moved", "/api/v1/notice-period"),
    *("/sign-in", "/notices/new", "/notices/preview", "/notices/form", "/closures", "/healthz", "/checkpoint"),
    *("/schedule", "/connect", "/feeds/x.ics", "/.well-known/caldav", "/account", "/record"),
)
HEADERS = (
    *("Accept", "Accept-Encoding", "Accept-Language", "Content-Type", "Content-Encoding", "Content-Length", "Cookie"),
    *(
        "Depth",
        "Destination",
        "Expect",
        "Host",
        "Idempotency-Key",
        "If",
        "If-Match",
        "If-Modified-Since",
        "If-None-Match",
    ),
    *("If-Schedule-Tag-Match", "Origin", "Overwrite", "Prefer", "Range", "Transfer-Encoding", "X-Forwarded-For"),
    *("Brief", "Sec-Fetch-Site", "Authorization", "If-Unmodified-Since", "Timezone", "CalDAV-Timezones"),
)
WORDS = (
    *("", "0", "-1", "1e9", "9" * 40, "infinity", "T", "*", '"a"', "W/", "text/calendar", "application/json", "gzip"),
    *(
        "multipart/form-data; boundary=b",
        "text/csv; charset=utf-16",
        "bytes=0-",
        "/dav/calendars/BETA/",
        "\x00",
        "\udcff",
    ),
    *("é", "\u2028", "%00", "%ff%fe", "../", ";", ",", "&a=b", "=", "2027-02-07T02:00", "20270207T020000Z", "00010101"),
    *(
        "99991231T235959Z",
        "Europe/London",
        "FREQ=DAILY;COUNT=3",
        "<!DOCTYPE x>",
        "<![CDATA[",
        "&amp;",
        "]]>",
        "{",
        "[",
        '"',
    ),
)
QUERIES = (
    "from",
    "to",
    "user",
    "gateway",
    "as_of",
    "cursor",
    "hours",
    "period",
    "format",
    "start",
    "given_on",
    "dry_run",
)
XML = tuple(
    f'<?xml version="1.0"?><{name} xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">{inside}</{name}>'
    for name, inside in (
        ("D:propfind", "<D:prop><D:getetag/><D:displayname/><C:calendar-data/></D:prop>"),
        ("D:propertyupdate", "<D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set>"),
        ("D:sync-collection", "<D:sync-token/><D:sync-level>1</D:sync-level><D:limit><D:nresults>2</D:nresults></D:limit><D:prop><D:getetag/></D:prop>"),
        ("C:calendar-multiget", f"<D:prop><C:calendar-data><C:comp name='VCALENDAR'/></C:calendar-data></D:prop><D:href>{HOME}a.ics</D:href>"),
        ("C:calendar-query", "<D:prop><C:calendar-data><C:expand start='20270101T000000Z' end='20270301T000000Z'/></C:calendar-data></D:prop><C:filter><C:comp-filter name='VCALENDAR'><C:comp-filter name='VEVENT'><C:time-range start='20270101T000000Z' end='20270301T000000Z'/><C:prop-filter name='UID'><C:text-match collation='i;octet' negate-condition='yes'>x</C:text-match></C:prop-filter></C:comp-filter></C:comp-filter></C:filter>"),
        ("C:free-busy-query", "<C:time-range start='20270101T000000Z' end='20270301T000000Z'/>"),
        ("D:principal-property-search", "<D:property-search><D:prop><D:displayname/></D:prop><D:match>a</D:match></D:property-search><D:prop><D:displayname/></D:prop>"),
        ("D:expand-property", "<D:property name='principal-collection-set'><D:property name='displayname'/></D:property>"),
    )
)  # fmt: skip
JSON = (
    {"closures": [{"gateway": "GW-A1", "starts": "2027-02-07T02:00", "ends": "2027-02-07T06:00", "reference": "a"}]},
    {"closures": [{"reference": "a", "withdrawn": True}], "whole": False},
)
CSV = (
    "gateway,starts,ends,reference,withdrawn\r\nGW-A1,2027-02-07T02:00,2027-02-07T06:00,a,\r\nGW-A1,,,b,yes\r\n",
    "Gateway;Datum;Von;Bis\r\nGW-A1;07/02/2027;02:00;06:00\r\n",
)
FORM = (
    "user=ALPHA&gateway=GW-A1&from_day=2027-02-07&from_time=02:00&to_day=2027-02-07&to_time=06:00&repeat=weekly&every=2"
)


@cache
def calendars():
    """Real calendars, from the package that reads them, and our own expected files."""
    shipped = importlib.resources.files("icalendar") / "tests/calendars"
    found = [path.read_bytes() for path in sorted(shipped.iterdir(), key=lambda path: path.name) if path.name.endswith(".ics")]  # fmt: skip
    found += [path.read_bytes() for path in sorted((ROOT / "tests" / "golden").rglob("*.ics"))]
    return [octets[:LARGEST] for octets in found]


@cache
def workbook():
    import openpyxl

    made, out = openpyxl.Workbook(), io.BytesIO()
    for row in csv.reader(io.StringIO(CSV[0])):
        made.active.append(row)
    made.save(out)
    return out.getvalue()


class Request:
    """The request of one number: ``kind``, ``method``, ``path``, ``headers`` and ``body``."""

    def __init__(self, number):
        self.chance = random.Random(number)
        self.headers = {}
        self.kind = self.chance.choices(("ics", "put", "xml", "http", "json", "csv", "xlsx", "form"), (4, 3, 4, 4, 2, 2, 1, 1))[0]  # fmt: skip
        self.method, self.path, self.body = getattr(self, f"_{self.kind}")()

    def _ics(self):
        self.headers["Content-Type"] = "text/calendar"
        return "POST", "/api/v1/notices?dry_run=1", self._mutilated(self.chance.choice(calendars()))

    def _put(self):
        self.headers["Content-Type"] = "text/calendar"
        return "PUT", f"{HOME}{self.chance.randrange(40)}.ics", self._mutilated(self.chance.choice(calendars()))

    def _xml(self):
        self.headers |= {"Content-Type": "application/xml", "Depth": self.chance.choice(("0", "1", "infinity"))}
        which = self.chance.randrange(len(XML))
        method = ("PROPFIND", "PROPPATCH")[which] if which < 2 else "REPORT"
        return method, self.chance.choice(PATHS[:7]), self._mutilated(XML[which].encode())

    def _http(self):
        for _ in range(self.chance.randrange(4)):
            self.headers[self.chance.choice(HEADERS)] = self._line(self.chance.choice(WORDS))
        path = self.chance.choice(PATHS)
        if self.chance.random() < 0.5:
            path += "?" + "&".join(f"{self.chance.choice(QUERIES)}={self._line(self.chance.choice(WORDS))}" for _ in range(2))  # fmt: skip
        if self.chance.random() < 0.3:
            path = "/" + self._line(path[1:])
        return (
            self.chance.choice(METHODS),
            path,
            self._mutilated(self.chance.choice((b"", FORM.encode(), XML[0].encode()))),
        )

    def _json(self):
        self.headers["Content-Type"] = "application/json"
        return "POST", "/api/v1/notices", self._mutilated(json.dumps(self.chance.choice(JSON)).encode())

    def _csv(self):
        self.headers["Content-Type"] = "text/csv"
        return "POST", "/api/v1/notices?dry_run=1", self._mutilated(self.chance.choice(CSV).encode())

    def _xlsx(self):
        self.headers["Content-Type"] = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        return "POST", "/api/v1/notices?dry_run=1", self._mutilated(workbook())

    def _form(self):
        self.headers["Content-Type"] = "application/x-www-form-urlencoded"
        return (
            "POST",
            self.chance.choice(("/notices/form", "/sign-in", "/notices/preview")),
            self._mutilated(FORM.encode()),
        )

    def _line(self, text):
        """A text as it can stand in a header or an address: no line ends, octets as Latin letters."""
        mutilated = self._mutilated(text.encode("utf-8", "surrogateescape"))
        return mutilated.replace(b"\r", b"").replace(b"\n", b"").decode("latin-1")

    def _mutilated(self, octets):
        chance, changed = self.chance, bytearray(octets)
        for _ in range(chance.choice((0, 1, 1, 2, 4, 16))):
            place, end = sorted(chance.randrange(len(changed) + 1) for _ in range(2))
            match chance.randrange(7):
                case 0 if place < len(changed):
                    changed[place] ^= 1 << chance.randrange(8)
                case 1:
                    del changed[place : min(end, place + 40)]
                case 2:
                    changed[place:place] = chance.choice(WORDS).encode("utf-8", "surrogateescape")
                case 3:
                    changed[place:place] = chance.randbytes(chance.randrange(12))
                case 4:
                    changed[place:place] = changed[place : min(end, place + 400)] * chance.randrange(2, 8)
                case 5 if chance.random() < 0.3:
                    del changed[place:]
                case 6:
                    lines = bytes(changed).split(b"\n")
                    chance.shuffle(lines[: chance.randrange(len(lines) + 1)])
                    first, second = (chance.randrange(len(lines)) for _ in range(2))
                    lines[first], lines[second] = lines[second], lines[first]
                    changed = bytearray(b"\n".join(lines))
        return bytes(changed[: 4 * LARGEST])
