"""Receipts: the one of a revision to keep, and a page that says whether one still holds, and why."""

from flask import Blueprint, Response, make_response, render_template, request

from app.domain.access import Action
from app.domain.refusal import Refusal
from app.register.evidence import evidence_of
from app.register.receipt_check import ReceiptUnreadable, check_receipt, receipt_of
from app.web.principal import current_principal
from app.web.refusals import app_json
from app.web.site import site

blueprint = Blueprint("record_receipt_check", __name__)

_MOST_OCTETS = 20_000


@blueprint.get("/closures/<reference>/revisions/<int:number>/receipt.json", action=Action.READ_CLOSURES)
def download(reference: str, number: int) -> Response:
    """Give the signed receipt of a revision, as it was given when the notice was recorded."""
    principal = current_principal()
    receipt = receipt_of(site().register, principal, reference, number)
    response = app_json(receipt)
    name = f"receipt-{receipt['reference']}-{number}.json"
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    return response


@blueprint.get("/closures/<reference>/revisions/<int:number>/evidence.json", action=Action.READ_CLOSURES)
def evidence(reference: str, number: int) -> Response:
    """Give the signed receipt of a revision with a proof and a checkpoint: a file that is checked without us."""
    found = evidence_of(site().register, current_principal(), reference, number)
    response = app_json(found)
    name = f"evidence-{found['receipt']['reference']}-{number}.json"
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    return response


@blueprint.get("/receipts", action=Action.READ_CLOSURES)
def ask() -> str:
    """Ask for a receipt."""
    return render_template("record/receipt_check.html", check=None, fault=None, stated="")


@blueprint.post("/receipts", action=Action.READ_CLOSURES)
def check() -> Response:
    """Say whether a receipt holds; nothing of it is kept."""
    principal = current_principal()
    stated, found, fault = request.form.get("receipt", "").strip(), None, None
    try:
        stated = _uploaded() or stated
        found = check_receipt(site().register, principal, stated)
    except Refusal as problem:
        fault = problem
    page = render_template("record/receipt_check.html", check=found, fault=fault, stated=stated[:_MOST_OCTETS])
    return make_response(page, 400 if fault else 200)


def _uploaded() -> str:
    """Return the text of the uploaded file; "" where there is none."""
    file = request.files.get("file")
    octets = file.stream.read(_MOST_OCTETS + 1) if file else b""
    try:
        return octets.decode()
    except UnicodeDecodeError as problem:
        raise ReceiptUnreadable("That file is not text.", "Choose the receipt that you downloaded.") from problem
