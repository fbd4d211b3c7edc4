"""A calendar program: it keeps a copy of a collection by sync tokens, and can look at the collection afresh."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events
from lxml import etree

from tests.one_answer.events import values_of

_LONDON = ZoneInfo("Europe/London")
_NS = {"D": "DAV:", "C": "urn:ietf:params:xml:ns:caldav"}
_OK = "D:propstat[D:status='HTTP/1.1 200 OK']/D:prop/"
_SPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'


@dataclass(frozen=True, slots=True)
class Held:
    """A member as a program holds it."""

    etag: str
    octets: bytes


class Calendar:
    """One collection and a program's copy of it: ``held`` by the names of the members."""

    def __init__(self, asker, path):
        self.asker = asker
        self.path = path
        self.token = ""
        self.held = {}

    @property
    def gateway(self):
        return self.path.split("/")[-2]

    def names_of(self, uid):
        """Return the names of the members that hold an event."""
        return [name for name, held in self.held.items() if uid in values_of(held.octets, "UID")]

    def href(self, name):
        return self.path + quote(name)

    def sync(self):
        """Bring the copy up to date; return the names that came, changed or went."""
        changed, gone = self._changes()
        for name in gone:
            self.held.pop(name, None)  # what came and went since is named too: its sender may hold it
        if changed:
            self.held |= self._multiget(changed)
        return {*changed, *gone}

    def _changes(self):
        inner = f"<D:sync-token>{self.token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop>"
        answer = self._report(f"<D:sync-collection {_SPACES}>{inner}</D:sync-collection>", "0")
        changed, gone = [], []
        for row in answer.findall("D:response", _NS):
            name = _name(row)
            (gone if row.find("D:status", _NS) is not None else changed).append(name)
        self.token = answer.findtext("D:sync-token", namespaces=_NS)
        return changed, gone

    def _multiget(self, names):
        hrefs = "".join(f"<D:href>{self.href(name)}</D:href>" for name in names)
        body = f"<C:calendar-multiget {_SPACES}><D:prop><D:getetag/><C:calendar-data/></D:prop>{hrefs}</C:calendar-multiget>"
        rows = self._report(body, "1").findall("D:response", _NS)
        return {
            _name(row): Held(
                row.findtext(f"{_OK}D:getetag", namespaces=_NS),
                _octets_of(row.findtext(f"{_OK}C:calendar-data", namespaces=_NS)),
            )
            for row in rows
        }

    def _report(self, body, depth):
        headers = {"Depth": depth, "Content_Type": "application/xml"}
        return etree.fromstring(self.asker.ask("REPORT", self.path, body, 207, **headers).content)

    def listed(self):
        """Return {name: entity tag} as PROPFIND lists the members."""
        body = f"<D:propfind {_SPACES}><D:prop><D:getetag/><D:resourcetype/></D:prop></D:propfind>"
        answer = etree.fromstring(self.asker.ask("PROPFIND", self.path, body, 207, Depth="1").content)
        rows = [row for row in answer.findall("D:response", _NS) if row.find(f"{_OK}D:resourcetype/*", _NS) is None]
        return {_name(row): row.findtext(f"{_OK}D:getetag", namespaces=_NS) for row in rows}

    def fetch(self, name):
        """Return a member as GET gives it now."""
        answer = self.asker.ask("GET", self.href(name))
        return Held(answer.headers["ETag"], answer.content)

    def differences(self):
        """Sync, then say where the copy is not what PROPFIND lists and what GET returns."""
        self.sync()
        listed = self.listed()
        tags = {name: held.etag for name, held in self.held.items()}
        if tags != listed:
            return [f"{self.path}: the copy holds {tags}, PROPFIND lists {listed}"]
        fetched = {name: self.fetch(name) for name in listed}
        return [f"{self.href(name)}: GET gives another" for name, held in self.held.items() if held != fetched[name]]

    def put(self, name, octets, status=None, **conditions):
        """PUT a member; conditions as ``If_Match=tag``."""
        return self.asker.ask("PUT", self.href(name), octets, status, Content_Type="text/calendar", **conditions)

    def delete(self, name, status=(204, 404, 412)):
        return self.asker.ask("DELETE", self.href(name), None, status)

    def transfer(self, method, name, other, status=None, server=""):
        """MOVE or COPY a member into another collection, under the same name; ``server`` stands before its path."""
        destination = server + other.href(name)
        return self.asker.ask(method, self.href(name), None, status, Destination=destination)

    def instances(self):
        """Return what the copy shows as a calendar program shows it: counts of (starts, ends, is cancelled)."""
        return Counter(one for held in self.held.values() for one in instances_of(held.octets))


def instances_of(octets):
    """Return each instance of a calendar object as (starts, ends, is cancelled), in order."""
    calendar, now = icalendar.Calendar.from_ical(octets), datetime.now(UTC)
    events = recurring_ical_events.of(calendar).between(now - timedelta(days=200), now + timedelta(days=700))
    found = [(event.start, event.end, str(event.get("STATUS", "")) == "CANCELLED") for event in events]
    return sorted((_utc(starts), _utc(ends), cancelled) for starts, ends, cancelled in found)


def _utc(value):
    """Return a time as aware UTC; a date, and a time of no zone, is London's."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return (value if value.tzinfo else value.replace(tzinfo=_LONDON)).astimezone(UTC)


def _name(row):
    return unquote(row.findtext("D:href", namespaces=_NS).rpartition("/")[2])


def _octets_of(text):
    # XML says every line end as one line feed (XML 1.0, 2.11).
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()
