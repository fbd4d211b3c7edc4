"""The free-busy-query report (RFC 4791 7.10)."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from app.caldav.backend import CalendarCollection, CalendarMember, MemberInstance
from app.caldav.exchange import Element, Request, Response, bad_request
from app.caldav.filters.filter_xml import TimeRange, read_span
from app.caldav.filters.matching import overlaps
from app.caldav.notation import caldav, utc
from app.caldav.properties.live import AskerView
from app.caldav.resources import Resource
from app.ical.components import Component, read_sole_calendar, written
from app.ical.lines import own_line
from app.ical.unread import Unread

_KINDS = ("BUSY", "BUSY-TENTATIVE")


def answer_free_busy(request: Request, view: AskerView, resource: Resource, body: Element) -> Response:
    """Answer with one VFREEBUSY, 200 and text/calendar (RFC 4791 7.10); Depth makes no difference here."""
    del request
    assert resource.collection is not None
    spans = body.findall(caldav("time-range"))
    if len(spans) != 1:
        raise bad_request("A free-busy-query has exactly one time-range.")
    span = read_span(spans[0])
    if span.starts is None or span.ends is None:
        raise bad_request("The time-range of a free-busy-query has a start and an end.")
    periods: dict[str, list[tuple[str, str]]] = {kind: [] for kind in _KINDS}
    for member in view.backend.touching(resource.collection, span.starts, span.ends):
        found = view.backend.occurring(resource.collection, member, span.starts, span.ends)
        instances = member.instances if found is None else found
        view.cost.spend(instances=len(instances))
        _add(periods, member, span, instances)
    octets = written(_calendar(resource.collection, view.reached(resource.collection).changed_at, span, periods))
    return Response(200, (("Content-Type", "text/calendar; charset=utf-8"),), octets)


def _add(
    periods: dict[str, list[tuple[str, str]]],
    member: CalendarMember,
    span: TimeRange,
    instances: Iterable[MemberInstance],
) -> None:
    """Add the parts of a member's instances that lie in a span. A member that cannot be read is left out."""
    assert span.starts is not None
    assert span.ends is not None
    touching = [instance for instance in instances if overlaps(instance, span)]
    if not touching:
        return
    try:
        events = read_sole_calendar(member.octets).events()
        kinds = [_kind(event) for event in events]
    except Unread:
        return
    for instance in touching:
        kind = kinds[instance.place] if instance.place < len(kinds) else None
        if kind is not None:
            periods[kind].append((utc(max(instance.starts, span.starts)), utc(min(instance.ends, span.ends))))


def _kind(event: Component) -> str | None:
    """Return how an event takes up time (RFC 4791 7.10): not at all where it is transparent or cancelled."""
    values = {name: [line.value.upper() for line in event.parsed(name)] for name in ("STATUS", "TRANSP")}
    if "CANCELLED" in values["STATUS"] or "TRANSPARENT" in values["TRANSP"]:
        return None
    return "BUSY-TENTATIVE" if "TENTATIVE" in values["STATUS"] else "BUSY"


def _calendar(
    collection: CalendarCollection, changed_at: datetime, span: TimeRange, periods: dict[str, list[tuple[str, str]]]
) -> Component:
    """Return the answer; DTSTAMP and UID follow from what is asked, so that equal answers are equal octets."""
    assert span.starts is not None
    assert span.ends is not None
    starts, ends = utc(span.starts), utc(span.ends)
    uid = sha256(f"{collection.resource_id}/{starts}/{ends}".encode()).hexdigest()[:32]
    lines = [f"UID:{uid}", f"DTSTAMP:{utc(changed_at)}", f"DTSTART:{starts}", f"DTEND:{ends}"]
    for kind in _KINDS:
        merged = ",".join(f"{begun}/{ended}" for begun, ended in _merged(periods[kind]))
        if merged:
            lines.append(f"FREEBUSY;FBTYPE={kind}:{merged}")
    busy = Component("VFREEBUSY", lines=[own_line(line) for line in lines])
    head = ["VERSION:2.0", "PRODID:-//closure-notices//caldav//EN"]
    return Component("VCALENDAR", lines=[own_line(line) for line in head], parts=[busy])


def _merged(periods: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return periods in order, those that touch or overlap as one ("SHOULD be ... coalesced", RFC 5545 3.8.2.6)."""
    merged: list[tuple[str, str]] = []
    for begun, ended in sorted(periods):
        if merged and begun <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], ended)
        else:
            merged.append((begun, ended))
    return merged
