"""A notice without what its sender wrote beyond date, time, gateway and reference (ADR 23)."""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import replace

from app.domain.notice import Announcement, Notice, NoticeContent
from app.domain.refusal import NoticeUnreadable
from app.ical.components import Component
from app.ical.limits import Limits
from app.ical.lines import content_lines, fold_line
from app.ical.parsed_line import Heads, parse_line
from app.ical.unread import Unread
from app.ical.zones import defined_tzid, plain_tzid
from app.intake.allowed_lines import event_lines, property_lines, zone_lines
from app.intake.ical import read_stream, zone_definitions
from app.intake.listing import rows_of_listing
from app.intake.media import find_content
from app.intake.parsed_event import UNREAD_TIME, derived_uid
from app.intake.rows import COLUMNS, Row, needed_values
from app.intake.sent_event import SentEvent, sent_events
from app.intake.sheet import rows_of_sheet

_OF_CALENDAR = frozenset({"VERSION", "PRODID", "CALSCALE", "METHOD", "X-WR-TIMEZONE"})


def minimised(notice: Notice, reading: NoticeContent | None) -> Notice:
    """Return a notice with what was read of it and no more: it reads the same, but for what was left out.

    Where nothing was read (``reading`` is None) only the facts of its receipt are left. Events and rows that were not
    understood are left out whole: nobody can tell what their words are. What is of no type that we read has no sender's
    words in it: we wrote it ourselves, of a withdrawal.
    """
    if reading is None:
        return replace(notice, media_type="", octets=b"")
    try:
        content = find_content(notice.octets, notice.media_type)
    except NoticeUnreadable:
        return notice
    minimise = _MINIMISED[content.media_type]
    return replace(notice, media_type=content.media_type, octets=minimise(content.octets, reading))


def _calendars(octets: bytes, reading: NoticeContent) -> bytes:
    stream = read_stream(octets)
    understood = _Understood(reading)
    sent = sent_events(stream, Limits())
    kept = [line for calendar, events in sent for line in _calendar(calendar, events, understood)]
    if kept == [line.octets for line in content_lines(stream.scanned)]:
        return octets
    return b"".join(map(fold_line, kept))


class _Understood:
    """Which events a reading is of, and the gateways that it found in them."""

    def __init__(self, reading: NoticeContent) -> None:
        self.heads = Heads()
        self._whole = reading.whole_uids
        self._by_line = {announcement.line: announcement for announcement in reading.announcements}
        self._timeless = {told.uid for told in reading.announcements if UNREAD_TIME in told.remarks}
        self._gateways: dict[str, set[str]] = {}
        for announcement in reading.announcements:
            self._gateways.setdefault(announcement.uid, set()).add(announcement.gateway.upper())
        for gateway, uid in reading.without_occurrences:
            self._gateways.setdefault(uid, set()).add(gateway.upper())

    def lines(self, event: SentEvent) -> tuple[list[bytes], set[str]]:
        """Return what is kept of an event, and the zones that it names; nothing where it was not understood."""
        announced, uid = self._by_line.get(event.line), self._uid(event)
        if announced is None and uid not in self._whole:
            return [], set()
        # What says the same twice keeps the same twice.
        timeless = uid in self._timeless if announced is None else UNREAD_TIME in announced.remarks
        return event_lines(event, uid, frozenset(self._gateways.get(uid, ())), is_timeless=timeless)

    def _uid(self, event: SentEvent) -> str:
        for line in event.properties:
            if line.name == "UID":
                try:
                    return parse_line(line, self.heads).text() or derived_uid(event)
                except Unread:
                    continue
        return derived_uid(event)


def _calendar(calendar: Component, sent: list[SentEvent], understood: _Understood) -> list[bytes]:
    events: list[bytes] = []
    named = {plain_tzid(line.text()) for line in calendar.parsed("X-WR-TIMEZONE")}
    for event in sent:
        lines, zones = understood.lines(event)
        events += lines
        named |= zones
    if not events:
        return []
    own = property_lines(line for line in calendar.lines if line.name in _OF_CALENDAR)
    used = [definition for definition in zone_definitions(calendar) if defined_tzid(definition) in named]
    zones_kept = [line for definition in used for line in zone_lines(definition)]
    return [b"BEGIN:VCALENDAR", *own, *zones_kept, *events, b"END:VCALENDAR"]


def _sheet(octets: bytes, reading: NoticeContent) -> bytes:
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(COLUMNS)
    rows = _values(rows_of_sheet(octets), reading)
    writer.writerows([row.get(column, "") for column in COLUMNS] for row in rows)
    return table.getvalue().encode()


def _listing(octets: bytes, reading: NoticeContent) -> bytes:
    return json.dumps(_values(rows_of_listing(octets), reading), separators=(",", ":")).encode()


def _values(rows: Iterable[Row], reading: NoticeContent) -> list[dict[str, str]]:
    announced: dict[int | None, Announcement] = {
        announcement.line: announcement for announcement in reading.announcements
    }
    return [needed_values(row, announced[row.line].gateway) for row in rows if row.line in announced]


_MINIMISED = {"text/calendar": _calendars, "text/csv": _sheet, "application/json": _listing}
