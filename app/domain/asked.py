"""What somebody typed into the one box, read: words that name something, and a time in words or in ISO 8601.

``GW-A1 02:10``, ``alpha tonight``, ``CN-0123456789``, ``6 December``, ``next Tuesday``: what is no time is a word. Text
between double quotes is words whatever it says. Times are London time unless they state an offset.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from app.domain.london import LONDON, london_date, read_instant, read_wall_clock, whole_days
from app.domain.refusal import TimeRefused, WindowRefused
from app.domain.window import ClosureWindow

_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
_EVENING, _MORNING, _STILL_NIGHT = time(18), time(8), time(6)
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SATURDAY = 5
_LEAP = 8  # years within which 29 February comes, also about a year such as 2100
_MOST_DAYS = 400  # in "next 90 days": a page shows no more
_MONTH = "(?P<month>" + "|".join(f"{name[:3]}(?:{name[3:]})?" for name in _MONTHS) + "|sept)"
_WEEKDAY = "(?P<weekday>" + "|".join(f"{name[:3]}(?:{name[3:]})?" for name in _WEEKDAYS) + "|tues|wednes|thurs?)"
_NUMBER = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4})"
_ZONE = r"(?:\s?(?P<zone>z|utc|gmt|bst))?"
_ISO_DAY, _ISO_CLOCK = r"(?P<iso_day>\d{4}-\d\d-\d\d)", r"(?P<clock>\d\d:\d\d(?::\d\d(?:\.\d+)?)?)"
_QUOTED = re.compile(r'"([^"]*)"?')
_FEED_UID = re.compile(r"(cn-[0-9a-z]{10})@\S+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed. ``at`` is an instant (aware UTC), ``span`` a longer time; at most one of the two is stated.

    ``words`` are all that is no time, in lower case: each of them is to be part of what is looked for.
    """

    words: tuple[str, ...]
    at: datetime | None = None
    span: ClosureWindow | None = None

    def meets(self, *texts: str) -> bool:
        """Tell whether each word is part of one of the texts, in any case."""
        return not words_left(self.words, *texts)


def words_left(words: tuple[str, ...], *texts: str) -> tuple[str, ...]:
    """Return those of the words, in lower case, that are part of none of the texts."""
    said = "\n".join(texts).casefold()
    return tuple([word for word in words if word not in said])


@dataclass(frozen=True, slots=True)
class _Days:
    """London days, the second one exclusive."""

    first: date
    after: date


_When = datetime | time | _Days | ClosureWindow | None
"""What a piece of text says: an instant, a time of the day, days, a span; None where it is no time after all."""
_Reading = Callable[[re.Match[str], datetime], _When]


def read_asked(text: str, now: datetime) -> Asked:
    """Read what was typed at ``now`` (aware UTC). Nothing is refused: what is not understood as a time is a word."""
    literal = [word for quoted in _QUOTED.findall(text) for word in quoted.split()]
    left, found = _QUOTED.sub(" ", text).replace(",", " "), []
    for pattern, reading in _PATTERNS:
        for match in pattern.finditer(left):
            try:
                when = reading(match, now)
            except (ValueError, OverflowError, TimeRefused, WindowRefused):  # no such day: it stays a word
                when = None
            if when is not None:
                found.append(when)
                left = f"{left[: match.start()]} {left[match.end() :]}"
                break
    words = [_FEED_UID.sub(r"\1", word).casefold() for word in (*left.split(), *literal)]
    try:
        at, span = _put_together(found, now)
    except (ValueError, OverflowError, TimeRefused, WindowRefused):  # at the end of the years that there are
        at, span = None, None
    return Asked(tuple(words), at, span)


def _put_together(found: Sequence[_When], now: datetime) -> tuple[datetime | None, ClosureWindow | None]:
    """Return the instant or the span that the pieces say together; of two of a kind the first counts."""
    instant = next((one for one in found if isinstance(one, datetime)), None)
    clock = next((one for one in found if isinstance(one, time)), None)
    days = next((one for one in found if isinstance(one, _Days)), None)
    span = next((one for one in found if isinstance(one, ClosureWindow)), None)
    if instant is not None:
        return instant, None
    if days is not None:
        span = whole_days(days.first, days.after)
    return (None, span) if clock is None else (_at_clock(clock, span, now), None)


def _at_clock(clock: time, span: ClosureWindow | None, now: datetime) -> datetime:
    """Return the instant at which clocks first show a time in a span; without one, that which is nearest to now."""
    day = london_date(now if span is None else span.starts)
    tried = [_wall(day + n * _DAY, clock) for n in ((-1, 0, 1) if span is None else (0, 1))]
    if span is None:
        return min(tried, key=lambda instant: abs(instant - now))
    return next((instant for instant in tried if span.contains(instant)), tried[0])


def _wall(day: date, clock: time) -> datetime:
    """Return the instant at which a clock, London's unless it says another, shows a time on a day."""
    shown = datetime.combine(day, clock)
    return read_wall_clock(shown)[0] if shown.tzinfo is None else shown.astimezone(UTC)


def _instant(match: re.Match[str], _: datetime) -> _When:
    day, clock, zone = match["iso_day"], match["clock"], (match["zone"] or "").upper()
    if match["offset"]:
        return read_instant(f"{day}T{clock}{match['offset'].replace(' ', '+')}")[0]
    return read_instant(f"{day}T{clock}{_OFFSETS.get(zone, '')}")[0]


_OFFSETS = {"Z": "Z", "UTC": "Z", "GMT": "Z", "BST": "+01:00"}


def _clock(match: re.Match[str], _: datetime) -> _When:
    hour, half = int(match["hour"]), (match["half"] or "").lower()
    if half:
        if not 1 <= hour <= 12:  # noqa: PLR2004 - the clock's own numbers
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    minute = int(match["minute"] or 0)
    zone = (match["zone"] or "").upper()
    stated = time(hour, minute)
    return stated if not zone else time.fromisoformat(f"{stated:%H:%M}{_OFFSETS[zone]}")


def _iso_day(match: re.Match[str], _: datetime) -> _When:
    return _one_day(date.fromisoformat(match["iso_day"]))


def _named_day(match: re.Match[str], now: datetime) -> _When:
    groups = match.groupdict()
    month = int(groups["month"]) if groups["month"].isdigit() else _place(_MONTHS, groups["month"]) + 1
    day = int(groups["day"])
    if groups["year"]:
        year = int(groups["year"])
        return _one_day(date(year + 2000 if year < 100 else year, month, day))  # noqa: PLR2004 - two digits
    today = london_date(now)
    years = range(today.year - _LEAP, today.year + _LEAP + 1)
    tried = [one for year in years if (one := _day_or_none(year, month, day)) is not None]
    weekday = groups.get("weekday")
    on_it = [one for one in tried if weekday and one.weekday() == _place(_WEEKDAYS, weekday)]
    return _one_day(min(on_it or tried, key=lambda one: abs(one - today)))  # ValueError: no such day in any year


def _day_or_none(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _weekday(match: re.Match[str], now: datetime) -> _When:
    today, wanted = london_date(now), _place(_WEEKDAYS, match["weekday"])
    ahead = (wanted - today.weekday()) % 7 * _DAY
    which = (match["which"] or "").lower()
    if which == "next" and not ahead:
        ahead = _WEEK
    return _one_day(today + (ahead - _WEEK if which == "last" else ahead))


def _month(match: re.Match[str], now: datetime) -> _When:
    today, month = london_date(now), _place(_MONTHS, match["month"]) + 1
    if match["year"]:
        return _months(int(match["year"]), month, 1)
    near = [today.year + n for n in (-1, 0, 1)]
    year = min(near, key=lambda year: abs((year - today.year) * 12 + month - today.month))
    return _months(year, month, 1)


def _quarter(match: re.Match[str], _: datetime) -> _When:
    number, year = (
        int(next(text for text in pair if text)) for pair in (match.group("q", "q2"), match.group("y", "y2"))
    )
    return _months(year, number * 3 - 2, 3)


def _named_time(match: re.Match[str], now: datetime) -> _When:
    today, local = london_date(now), now.astimezone(LONDON)
    word = match["word"].lower()
    if word == "now":
        return now
    if word == "tonight":
        evening = today - _DAY if local.time() < _STILL_NIGHT else today
        return ClosureWindow(_wall(evening, _EVENING), _wall(evening + _DAY, _MORNING))
    return _one_day(today + {"today": 0, "tomorrow": 1, "yesterday": -1}[word] * _DAY)


def _stretch(match: re.Match[str], now: datetime) -> _When:
    today, unit = london_date(now), match["unit"].lower()
    step = {"last": -1, "this": 0, "next": 1}[match["which"].lower()]
    if unit == "week":
        monday = today - today.weekday() * _DAY + step * _WEEK
        return _Days(monday, monday + _WEEK)
    if unit == "weekend":
        saturday = today + (_SATURDAY - today.weekday()) * _DAY + step * _WEEK
        return _Days(saturday, saturday + 2 * _DAY)
    if unit == "year":
        return _Days(date(today.year + step, 1, 1), date(today.year + step + 1, 1, 1))
    if unit == "month":
        return _months(today.year, today.month + step, 1)
    return _months(today.year, (today.month - 1) // 3 * 3 + 1 + 3 * step, 3)


def _so_many_days(match: re.Match[str], now: datetime) -> _When:
    today = london_date(now)
    length = int(match["many"]) * (_WEEK if match["unit"].lower().startswith("week") else _DAY)
    if not _DAY <= length <= _MOST_DAYS * _DAY:
        return None
    return _Days(today, today + length) if match["which"].lower() == "next" else _Days(today - length, today)


def _months(year: int, month: int, many: int) -> _Days:
    """Return whole months from a month on, which may be counted past either end of the year."""
    first, after = ((year * 12 + month - 1 + n) for n in (0, many))
    return _Days(date(first // 12, first % 12 + 1, 1), date(after // 12, after % 12 + 1, 1))


def _one_day(day: date) -> _Days:
    return _Days(day, day + _DAY)


def _place(names: tuple[str, ...], text: str) -> int:
    return next(place for place, name in enumerate(names) if name[:3] == text[:3].lower())


def _alone(pattern: str) -> re.Pattern[str]:
    """Return what finds a time that stands between blanks, with the little word that leads to it."""
    return re.compile(rf"(?<!\S)(?:(?:at|on|in)\s+)?(?:{pattern})(?!\S)", re.IGNORECASE)


_PATTERNS: tuple[tuple[re.Pattern[str], _Reading], ...] = (
    # The plus sign of an offset is a blank where an address was put together without care.
    (_alone(rf"{_ISO_DAY}[T ]{_ISO_CLOCK}(?:(?P<offset>[+ -]\d\d:?\d\d)|{_ZONE})"), _instant),
    (_alone(_ISO_DAY), _iso_day),
    (_alone(r"(?P<day>\d{1,2})/(?P<month>\d{1,2})(?:/(?P<year>\d{4}|\d\d))?"), _named_day),
    (_alone(rf"(?:{_WEEKDAY}\s+)?{_NUMBER}\s+(?:of\s+)?{_MONTH}(?:\s+{_YEAR})?"), _named_day),
    (_alone(rf"(?:{_WEEKDAY}\s+)?{_MONTH}\s+{_NUMBER}(?:\s+{_YEAR})?"), _named_day),
    (_alone(r"q(?P<q>[1-4])[ -]?(?P<y>\d{4})|(?P<y2>\d{4})[ -]?q(?P<q2>[1-4])"), _quarter),
    (_alone(rf"{_MONTH}(?:\s+{_YEAR})?"), _month),
    (_alone(r"(?P<which>next|last)\s+(?P<many>\d{1,3})\s+(?P<unit>days?|weeks?)"), _so_many_days),
    (_alone(r"(?P<which>this|next|last)\s+(?P<unit>weekend|week|month|quarter|year)"), _stretch),
    (_alone(rf"(?:(?P<which>this|next|last)\s+)?{_WEEKDAY}"), _weekday),
    (_alone(r"(?P<word>now|today|tonight|tomorrow|yesterday)"), _named_time),
    (_alone(rf"(?P<hour>\d{{1,2}})(?::(?P<minute>\d\d)(?:\s?(?P<half>am|pm))?){_ZONE}"), _clock),
    (_alone(rf"(?P<hour>\d{{1,2}})(?P<minute>)\s?(?P<half>am|pm){_ZONE}"), _clock),
)  # fmt: skip
"""What is looked for in its turn: what says more comes before what says a part of it."""
