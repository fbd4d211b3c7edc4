"""The wall view: what is closed, what closes next and how much needs attention, read across a room."""

from datetime import timedelta

from flask import Blueprint, render_template

from app.domain.access import Action
from app.domain.closure import State
from app.register.questions.overview import look_ahead
from app.web.pages.choices import choices_of
from app.web.principal import current_principal, require_account
from app.web.site import site

blueprint = Blueprint("wall", __name__)

_DAY = timedelta(days=1)
_CLOSED, _NEXT = 6, 4  # lines that fit a screen; of the others it says how many there are


@blueprint.get("/wall", action=Action.READ_CLOSURES)
def show() -> str:
    """Show it."""
    require_account()
    principal, now = current_principal(), site().now()
    outlook = look_ahead(site().register, principal, now)
    standing = [closure for closure in outlook.ahead if closure.state is not State.WITHDRAWN]
    return render_template(
        "wall.html",
        outlook=outlook,
        gateways=len({closure.gateway for closure in outlook.closed_now}),
        coming=[closure for closure in standing if closure.window.starts > now],
        names=choices_of(site().register, principal).names,
        now=now,
        day=_DAY,
        closed_shown=_CLOSED,
        next_shown=_NEXT,
        counts_attention=principal.sees_everyone,
    )
