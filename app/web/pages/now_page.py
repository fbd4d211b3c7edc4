"""The first page: for DCC, admins and ops what is closed now and needs attention; for a User its own schedule."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.domain.access import Action, may
from app.domain.closure import PlannedClosure
from app.domain.london import london_date
from app.domain.refusal import Refusal
from app.domain.window import ClosureWindow
from app.register.maintenance import find_maintenance
from app.register.questions.answer import count_words
from app.register.questions.freshness import freshness_of
from app.register.questions.needs_attention import LONGEST_NOTE, take_back
from app.register.questions.needs_attention import acknowledge as acknowledge_items
from app.register.questions.overview import look_ahead
from app.web.form_once import new_form_id
from app.web.pages.choices import choices_of
from app.web.pages.shorthand import install_shorthand
from app.web.principal import current_principal, require_account
from app.web.site import site

blueprint = Blueprint("now_page", __name__)
install_shorthand(blueprint)

_LISTED = 8  # items of a kind that the page shows; the rest is a link away
_PALEST = 4  # with no more gateways than this closed at once, no day is shown as a dark one
_OWN_DAYS = timedelta(days=56)


@dataclass(frozen=True, slots=True)
class Noted:
    """A note that could not be taken, by the item beside which it was typed."""

    item: str = ""
    note: str = ""
    fault: Refusal | None = None


@blueprint.get("/", action=Action.READ_CLOSURES, provide_automatic_options=False)  # OPTIONS is the CalDAV door's
def show() -> AnyResponse:
    """Show what is closed now, what comes, and what needs attention."""
    if request.args.get("gateway"):  # as addresses asked that were kept before the box was in the head of every page
        return redirect(url_for("planned.show", q=request.args["gateway"], at=request.args.get("at") or None))
    require_account()
    return _page(Noted())


@blueprint.post("/acknowledge", action=Action.MARK_SEEN)
def acknowledge() -> AnyResponse:
    """Mark what was looked at as seen, for all of DCC; it comes back when a window in it moves."""
    require_account()
    principal, items, note = current_principal(), request.form.getlist("item"), request.form.get("note", "")
    try:
        cleared = acknowledge_items(site().register, principal, items, note, site().now())
    except Refusal as problem:
        return _page(Noted("".join(items[:1]), note, problem))
    flash(f"{count_words(cleared, 'item').capitalize()} seen. It comes back when a window in it moves.", "done")
    return redirect(url_for(".show"), 303)


@blueprint.post("/acknowledge/undo", action=Action.MARK_SEEN)
def take_mark_back() -> AnyResponse:
    """Let an item that was marked as seen need attention again."""
    require_account()
    item = request.form.get("item", "")
    undone = take_back(site().register, current_principal(), item, site().now())
    flash("It needs attention again." if undone else "Nothing was marked as seen there.", "done")
    return redirect(url_for(".show"), 303)


def _page(noted: Noted) -> Response:
    principal, now = current_principal(), site().now()
    register = site().register
    outlook = look_ahead(register, principal, now)
    choices = choices_of(register, principal)
    common = {
        "outlook": outlook, "choices": choices, "now": now, "listed": _LISTED,
        "most": max(_PALEST, outlook.busiest.peak), "new_form_id": new_form_id,
    }  # fmt: skip
    if principal.sees_everyone:
        fresh = freshness_of(site().store, now)
        page = render_template("now.html", freshness=fresh, noted=noted, longest_note=LONGEST_NOTE, **common)
    else:
        page = render_template(
            "own_schedule.html",
            days=_by_day(outlook.ahead),
            dates=find_maintenance(register, ClosureWindow(now, now + _OWN_DAYS)),
            may_give=may(principal.role, Action.GIVE_NOTICE),
            **common,
        )
    return make_response(page, 400 if noted.fault else 200)


def _by_day(ahead: tuple[PlannedClosure, ...]) -> list[tuple[date, list[PlannedClosure]]]:
    return [(day, list(group)) for day, group in groupby(ahead, lambda closure: london_date(closure.window.starts))]
