"""What a sender is told of a series: how its exceptions were read, which of them fit nothing, and what is not taken."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from app.domain.london import london_text
from app.ical.moment import Moment, in_series
from app.ical.named_zone import UTC_ZONE
from app.ical.recurrence import ExcludedDate, Expansion, RuleOccurrence
from app.intake.parsed_event import ParsedEvent

_MOST_NAMED = 10  # in one sentence; nobody mends more at once


def written(moment: Moment) -> str:
    """Word a time as its sender wrote it, without its zone: ``19 Apr 2027 02:00``, ``19 Apr 2027 01:00 UTC``."""
    day = f"{moment.naive.day} {moment.naive:%b %Y}"
    if moment.all_day:
        return day
    clock = f"{moment.naive:%H:%M:%S}" if moment.naive.second else f"{moment.naive:%H:%M}"
    return f"{day} {clock}{' UTC' if moment.zone == UTC_ZONE and not moment.floating else ''}"


def named_series(master: ParsedEvent) -> str:
    """Word which series is meant: by its line and its first start."""
    begins = "" if master.starts is None else f" (from {written(master.starts)})"
    return f"the series at line {master.sent.line}{begins}"


def extent_remarks(master: ParsedEvent, expansion: Expansion, *, goes_on: bool) -> list[str]:
    """Say what of a series is taken, where that is not all of it, and what becomes of the rest.

    ``goes_on`` says that its later occurrences are added as the horizon moves.
    """
    taken, named = len(expansion.occurrences), named_series(master)
    remarks = []
    if not taken and expansion.left_out and expansion.until is None:
        remarks.append(f"EXDATE leaves out every occurrence of {named}: nothing of it takes place.")
    if expansion.since is not None:
        remarks.append(f"What lies before {london_text(expansion.since)} of {named} was left out: it is long past.")
    if expansion.until is not None:
        told = f"{_counted(taken, 'occurrence')} of {named} {'was' if taken == 1 else 'were'} taken"
        edge = london_text(expansion.until)
        if goes_on:
            remarks.append(f"{told} now; those from {edge} on are added by themselves as they come nearer.")
        else:
            again = "send them again when they are nearer"
            remarks.append(f"{told}; those from {edge} on are not added by themselves: {again}.")
    return remarks


def day_remarks(master: ParsedEvent, changed: Iterable[ParsedEvent]) -> list[str]:
    """Say which day was read where a series of whole days has an exception, or its last day, as a time."""
    starts, recurrence = master.starts, master.recurrence
    if starts is None or not starts.all_day or recurrence is None:
        return []
    named = [("EXDATE", excluded.written, excluded.line) for excluded in recurrence.excluded]
    named += [
        ("RECURRENCE-ID", event.recurrence_id, event.sent.line) for event in changed if event.recurrence_id is not None
    ]
    if recurrence.rule is not None and recurrence.rule.until is not None:
        named.append(("UNTIL", recurrence.rule.until, master.sent.line))
    as_days = [
        f"{name} {written(moment)} (line {line}) as {written(in_series(moment, starts))}"
        for name, moment, line in named
        if not moment.all_day
    ]
    if not as_days:
        return []
    return [f"Times in {named_series(master)} were read as the days that they name: {_listed(as_days)}."]


def by_day_remark(master: ParsedEvent, event: ParsedEvent, meant: RuleOccurrence) -> str:
    """Say which occurrence of a series of times is meant by one that is named by its day alone."""
    return (
        f"The event at line {event.sent.line} names an occurrence of {named_series(master)} by its day alone: "
        f"that of {written(meant.starts)} was taken."
    )


def excluded_remarks(master: ParsedEvent, expansion: Expansion) -> list[str]:
    """Name what EXDATE names though the series has no occurrence there."""
    if not expansion.unmatched:
        return []
    named = [
        f"{written(excluded.written)} (line {excluded.line}{_that_day(excluded, expansion.occurrences)})"
        for excluded in expansion.unmatched
    ]
    text = (
        f"EXDATE names what is no occurrence of {named_series(master)}; nothing was left out for it: {_listed(named)}."
    )
    return [f"{text} To leave one out, give the start that it has in the series."]


def _that_day(excluded: ExcludedDate, occurrences: Sequence[RuleOccurrence]) -> str:
    day = excluded.written.naive.date()
    there = next((found.starts for found in occurrences if found.starts.naive.date() == day), None)
    return "" if there is None or there.all_day else f"; that day it starts {there.naive:%H:%M}"


def stray_remarks(
    master: ParsedEvent, strays: Sequence[ParsedEvent], expansion: Expansion, span: tuple[datetime, datetime | None]
) -> list[str]:
    """Name the changed and cancelled occurrences in a span that the series does not have, or that EXDATE leaves out."""
    assert master.starts is not None
    left_out = {occurrence.key for occurrence in expansion.left_out}
    remarks = []
    unmatched, excluded = [], []
    for event in strays:
        assert event.recurrence_id is not None
        key = in_series(event.recurrence_id, master.starts).instant()
        named = _named_change(event)
        if key in left_out:
            excluded.append(named)
        elif span[0] <= key and (span[1] is None or key <= span[1]):
            unmatched.append(named)
    if excluded:
        remarks.append(
            f"EXDATE leaves out what another event of {named_series(master)} changes; the change was taken: "
            f"{_listed(excluded)}. If it does not take place, cancel it or remove that event."
        )
    if unmatched:
        remarks.append(
            f"RECURRENCE-ID names what is no occurrence of {named_series(master)}: {_listed(unmatched)}. "
            "The change was taken for itself, and the series as it stands: check that both are meant."
        )
    return remarks


def skipped_remarks(skipped: Sequence[ParsedEvent]) -> list[str]:
    """Name the changed occurrences that are so long past that they are not taken."""
    named = [_named_change(event) for event in skipped]
    return [f"Changed occurrences that are long past were left out: {_listed(named)}."]


def _named_change(event: ParsedEvent) -> str:
    assert event.recurrence_id is not None
    return f"{written(event.recurrence_id)} (line {event.sent.line})"


def _listed(named: Sequence[str]) -> str:
    more = len(named) - _MOST_NAMED
    return ", ".join(named[:_MOST_NAMED]) + (f", and {more} more" if more > 0 else "")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count or 'No'} {noun}s"
