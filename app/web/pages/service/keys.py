"""Service, keys: replace those in use, or destroy one User's for good after its code was typed."""

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.domain.access import Action
from app.domain.party import read_code
from app.domain.refusal import Refusal
from app.register.key_rotation import keys_status, rotate_keys
from app.register.people import enrolment
from app.register.register import Register
from app.web import form_once
from app.web.principal import require_account
from app.web.site import site

blueprint = Blueprint("service_keys", __name__)


class ShredRefused(Refusal):
    """A shredding whose typed confirmation does not name the User."""

    code = "shred"


@blueprint.get("/service/keys", action=Action.KEEP_KEYS)
def show() -> Response:
    """Say what the keys are for, and offer to rotate or to shred."""
    return _page(form_once.new_form_id())


@blueprint.post("/service/keys/rotate", action=Action.KEEP_KEYS)
def rotate() -> AnyResponse:
    """Replace the keys in use, once for each form."""

    def work(register: Register) -> dict[str, object]:
        # The keys are files, which no transaction holds: pressed again after a crash here, they are rotated once more.
        return {"kind": "rotation", "owners": rotate_keys(register.store, None)}

    try:
        form_id = form_once.carry_out(require_account(), lambda: work)
    except Refusal as refusal:
        return _page(request.form.get("form_id", ""), refusal)
    done = form_once.answer_of(form_id) or {"owners": 0}
    flash(f"The keys of {done['owners']} owners are replaced. The old key-encryption key opens nothing now.")
    return redirect(url_for("service_keys.show"), 303)


@blueprint.post("/service/keys/shred", action=Action.KEEP_KEYS)
def shred() -> AnyResponse:
    """Destroy the data key of a User whose code was chosen and typed."""
    try:
        code = read_code(request.form.get("user", ""))
        if read_code(request.form.get("typed", "") or "-") != code:
            raise ShredRefused("What you typed is not the code of the User that you chose.", "Type it as it stands.")
        enrolment.shred_user(site().store, code, site().now())
    except Refusal as refusal:
        return _page(form_once.new_form_id(), refusal)
    flash(f"The data key of {code} is destroyed. Nothing of it can be read again.")
    return redirect(url_for("service_keys.show"), 303)


def _page(form_id: str, fault: Refusal | None = None) -> Response:
    page = render_template(
        "service/keys.html",
        users=enrolment.list_users(site().store),
        owners=len(site().store.keyring.owners()),
        keys=keys_status(site().store),
        form_id=form_id,
        stated=request.form,
        fault=fault,
    )
    return make_response(page, 422 if fault else 200)
