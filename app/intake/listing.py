"""A JSON list in: what a program posts instead of iCalendar."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from app.domain.notice import NoticeContent
from app.ical.lines import plain_octets
from app.ical.unread import FAULTS, Unread
from app.intake.ical import check_count, check_size
from app.intake.problem import problem_of, unreadable
from app.intake.read_request import ReadRequest
from app.intake.rows import COLUMNS, Row, read_rows

_SHAPE = 'Send {"closures": [{"gateway": ..., "starts": ..., "ends": ..., "reference": ...}]} or that list alone.'

_ONCE = "Give each key once."


def read_listing(octets: bytes, request: ReadRequest) -> NoticeContent:
    """Read ``{"closures": [...]}`` or a bare list. Raise ``NoticeTooLarge`` or ``NoticeUnreadable``.

    ``line`` of problems and announcements is the entry's place, from 1. A UID is ``listing:`` and the reference.
    """
    check_size(octets, request.limits)
    entries = _entries(octets)
    check_count(len(entries), request.limits)
    rows = []
    problems = []
    for line, entry in enumerate(entries, 1):
        try:
            rows.append(Row(line, _values(entry, line)))
        except Unread as unread:
            problems.append(problem_of(unread))
    if not entries:
        problems.append(problem_of(Unread("no-events", "The list holds no closure.", _SHAPE)))
    return replace(read_rows(rows, problems, request, "listing:"), events=len(entries))


def rows_of_listing(octets: bytes) -> Iterator[Row]:
    """Yield the entries of a list that was read, but for those that could not be."""
    for line, entry in enumerate(_entries(octets), 1):
        with suppress(Unread):
            yield Row(line, _values(entry, line))


def _entries(octets: bytes) -> list[object]:
    try:
        document = json.loads(plain_octets(octets), object_pairs_hook=_object)
    except Unread as unread:
        raise unreadable(unread) from unread
    except FAULTS as fault:
        raise unreadable(Unread("json", "The notice is not JSON.", _SHAPE)) from fault
    if isinstance(document, _Twice):
        raise unreadable(Unread("json", "A key of the notice stands in it twice.", _ONCE))
    entries = document.get("closures") if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise unreadable(Unread("json", "The notice holds no list of closures.", _SHAPE))
    return entries


class _Twice:
    """An object with a key twice: which of the two values is meant, nobody can tell (RFC 8259 4)."""


def _object(pairs: list[tuple[str, object]]) -> object:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Twice()


def _values(entry: object, line: int) -> dict[str, str]:
    if isinstance(entry, _Twice):
        raise Unread("json", "A key stands twice in this entry.", _ONCE, line=line)
    if not isinstance(entry, dict):
        raise Unread("json", "This entry is not an object.", _SHAPE, line=line)
    values = {}
    for name in COLUMNS:
        value = entry.get(name)
        if name == "withdrawn" and isinstance(value, bool):
            value = "yes" if value else "no"
        if value is not None and not isinstance(value, str):
            raise Unread("json", "This value is not a text.", _SHAPE, line=line, property_name=name)
        values[name] = value or ""
    return values
