"""One content line as name, parameters and value: icalendar reads the grammar, heads are read once per notice."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from icalendar.parser import Contentline
from icalendar.parser.property import unescape_backslash
from icalendar.prop import vDDDTypes, vDuration

from app.intake.components import RawProperty
from app.intake.problem import FAULTS, Unread

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
_TIME = re.compile(r"[0-9]{8}(?:T[0-9]{6}Z?)?")
_DURATION = re.compile(r"[+-]?P[0-9WDHMST]{2,40}")
_LONGEST_DURATION = timedelta(days=3_660)
_LONGEST_HEAD = 1_000  # characters; the parameters of a time or a code are short
_NOMINAL = re.compile(r"([0-9]+)([WD])")
_BARE_ZONE = re.compile(r';TZID=([^";]*:[^";]*)', re.IGNORECASE)
_WITHOUT_COLON = frozenset({"DTSTART", "DTEND", "DTSTAMP", "RECURRENCE-ID", "RDATE", "EXDATE"})
_INTEGER = re.compile(r"[0-9]{1,10}")
_LARGEST_INTEGER = 2_147_483_647  # RFC 5545 3.3.8
_EARLIEST_YEAR, _LATEST_YEAR = 1900, 2999
_TIME_REMEDY = "Write it as 20261206T020000 with a TZID, as 20261206T020000Z, or as 20261206 for a whole day."
_HEAD_REMEDY = "Export the calendar again; the line is not NAME;PARAMETER=VALUE:VALUE."


@dataclass(frozen=True, slots=True)
class Property:
    """A content line read: ``parameters`` by name in capitals, each as one text."""

    name: str
    line: int
    parameters: dict[str, str]
    value: str

    def unread(self, code: str, text: str, remedy: str) -> Unread:
        """Return the problem with this line."""
        return Unread(code, text, remedy, line=self.line, property_name=self.name)


class Heads:
    """The parameters of the heads (``DTSTART;TZID=Europe/London``) met in one notice; most lines share a few."""

    def __init__(self) -> None:
        self._read: dict[str, dict[str, str]] = {}

    def parameters(self, head: str) -> dict[str, str]:
        """Return the parameters of a head. Raise what icalendar raises (``FAULTS``)."""
        if ";" not in head:
            return {}
        found = self._read.get(head)
        if found is None:
            quoted = _BARE_ZONE.sub(r';TZID="\1"', head)
            _, parameters, _ = Contentline(quoted + ":").raw_parts()  # type: ignore[no-untyped-call] # icalendar leaves it unannotated
            found = {str(name).upper(): _single(value) for name, value in parameters.items()}
            self._read[head] = found
        return found


def _single(value: str | list[str]) -> str:
    """Undo icalendar's splitting at commas: some senders leave Outlook's ``Dublin, London`` unquoted."""
    return (value if isinstance(value, str) else ",".join(value)).replace("\\,", ",")


def read_property(raw: RawProperty, heads: Heads) -> Property:
    """Read a content line. Raise ``Unread``."""
    try:
        text = raw.octets.decode()
    except UnicodeDecodeError as fault:
        raise Unread(
            "not-utf-8", "This line is not UTF-8.", "Save the file as UTF-8.", line=raw.line, property_name=raw.name
        ) from fault
    try:
        # Only a head that holds a quotation mark can hold a colon that does not end it; but no date or time holds one,
        # and Outlook's ``TZID=(UTC+00:00) Dublin, London`` comes unquoted too.
        colon = text.rfind(":") if raw.name in _WITHOUT_COLON else text.find(":")
        if '"' in text[:colon] and raw.name not in _WITHOUT_COLON:
            colon = Contentline(text).value_separator_index()  # type: ignore[no-untyped-call] # icalendar leaves it unannotated
        if not 0 <= colon <= _LONGEST_HEAD:
            raise ValueError(colon)
        return Property(raw.name, raw.line, heads.parameters(text[:colon]), text[colon + 1 :].strip())
    except FAULTS as fault:
        raise Unread(
            "line", "This line cannot be read as a property.", _HEAD_REMEDY, line=raw.line, property_name=raw.name
        ) from fault


def read_text(stated: Property) -> str:
    """Return a TEXT value, its escapes undone, without control characters."""
    value = str(unescape_backslash(stated.value)) if "\\" in stated.value else stated.value
    return printable(value)


def printable(text: str) -> str:
    """Return a text without control characters and outer blanks."""
    return _CONTROLS.sub("", text).strip()


def read_integer(stated: Property) -> int:
    """Return an INTEGER value from 0 to 2,147,483,647 in ASCII digits. Raise ``Unread``."""
    if _INTEGER.fullmatch(stated.value):
        value = int(stated.value)
        if value <= _LARGEST_INTEGER:
            return value
    raise stated.unread("integer", "This is not a whole number from 0 to 2147483647.", "Write ASCII digits only.")


def read_time(stated: Property, value: str) -> tuple[datetime | date, bool]:
    """Return one DATE or naive DATE-TIME of a line, and whether it was in UTC (RFC 5545 3.3.5). Raise ``Unread``."""
    text = value.strip().upper()
    if not _TIME.fullmatch(text):
        raise stated.unread("time", "This is not a date or a time.", _TIME_REMEDY)
    try:
        found = vDDDTypes.from_ical(text.removesuffix("Z"))  # type: ignore[no-untyped-call] # icalendar leaves it unannotated
    except FAULTS as fault:
        raise stated.unread("time", "This date or time does not exist.", _TIME_REMEDY) from fault
    if not isinstance(found, date) or not _EARLIEST_YEAR <= found.year <= _LATEST_YEAR:
        raise stated.unread(
            "time-out-of-range", f"The year is not between {_EARLIEST_YEAR} and {_LATEST_YEAR}.", _TIME_REMEDY
        )
    return found, text.endswith("Z")


@dataclass(frozen=True, slots=True)
class Length:
    """How long an event lasts: ``nominal`` is added to the wall clock, ``exact`` to the instant (RFC 5545 3.3.6)."""

    nominal: timedelta
    exact: timedelta


def read_duration(stated: Property, value: str) -> Length:
    """Return a positive DURATION: weeks and days are nominal, hours and less exact. Raise ``Unread``."""
    text = value.strip().upper()
    remedy = "Write it as PT4H or P1D, or give DTEND."
    try:
        if not _DURATION.fullmatch(text):
            raise ValueError(text)
        whole = vDuration.from_ical(text)  # type: ignore[no-untyped-call] # icalendar leaves it unannotated
        days = sum(int(number) * (7 if unit == "W" else 1) for number, unit in _NOMINAL.findall(text))
        length = Length(timedelta(days=days), whole - timedelta(days=days))
    except FAULTS as fault:
        raise stated.unread("duration", "This is not a duration.", remedy) from fault
    if not timedelta() < whole <= _LONGEST_DURATION:
        raise stated.unread("duration", "This duration is not longer than nothing, or longer than ten years.", remedy)
    return length
