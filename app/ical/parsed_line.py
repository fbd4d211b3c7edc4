"""One content line as name, parameters and value: icalendar reads the grammar, heads are read once per calendar."""

import re
from dataclasses import dataclass

from icalendar.parser import Contentline

from app.ical.lines import ContentLine, unescape_text
from app.ical.unread import FAULTS, Unread

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
_LONGEST_HEAD = 1_000  # characters; the parameters of a time or a code are short
_BARE_ZONE = re.compile(r';TZID=([^";]*:[^";]*)', re.IGNORECASE)
_NEEDED_PARAMETER = re.compile(r';\s*(?:TZID|VALUE|RANGE)\b(?:"[^"]*"|[^;"])*"?', re.IGNORECASE)
_WITHOUT_COLON = frozenset({"DTSTART", "DTEND", "DTSTAMP", "RECURRENCE-ID", "RDATE", "EXDATE"})
_HEAD_REMEDY = "Export the calendar again; the line is not NAME;PARAMETER=VALUE:VALUE."


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """A content line read: ``parameters`` by name in capitals, each as its values; ``value`` as it was sent."""

    name: str
    line: int
    parameters: dict[str, tuple[str, ...]]
    value: str

    def parameter(self, name: str) -> str | None:
        """Return a parameter as one text: some senders leave the comma of Outlook's ``Dublin, London`` unquoted."""
        values = self.parameters.get(name)
        return None if values is None else ",".join(values).replace("\\,", ",")

    def text(self) -> str:
        """Return a TEXT value, its escapes undone, without control characters."""
        return printable(unescape_text(self.value))

    def unread(self, code: str, text: str, remedy: str) -> Unread:
        """Return the problem with this line."""
        return Unread(code, text, remedy, line=self.line, property_name=self.name)


class Heads:
    """The parameters of the heads (``DTSTART;TZID=Europe/London``) met in one calendar; most lines share a few."""

    def __init__(self) -> None:
        self._read: dict[str, dict[str, tuple[str, ...]]] = {}

    def parameters(self, head: str) -> dict[str, tuple[str, ...]]:
        """Return the parameters of a head. Raise what icalendar raises (``FAULTS``)."""
        if ";" not in head:
            return {}
        found = self._read.get(head)
        if found is None:
            try:
                found = _parameters(head)
            except FAULTS:
                # One that nobody here needs, and that is none: it must not cost the others.
                found = _parameters("".join((head.partition(";")[0], *_NEEDED_PARAMETER.findall(head))))
            self._read[head] = found
        return found


def _parameters(head: str) -> dict[str, tuple[str, ...]]:
    quoted = _BARE_ZONE.sub(r';TZID="\1"', head)
    _, parameters, _ = Contentline(quoted + ":").raw_parts()  # type: ignore[no-untyped-call] # icalendar leaves it unannotated
    return {
        str(name).upper(): (value,) if isinstance(value, str) else tuple(map(str, value))
        for name, value in parameters.items()
    }


def parse_line(raw: ContentLine, heads: Heads) -> ParsedLine:
    """Read a content line. Raise ``Unread``."""
    try:
        text = raw.octets.decode()
    except UnicodeDecodeError as fault:
        raise Unread(
            "not-utf-8", "This line is not UTF-8.", "Save the file as UTF-8.", line=raw.number, property_name=raw.name
        ) from fault
    try:
        # Only a head that holds a quotation mark can hold a colon that does not end it; but no date or time holds one,
        # and Outlook's ``TZID=(UTC+00:00) Dublin, London`` comes unquoted too.
        colon = text.rfind(":") if raw.name in _WITHOUT_COLON else text.find(":")
        if '"' in text[:colon] and raw.name not in _WITHOUT_COLON:
            colon = Contentline(text).value_separator_index()  # type: ignore[no-untyped-call] # icalendar leaves it unannotated
        if not 0 <= colon <= _LONGEST_HEAD:
            raise ValueError(colon)
        return ParsedLine(raw.name, raw.number, heads.parameters(text[:colon]), text[colon + 1 :].strip())
    except FAULTS as fault:
        raise Unread(
            "line", "This line cannot be read as a property.", _HEAD_REMEDY, line=raw.number, property_name=raw.name
        ) from fault


def printable(text: str) -> str:
    """Return a text without control characters and outer blanks."""
    return _CONTROLS.sub("", text).strip()
