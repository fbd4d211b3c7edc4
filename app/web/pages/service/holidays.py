"""Service, holidays: which days are no Working Days in each region, and days proclaimed at short notice."""

from datetime import date, timedelta

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.domain.access import Action
from app.domain.london import london_date, read_day
from app.domain.refusal import Refusal
from app.domain.working_days import REGIONS
from app.register.holiday_tables import names_of
from app.register.rulebook import add_extra_days, extra_days, remove_extra_days
from app.web.query import QueryRefused
from app.web.site import site

blueprint = Blueprint("service_holidays", __name__)

_SHOWN = timedelta(days=2 * 366)


@blueprint.get("/service/holidays", action=Action.KEEP_RULES)
def show() -> Response:
    """Show a region's holidays of two years, the extra days, and the form that adds one."""
    return _page()


@blueprint.post("/service/holidays", action=Action.KEEP_RULES)
def add() -> AnyResponse:
    """Add a day to every region's table; added twice it stands once."""
    try:
        day = read_day(request.form.get("day", ""))
        if day not in extra_days(site().store):
            add_extra_days(site().store, [day], site().now())
    except Refusal as refusal:
        return _page(refusal)
    flash(f"{_words(day)} is a holiday in every region now. What was counted before stays as it was.")
    return redirect(url_for("service_holidays.show"), 303)


@blueprint.post("/service/holidays/remove", action=Action.KEEP_RULES)
def remove() -> AnyResponse:
    """Take a day that was added out of every region's table; taken out twice it is out."""
    day = read_day(request.form.get("day", ""))
    if day in extra_days(site().store):
        remove_extra_days(site().store, [day], site().now())
    flash(f"{_words(day)} is no extra holiday any more. What was counted before stays as it was.")
    return redirect(url_for("service_holidays.show"), 303)


def _words(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"


def _page(fault: Refusal | None = None) -> Response:
    book, today = site().register.rulebook(), london_date(site().now())
    region = request.args.get("region") or book.policy_for(site().now()).holiday_region
    if region not in REGIONS:
        raise QueryRefused("That holiday region is not known.", "Choose one of the list.")
    calendar = book.calendars[region]
    page = render_template(
        "service/holidays.html",
        calendar=calendar,
        regions=REGIONS,
        days=[day for day in calendar.holidays if today <= day < today + _SHOWN],
        names=names_of(region, today, today + _SHOWN),
        extra=extra_days(site().store),
        ends_soon=calendar.ends_soon(today),
        stated=request.form,
        fault=fault,
    )
    return make_response(page, 422 if fault else 200)
