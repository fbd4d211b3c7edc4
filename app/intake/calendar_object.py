"""One calendar object (RFC 4791 4.1): what the register hears of it and when it takes place, from one parse."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.notice import NoticeContent, Occurrence
from app.intake.allowance import Allowance
from app.intake.ical import read_told
from app.intake.reading import Asking
from app.intake.series import cancelled_instances
from app.intake.unfold import unreadable


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


def read_object(octets: bytes, asking: Asking) -> CalendarObject:
    """Read a calendar object.

    Raise ``NoticeTooLarge`` or ``NoticeUnreadable`` as ``read_ical`` does, the latter also where several UIDs stand in
    it: they "MUST be specified in separate calendar object resources" (RFC 4791 4.1).
    """
    reading, by_uid = read_told(octets, asking)
    if len(by_uid) > 1:
        raise unreadable("several-uids", "The events have different UIDs.", "Put each event into its own resource.")
    uid, told = next(iter(by_uid.items()), ("", None))
    if told is None:
        return CalendarObject(uid, reading, (), None, None)
    more, cancelled = cancelled_instances(told, asking, Allowance(asking.limits))
    until = told.series.expanded_to if told.series is not None else cancelled.until
    since = told.since or cancelled.since
    if since is not None:
        since += told.longest  # what started before may last until then
    instances = sorted([*told.instances, *more], key=lambda one: (one.starts, one.recurrence_id))
    return CalendarObject(uid, reading, tuple(instances), since, until)
