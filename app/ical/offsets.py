"""Offsets from UTC over time, of any origin: which is in force at an instant, and when two of them differ."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

_DAY = timedelta(days=1)  # more than any two clocks are apart at the turn of a year
_REMEMBERED = 500  # onsets; longer ones are compared each time, so that they fill no memory


@dataclass(frozen=True, slots=True)
class Offsets:
    """``values[0]`` holds before ``onsets[0]`` (aware UTC), ``values[n+1]`` from ``onsets[n]`` on."""

    onsets: tuple[datetime, ...]
    values: tuple[timedelta, ...]

    def at(self, instant: datetime) -> timedelta:
        """Return the offset in force at an aware instant."""
        return self.values[bisect_right(self.onsets, instant)]

    def differing_years(self, other: "Offsets", years: tuple[int, int]) -> frozenset[int]:
        """Return the years of the clocks, from the first to the last of ``years``, in which the two ever differ."""
        is_short = len(self.onsets) + len(other.onsets) <= _REMEMBERED
        return (_remembered if is_short else _differing_years)(self, other, years)


def _differing_years(one: Offsets, other: Offsets, years: tuple[int, int]) -> frozenset[int]:
    first, end = datetime(years[0], 1, 1, tzinfo=UTC), datetime(years[1] + 1, 1, 1, tzinfo=UTC)
    between = {onset for onset in (*one.onsets, *other.onsets) if first < onset < end}
    found: set[int] = set()
    for begins, ends in pairwise([first, *sorted(between), end]):
        if one.at(begins) != other.at(begins):
            found.update(range((begins - _DAY).year, (ends + _DAY).year + 1))
    return frozenset(found)


_remembered = lru_cache(maxsize=64)(_differing_years)
