"""A Backend that keeps its calendars in a dict, and a client that speaks to the protocol over it."""

import re
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import quote

import pytest
from lxml import etree

from app.caldav.backend import (
    Bounds,
    CalendarCollection,
    CalendarMember,
    CollectionChanges,
    Condition,
    DavPrincipal,
    DestinationTaken,
    MemberEntry,
    ObjectRefused,
    Reached,
    Stale,
    Stored,
    TokenUnknown,
)
from app.caldav.boards.evaluation import Evaluation, instance_of
from app.caldav.exchange import Request
from app.caldav.protocol import answer
from app.caldav.report_cost import ReportCost, ReportLimits, ReportTurns
from app.domain.refusal import NoticeUnreadable
from app.ical.components import read_calendars
from app.intake.calendar_object import read_object
from app.intake.read_request import ReadRequest

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
HOME = "/dav/calendars/ALPHA/"
GATEWAY = "/dav/calendars/ALPHA/GW-1/"
NS = {
    "D": "DAV:",
    "C": "urn:ietf:params:xml:ns:caldav",
    "CS": "http://calendarserver.org/ns/",
    "A": "http://apple.com/ns/ical/",
    "N": "urn:closure-notices:dav",
}
PRECONDITIONS = {
    "too-long-ago": "min-date-time",
    "too-far-ahead": "max-date-time",
    "too-many-occurrences": "max-instances",
    "too-much-recurrence": "max-instances",
}


@pytest.fixture
def no_blow_up():
    """Hold a test to seconds where what it sends takes milliseconds: a guard against work that explodes, no timing."""
    begun = time.process_time()
    yield
    assert time.process_time() - begun < 20


@dataclass
class Shelf:
    """What one collection holds: its members, and its changes in order."""

    collection: CalendarCollection
    members: dict[str, CalendarMember] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)


class DictBackend:
    """ALPHA, with two gateways, GW-1 and GW-2, and a list that it may only read; BETA is somebody else."""

    def __init__(self, now=NOW):
        self.now = now
        self.people = {
            "ALPHA": DavPrincipal("ALPHA", "Alpha Energy", "mailto:alpha@example.org"),
            "BETA": DavPrincipal("BETA", "Beta & Gas", "mailto:beta@example.org"),
        }
        self.me = "ALPHA"
        self.shelves = {}
        for owner, name, writable in (
            ("ALPHA", "GW-1", True),
            ("ALPHA", "GW-2", True),
            ("ALPHA", "LIST", False),
            ("BETA", "GW-9", True),
        ):
            uuid = f"00000000-0000-4000-8000-{len(self.shelves):012}"
            made = CalendarCollection(owner, name, f"{name} <closures>", "All closures", writable, uuid, now)
            self.shelves[owner, name] = Shelf(made)
        self.set = {}
        self.refused = []
        self.written = {}  # the SEQUENCE that another door wrote into a member, by its UID
        self.changed_at = now
        self.evaluation = None  # of one request; a test may keep one over several

    def bounds(self):
        reach = timedelta(days=5 * 366)
        return Bounds(20_000, self.now - reach, self.now + reach, 400, 3)

    def asker(self):
        return self.people[self.me]

    def principal(self, code):
        return self.asker() if code.upper() == self.me else None

    def principals(self):
        return [self.asker()]

    def collections(self, owner):
        held = [shelf.collection for shelf in self.shelves.values()]
        return [one for one in held if owner.upper() == self.me == one.owner]

    def collection(self, owner, name):
        shelf = self.shelves.get((owner.upper(), name.upper()))
        return shelf.collection if shelf and owner.upper() == self.me else None

    def reached(self, collection):
        return Reached(str(len(self._shelf(collection).log)), self.changed_at)

    def _shelf(self, collection):
        return self.shelves[collection.owner, collection.name]

    def entries(self, collection):
        return [one.entry for one in self._shelf(collection).members.values()]

    def entry(self, collection, name):
        found = self._shelf(collection).members.get(name)
        return found.entry if found else None

    def members(self, collection, names):
        held = self._shelf(collection).members
        return {name: held[name] for name in names if name in held}

    def every_member(self, collection):
        return list(self._shelf(collection).members.values())

    def touching(self, collection, starts, ends):
        """Yield everything: "there may be others"."""
        return self.every_member(collection)

    def occurring(self, collection, member, starts, ends):
        return (self.evaluation or Evaluation()).instances(collection.name, member, starts, ends)

    def changes(self, collection, token, most):
        shelf = self._shelf(collection)
        if not (token == "" or (token.isdigit() and int(token) <= len(shelf.log))):
            raise TokenUnknown
        begun = int(token or 0)
        last = {name: at for at, name in enumerate(shelf.log, start=1) if at > begun}
        due = sorted((at, name) for name, at in last.items())
        if token == "":
            due = [(at, name) for at, name in due if name in shelf.members]
        shown = due if most is None else due[:most]
        is_cut = len(shown) < len(due)
        reached = shown[-1][0] if is_cut else len(shelf.log)
        return CollectionChanges(
            changed=[shelf.members[name].entry for _, name in shown if name in shelf.members],
            gone=[name for _, name in shown if name not in shelf.members],
            token=str(reached),
            is_cut=is_cut,
        )

    def put(self, collection, name, sent, condition):
        octets = sent.octets
        shelf = self._shelf(collection)
        held = self._current(collection, name, condition)
        asking = ReadRequest(now=self.now, gateways=(collection.name,), gateway=collection.name)
        try:
            found = read_object(sent, asking)
        except NoticeUnreadable as refused:
            raise ObjectRefused("valid-calendar-data", str(refused)) from refused
        if found.reading.problems:
            problem = found.reading.problems[0]
            precondition = PRECONDITIONS.get(problem.code, "valid-calendar-data")
            raise ObjectRefused(precondition, f"{problem.text} {problem.remedy}")
        for other, one in shelf.members.items():
            if (other == name) is not (one.uid == found.uid):
                raise ObjectRefused("no-uid-conflict", "This UID is taken.", other)
        if condition == Condition() and _sequence(sent.octets) < self.written.get(found.uid, 0):
            raise Stale(held.entry)
        if held is not None and held.octets == sent.octets:
            return Stored(held.entry, created=False, is_as_sent=True, receipt="CN-UNCHANGED")
        self.changed_at += timedelta(seconds=1)
        created = held.entry.created_at if held else self.changed_at
        entry = MemberEntry(name, sha256(octets).hexdigest()[:16], len(octets), created, self.changed_at)
        instances = tuple(map(instance_of, found.instances))
        receipt = f'{{"reference": "CN-{len(shelf.log)}"}}'
        shelf.members[name] = CalendarMember(
            entry, found.uid, octets, instances, found.complete_from, found.complete_until, receipt
        )
        shelf.log.append(name)
        also_at = self._also_at(collection, found.uid)
        return Stored(entry, created=held is None, is_as_sent=True, receipt="CN-0123456789", also_at=also_at)

    def _also_at(self, collection, uid):
        """The owner's other collections in which an event of this UID stands."""
        others = [shelf for shelf in self.shelves.values() if shelf.collection.owner == collection.owner]
        return tuple(
            shelf.collection.name
            for shelf in others
            if shelf.collection != collection and any(held.uid == uid for held in shelf.members.values())
        )

    def change_elsewhere(self, collection, name, octets):
        """Another door changes the closure: its member follows, with a SEQUENCE of ours."""
        stored = self.put(collection, name, read_calendars(octets), Condition())
        self.written[self.members(collection, [name])[name].uid] = _sequence(octets)
        return stored

    def refuse(self, collection, octets):
        self.refused.append(octets)

    def move(self, collection, name, target, new_name, condition, *, overwrite):
        held = self._current(collection, name, condition)
        if held is None:
            raise Stale(None)
        replaced = self._shelf(target).members.get(new_name)
        if replaced is not None and not overwrite:
            raise DestinationTaken
        for other, one in self._shelf(target).members.items():
            if one.uid == held.uid and one is not held and one is not replaced:
                raise ObjectRefused("no-uid-conflict", "This UID is taken.", other)
        self.changed_at += timedelta(seconds=1)
        entry = replace(held.entry, name=new_name, changed_at=self.changed_at)
        for shelf, gone in ((self._shelf(collection), name), (self._shelf(target), new_name)):
            shelf.members.pop(gone, None)
            shelf.log.append(gone)
        self._shelf(target).members[new_name] = replace(held, entry=entry)
        also_at = self._also_at(target, held.uid)
        return Stored(entry, created=replaced is None, is_as_sent=True, receipt="CN-MOVED", also_at=also_at)

    def _current(self, collection, name, condition):
        """The member of a name, if there is one and the condition holds."""
        held = self._shelf(collection).members.get(name)
        if not (condition.holds(held.entry.etag, held.entry.changed_at) if held else condition.holds(None, None)):
            raise Stale(held.entry if held else None)
        return held

    def delete(self, collection, name, condition):
        shelf = self._shelf(collection)
        held = self._current(collection, name, condition)
        if held is None:
            return False
        del shelf.members[name]
        shelf.log.append(name)
        return True

    def properties(self, place):
        return self.set.get((self.me, place), {})

    def set_properties(self, place, changes):
        kept = dict(self.properties(place))
        for name, value in changes.items():
            kept.pop(name, None)
            if value is not None:
                kept[name] = value
        self.set[self.me, place] = kept


def _sequence(octets):
    found = re.search(rb"^SEQUENCE:([0-9]+)\r$", octets, re.MULTILINE)
    return int(found[1]) if found else 0


class Answer:
    """An answer as a test looks at it."""

    def __init__(self, response):
        self.status = response.status
        self.headers = dict(response.headers)
        self.body = response.body
        assert len(self.headers) == len(response.headers)

    @property
    def xml(self):
        return etree.fromstring(self.body)

    def refusal(self):
        """The status, and the local names of what DAV:error holds."""
        names = [etree.QName(one).localname for one in self.xml] if self.body else []
        return (self.status, *(name for name in names if name != "responsedescription"))

    def rows(self):
        """Each href with its status: that of the row, or of its propstats together."""
        return {
            one.findtext("D:href", namespaces=NS): "/".join(
                text.split()[1] for text in one.xpath("D:status/text() | D:propstat/D:status/text()", namespaces=NS)
            )
            for one in self.xml.findall("D:response", NS)
        }

    def hrefs(self):
        return [one.text for one in self.xml.findall("D:response/D:href", NS)]

    def names(self):
        """The last segments of the hrefs, in order."""
        return [one.rpartition("/")[2] for one in self.hrefs()]

    def value(self, name, row=0):
        """The text of a property of a row, or its children's names where it has no text, None where it is absent."""
        found = self.xml.findall("D:response", NS)[row].find(
            f"D:propstat[D:status='HTTP/1.1 200 OK']/D:prop/{name}", NS
        )
        if found is None:
            return None
        return found.text or [etree.QName(one).localname for one in found.iter()][1:]

    def all(self, path):
        return self.xml.findall(path, NS)


class Client:
    """Speaks to the protocol as ALPHA."""

    def __init__(self, backend):
        self.backend, self.limits, self.turns = backend, ReportLimits(), ReportTurns()

    def cost(self):
        return ReportCost(self.limits, self.turns, "ALPHA")

    def ask(self, method, path, body=b"", **headers):
        octets = body.encode() if isinstance(body, str) else body
        stated = {name.replace("_", "-"): value for name, value in headers.items()}
        return Answer(answer(Request(method, path, stated, octets), self.backend, self.cost()))

    def put(self, name, octets, collection=GATEWAY, **headers):
        stated = {"content_type": "text/calendar", **headers}
        return self.ask("PUT", collection + quote(name), octets, **stated)

    def propfind(self, path, *names, depth="0", **headers):
        props = "".join(f"<{name}/>" for name in names)
        return self.ask("PROPFIND", path, xml("D:propfind", f"<D:prop>{props}</D:prop>"), depth=depth, **headers)

    def report(self, body, path=GATEWAY, depth="1", **headers):
        return self.ask("REPORT", path, body, depth=depth, **headers)

    def query(self, inner, prop="<D:getetag/>", more="", **keywords):
        body = f"<D:prop>{prop}</D:prop><C:filter>{comp('VCALENDAR', inner)}</C:filter>{more}"
        return self.report(xml("C:calendar-query", body), **keywords)

    def sync(self, token="", limit=None, prop="<D:getetag/>", **keywords):
        limited = f"<D:limit><D:nresults>{limit}</D:nresults></D:limit>" if limit else ""
        inner = f"<D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level>{limited}<D:prop>{prop}</D:prop>"
        return self.report(xml("D:sync-collection", inner), depth="0", **keywords)

    def multiget(self, *hrefs, prop="<D:getetag/><C:calendar-data/>", **keywords):
        named = "".join(f"<D:href>{href}</D:href>" for href in hrefs)
        return self.report(xml("C:calendar-multiget", f"<D:prop>{prop}</D:prop>{named}"), **keywords)


def xml(root, inner=""):
    declared = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in NS.items())
    return f'<?xml version="1.0" encoding="utf-8"?><{root}{declared}>{inner}</{root}>'


def comp(name, inner=""):
    return f'<C:comp-filter name="{name}">{inner}</C:comp-filter>'


def span(starts=None, ends=None):
    stated = "".join(f' {name}="{value}"' for name, value in (("start", starts), ("end", ends)) if value)
    return f"<C:time-range{stated}/>"


def _event(*lines, uid="one@example.org", starts="DTSTART:20261206T020000Z", ends="DTEND:20261206T060000Z", inner=""):
    stated = [f"UID:{uid}" if uid else "", "DTSTAMP:20260901T090000Z", starts, ends, *lines, inner]
    return "\r\n".join(["BEGIN:VEVENT", *filter(None, stated), "END:VEVENT"]) + "\r\n"


def _calendar(*parts, head="VERSION:2.0\r\nPRODID:-//test//EN\r\n"):
    return f"BEGIN:VCALENDAR\r\n{head}{''.join(parts)}END:VCALENDAR\r\n".encode()


@pytest.fixture
def backend():
    return DictBackend()


@pytest.fixture
def client(backend):
    return Client(backend)


@pytest.fixture(scope="session")
def event():
    """The lines of a VEVENT."""
    return _event


@pytest.fixture(scope="session")
def calendar():
    """The octets of a VCALENDAR."""
    return _calendar


@pytest.fixture(scope="session")
def say():
    """How a client words things: xml, comp, span."""

    class Say:
        pass

    Say.xml, Say.comp, Say.span = staticmethod(xml), staticmethod(comp), staticmethod(span)
    return Say


@pytest.fixture
def held(client, calendar, event):
    """A calendar with one event, ``a b.ics``; returns its octets."""
    octets = calendar(event("SUMMARY:Gateway ü closed"))
    assert client.put("a b.ics", octets).status == 201
    return octets


@pytest.fixture(scope="session")
def fresh():
    """Makes a client over a backend of its own, for tests that draw many examples."""
    return lambda: Client(DictBackend())
