"""Insights: what the closures of the last quarters show together, each figure with its table and its spreadsheet."""

from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from markupsafe import Markup

from app.domain.access import Action
from app.domain.london import london_date
from app.domain.refusal import Refusal
from app.register import sheet_out
from app.register.questions.insights import WEEKDAYS, InsightsJson, insights_of
from app.register.questions.readers import note_export
from app.web.pages.drawing import Bar, Dot, bar_chart, scatter, week_of_hours
from app.web.pages.wording import date_words
from app.web.principal import current_principal
from app.web.query import QueryRefused, read_quarters
from app.web.site import site
from feeds.wording import band_range

blueprint = Blueprint("insights", __name__)

_MOST_ROWS = 50  # on a page; a spreadsheet holds them all
_NAMED = 3  # dots with their names beside


@blueprint.get("/insights", action=Action.READ_LATE_CHANGES)
def show() -> Response:
    """Show the figures of the closures that start in a span; by default those of this quarter and three before."""
    found, fault = None, None
    try:
        span = read_quarters()
        found = insights_of(site().register, current_principal(), span, site().now())
    except Refusal as refusal:
        fault = refusal
    page = render_template(
        "insights.html",
        found=found,
        figures=_figures(found) if found else {},
        quarters=sorted({row["quarter"] for row in found["quarters"]}) if found else [],
        rows=_rows(found) if found else {},
        most=_MOST_ROWS,
        stated=request.args,
        first=london_date(span.starts) if found else None,
        after=london_date(span.ends) if found else None,
        fault=fault,
    )
    return make_response(page, 400 if fault else 200)


@blueprint.get("/insights.csv", action=Action.READ_LATE_CHANGES)
def as_sheet() -> Response:
    """Give the numbers of one figure as a spreadsheet; that somebody took it is noted."""
    name = request.args.get("figure", "")
    if name not in sheet_out.INSIGHTS:
        raise QueryRefused("That is not a figure.", f"Give one of {', '.join(sheet_out.INSIGHTS)}.")
    principal = current_principal()
    answer: dict[str, Any] = {**insights_of(site().register, principal, read_quarters(), site().now())}
    rows = answer[name]
    note_export(site().store, principal.name, f"insights {name}, csv", len(rows), site().now())
    response = Response(sheet_out.to_csv(sheet_out.INSIGHTS[name], rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="insights-{name}.csv"'
    return response


def _figures(found: InsightsJson) -> dict[str, Markup]:
    """Draw what is drawn, by the name of its figure."""
    short, told = Counter[str](), Counter[str]()
    for row in found["quarters"]:
        told[row["quarter"]] += row["closures"]
        short[row["quarter"]] += row["short_notice"]
    hours = {(WEEKDAYS.index(row["weekday"]), row["hour"]): row["reopenings"] for row in found["reopenings"]}
    return {
        "notice": bar_chart(
            "Closures by the Working Days' notice of their times",
            [Bar(band_range(row["band"]), row["closures"], 0, str(row["closures"])) for row in found["notice"]],
        ),
        "quarters": bar_chart(
            "Closures by the quarter in which they start, and how many have short notice",
            [Bar(name, told[name], short[name], f"{short[name]} of {told[name]}") for name in sorted(told)],
        ),
        "reopenings": week_of_hours("How often gateways re-open, by hour of the week", hours),
        "churn": scatter(
            "Users by the median notice of their first notices and by moves for each closure",
            [Dot(row["first_notice_days"], row["moves_per_closure"], row["user"]) for row in found["churn"]],
            ("Working Days' first notice", "moves for a closure"),
            _NAMED,
        ),
    }


def _rows(found: InsightsJson) -> dict[str, list[list[object]]]:
    """Return the rows of the tables, by the name of their figure."""
    return {
        "notice": [[band_range(row["band"]), row["closures"]] for row in found["notice"]],
        "quarters": _by_user(found),
        "reopenings": [
            [row["weekday"], f"{row['hour']:02}:00", row["reopenings"]]
            for row in sorted(found["reopenings"], key=lambda row: -row["reopenings"])
        ],
        "churn": [
            [row["user"], row["closures"], row["moves"], row["moves_per_closure"], f"{row['first_notice_days']:g}"]
            for row in found["churn"]
        ],
        "silent": [
            [row["user"], date_words(datetime.fromisoformat(row["last_notice"])) if row["last_notice"] else "never"]
            for row in found["silent"]
        ],
    }


def _by_user(found: InsightsJson) -> list[list[object]]:
    """Return the Users with most short notices first, each with its words for every quarter of the answer."""
    quarters = sorted({row["quarter"] for row in found["quarters"]})
    words: defaultdict[str, dict[str, str]] = defaultdict(dict)
    short = Counter[str]()
    for row in found["quarters"]:
        went = ((row["early"], "early"), (row["over_time"], "over time"), (row["not_taken_place"], "not taken place"))
        parts = [f"{row['short_notice']} of {row['closures']}", *(f"{count} {how}" for count, how in went if count)]
        words[row["user"]][row["quarter"]] = ", ".join(parts)
        short[row["user"]] += row["short_notice"]
    users = sorted(words, key=lambda user: (-short[user], user))
    return [[user, *(words[user].get(quarter, "none") for quarter in quarters)] for user in users]
