"""The instances of members outside of what was expanded at PUT, evaluated when a report asks, in bounded work."""

from collections.abc import Sequence
from datetime import datetime

from app.caldav.backend import CalendarMember, MemberInstance, TooMuchAsked
from app.domain.notice import Occurrence as Read
from app.intake.occurrences import allowance_of_span, instances_within

_COST_OF_READING = 1_500  # microseconds that an object costs before anything recurs
_MOST = 5_000_000  # microseconds of one request, about


class Evaluation:
    """What one request may still have evaluated, over all the members that it looks at."""

    def __init__(self) -> None:
        self._spent = 0

    def instances(
        self, gateway: str, member: CalendarMember, starts: datetime, ends: datetime
    ) -> Sequence[MemberInstance] | None:
        """Return the instances in a span; None where this one member is too much. Raise ``TooMuchAsked``."""
        if member.covers(starts, ends):
            return member.instances
        allowance = allowance_of_span()
        found = instances_within(member.octets, gateway, (starts, ends), allowance)
        self._spent += _COST_OF_READING + allowance.spent
        if self._spent > _MOST:
            raise TooMuchAsked
        return None if found is None else [instance_of(read) for read in found]


def instance_of(read: Read) -> MemberInstance:
    """Return an instance as the protocol knows it."""
    return MemberInstance(read.starts, read.ends, read.recurrence_id, read.all_day, read.floating, read.place)
