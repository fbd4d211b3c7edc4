"""Give notice by a file: a preview of what it would change, one button, and the receipt."""

from pathlib import PurePath

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.domain.access import Action, Principal, acting_user
from app.domain.party import read_code
from app.domain.refusal import NoticeTooLarge, size_words
from app.intake.media import media_type_of_file
from app.intake.sheet import TEMPLATE
from app.register.give import LIMITS
from app.register.register import Register
from app.register.senders import Sender
from app.store import parties
from app.web import form_once
from app.web.pages.choices import visible_in_order
from app.web.pages.notice import pending
from app.web.pages.notice.pending import Pending
from app.web.pages.notice.receipts import kept_receipt
from app.web.principal import current_principal, require_account
from app.web.site import site

blueprint = Blueprint("notice_upload", __name__)

_LONGEST_NAME = 200


@blueprint.get("/notices/new", action=Action.GIVE_NOTICE)
def new() -> Response:
    """Show the upload; for DCC staff and admins first the choice of the User that the notice is from."""
    return _form(current_principal(), request.args.get("user"))


@blueprint.get("/notices/template.csv", action=Action.GIVE_NOTICE)
def template() -> Response:
    """Give the spreadsheet template."""
    response = Response(TEMPLATE, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="planned-closures.csv"'
    return response


@blueprint.post("/notices/preview", action=Action.GIVE_NOTICE)
def preview() -> Response:
    """Say what the file would do and keep it until that is confirmed. Nothing is recorded."""
    principal = current_principal()
    octets, file_name = _file()
    if not octets:
        return _form(principal, request.form.get("user"), "Choose a file with at least one closure in it.")
    sender = _sender(principal, request.form.get("user"))
    upload = Pending(
        user=sender.user.code,
        gateway=read_code(request.form["gateway"]) if request.form.get("gateway") else None,
        # Browsers name the type of a file after the programs installed beside them; its ending says what it is.
        media_type=media_type_of_file(file_name),
        allow_long=request.form.get("allow_long") == "yes",
        file_name=file_name,
    )
    given = pending.preview_pending(upload, octets, sender)
    page = pending.preview_page(upload, octets, sender.user, given.outcome)
    return make_response(page, 422 if given.is_unread else 200)


@blueprint.post("/notices", action=Action.GIVE_NOTICE)
def record() -> AnyResponse:
    """Record what was previewed, once; a second press leads to the same receipt."""
    principal = current_principal()
    draft_id = pending.chosen_draft()

    def prepare() -> form_once.Work:
        waiting, octets = pending.open_pending(draft_id)
        sender = _sender(principal, waiting.user)
        given_by = principal.signature(sender.user.code)
        missing = request.form.get("withdraw_missing") == "yes"
        record_it = pending.read_pending(waiting, octets, sender, given_by, withdraw_missing=missing)

        def work(register: Register) -> dict[str, object]:
            pending.drop_draft(register.store, draft_id)
            return kept_receipt(record_it(register), sender.user, waiting.file_name)

        return work

    return redirect(url_for("notice_receipts.show", form_id=form_once.carry_out(require_account(), prepare)), 303)


def _form(principal: Principal, named: str | None, fault: str | None = None) -> Response:
    """Show the form; ``fault`` says what is missing in what was sent."""
    store = site().store
    with store.reading() as connection:
        senders = visible_in_order(principal, parties.read_parties(store, connection))
    sender: Sender | None = None
    if named or len(senders) == 1:
        sender = pending.find_sender(acting_user(principal, read_code(named) if named else senders[0].code))
    page = render_template(
        "notice/upload.html",
        senders=senders,
        user=sender and sender.user,
        gateways=sender.gateways if sender else (),
        limits=LIMITS,
        fault=fault,
    )
    return make_response(page, 422 if fault else 200)


def _sender(principal: Principal, named: str | None) -> Sender:
    return pending.find_sender(acting_user(principal, read_code(named) if named else None))


def _file() -> tuple[bytes, str]:
    """Return the file's octets and its name; refuse one over the limit before anything reads it."""
    sent = request.files.get("file")
    if sent is None:
        return b"", ""
    octets = sent.stream.read(LIMITS.octets + 1)
    if len(octets) > LIMITS.octets:
        raise NoticeTooLarge(
            f"A file may have at most {size_words(LIMITS.octets)} and {LIMITS.events:,} events.",
            "Upload it in parts, or have it imported with `closures notice import`.",
        )
    return octets, PurePath(sent.filename or "").name[-_LONGEST_NAME:]
