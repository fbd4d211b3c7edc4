"""The sentences of a feed: kind, short, the same for everyone; lateness is told, never blamed."""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from feeds.entry import FeedEntry, MaintenanceEntry
from feeds.property import plain

_LONDON = ZoneInfo("Europe/London")
_RETROSPECTIVE = {"after start": "started", "after end": "ended"}


@lru_cache(maxsize=4096)  # one answer words the same instants many times
def london_text(instant: datetime) -> str:
    """Word an instant in London time with its abbreviation: ``Sun 6 Dec 2026 02:00 GMT``."""
    local = instant.astimezone(_LONDON)
    return f"{local:%a} {local.day} {local:%b %Y %H:%M %Z}"


def window_text(starts: datetime, ends: datetime) -> str:
    """Word a window in London time and in UTC."""
    utc = f"{starts.astimezone(UTC):%Y-%m-%d %H:%M} to {ends.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"{london_text(starts)} to {london_text(ends)} ({utc})"


def working_days_notice(days: int) -> str:
    """Word a lead time: ``1 Working Day's notice``, ``7 Working Days' notice``."""
    return "1 Working Day's notice" if days == 1 else f"{days} Working Days' notice"


def notice_words(days: int, band: str, recommended: int) -> str:
    """Word notice beside what is recommended, without a full stop: ``7 Working Days' notice; 20 are recommended``.

    It is information, and nobody is in breach of anything. ``band`` tells a notice that came after the start or end.
    """
    if band in _RETROSPECTIVE:
        return (
            f"Notified after the window had {_RETROSPECTIVE[band]}; {working_days_notice(recommended)} is recommended"
        )
    return f"{working_days_notice(days)}; {recommended} {'is' if recommended == 1 else 'are'} recommended"


def told_words(days: int, band: str) -> str:
    """Word how long before a window something was told, beside the notice that leads: ``3 Working Days before``."""
    if band in _RETROSPECTIVE:
        return f"after the window had {_RETROSPECTIVE[band]}"
    return "1 Working Day before" if days == 1 else f"{days} Working Days before"


def band_range(band: str) -> str:
    """Word a band so that no spreadsheet takes it for a date or a formula: ``5 to 9``, ``20 or more``, ``after start``.

    "5-9" would become the fifth of September there.
    """
    if band.startswith(">="):
        return f"{band[2:]} or more"
    if band.startswith("<"):
        return f"fewer than {band[1:]}"
    return band.replace("-", " to ")


def band_words(band: str) -> str:
    """Word a band: ``10 to 19 Working Days' notice``, ``fewer than 2 Working Days' notice``."""
    if band in _RETROSPECTIVE:
        return f"notified after the window had {_RETROSPECTIVE[band]}"
    return working_days_notice(1) if band == "1" else f"{band_range(band)} Working Days' notice"


def notice_text(entry: FeedEntry) -> str:
    """Word the notice given for the current window, and whether that is short notice."""
    words = notice_words(entry.notice_days, entry.band, entry.recommended_days)
    if entry.band in _RETROSPECTIVE:
        return f"{words}."
    return f"{words} ({'short notice' if entry.short_notice else 'in good time'})."


def status_word(*, withdrawn: bool, provisional: bool = False) -> str:
    """Return the STATUS of an event (RFC 5545 3.8.1.11), which MAINTNOTE spells alike."""
    if withdrawn:
        return "CANCELLED"
    return "TENTATIVE" if provisional else "CONFIRMED"


def summary(entry: FeedEntry) -> str:
    """Return the line that a calendar shows: ``GW-ALPHA-1 closed (Alpha Energy)``; a nameless User by its code."""
    first = "CANCELLED: " if entry.withdrawn else "PROVISIONAL: " if entry.provisional else ""
    return f"{first}{closed_words(entry)}"


def closed_words(entry: FeedEntry) -> str:
    """Return the same whatever stands of it, so that mail about one closure has one subject."""
    user = plain(entry.user_name) or plain(entry.user_code)
    return f"{plain(entry.gateway_code)} closed ({user})"


def description(entry: FeedEntry) -> str:
    r"""Return a few lines of plain text (parted by ``\n``): notice given, late or not, moved from when, reference."""
    lines = [notice_text(entry)]
    if entry.first_notice_days != entry.notice_days:
        lines.append(f"First notified with {working_days_notice(entry.first_notice_days)}.")
    if entry.moved_from_starts is not None and entry.moved_from_ends is not None:
        lines.append(f"Moved from {window_text(entry.moved_from_starts, entry.moved_from_ends)}.")
    if entry.provisional:
        lines.append("Provisional: its User has not confirmed it yet.")
    if entry.planned_ends is not None:
        told = "Told re-opened at" if entry.reopened_at is not None else "Told closed until"
        lines.append(f"{told} {london_text(entry.ends)}; planned until {london_text(entry.planned_ends)}.")
    if entry.withdrawn:
        lines.append("Withdrawn.")
    if entry.late_change:
        lines.append("The last change was a late change.")
    lines.append(f"Reference {plain(entry.reference)}")
    return "\n".join(lines)


def categories(entry: FeedEntry) -> tuple[str, ...]:
    """Return the words by which a calendar may colour or filter."""
    words = ["Gateway closure"]
    if entry.short_notice:
        words.append("Short notice")
    if entry.late_change:
        words.append("Late change")
    return tuple(words)


def days_text(days: int) -> str:
    """Word a number of days."""
    return "1 day" if days == 1 else f"{days} days"


def horizon_text(past_days: int, horizon_days: int, withdrawn_days: int) -> str:
    """Word what a feed holds, for X-WR-CALDESC: subscribers must not take silence beyond the horizon for none.

    Neither this nor ``FULL_TEXT`` holds a comma or semicolon: some programs show an X- value with its backslashes.
    """
    return f"{_span_text(past_days, horizon_days, withdrawn_days)} {_NOT_APPROVED}"


def maintenance_text(past_days: int, horizon_days: int, withdrawn_days: int) -> str:
    """Word what a feed of DCC's own dates holds."""
    return f"{_span_text(past_days, horizon_days, withdrawn_days)} DCC's own dates as DCC gave them to this service."


def changes_text(past_days: int) -> str:
    """Word what a feed of changes holds."""
    return f"Closures that were new or changed or withdrawn in the last {days_text(past_days)}. {_NOT_APPROVED}"


def maintenance_summary(entry: MaintenanceEntry) -> str:
    """Return the line that a calendar shows of DCC's own window."""
    return f"{'CANCELLED: ' if entry.withdrawn else ''}{'SEC Release' if entry.release else 'DCC planned maintenance'}"


def _span_text(past_days: int, horizon_days: int, withdrawn_days: int) -> str:
    withdrawn = f"withdrawn ones for {days_text(withdrawn_days)}" if withdrawn_days else "without withdrawn ones"
    return f"From {days_text(past_days)} back to {days_text(horizon_days)} ahead and {withdrawn}."


_NOT_APPROVED = "Dates are as notified by Users and nothing here is approved."
FULL_TEXT = (
    "Everything on record with withdrawn ones and without a horizon: a large feed that some calendars cut short. "
    f"{_NOT_APPROVED}"
)
