"""From a checked rule and its exceptions to occurrences: bounded, in local time across the clock changes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from app.ical.evaluate import starts_of_rule
from app.ical.limits import Allowance, Limits
from app.ical.moment import Moment
from app.ical.rule import Rule
from app.ical.unread import FAULTS, Unread
from app.ical.values import Length

_FEWER = "Give the series an end, or send it in smaller parts."
_MARGIN = timedelta(days=2)  # more than any zone is away from UTC
# What dateutil spends on one period of each frequency, in about microseconds, whether or not anything falls into it.
_COST = {"DAILY": 1, "WEEKLY": 3, "MONTHLY": 5, "YEARLY": 25}
_DAYS = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 30, "YEARLY": 365}
_COST_OF_START, _COST_OF_RULE = 8, 100
_LOOKOUT = timedelta(days=20 * 366)  # how far past the horizon a next occurrence is looked for
_SEARCHED_IN_VAIN = timedelta(days=400 * 366)  # how far dateutil may go before it gives up; see ``evaluate``


@dataclass(frozen=True, slots=True)
class AddedDate:
    """A date that RDATE adds; ``length`` is set where it says how long (VALUE=PERIOD)."""

    starts: Moment
    length: Length | None = None


@dataclass(frozen=True, slots=True)
class RuleOccurrence:
    """One occurrence: ``key`` is the UTC start that the unaltered rule gave it, ``position`` its index there."""

    key: datetime
    starts: Moment
    position: int | None
    length: Length | None = None


@dataclass(frozen=True, slots=True)
class Recurrence:
    """All that a master says of when it recurs."""

    starts: Moment
    rule: Rule | None
    added: tuple[AddedDate, ...] = ()
    excluded: tuple[Moment, ...] = ()


@dataclass(frozen=True, slots=True)
class Expansion:
    """``since``: there may be more that starts before that instant; ``until``: the rule has more after that one.

    ``unsynchronised``: the rule itself does not give DTSTART.
    """

    occurrences: tuple[RuleOccurrence, ...]
    since: datetime | None = None
    until: datetime | None = None
    unsynchronised: bool = False


def recurrence_key(instant: datetime) -> str:
    """Return a UTC instant as RECURRENCE-ID has it: ``20261206T020000Z``."""
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def expand(recurrence: Recurrence, now: datetime, limits: Limits, allowance: Allowance) -> Expansion:
    """Return what starts from ``now - past`` to ``now + horizon``, in order, the excluded occurrences left out.

    Those that RDATE adds may lie up to ``now + reach``. At most ``limits.occurrences`` are returned: of a series that
    has run for years the oldest past ones are left out, and a rule is followed until that many lie ahead. Raise
    ``Unread``: too many ahead with those that RDATE adds, or none at all.
    """
    earliest, horizon = now - limits.past, now + limits.horizon
    seen: dict[datetime, RuleOccurrence] = {}
    allowance.spend(work=_COST_OF_RULE)
    ahead = 0
    until: datetime | None = None
    unsynchronised = False
    for start in _starts(recurrence, horizon, allowance):
        unsynchronised = unsynchronised or not start.by_rule
        if start.naive.replace(tzinfo=UTC) < earliest - _MARGIN:
            continue
        moment = replace(recurrence.starts, naive=start.naive)
        key = moment.instant()
        if _after_until(moment, key, recurrence.rule):
            break
        if key > horizon:
            until = horizon
            break
        if key >= earliest:
            ahead += key >= now
            if ahead > limits.occurrences:
                until = key
                break
            seen.setdefault(key, RuleOccurrence(key, moment, start.position))
    for date in recurrence.added:
        key = date.starts.instant()
        if earliest <= key <= now + limits.reach:
            seen.setdefault(key, RuleOccurrence(key, date.starts, None, date.length))
    _check_count(sum(key >= now for key in seen), limits)
    if not seen and until is None:
        raise _none_within_reach()
    found = _without(seen, recurrence.excluded)
    kept = found[-limits.occurrences :]
    allowance.spend(occurrences=len(kept))
    since = kept[0].key if len(kept) < len(found) else earliest
    return Expansion(kept, since if _begins(recurrence) < since else None, until, unsynchronised)


def _begins(recurrence: Recurrence) -> datetime:
    return min(moment.instant() for moment in (recurrence.starts, *(added.starts for added in recurrence.added)))


def _check_count(ahead: int, limits: Limits) -> None:
    if ahead > limits.occurrences:
        raise Unread(
            "too-many-occurrences", f"This series has more than {limits.occurrences} occurrences ahead.", _FEWER
        )


def _none_within_reach() -> Unread:
    return Unread("no-occurrence", "This series has no occurrence within reach.", "Check its dates and its rule.")


def _after_until(moment: Moment, key: datetime, rule: Rule | None) -> bool:
    """Tell whether an occurrence lies after UNTIL; an UNTIL that is a date holds to the end of that day."""
    if rule is None or rule.until is None:
        return False
    if rule.until.all_day:
        return moment.naive.date() > rule.until.naive.date()
    return key > rule.until.instant()


def _without(seen: dict[datetime, RuleOccurrence], excluded: tuple[Moment, ...]) -> tuple[RuleOccurrence, ...]:
    """Leave out what EXDATE names: by its instant, or by its day where it is a date, as some senders write."""
    instants = {moment.instant() for moment in excluded}
    days = {moment.naive.date() for moment in excluded if moment.all_day}
    return tuple(seen[key] for key in sorted(seen) if key not in instants and seen[key].starts.naive.date() not in days)


@dataclass(frozen=True, slots=True)
class _Start:
    position: int
    naive: datetime
    by_rule: bool = True


def _starts(recurrence: Recurrence, horizon: datetime, allowance: Allowance) -> Iterator[_Start]:
    """Yield the starts that DTSTART and the rule give, past the horizon by at least one if there is one.

    DTSTART "defines the first instance" (RFC 5545 3.8.5.3) and counts, whether or not its rule gives it.
    """
    first, rule = recurrence.starts.naive, recurrence.rule
    if rule is None:
        yield _Start(0, first)
        return
    last = max(horizon.replace(tzinfo=None), first) + _LOOKOUT
    reached, position = first, 0
    try:
        for found in starts_of_rule(rule.text, first, last):
            allowance.spend(work=_work(rule.frequency, reached, found))
            reached = found
            if position == 0 and found != first:
                yield _Start(0, first, by_rule=False)
                position = 1
            if rule.count is not None and position >= rule.count:
                return
            yield _Start(position, found)
            position += 1
    except FAULTS as fault:
        raise Unread("rule", "This recurrence rule cannot be evaluated.", "Send each closure as an event.") from fault
    if rule.count is None or position < rule.count:
        allowance.spend(work=_work(rule.frequency, reached, reached + _SEARCHED_IN_VAIN))
    if position == 0:
        raise _none_within_reach()


def _work(frequency: str, since: datetime, until: datetime) -> int:
    return _COST_OF_START + (until - since).days // _DAYS[frequency] * _COST[frequency]
