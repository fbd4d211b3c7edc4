"""The first page: for DCC, admins and ops what is closed now and needs attention; for a User its own schedule."""

from datetime import date, timedelta
from itertools import groupby

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.domain.access import Action, may
from app.domain.closure import PlannedClosure
from app.domain.london import london_date
from app.domain.window import ClosureWindow
from app.register.maintenance import find_maintenance
from app.register.questions.answer import count_words
from app.register.questions.freshness import freshness_of
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


@blueprint.get("/", action=Action.READ_CLOSURES, provide_automatic_options=False)  # OPTIONS is the CalDAV door's
def show() -> AnyResponse:
    """Show what is closed now, what comes, and what needs attention."""
    if request.args.get("gateway"):  # as addresses asked that were kept before the box was in the head of every page
        return redirect(url_for("planned.show", q=request.args["gateway"], at=request.args.get("at") or None))
    principal, account, now = current_principal(), require_account(), site().now()
    register = site().register
    outlook = look_ahead(register, principal, account.id, now)
    choices = choices_of(register, principal)
    common = {
        "outlook": outlook, "choices": choices, "now": now, "listed": _LISTED,
        "most": max(_PALEST, outlook.busiest.peak), "new_form_id": new_form_id,
    }  # fmt: skip
    if principal.sees_everyone:
        page = render_template("now.html", freshness=freshness_of(site().store, now), **common)
    else:
        page = render_template(
            "own_schedule.html",
            days=_by_day(outlook.ahead),
            dates=find_maintenance(register, ClosureWindow(now, now + _OWN_DAYS)),
            may_give=may(principal.role, Action.GIVE_NOTICE),
            **common,
        )
    return make_response(page)


@blueprint.post("/acknowledge", action=Action.READ_CLOSURES)
def acknowledge() -> AnyResponse:
    """Clear what was looked at, for oneself; it comes back when a window in it moves."""
    principal, account = current_principal(), require_account()
    cleared = acknowledge_items(site().register, principal, account.id, request.form.getlist("item"), site().now())
    flash(f"{count_words(cleared, 'item').capitalize()} cleared. It comes back when a window in it moves.", "done")
    return redirect(url_for(".show"), 303)


def _by_day(ahead: tuple[PlannedClosure, ...]) -> list[tuple[date, list[PlannedClosure]]]:
    return [(day, list(group)) for day, group in groupby(ahead, lambda closure: london_date(closure.window.starts))]
