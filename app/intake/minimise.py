"""A notice without what its sender wrote beyond date, time, gateway and reference (ADR 23)."""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import replace

from icalendar.parser import Contentline

from app.domain.notice import Announcement, Notice, NoticeContent
from app.domain.refusal import NoticeUnreadable
from app.intake.components import RawCalendar, RawEvent, split
from app.intake.listing import rows_of_listing
from app.intake.media import media_type_of
from app.intake.needed import event_lines, property_lines, zone_lines
from app.intake.problem import Unread
from app.intake.property import Heads, read_property, read_text
from app.intake.reading import Limits
from app.intake.rows import COLUMNS, Row, needed_values
from app.intake.sheet import rows_of_sheet
from app.intake.stated import UNREAD_TIME, derived_uid
from app.intake.unfold import unfold
from app.intake.zones import defined_tzid


def minimised(notice: Notice, reading: NoticeContent | None) -> Notice:
    """Return a notice with what was read of it and no more: it reads the same, but for what was left out.

    Where nothing was read (``reading`` is None) only the facts of its receipt are left. Events and rows that were not
    understood are left out whole: nobody can tell what their words are. What is of no type that we read has no sender's
    words in it: we wrote it ourselves, of a withdrawal.
    """
    if reading is None:
        return replace(notice, media_type="", octets=b"")
    try:
        media_type = media_type_of(notice.octets, notice.media_type)
    except NoticeUnreadable:
        return notice
    return replace(notice, media_type=media_type, octets=_MINIMISED[media_type](notice.octets, reading))


def _calendars(octets: bytes, reading: NoticeContent) -> bytes:
    sent = unfold(octets)
    told = _Told(reading)
    kept = [line for calendar in split(sent, Limits()) for line in _calendar(calendar, told)]
    if kept == [line.octets for line in sent]:
        return octets
    return b"".join(map(_folded, kept))


def _folded(line: bytes) -> bytes:
    folded: bytes = Contentline(line.decode()).to_ical()  # type: ignore[no-untyped-call] # icalendar leaves it unannotated
    return folded + b"\r\n"


class _Told:
    """Which events a reading is of, and the gateways that it found in them."""

    def __init__(self, reading: NoticeContent) -> None:
        self.heads = Heads()
        self._whole = reading.whole_uids
        self._by_line = {one.line: one for one in reading.announcements}
        self._gateways: dict[str, set[str]] = {}
        for one in reading.announcements:
            self._gateways.setdefault(one.uid, set()).add(one.gateway.upper())

    def lines(self, event: RawEvent) -> tuple[list[bytes], set[str]]:
        """Return what is kept of an event, and the zones that it names; nothing where it was not understood."""
        announced, uid = self._by_line.get(event.line), self._uid(event)
        if announced is None and uid not in self._whole:
            return [], set()
        timeless = announced is not None and UNREAD_TIME in announced.remarks
        return event_lines(event, uid, frozenset(self._gateways.get(uid, ())), is_timeless=timeless)

    def _uid(self, event: RawEvent) -> str:
        for one in event.properties:
            if one.name == "UID":
                try:
                    return read_text(read_property(one, self.heads)) or derived_uid(event)
                except Unread:
                    continue
        return derived_uid(event)


def _calendar(calendar: RawCalendar, told: _Told) -> list[bytes]:
    events: list[bytes] = []
    named: set[str] = set()
    for event in calendar.events:
        lines, zones = told.lines(event)
        events += lines
        named |= zones
    if not events:
        return []
    own = property_lines(sorted((*calendar.marks, *calendar.properties), key=lambda one: one.line))
    used = [one for one in calendar.zones if defined_tzid(one) in named]
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
    told: dict[int | None, Announcement] = {one.line: one for one in reading.announcements}
    return [needed_values(row, told[row.line].gateway) for row in rows if row.line in told]


_MINIMISED = {"text/calendar": _calendars, "text/csv": _sheet, "application/json": _listing}
