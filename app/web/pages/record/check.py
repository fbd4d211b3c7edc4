"""Record, check: hold every entry against the tree, with a checkpoint kept from before; take a new checkpoint away."""

import threading

from flask import Blueprint, Response, make_response, render_template, request

from app.domain.access import Action
from app.domain.refusal import Refusal
from app.register.verification import Verification, make_checkpoint, verify_record
from app.store.engine import read_head
from app.web.site import site

blueprint = Blueprint("record_check", __name__)

_LARGEST_CHECKPOINT = 4_096
_MOST_ENTRIES = 250_000  # while a browser waits; the command line has no such bound
_RUNNING = threading.Lock()  # one at a time in a process: the check reads everything that there is


class CheckRefused(Refusal):
    """A check that is not run from a page."""

    code = "check"


@blueprint.get("/record/check", action=Action.READ_RECORD)
def show() -> Response:
    """Offer the check and the checkpoint."""
    return _page(None, None)


@blueprint.post("/record/check", action=Action.READ_RECORD)
def run() -> Response:
    """Check the record now; nothing is written."""
    try:
        return _page(_check(_uploaded()), None)
    except Refusal as refusal:
        return _page(None, refusal)


@blueprint.get("/record/checkpoint.txt", action=Action.READ_RECORD)
def checkpoint() -> Response:
    """Give the signed head of the record as a file to keep elsewhere."""
    now = site().now()
    response = Response(make_checkpoint(site().register), content_type="text/plain; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="checkpoint-{now:%Y-%m-%d}.txt"'
    return response


def _check(earlier: str | None) -> Verification:
    with site().store.reading() as connection:
        size = read_head(connection).log_size
    if size > _MOST_ENTRIES:
        raise CheckRefused("The record is too large to be checked from a page.", "Run `closures record verify`.")
    if not _RUNNING.acquire(blocking=False):
        raise CheckRefused("A check is running already.", "Wait until it is done, then run yours.")
    try:
        return verify_record(site().register, earlier)
    finally:
        _RUNNING.release()


def _uploaded() -> str | None:
    """Return the checkpoint that was uploaded; None where none was."""
    sent = request.files.get("checkpoint")
    octets = sent.stream.read(_LARGEST_CHECKPOINT + 1) if sent else b""
    if not octets:
        return None
    try:
        if len(octets) > _LARGEST_CHECKPOINT:
            raise CheckRefused("That is too large for a checkpoint.", "Choose the file that was kept.")
        return octets.decode()
    except UnicodeDecodeError as problem:
        raise CheckRefused("That file is not a checkpoint.", "Choose the file that was kept.") from problem


def _page(found: Verification | None, fault: Refusal | None) -> Response:
    with site().store.reading() as connection:
        size = read_head(connection).log_size
    page = render_template("record/check.html", found=found, fault=fault, size=size, now=site().now())
    return make_response(page, 422 if fault else 200)
