"""One calendar object (RFC 4791 4.1): what the register hears of it and when it takes place, from one parse."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.notice import NoticeContent, Occurrence
from app.ical.components import CalendarStream
from app.ical.limits import Allowance
from app.ical.unread import Unread
from app.intake.ical import read_by_uid
from app.intake.occurrences_of_uid import cancelled_instances
from app.intake.problem import unreadable
from app.intake.read_request import ReadRequest


@dataclass(frozen=True, slots=True)
class CalendarObject:
    """An object read: ``reading`` is what any door makes of it, ``instances`` are in order of their starts.

    ``uid`` is "" where no event of it could be read. ``complete_from`` is None where ``instances`` are all of them from
    its first on; else others may take place before that instant. ``complete_until`` is None where they are all of them
    to its last; else the rule goes on after that instant (both aware UTC).
    """

    uid: str
    reading: NoticeContent
    instances: tuple[Occurrence, ...]
    complete_from: datetime | None
    complete_until: datetime | None


def read_object(stream: CalendarStream, request: ReadRequest) -> CalendarObject:
    """Read a calendar object that was scanned.

    Raise ``NoticeTooLarge`` or ``NoticeUnreadable`` as ``read_ical`` does, the latter also where several UIDs stand in
    it: they "MUST be specified in separate calendar object resources" (RFC 4791 4.1).
    """
    reading, by_uid = read_by_uid(stream, request)
    if len({uid for uid, _ in by_uid}) > 1:
        text = "The events have different UIDs."
        raise unreadable(Unread("several-uids", text, "Put each event into its own resource."))
    uid, content = next(iter(by_uid), ("", None))
    if content is None:
        return CalendarObject(uid, reading, (), None, None)
    more, cancelled = cancelled_instances(content, request, Allowance(request.limits))
    until = content.series.expanded_to if content.series is not None else cancelled.until
    since = content.since or cancelled.since
    if since is not None:
        since += content.longest  # what started before may last until then
    instances = sorted([*content.instances, *more], key=lambda instance: (instance.starts, instance.recurrence_id))
    return CalendarObject(uid, reading, tuple(instances), since, until)
