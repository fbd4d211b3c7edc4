"""Service, policy: how much notice is recommended, what is kept how long, when DCC wants a word; all by version."""

from collections.abc import Callable
from dataclasses import replace

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.domain.access import Action
from app.domain.london import london_date, read_day
from app.domain.notice_policy import read_cut_off
from app.domain.refusal import PolicyRefused, Refusal
from app.domain.working_days import REGIONS
from app.register import rulebook as rules
from app.web.pages.shorthand import day_month_words
from app.web.site import site

blueprint = Blueprint("service_policy", __name__)


@blueprint.get("/service/policy", action=Action.KEEP_RULES)
def show() -> Response:
    """Show the rules in force, every version of them, and the forms that add one."""
    return _page()


@blueprint.post("/service/policy/notice", action=Action.KEEP_RULES)
def set_notice() -> AnyResponse:
    """Add a version of the notice policy."""

    def work() -> str:
        cut_off = request.form.get("cut_off", "").strip()
        made = rules.set_notice_policy(
            site().store,
            recommended_days=_number("recommended_days"),
            holiday_region=request.form.get("holiday_region", ""),
            valid_from=read_day(request.form.get("valid_from", "")),
            now=site().now(),
            cut_off=read_cut_off(cut_off) if cut_off else None,
        )
        holds_from = f"{day_month_words(made.valid_from)} {made.valid_from.year}"
        return f"Version {made.version} of the notice policy is set; it holds from {holds_from} on."

    return _set("notice", work)


@blueprint.post("/service/policy/thresholds", action=Action.KEEP_RULES)
def set_thresholds() -> AnyResponse:
    """Add a version of the thresholds."""

    def work() -> str:
        stated = {name: _number(name) for name in ("closed", "reopening", "release_days")}
        version = rules.set_thresholds(
            site().store, replace(site().register.rulebook().thresholds, **stated), site().now()
        )
        return f"Version {version} of the alert thresholds is set."

    return _set("thresholds", work)


@blueprint.post("/service/policy/retention", action=Action.KEEP_RULES)
def set_retention() -> AnyResponse:
    """Add a version of the retention rule."""

    def work() -> str:
        proposed = replace(
            site().register.rulebook().retention,
            details_days=_number("details_days"),
            facts_days=_number("facts_days"),
            withdrawn_days=_number("withdrawn_days"),
            keeps_details=_keeps_details(),
        )
        version = rules.set_retention(site().store, proposed, site().now())
        return f"Version {version} of the retention is set; housekeeping goes by it from its next run on."

    return _set("retention", work)


@blueprint.post("/service/policy/desks", action=Action.KEEP_RULES)
def set_desks() -> AnyResponse:
    """Allow desk sessions, or forbid them and end those that live."""

    def work() -> str:
        allowed = request.form.get("allowed") == "yes"
        rules.set_desk_policy(site().store, allowed=allowed, now=site().now())
        return "Desk sessions are allowed." if allowed else "Desk sessions are forbidden; those that lived have ended."

    return _set("desks", work)


def _set(form: str, work: Callable[[], str]) -> AnyResponse:
    """Do it and say so; a form that says what stands already adds no version, so a second sending adds none."""
    if request.form.get("version") != str(_versions()[form]):
        return _page(form, PolicyRefused("This rule was changed since the form was opened.", "Look at it again."))
    try:
        flash(work())
    except Refusal as refusal:
        return _page(form, refusal)
    return redirect(url_for("service_policy.show"), 303)


def _number(name: str) -> int:
    text = request.form.get(name, "").strip()
    if not (text.isascii() and text.isdigit()):
        raise PolicyRefused("Give a whole number in each field.")
    return int(text[:9])


def _keeps_details() -> bool:
    stated = request.form.get("details")
    if stated not in {"keep", "drop"}:
        raise PolicyRefused("Say whether a sender's words are kept.", "Choose one of the two.")
    return stated == "keep"


def _versions() -> dict[str, int]:
    book = site().register.rulebook()
    return {
        "notice": max(policy.version for policy in book.policies),
        "thresholds": book.thresholds.version,
        "retention": book.retention.version,
        "desks": book.desk.version,
    }


def _page(form: str = "", fault: Refusal | None = None) -> Response:
    book, now = site().register.rulebook(), site().now()
    page = render_template(
        "service/policy.html",
        book=book,
        in_force=book.policy_for(now),
        calendar=book.calendar_for(book.policy_for(now)),
        versions=_versions(),
        policies=list(reversed(rules.policy_history(site().store))),
        thresholds=list(reversed(rules.threshold_history(site().store))),
        desks=list(reversed(rules.desk_history(site().store))),
        regions=REGIONS,
        today=london_date(now),
        stated=request.form,
        refused=form,
        fault=fault,
    )
    return make_response(page, 422 if fault else 200)
