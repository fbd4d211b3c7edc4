"""Receipts: the one of a revision to keep, and a page that says whether one still holds, and why."""

from flask import Blueprint, Response, make_response, render_template, request

from app.domain.refusal import Refusal
from app.register.receipt_check import ReceiptUnreadable, check_receipt, receipt_of
from app.web.access_table import ACCESS
from app.web.principal import require_principal
from app.web.refusals import app_json
from app.web.site import site

blueprint = Blueprint("receipt_check", __name__)

_MOST_OCTETS = 20_000


@blueprint.get("/closures/<reference>/revisions/<int:number>/receipt.json")
def download(reference: str, number: int) -> Response:
    """Give the signed receipt of a revision, as it was given when the notice was recorded."""
    principal = require_principal(ACCESS["receipt_check.download"])
    receipt = receipt_of(site().register, principal, reference, number)
    response = app_json(receipt)
    name = f"receipt-{receipt['reference']}-{number}.json"
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    return response


@blueprint.get("/receipts")
def ask() -> str:
    """Ask for a receipt."""
    require_principal(ACCESS["receipt_check.ask"])
    return render_template("receipt_check.html", check=None, fault=None, stated="")


@blueprint.post("/receipts")
def check() -> Response:
    """Say whether a receipt holds; nothing of it is kept."""
    principal = require_principal(ACCESS["receipt_check.check"])
    stated, found, fault = request.form.get("receipt", "").strip(), None, None
    try:
        stated = _uploaded() or stated
        found = check_receipt(site().register, principal, stated)
    except Refusal as problem:
        fault = problem
    page = render_template("receipt_check.html", check=found, fault=fault, stated=stated[:_MOST_OCTETS])
    return make_response(page, 400 if fault else 200)


def _uploaded() -> str:
    """Return the text of the uploaded file; "" where there is none."""
    file = request.files.get("file")
    octets = file.stream.read(_MOST_OCTETS + 1) if file else b""
    try:
        return octets.decode()
    except UnicodeDecodeError as problem:
        raise ReceiptUnreadable("That file is not text.", "Choose the receipt that you downloaded.") from problem
