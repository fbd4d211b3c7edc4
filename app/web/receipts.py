"""The receipt of a notice: a page to keep, its JSON, and the closures that it is about as a calendar file."""

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, make_response, render_template

from app.domain.party import User
from app.domain.refusal import Refusal
from app.domain.window import ClosureWindow
from app.register.reading import find_closure
from app.register.receipts import Outcome, outcome_facts
from app.store.engine import read_head
from app.web import once
from app.web.access_table import ACCESS
from app.web.principal import require_principal
from app.web.refusals import app_json
from app.web.site import site

blueprint = Blueprint("receipts", __name__)


class ReceiptGone(Refusal):
    """A receipt that is shown no more."""

    code = "receipt-gone"


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


@blueprint.get("/notices/receipts/<form_id>")
def show(form_id: str) -> Response:
    """Show the receipt to whoever gave the notice."""
    require_principal(ACCESS["receipts.show"])
    kept = once.answer_of(form_id)
    if kept is None:
        return make_response(render_template("receipt_no_more.html"), 410)
    return make_response(render_template("receipt.html", **kept, form_id=form_id))


@blueprint.get("/notices/receipts/<form_id>.json")
def as_json(form_id: str) -> Response:
    """Give the receipt as JSON, with its signatures."""
    require_principal(ACCESS["receipts.as_json"])
    response = app_json(_kept(form_id)["outcome"])
    response.headers["Content-Disposition"] = f'attachment; filename="receipt-{form_id[:8]}.json"'
    return response


@blueprint.get("/closures/<reference>.ics")
def as_calendar(reference: str) -> Response:
    """Give one closure as a calendar file; read into a calendar again, it updates the entry there."""
    principal = require_principal(ACCESS["receipts.as_calendar"])
    standing = find_closure(site().register, principal, reference)
    with site().store.reading() as connection:
        head = read_head(connection)
    octets = site().publishing.object_by(standing.closure.id, head)
    response = Response(octets, content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{standing.closure.reference}.ics"'
    return response


def _kept(form_id: str) -> dict[str, Any]:
    kept = once.answer_of(form_id)
    if kept is None:
        raise ReceiptGone("This receipt is shown no more.", "What it said stands on the page of each closure.")
    return kept
