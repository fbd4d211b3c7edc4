"""The window that a start and a length make: how it was read, and whether it lies within reach."""

from datetime import datetime, timedelta

from app.domain.london import Reading as ClockReading
from app.domain.refusal import WindowRefused
from app.domain.window import ClosureWindow
from app.ical.doubted_zone import check_definitions, doubts
from app.ical.moment import Moment
from app.ical.unread import Unread
from app.ical.values import Length
from app.intake.read_request import ReadRequest

_HOW_READ = {
    ClockReading.FIRST_OF_TWO: "happens twice that night, as the clocks go back; it was read as the first.",
    ClockReading.AFTER_GAP: "does not exist that night, as the clocks go forward; it was read as the end of the gap.",
    ClockReading.OFFSET_BEFORE_GAP: (
        "does not exist that night, as the clocks go forward; it was read as {shown:%H:%M}."
    ),
}
ALL_DAY_REMARK = "An all-day event was read as London midnight to London midnight."
FLOATING_REMARK = "Times without a zone were read as London time."
FLOATING_END_REMARK = (
    "The end names no time zone; it was read in that of the start. If that is wrong, give both times their zone."
)
ADDED_DAY_REMARK = (
    "A date added to the series (RDATE) names a day alone; it was read as that day at the time at which the series "
    "begins. If that is wrong, give it a time."
)
FLOATING_ELSEWHERE_REMARK = "Times without a zone were read in the calendar's own zone (X-WR-TIMEZONE)."


def window_from(starts: Moment, length: Length) -> tuple[ClosureWindow, tuple[str, ...]]:
    """Return the window that begins at ``starts`` and lasts ``length``, with remarks. Raise ``WindowRefused``.

    The nominal part is added on the wall clock, so that 00:00 to 06:00 in London stays that on 25 Oct 2026, when it
    lasts seven hours.
    """
    begun, how_begun = starts.zone.read(starts.naive)
    naive_end = starts.naive + length.nominal
    nominal_end, how_ended = starts.zone.read(naive_end)
    window = ClosureWindow(begun, nominal_end + length.exact)
    remarks = [
        how_read(naive, how, starts.zone.wall(instant))
        for naive, how, instant in ((starts.naive, how_begun, begun), (naive_end, how_ended, nominal_end))
        if how is not ClockReading.EXACT
    ]
    remarks += doubts(starts.zone, (starts.naive, naive_end))
    # What was written, on the clocks: days and times of day, or exact hours.
    written = starts.zone.wall(window.ends) - starts.naive if length.exact else length.nominal
    if window.duration != written:
        remarks.append(f"The clocks change during this window: it lasts {_worded(window.duration)}.")
    return window, tuple(dict.fromkeys(remarks))


def how_read(wall: datetime, how: ClockReading, shown: datetime) -> str:
    """Word how an ambiguous or missing wall-clock time was read; ``shown`` is what the clocks show then."""
    return f"{wall:%H:%M} on {wall.day} {wall:%b %Y} {_HOW_READ[how].format(shown=shown)}"


def _worded(duration: timedelta) -> str:
    hours, rest = divmod(int(duration.total_seconds()), 3600)
    return f"{hours} h" + (f" {rest // 60} min" if rest >= 60 else "")  # noqa: PLR2004 - seconds of a minute


def checked_window(
    starts: Moment, length: Length, request: ReadRequest, where: tuple[int, str], ends_where: tuple[int, str]
) -> tuple[ClosureWindow, tuple[str, ...]]:
    """Return a window within the limits, with remarks. ``where`` and ``ends_where`` are (line, property) of each time.

    Raise ``Unread``: ends not after start, starts out of reach, longer than allowed, or in a zone of two definitions.
    """
    limits = request.limits
    line, name = where
    check_definitions(starts.zone, (starts.naive, starts.naive + length.nominal), line, name)
    try:
        window, remarks = window_from(starts, length)
    except WindowRefused as refused:
        raise Unread(
            "end-not-after-start",
            "The end is not after the start.",
            "Check both times; the end must be later than the start.",
            line=ends_where[0],
            property_name=ends_where[1],
        ) from refused
    is_past = window.starts < request.now
    reach = limits.past if is_past else limits.reach
    if abs(window.starts - request.now) > reach:
        raise Unread(
            "too-long-ago" if is_past else "too-far-ahead",
            f"The start is more than {reach.days} days from today.",
            "Check the year.",
            line=line,
            property_name=name,
        )
    if window.duration > limits.longest_window and not request.allow_long:
        raise Unread(
            "window-too-long",
            f"The window is longer than {limits.longest_window.days} days.",
            "Check both times, or confirm that the gateway is closed for so long.",
            line=ends_where[0],
            property_name=ends_where[1],
        )
    if window.duration > limits.longest_window:
        remarks = (*remarks, f"This window is longer than {limits.longest_window.days} days: check that it is meant.")
    return window, remarks
