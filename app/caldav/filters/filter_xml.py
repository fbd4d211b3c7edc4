"""CALDAV:filter as values (RFC 4791 9.7): what is malformed and what is not supported are told apart."""

import re
from dataclasses import dataclass
from datetime import datetime

from app.caldav.exchange import Element, Refused, text_of
from app.caldav.notation import caldav, escape, read_utc, within_calendars

COLLATIONS = ("i;ascii-casemap", "i;octet", "i;unicode-casemap")
_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
_COMPONENTS = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE", "VALARM", "STANDARD", "DAYLIGHT"})
_TIMED_COMPONENTS = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VALARM"})
_INSIDE = {
    "VCALENDAR": _COMPONENTS - {"VALARM", "STANDARD", "DAYLIGHT"},
    "VEVENT": frozenset({"VALARM"}),
    "VTODO": frozenset({"VALARM"}),
    "VTIMEZONE": frozenset({"STANDARD", "DAYLIGHT"}),
}
# "time-range ... in a prop-filter": those properties that are one date or time (RFC 4791 9.9).
_TIMED_PROPERTIES = frozenset({"COMPLETED", "CREATED", "DTEND", "DTSTAMP", "DTSTART", "DUE", "LAST-MODIFIED"})
# They hold times too, but several or relative ones, and nothing is looked for by these here.
_OTHERWISE_TIMED = frozenset({"DURATION", "EXDATE", "EXRULE", "FREEBUSY", "RDATE", "RECURRENCE-ID", "RRULE", "TRIGGER"})
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A half-open span; None stands for an end that was left open."""

    starts: datetime | None
    ends: datetime | None


@dataclass(frozen=True, slots=True)
class TextMatch:
    """A substring to look for."""

    text: str
    collation: str
    negate: bool


@dataclass(frozen=True, slots=True)
class ParamFilter:
    """A condition on a parameter; ``absent``: it must not be there."""

    name: str
    absent: bool = False
    text: TextMatch | None = None


@dataclass(frozen=True, slots=True)
class PropFilter:
    """A condition on a property."""

    name: str
    absent: bool = False
    span: TimeRange | None = None
    text: TextMatch | None = None
    parameters: tuple[ParamFilter, ...] = ()


@dataclass(frozen=True, slots=True)
class CompFilter:
    """A condition on a component, and on what is inside it."""

    name: str
    absent: bool = False
    span: TimeRange | None = None
    properties: tuple[PropFilter, ...] = ()
    components: tuple["CompFilter", ...] = ()


def read_filter(found: Element | None) -> CompFilter:
    """Read a CALDAV:filter. Raise ``Refused``: valid-filter, supported-filter or supported-collation."""
    if found is None:
        raise _invalid("The query has no filter.")
    inner = list(found)
    if len(inner) != 1 or inner[0].tag != caldav("comp-filter"):
        raise _invalid("A filter holds exactly one comp-filter.")
    outermost = _comp(inner[0], "", 0)
    if outermost.span is not None:
        raise _invalid("VCALENDAR itself has no time; put the time-range into VEVENT.")
    return outermost


def _comp(found: Element, parent: str, depth: int) -> CompFilter:
    name = _name(found)
    _check_place(found, name, parent, depth)
    spans = [read_span(inner) for inner in found.findall(caldav("time-range"))]
    properties = tuple(_prop(inner) for inner in found.findall(caldav("prop-filter")))
    components = tuple(_comp(inner, name, depth + 1) for inner in found.findall(caldav("comp-filter")))
    absent = found.find(caldav("is-not-defined")) is not None
    if len(spans) + len(properties) + len(components) + absent != len(found):
        raise _invalid("A comp-filter holds something that it may not.")
    if absent and len(found) > 1:
        raise _invalid("is-not-defined stands alone.")
    if len(spans) > 1:
        raise _invalid("A comp-filter holds one time-range at most.")
    if spans and parent and name not in _TIMED_COMPONENTS:
        raise _unsupported(found, f"{name} has no time.")
    return CompFilter(name, absent, spans[0] if spans else None, properties, components)


def _check_place(found: Element, name: str, parent: str, depth: int) -> None:
    """Raise ``Refused`` for a component that does not stand where the filter has it."""
    if depth > _DEEPEST:
        raise _invalid("The filter nests too deep.")
    if not parent and name != "VCALENDAR":
        raise _invalid("The outermost comp-filter must name VCALENDAR.")
    if parent and name in {"VCALENDAR", *_COMPONENTS} and name not in _INSIDE.get(parent, frozenset()):
        raise _invalid(f"{name} does not stand inside {parent}.")
    if parent and name not in _COMPONENTS and not name.startswith("X-"):
        raise _unsupported(found, f"Components named {name} are not known here.")


def _prop(found: Element) -> PropFilter:
    name = _name(found)
    span, text = None, None
    parameters = []
    absent = False
    for inner in found:
        if inner.tag == caldav("is-not-defined"):
            absent = True
        elif inner.tag == caldav("time-range") and span is None and text is None:
            span = read_span(inner)
        elif inner.tag == caldav("text-match") and span is None and text is None:
            text = _text(inner)
        elif inner.tag == caldav("param-filter"):
            parameters.append(_param(inner))
        else:
            raise _invalid("A prop-filter holds something that it may not.")
    if absent and len(found) > 1:
        raise _invalid("is-not-defined stands alone.")
    if span is not None and name not in _TIMED_PROPERTIES:
        if name in _OTHERWISE_TIMED or name.startswith("X-"):
            raise _unsupported(found, f"{name} is not looked for by time.")
        # "cannot nest a <C:time-range ...> in a <C:prop name="SUMMARY">" (RFC 4791 7.8, valid-filter).
        raise _invalid(f"{name} has no time: put the time-range into VEVENT, or into a property that is a time.")
    return PropFilter(name, absent, span, text, tuple(parameters))


def _param(found: Element) -> ParamFilter:
    name = _name(found)
    inner = list(found)
    if not inner:
        return ParamFilter(name)
    if len(inner) == 1 and inner[0].tag == caldav("is-not-defined"):
        return ParamFilter(name, absent=True)
    if len(inner) == 1 and inner[0].tag == caldav("text-match"):
        return ParamFilter(name, text=_text(inner[0]))
    raise _invalid("A param-filter holds one text-match or is-not-defined.")


def _text(found: Element) -> TextMatch:
    # "If the client doesn't specify a collation, the server MUST use i;ascii-casemap" (RFC 4791 7.5.1).
    collation = found.get("collation", "i;ascii-casemap")
    if collation == "default":
        collation = "i;ascii-casemap"
    if collation not in COLLATIONS:
        offered = ", ".join(COLLATIONS)
        raise Refused(403, caldav("supported-collation"), f"Texts are compared by {offered} only.")
    negated = found.get("negate-condition", "no")
    if negated not in {"yes", "no"} or len(found):
        raise _invalid("negate-condition is yes or no, and a text-match holds text only.")
    return TextMatch(text_of(found), collation, negated == "yes")


def read_span(found: Element) -> TimeRange:
    """Read a CALDAV:time-range: at least one end, both "date with UTC time" (RFC 4791 9.9). Raise ``Refused``."""
    stated = [found.get("start"), found.get("end")]
    starts, ends = (None if end is None else read_utc(end) for end in stated)
    if stated == [None, None] or (stated[0] is not None and starts is None) or (stated[1] is not None and ends is None):
        raise _invalid("A time-range has a start or an end, written as 20261206T020000Z.")
    if starts is not None and ends is not None and ends <= starts:
        raise _invalid("The end of a time-range must be later than its start.")
    return TimeRange(starts and within_calendars(starts), ends and within_calendars(ends))


def _name(found: Element) -> str:
    name = found.get("name", "")
    if not _NAME.fullmatch(name):
        raise _invalid("Each filter names what it is about.")
    return str(name).upper()


def _invalid(text: str) -> Refused:
    return Refused(403, caldav("valid-filter"), text)


def _unsupported(found: Element, text: str) -> Refused:
    """Return the refusal that names the filter: servers "SHOULD report the ... elements" (RFC 4791 7.8)."""
    kind = "comp" if found.tag == caldav("comp-filter") else "prop"
    inner = f'<C:{kind}-filter name="{escape(found.get("name", ""))}"/>'
    return Refused(403, caldav("supported-filter"), text, inner=inner)
