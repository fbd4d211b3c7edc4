"""CALDAV:calendar-data in a report (RFC 4791 9.6): a member whole, its instances, or some of its lines."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.caldav.backend import CalendarMember, MemberInstance
from app.caldav.exchange import Element, Refused, bad_request
from app.caldav.filters.filter_xml import TimeRange
from app.caldav.filters.matching import Occurring, instances_in, overlaps
from app.caldav.notation import LONDON, caldav, read_utc, utc, within_calendars
from app.caldav.report_cost import ReportCost
from app.ical.components import Component, flat_lines, read_sole_calendar, written
from app.ical.lines import ContentLine, own_line
from app.ical.unread import Unread

_DEEPEST = 8
_NAMES_PARTS = frozenset(map(caldav, ("allprop", "prop", "allcomp", "comp")))
# An instance stands for itself: its rule and its times as stated give way to its own (RFC 4791 9.6.5).
_REPLACED = frozenset({"DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RRULE", "RDATE", "EXDATE", "EXRULE"})


@dataclass(frozen=True, slots=True)
class ShownParts:
    """Which lines and components of a component are shown; None stands for all of them.

    ``lines`` gives for each name whether its value is shown.
    """

    name: str
    lines: dict[str, bool] | None
    parts: tuple["ShownParts", ...] | None


@dataclass(frozen=True, slots=True)
class CalendarData:
    """How members are to be shown. ``expand`` and ``limit`` are spans, at most one of them set."""

    shown: ShownParts | None = None
    expand: TimeRange | None = None
    limit: TimeRange | None = None

    @property
    def whole(self) -> bool:
        """Tell whether members are shown as they were sent."""
        return self.shown is None and self.expand is None and self.limit is None


def read_calendar_data(found: Element) -> CalendarData:
    """Read the element. Raise ``Refused``: supported-calendar-data, or 400 for what is malformed."""
    kind, version = found.get("content-type", "text/calendar"), found.get("version", "2.0")
    if kind.strip().lower() != "text/calendar" or version.strip() != "2.0":
        raise Refused(403, caldav("supported-calendar-data"), "Members are text/calendar, version 2.0, only.")
    expand = _span(found.find(caldav("expand")))
    limit = _span(found.find(caldav("limit-recurrence-set")))
    if expand is not None and limit is not None:
        raise bad_request("expand and limit-recurrence-set exclude each other.")
    outermost = found.find(caldav("comp"))
    if outermost is not None and outermost.get("name", "").upper() != "VCALENDAR":
        raise bad_request("The outermost comp must name VCALENDAR.")
    return CalendarData(None if outermost is None else _shown(outermost, 0), expand, limit)


def _span(found: Element | None) -> TimeRange | None:
    if found is None:
        return None
    # "start ... and end ... specified as date with UTC time", and both required (RFC 4791 9.6.5, 9.6.6).
    starts, ends = read_utc(found.get("start", "")), read_utc(found.get("end", ""))
    if starts is None or ends is None or ends <= starts:
        raise bad_request("A span has a start and a later end, written as 20261206T020000Z.")
    return TimeRange(within_calendars(starts), within_calendars(ends))


def _shown(found: Element, depth: int) -> ShownParts:
    """Read a comp. One that names nothing inside is the whole component, as in the example of RFC 4791 7.8.1."""
    if depth > _DEEPEST:
        raise bad_request("calendar-data nests too deep.")
    if not any(inner.tag in _NAMES_PARTS for inner in found):
        return ShownParts(found.get("name", "").upper(), None, None)
    lines: dict[str, bool] | None = {}
    parts: tuple[ShownParts, ...] | None = tuple(_shown(inner, depth + 1) for inner in found.findall(caldav("comp")))
    if found.find(caldav("allprop")) is not None:
        lines = None
    else:
        lines = {
            prop.get("name", "").upper(): prop.get("novalue", "no") != "yes" for prop in found.findall(caldav("prop"))
        }
    if found.find(caldav("allcomp")) is not None:
        parts = None
    return ShownParts(found.get("name", "").upper(), lines, parts)


def shown_text(member: CalendarMember, asked: CalendarData, occurring: Occurring, cost: ReportCost) -> str:
    """Return a member as it is to be shown; what that comes to is counted before. Raise ``Refused``.

    One that cannot be read is shown whole, as it was sent, rather than failing the report.
    """
    cost.spend(octets=len(member.octets))
    whole = member.octets.decode("utf-8", "replace")
    if asked.whole:
        return whole
    try:
        calendar = read_sole_calendar(member.octets)
    except Unread:
        return whole
    if asked.expand is not None:
        calendar = _expanded(calendar, instances_in(member, asked.expand, occurring), asked.expand, cost)
    elif asked.limit is not None:
        calendar = _limited(calendar, member.instances, asked.limit)
    if asked.shown is not None:
        calendar = _partial(calendar, asked.shown)
    return written(calendar).decode()


def _expanded(calendar: Component, instances: Iterable[MemberInstance], span: TimeRange, cost: ReportCost) -> Component:
    """Return each instance in a span as an event of its own, in UTC, without rule and without zone (RFC 4791 9.6.5)."""
    events = calendar.events()
    within = [instance for instance in instances if instance.place < len(events) and overlaps(instance, span)]
    # Each repeats what its event says: a long text times many occurrences is what makes an answer large.
    sizes = [sum(len(line.octets) for line in flat_lines(event)) for event in events]
    cost.spend(instances=len(within), octets=sum(sizes[instance.place] for instance in within))
    kept = [line for line in calendar.lines if line.name in {"VERSION", "PRODID", "CALSCALE"}]
    parts = [
        Component(
            "VEVENT",
            lines=[*_times(instance), *_lasting(events[instance.place])],
            parts=events[instance.place].parts,
        )
        for instance in within
    ]
    return Component(calendar.name, lines=kept, parts=parts)


def _lasting(event: Component) -> list[ContentLine]:
    return [line for line in event.lines if line.name not in _REPLACED]


def _times(instance: MemberInstance) -> list[ContentLine]:
    named = [("DTSTART", instance.starts), ("DTEND", instance.ends)]
    original = read_utc(instance.recurrence_id)
    if original is not None:
        named.append(("RECURRENCE-ID", original))
    if instance.all_day:
        # A date has no zone: it stays one, the day in London whose midnight the instance starts at.
        return [own_line(f"{name};VALUE=DATE:{when.astimezone(LONDON):%Y%m%d}") for name, when in named]
    return [own_line(f"{name}:{utc(when)}") for name, when in named]


def _limited(calendar: Component, instances: tuple[MemberInstance, ...], span: TimeRange) -> Component:
    """Return the object without the overridden instances that a span does not concern (RFC 4791 9.6.6).

    An override stays where it takes place in the span, or would have taken place in it.
    """
    concerned = {
        instance.place for instance in instances if overlaps(instance, span) or overlaps(_unmoved(instance), span)
    }
    kept: list[Component] = []
    place = 0
    for part in calendar.parts:
        if part.name != "VEVENT":
            kept.append(part)
            continue
        if not part.named("RECURRENCE-ID") or place in concerned:
            kept.append(part)
        place += 1
    return Component(calendar.name, lines=calendar.lines, parts=kept)


def _unmoved(instance: MemberInstance) -> MemberInstance:
    original = read_utc(instance.recurrence_id) or instance.starts
    return MemberInstance(original, original + (instance.ends - instance.starts))


def _partial(found: Component, shown: ShownParts) -> Component:
    """Return only what is asked for of a component (RFC 4791 9.6.1 to 9.6.4)."""
    lines = found.lines
    if shown.lines is not None:
        lines = [
            line if shown.lines[line.name] else own_line(f"{line.name}:")
            for line in found.lines
            if line.name in shown.lines
        ]
    parts = found.parts
    if shown.parts is not None:
        by_name = {part.name: part for part in shown.parts}
        parts = [_partial(part, by_name[part.name]) for part in found.parts if part.name in by_name]
    return Component(found.name, lines=lines, parts=parts)
