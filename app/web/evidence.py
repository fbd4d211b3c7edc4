"""What anybody may ask to check the record with: its signed head, its public keys, and proofs about the tree."""

from flask import Blueprint, Response, request

from app.domain.access import Action
from app.register.evidence import keys_of, prove_consistency, prove_inclusion
from app.register.witnesses import cosigned_checkpoint
from app.web.query import QueryRefused
from app.web.refusals import app_json
from app.web.site import site

blueprint = Blueprint("evidence", __name__)

_MOST_DIGITS = 18


@blueprint.get("/checkpoint", action=Action.PUBLIC)
def checkpoint() -> Response:
    """Give the published head of the record: whoever keeps it can tell later that nothing was rewritten."""
    return Response(cosigned_checkpoint(site().register), content_type="text/plain; charset=utf-8")


@blueprint.get("/checkpoint/keys", action=Action.PUBLIC)
def keys() -> Response:
    """Give the public keys that checkpoints and receipts are signed by."""
    return app_json(keys_of(site().register))


@blueprint.get("/checkpoint/inclusion", action=Action.PUBLIC)
def inclusion() -> Response:
    """Prove that the entry ``index`` is in the tree of ``size``, by default that of the published checkpoint."""
    return app_json(prove_inclusion(site().register, _needed("index"), _number("size")))


@blueprint.get("/checkpoint/consistency", action=Action.PUBLIC)
def consistency() -> Response:
    """Prove that the tree of size ``second``, by default that of the published checkpoint, grew from ``first``."""
    return app_json(prove_consistency(site().register, _needed("first"), _number("second")))


def _needed(name: str) -> int:
    number = _number(name)
    if number is None:
        raise QueryRefused(f"The parameter {name} is missing.", "Give a whole number.")
    return number


def _number(name: str) -> int | None:
    text = request.args.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise QueryRefused(f"The parameter {name} is not a number.", "Give a whole number from 0 on.")
    return int(text)
