"""From a checked rule and its exceptions to occurrences: bounded, in local time across the clock changes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from app.ical.evaluate import starts_of_rule
from app.ical.limits import Allowance, Limits
from app.ical.moment import Moment, day_named, in_series
from app.ical.rule import Rule
from app.ical.unread import FAULTS, Unread
from app.ical.values import Length

_KEY = "%Y%m%dT%H%M%SZ"
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
class ExcludedDate:
    """A date that EXDATE leaves out, as it was ``written`` on a ``line``."""

    written: Moment
    line: int


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
    excluded: tuple[ExcludedDate, ...] = ()


@dataclass(frozen=True, slots=True)
class Expansion:
    """``since``: there may be more that starts before that instant; ``until``: the rule has more after that one.

    ``unsynchronised``: the rule itself does not give DTSTART. ``left_out`` are the occurrences that EXDATE names,
    ``unmatched`` what EXDATE names within that span though no occurrence is there.
    """

    occurrences: tuple[RuleOccurrence, ...]
    since: datetime | None = None
    until: datetime | None = None
    unsynchronised: bool = False
    left_out: tuple[RuleOccurrence, ...] = ()
    unmatched: tuple[ExcludedDate, ...] = ()


def recurrence_key(instant: datetime) -> str:
    """Return a UTC instant as RECURRENCE-ID has it: ``20261206T020000Z``."""
    return f"{instant.astimezone(UTC):{_KEY}}"


def original_start(key: str) -> datetime | None:
    """Return the UTC instant that a key made by ``recurrence_key`` is of; None for "", where nothing recurs."""
    return datetime.strptime(key, _KEY).replace(tzinfo=UTC) if key else None


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
    for added in recurrence.added:
        key = added.starts.instant()
        if earliest <= key <= now + limits.reach:
            seen.setdefault(key, RuleOccurrence(key, added.starts, None, added.length))
    _check_count(sum(key >= now for key in seen), limits)
    if not seen and until is None:
        raise _none_within_reach()
    named = _Named(recurrence)
    found = tuple(occurrence for _, occurrence in sorted(seen.items()) if not named.leaves_out(occurrence))
    kept = found[-limits.occurrences :]
    allowance.spend(occurrences=len(kept))
    since = kept[0].key if len(kept) < len(found) else earliest
    return Expansion(
        occurrences=kept,
        since=since if _begins(recurrence) < since else None,
        until=until,
        unsynchronised=unsynchronised,
        left_out=tuple(named.left_out),
        unmatched=named.unmatched((earliest, until)),
    )


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
    """Tell whether an occurrence lies after UNTIL; as a date, or of whole days, it holds to the end of its day."""
    if rule is None or rule.until is None:
        return False
    if rule.until.all_day or moment.all_day:
        return moment.naive.date() > day_named(rule.until)
    return key > rule.until.instant()


class _Named:
    """What EXDATE names of a series: instants, or days where it is of whole days or a date, as some senders write."""

    def __init__(self, recurrence: Recurrence) -> None:
        self._instants: dict[datetime, ExcludedDate] = {}
        self._days: dict[date, ExcludedDate] = {}
        for excluded in recurrence.excluded:
            named = in_series(excluded.written, recurrence.starts)
            if named.all_day:
                self._days.setdefault(named.naive.date(), excluded)
            else:
                self._instants.setdefault(named.instant(), excluded)
        self.left_out: list[RuleOccurrence] = []

    def leaves_out(self, occurrence: RuleOccurrence) -> bool:
        """Tell whether EXDATE names an occurrence, and remember it."""
        if not self._instants and not self._days:
            return False
        found = occurrence.key in self._instants or occurrence.starts.naive.date() in self._days
        if found:
            self.left_out.append(occurrence)
        return found

    def unmatched(self, span: tuple[datetime, datetime | None]) -> tuple[ExcludedDate, ...]:
        """Return what is named in a span, which may have no end, but is none of the occurrences asked about."""
        keys = {occurrence.key for occurrence in self.left_out}
        days = {occurrence.starts.naive.date() for occurrence in self.left_out}
        named = [(key, excluded) for key, excluded in self._instants.items() if key not in keys]
        named += [(excluded.written.instant(), excluded) for day, excluded in self._days.items() if day not in days]
        first, last = span
        return tuple(excluded for key, excluded in named if first <= key and (last is None or key <= last))


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
