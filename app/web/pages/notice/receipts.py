"""The receipt of a notice: a page to keep, its JSON, and the closures that it is about as a calendar file."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, make_response, render_template

from app.domain.access import Action, Principal
from app.domain.party import User
from app.domain.window import ClosureWindow
from app.register.reading import find_closure, read_names
from app.register.receipts import Outcome, outcome_facts
from app.web import form_once
from app.web.principal import current_principal
from app.web.refusals import app_json
from app.web.site import site

blueprint = Blueprint("notice_receipts", __name__)

_TOLD = ("accepted", "withdrawn", "superseded", "unchanged")


@blueprint.app_template_filter("window")
def window_of(facts: dict[str, Any]) -> ClosureWindow:
    """Return the window that an acknowledgement states as JSON."""
    return ClosureWindow(datetime.fromisoformat(facts["starts"]), datetime.fromisoformat(facts["ends"]))


def kept_receipt(outcome: Outcome, user: User, file_name: str) -> dict[str, object]:
    """Return what a receipt shows, to be kept for a while."""
    return {
        "kind": "receipt",
        "user": user.code,
        "user_name": user.name,
        "file_name": file_name,
        "outcome": outcome_facts(outcome),
    }


@blueprint.get("/notices/receipts/<form_id>", action=Action.GIVE_NOTICE)
def show(form_id: str) -> Response:
    """Show the receipt to whoever gave the notice."""
    kept = form_once.answer_of(form_id)
    if kept is None:
        return _no_more()
    several = len(_references(kept)) > 1
    return make_response(render_template("notice/receipt.html", **kept, form_id=form_id, several=several))


@blueprint.get("/notices/receipts/<form_id>.json", action=Action.GIVE_NOTICE)
def as_json(form_id: str) -> Response:
    """Give the receipt as JSON, with its signatures."""
    kept = form_once.answer_of(form_id)
    if kept is None:
        return _no_more()
    response = app_json(kept["outcome"])
    response.headers["Content-Disposition"] = f'attachment; filename="receipt-{form_id[:8]}.json"'
    return response


@blueprint.get("/notices/receipts/<form_id>.ics", action=Action.GIVE_NOTICE)
def all_as_calendar(form_id: str) -> Response:
    """Give every closure that the notice is about as one calendar file, each as it stands now."""
    principal = current_principal()
    kept = form_once.answer_of(form_id)
    return _no_more() if kept is None else _calendar_file(principal, _references(kept), f"notice-{form_id[:8]}")


@blueprint.get("/closures/<reference>.ics", action=Action.READ_CLOSURES)
def as_calendar(reference: str) -> Response:
    """Give one closure as a calendar file; read into a calendar again, it updates the entry there."""
    principal = current_principal()
    return _calendar_file(principal, [reference], reference.strip().upper())


def _references(kept: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(entry["reference"] for kind in _TOLD for entry in kept["outcome"][kind]))


def _calendar_file(principal: Principal, references: Iterable[str], name: str) -> Response:
    register = site().register
    found = [find_closure(register, principal, reference) for reference in references]
    calendar = site().publishing.file_of(found, read_names(register))
    response = Response(calendar, content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.ics"'
    return response


def _no_more() -> Response:
    return make_response(render_template("notice/receipt_no_more.html"), 410)
