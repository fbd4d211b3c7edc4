"""Figures as SVG for a page: bars and a week of hours. Pure; each element is escaped by Markup's own formatting.

Lengths are units of the picture. Looks are classes (insights.css), since pages have no styles inline. Each figure has
its numbers in words too: whoever reads none of it reads its table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

_WIDTH = 320
_ROW = 24
_LABEL = 96
_VALUE = 90
_CELL = 12
_SIDE = 32
_HOURS = 24
_SHADES = 3
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_RADIUS = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its label, its length in what is counted, the ``part`` of it that is marked, and its value in words."""

    label: str
    length: int
    part: int
    value: str


@dataclass(frozen=True, slots=True)
class Dot:
    """One dot of a scatter: where it lies on both axes, and what it is."""

    across: float
    up: float
    name: str


def bar_chart(title: str, bars: Sequence[Bar]) -> Markup:
    """Draw bars below one another, the longest over the whole width."""
    most = max((bar.length for bar in bars), default=0) or 1
    room = _WIDTH - _LABEL - _VALUE
    rows = []
    for at, bar in enumerate(bars):
        y = at * _ROW
        length, part = (round(room * count / most, 1) for count in (bar.length, bar.part))
        rows.append(_text("fig-label", _LABEL - 6, y + 16, bar.label))
        rows.append(_box("fig-bar", (_LABEL, y + 4), (length, 16)))
        if bar.part:
            rows.append(_box("fig-part", (_LABEL, y + 4), (part, 16)))
        rows.append(_text("fig-value", _LABEL + length + 5, y + 16, bar.value))
    return _picture(title, (_WIDTH, len(bars) * _ROW), rows)


def week_of_hours(title: str, counts: Mapping[tuple[int, int], int]) -> Markup:
    """Draw a week as seven rows of 24 hours; ``counts`` by (weekday from Monday 0, hour), shaded and with numbers."""
    most = max(counts.values(), default=1)
    parts = [_text("fig-tick", _SIDE + hour * _CELL, 10, f"{hour:02}") for hour in range(0, _HOURS, 6)]
    for weekday, name in enumerate(_WEEKDAYS):
        y = 16 + weekday * _ROW
        parts.append(_text("fig-label", _SIDE - 6, y + 16, name))
        parts.append(_box("fig-ground", (_SIDE, y + 1), (_HOURS * _CELL, _ROW - 2)))
        for hour in range(_HOURS):
            count = counts.get((weekday, hour), 0)
            if count:
                x, shade = _SIDE + hour * _CELL, -(-count * _SHADES // most)
                parts.append(_box(f"fig-{shade}", (x + 0.5, y + 1), (_CELL - 1, _ROW - 2)))
                parts.append(_text(f"fig-number fig-on-{shade}", x + _CELL / 2, y + 15, str(count)))
    return _picture(title, (_SIDE + _HOURS * _CELL, 16 + len(_WEEKDAYS) * _ROW), parts)


def scatter(title: str, dots: Sequence[Dot], axes: tuple[str, str], named: int) -> Markup:
    """Draw dots over two axes, both from 0, with the words of the axes; the first ``named`` have their names beside."""
    left, top, width, height = 30, 10, 270, 150
    most_across, most_up = (max((value for value in values), default=0) or 1 for values in (
        [dot.across for dot in dots], [dot.up for dot in dots]
    ))  # fmt: skip
    parts = [
        Markup('<path class="fig-axis" d="M{} {}v{}h{}"/>').format(left, top, height, width),
        _text("fig-label", left - 4, top + 8, f"{most_up:g}"),
        _text("fig-label", left - 4, top + height, "0"),
        _text("fig-label", left + width, top + height + 14, f"{most_across:g}"),
        _text("fig-tick", left, top + height + 14, axes[0]),
        _text("fig-tick", left + 6, top + 2, axes[1]),
    ]
    for at, dot in enumerate(dots):
        x, y = round(left + width * dot.across / most_across, 1), round(top + height - height * dot.up / most_up, 1)
        parts.append(
            Markup('<circle class="fig-dot" cx="{}" cy="{}" r="{}"><title>{}</title></circle>').format(
                x, y, _RADIUS, dot.name
            )
        )
        if at < named:
            outwards = x > left + width / 2
            parts.append(_text("fig-label" if outwards else "fig-tick", x + (-7 if outwards else 7), y + 4, dot.name))
    return _picture(title, (_WIDTH, top + height + 20), parts)


def _picture(title: str, size: tuple[float, float], parts: Sequence[Markup]) -> Markup:
    return Markup('<svg class="figure" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">{}</svg>').format(
        *size, title, Markup().join(parts)
    )


def _box(look: str, place: tuple[float, float], size: tuple[float, float]) -> Markup:
    return Markup('<rect class="{}" x="{:g}" y="{:g}" width="{:g}" height="{:g}"/>').format(look, *place, *size)


def _text(look: str, x: float, y: float, words: str) -> Markup:
    return Markup('<text class="{}" x="{:g}" y="{:g}">{}</text>').format(look, x, y, words)
