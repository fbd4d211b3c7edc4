"""When a calendar object takes place in a span, evaluated from its octets, however far that is from any horizon."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.domain.notice import Occurrence
from app.domain.refusal import Refusal
from app.ical.limits import Allowance, Limits
from app.ical.unread import FAULTS
from app.intake.ical import content_of_uid, parse_notice, read_stream
from app.intake.occurrences_of_uid import cancelled_instances, farthest_moved, longest_of
from app.intake.read_request import ReadRequest

# Dates before and after these are nobody's: what asks for them means without end.
_FIRST, _LAST = datetime(1000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_MARGIN = timedelta(days=2)  # more than any zone is away from UTC
_LIMITS = Limits(occurrences=5_000, horizon=_MARGIN, reach=_MARGIN, past=timedelta(days=366))
# What is told of an occurrence that lies outside of the span.
_ELSEWHERE = frozenset({"no-occurrence", "too-far-ahead", "too-long-ago"})


def instances_within(
    octets: bytes, gateway: str, span: tuple[datetime, datetime], allowance: Allowance
) -> tuple[Occurrence, ...] | None:
    """Return at least the instances with a part in a span (aware UTC); None where that is more than is evaluated.

    ``octets`` are those of an object that ``read_object`` took.
    """
    starts, ends = max(span[0], _FIRST), min(span[1], _LAST)
    if ends <= starts:
        return ()
    asked = ReadRequest(starts, (gateway,), gateway, replace(_LIMITS, reach=ends - starts + _MARGIN), allow_long=True)
    try:
        groups = parse_notice(read_stream(octets), asked, allowance).groups
        found: list[Occurrence] = []
        for group in groups.values():
            moved = farthest_moved(group)
            limits = replace(
                asked.limits, past=longest_of(group) + moved + _MARGIN, horizon=ends - starts + moved + _MARGIN
            )
            here = replace(asked, limits=limits)
            content = content_of_uid(group, here, allowance)
            more, expansion = cancelled_instances(content, here, allowance)
            until = content.series.expanded_to if content.series is not None else expansion.until
            if (until is not None and until < ends) or any(
                problem.code not in _ELSEWHERE for problem in content.problems
            ):
                return None
            found += [*content.instances, *more]
    except (Refusal, *FAULTS):
        return None
    return tuple(sorted(found, key=lambda instance: (instance.starts, instance.recurrence_id)))


def allowance_of_span() -> Allowance:
    """Return what evaluating one object over one span may cost."""
    return Allowance(_LIMITS)
