"""Planned? Whether an alarm is a planned closure, asked in one field: the box in the head of every page leads here."""

from dataclasses import replace
from datetime import datetime

from flask import Blueprint, Response, make_response, render_template, request

from app.domain.access import Action
from app.domain.asked import Asked, read_asked
from app.domain.london import read_instant
from app.domain.refusal import Refusal
from app.register.questions.planned import Meant, look_up
from app.web.principal import current_principal
from app.web.site import site

blueprint = Blueprint("planned", __name__)

LONGEST_QUESTION = 100
_LISTED = 100  # gateways of a list; who means one of more types more of its code


@blueprint.get("/planned", action=Action.READ_CLOSURES)
def show() -> Response:
    """Answer for the one gateway that was meant, or list those that were; 400 where the time cannot be read."""
    now, stated = site().now(), request.args.get("at", "").strip()
    text = " ".join(request.args.get("q", "").split())[:LONGEST_QUESTION]
    asked, fault = read_asked(text, now), None
    principal, found = current_principal(), list[Meant]()
    try:
        asked = _at_stated_time(asked, stated, now)
        found = look_up(site().register, principal, asked, now)
    except Refusal as problem:
        fault = problem
    page = render_template(
        "planned.html",
        asked=asked,
        text=text,
        # What the box shows again says the same as the address, for whoever presses once more.
        asked_text=text if asked.at is None or not stated else f"{text} {stated}",
        found=found[:_LISTED],
        more=len(found) - _LISTED,
        fault=fault,
        now=now,
        own=principal.users,
        sees_everyone=principal.sees_everyone,
    )
    return make_response(page, 400 if fault else 200)


def _at_stated_time(asked: Asked, stated: str, now: datetime) -> Asked:
    """Return the question with the time that the address states apart; one in the words goes before it.

    Raise ``TimeRefused``.
    """
    if not stated or asked.at or asked.span:
        return asked
    when = read_asked(stated, now)
    if when.words or not (when.at or when.span):
        return replace(asked, at=read_instant(stated)[0])
    return replace(asked, at=when.at, span=when.span)
