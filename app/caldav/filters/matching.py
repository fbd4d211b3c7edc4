"""Whether a member passes a filter (RFC 4791 9.7, 9.9), by its expanded instances and, where asked, by its lines."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from app.caldav.backend import CalendarMember, MemberInstance
from app.caldav.filters.filter_xml import CompFilter, ParamFilter, PropFilter, TextMatch, TimeRange
from app.caldav.notation import EARLIEST, LATEST, LONDON
from app.ical.alarms import alarm_reach, alarms, stated_time
from app.ical.components import Component, read_sole_calendar
from app.ical.lines import unescape_text
from app.ical.parsed_line import ParsedLine
from app.ical.unread import Unread

Occurring = Callable[[CalendarMember, datetime, datetime], Sequence[MemberInstance] | None]
"""``Backend.occurring`` of one collection."""

_DAY = timedelta(days=1)
_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def passes(member: CalendarMember, asked: CompFilter, zone: tzinfo, occurring: Occurring) -> bool:
    """Tell whether a member passes; ``zone`` is that in which times without a zone are read (RFC 4791 7.3).

    Nothing is parsed for a filter that names only VEVENT and a time-range. A member that cannot be read passes no
    filter that would have to read it, so that one odd object never fails a report.
    """
    quick = _event_only(asked)
    if quick is not None:
        return quick.span is None or _takes_place(member, quick.span, zone, occurring)
    try:
        calendar = read_sole_calendar(member.octets)
        return not asked.absent and _Matching(member, zone, occurring).component(calendar, asked, None)
    except Unread:
        return False


def span_of(asked: CompFilter) -> TimeRange | None:
    """Return the span outside of which no member can pass, None where there is none."""
    for inner in asked.components:
        if inner.name == "VEVENT" and inner.span is not None:
            return inner.span
    return None


def widened(span: TimeRange, zone: tzinfo) -> TimeRange:
    """Return the span to ask the backend for: wider where times without a zone may be seen a day off."""
    if zone is LONDON:
        return span
    return TimeRange(span.starts and span.starts - _DAY, span.ends and span.ends + _DAY)


def overlaps(instance: MemberInstance, span: TimeRange, zone: tzinfo = LONDON) -> bool:
    """Tell whether an instance has a part in a span: "(start < DTEND AND end > DTSTART)" (RFC 4791 9.9)."""
    seen = seen_from(instance, zone)
    return (span.starts is None or span.starts < seen.ends) and (span.ends is None or span.ends > seen.starts)


def instances_in(member: CalendarMember, span: TimeRange, occurring: Occurring) -> Sequence[MemberInstance]:
    """Return the instances with a part in a span, or those expanded at PUT where it takes too much to tell."""
    found = _occurring(member, span, occurring)
    return member.instances if found is None else found


def _occurring(member: CalendarMember, span: TimeRange, occurring: Occurring) -> Sequence[MemberInstance] | None:
    """Return the instances with a part in a span, None where the member is taken to recur in it.

    A span with an open end reaches past whatever is expanded of a rule that goes on; one that ends is looked through.
    """
    if member.covers(span.starts, span.ends):
        return member.instances
    if span.ends is None and _goes_on(member):
        return None
    return occurring(member, span.starts or EARLIEST, span.ends or LATEST)


def _goes_on(member: CalendarMember) -> bool:
    """Tell whether a member has a rule without an end; where it cannot be read, it may have."""
    try:
        rules = [
            line.value.upper() for event in read_sole_calendar(member.octets).events() for line in event.parsed("RRULE")
        ]
    except Unread:
        return True
    return any("UNTIL=" not in rule and "COUNT=" not in rule for rule in rules)


def _takes_place(member: CalendarMember, span: TimeRange, zone: tzinfo, occurring: Occurring) -> bool:
    """Tell whether a member has an instance in a span. Only where no expanded one is in it are others evaluated."""
    if any(overlaps(instance, span, zone) for instance in member.instances):
        return True
    found = _occurring(member, widened(span, zone), occurring)
    return found is None or any(overlaps(instance, span, zone) for instance in found)


def seen_from(instance: MemberInstance, zone: tzinfo) -> MemberInstance:
    """Return an instance as it is read in another zone, if its times name none."""
    if zone is LONDON or not (instance.all_day or instance.floating):
        return instance
    starts, ends = (
        moment.astimezone(LONDON).replace(tzinfo=zone).astimezone(UTC) for moment in (instance.starts, instance.ends)
    )
    return replace(instance, starts=starts, ends=ends)


def _event_only(asked: CompFilter) -> CompFilter | None:
    """Return the filter of VEVENT if it is all there is and asks for nothing inside; for VCALENDAR alone, any."""
    if asked.absent or asked.properties or len(asked.components) > 1:
        return None
    if not asked.components:
        return asked
    inner = asked.components[0]
    sole = inner.name == "VEVENT" and not inner.absent and not inner.properties and not inner.components
    return inner if sole else None


@dataclass(slots=True)
class _Matching:
    """One member held against one filter."""

    member: CalendarMember
    zone: tzinfo
    occurring: Occurring

    def component(self, found: Component, asked: CompFilter, place: int | None) -> bool:
        """Tell whether one component of the right name passes; ``place`` is that of the VEVENT that it is or is in."""
        return all(_property(found, inner, self.zone) for inner in asked.properties) and all(
            self.inside(found, inner, place) for inner in asked.components
        )

    def inside(self, outer: Component, asked: CompFilter, place: int | None) -> bool:
        """Tell whether a component inside ``outer`` passes: "at least one" does (RFC 4791 9.7.1)."""
        named = [part for part in outer.parts if part.name == asked.name]
        if asked.absent:
            return not named
        return any(
            (asked.span is None or self.in_span(part, asked.span, own)) and self.component(part, asked, own)
            for part, own in ((part, at if part.name == "VEVENT" else place) for at, part in enumerate(named))
        )

    def in_span(self, part: Component, span: TimeRange, place: int | None) -> bool:
        """Tell whether an event has an instance in a span, or an alarm of one goes off in it."""
        if part.name == "VEVENT":
            found = _occurring(self.member, widened(span, self.zone), self.occurring)
            recurs = found is None and bool(part.named("RRULE") or part.named("RDATE"))
            return recurs or any(overlaps(instance, span) for instance in self.stated(found, place))
        if part.name == "VALARM":
            reach = alarm_reach(part)
            about = TimeRange(span.starts and span.starts - reach, span.ends and span.ends + reach)
            found = _occurring(self.member, widened(about, self.zone), self.occurring)
            moments = (alarms(part, instance.starts, instance.ends) for instance in self.stated(found, place))
            return any(_at(span, moment) for of_one in moments for moment in of_one)
        return False

    def stated(self, found: Sequence[MemberInstance] | None, place: int | None) -> list[MemberInstance]:
        """Return the instances that one VEVENT states: those expanded at PUT, and those found for a span."""
        known = dict.fromkeys([*self.member.instances, *(found or ())])
        return [seen_from(instance, self.zone) for instance in known if instance.place == place]


def _at(span: TimeRange, moment: datetime) -> bool:
    return (span.starts is None or span.starts <= moment) and (span.ends is None or span.ends > moment)


def _property(found: Component, asked: PropFilter, zone: tzinfo) -> bool:
    if asked.absent:
        return not found.named(asked.name)
    return any(_line(stated, asked, zone) for stated in found.parsed(asked.name))


def _line(stated: ParsedLine, asked: PropFilter, zone: tzinfo) -> bool:
    if asked.span is not None:
        moment = stated_time(stated, zone)
        if moment is None or not _at(asked.span, moment):
            return False
    if asked.text is not None and not _matches(asked.text, [unescape_text(stated.value)]):
        return False
    return all(_parameter(stated, parameter) for parameter in asked.parameters)


def _parameter(stated: ParsedLine, asked: ParamFilter) -> bool:
    values = stated.parameters.get(asked.name)
    if asked.absent or values is None:
        return asked.absent and values is None
    return asked.text is None or _matches(asked.text, values)


def _matches(asked: TextMatch, values: Sequence[str]) -> bool:
    folded = _FOLDS[asked.collation]
    wanted = folded(asked.text)
    return any(wanted in folded(value) for value in values) is not asked.negate


def _ascii(text: str) -> str:
    """Return a text as i;ascii-casemap compares it (RFC 4790 9.2)."""
    return text.translate(_UPPER)


def _unicode(text: str) -> str:
    """Return a text as i;unicode-casemap compares it: titlecase, then full decomposition (RFC 5051)."""
    return unicodedata.normalize("NFKD", "".join(map(str.title, text)))


_FOLDS: dict[str, Callable[[str], str]] = {"i;ascii-casemap": _ascii, "i;octet": str, "i;unicode-casemap": _unicode}
