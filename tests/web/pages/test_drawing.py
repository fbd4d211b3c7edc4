"""Figures as SVG: golden octets of a small one, and what a drawing may never let through."""

from pathlib import Path

from app.web.pages.drawing import Bar, Dot, bar_chart, scatter, week_of_hours

GOLDEN = Path(__file__).parents[2] / "golden" / "bars.svg"


def test_bars_are_drawn_to_the_octet():
    drawn = bar_chart("Closures by quarter", [Bar("2026-Q3", 4, 1, "1 of 4"), Bar("2026-Q4", 2, 0, "0 of 2")])
    assert drawn == GOLDEN.read_text(encoding="utf-8").rstrip("\n")


def test_names_are_words_and_no_marks():
    drawn = scatter("<a>", [Dot(1, 2, "<script>&\"'")], ("across", "up"), 1) + bar_chart(
        "\"'", [Bar("<b>", 1, 1, "<i>")]
    )
    assert "<script" not in drawn
    assert "<b>" not in drawn
    assert 'aria-label="&lt;a&gt;"' in drawn
    assert drawn.count("&lt;script&gt;&amp;&#34;&#39;") == 2  # the dot's title, and its name beside


def test_a_week_has_each_number_in_its_place_and_shade():
    drawn = week_of_hours("A week", {(0, 0): 1, (6, 23): 9})
    assert '<rect class="fig-1" x="32.5" y="17" width="11" height="22"/>' in drawn
    assert '<text class="fig-number fig-on-3" x="314" y="175">9</text>' in drawn
    assert drawn.count('class="fig-number') == 2


def test_nothing_is_drawn_of_nothing():
    assert bar_chart("t", []) == '<svg class="figure" viewBox="0 0 320 0" role="img" aria-label="t"></svg>'
    assert "circle" not in scatter("t", [], ("a", "b"), 3)
    assert "fig-number" not in week_of_hours("t", {})
