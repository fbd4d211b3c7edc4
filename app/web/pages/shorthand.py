"""Short words for pages that show much at once: days of a strip, time left, and what a move changed."""

from datetime import date, datetime, timedelta

from flask import Blueprint

from app.domain.london import LONDON, london_date, whole_days
from app.domain.window import ClosureWindow
from app.register.questions.answer import count_words, span_words
from app.register.questions.overview import day_short
from app.web.pages.wording import date_words, duration_words

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


def install_shorthand(blueprint: Blueprint) -> None:
    """Give the templates of the whole application these words as filters."""
    for name, words in (
        ("span", span_words),
        ("weekday", weekday_words),
        ("day_month", day_month_words),
        ("short_day", day_short),
        ("long_day", long_day_words),
        ("days_to", days_words),
        ("count", count_words),
        ("left", left_words),
        ("clock", clock_words),
        ("london_day", london_date),
        ("shift", shift_words),
        ("stretch", stretch_words),
    ):
        blueprint.add_app_template_filter(words, name)


def weekday_words(day: date) -> str:
    """Word the weekday: ``Sun``."""
    return f"{day:%a}"


def day_month_words(day: date) -> str:
    """Word a day without its year: ``6 Dec``."""
    return f"{day.day} {day:%b}"


def long_day_words(day: date) -> str:
    """Word a day in full: ``Sunday 6 December 2026``."""
    return f"{day:%A} {day.day} {day:%B %Y}"


def days_words(first: date, last: date) -> str:
    """Word days that follow on one another shortly: ``7 to 13 Dec``, ``30 Nov to 6 Dec``; one of them: ``7 Dec``."""
    if first == last:
        return day_month_words(first)
    begins = f"{first.day}" if (first.year, first.month) == (last.year, last.month) else day_month_words(first)
    return f"{begins} to {day_month_words(last)}"


def left_words(until: datetime, now: datetime) -> str:
    """Word the time from ``now`` to ``until``: ``2 h 10 min``, in minutes that have begun; from two days on in days."""
    left = until - now
    if left >= 2 * _DAY:
        return f"{left // _DAY} days"
    minutes = max(1, -(-left // _MINUTE))
    return duration_words(minutes * _MINUTE)


def stretch_words(span: ClosureWindow) -> str:
    """Word a span that was asked about, in days where it is of whole ones: ``Sun 6 Dec 2026``, ``7 to 13 Dec 2026``."""
    first, after = london_date(span.starts), london_date(span.ends)
    if span != whole_days(first, after):
        return span_words(span)
    last = after - _DAY
    return f"{first:%a} {date_words(span.starts)}" if first == last else f"{days_words(first, last)} {last.year}"


def clock_words(instant: datetime) -> str:
    """Word a time of day by London's clock: ``02:10 GMT``."""
    return f"{instant.astimezone(LONDON):%H:%M %Z}"


def shift_words(after: ClosureWindow, before: ClosureWindow) -> str:
    """Word what a change of the window did, by London's clock: ``7 days later, for as long as before``."""
    starts, ends = (_moved(*pair) for pair in ((before.starts, after.starts), (before.ends, after.ends)))
    if starts == ends:
        return f"{_span(starts)}, for as long as before"
    parts = [f"{name} {_span(moved)}" for name, moved in (("starts", starts), ("ends", ends)) if moved]
    return ", ".join(parts)


def _moved(before: datetime, after: datetime) -> timedelta:
    local = [instant.astimezone(LONDON).replace(tzinfo=None) for instant in (before, after)]
    return local[1] - local[0]


def _span(moved: timedelta) -> str:
    return f"{duration_words(abs(moved))} {'later' if moved > timedelta() else 'earlier'}"
