"""Upload a file of closures: a preview of what it would change, one button, and the receipt."""

from dataclasses import asdict, dataclass
from pathlib import PurePath

from flask import Blueprint, Response, json, make_response, render_template, request

from app.domain.access import Principal, acting_user
from app.domain.closure import Step
from app.domain.notice import Channel, Notice
from app.domain.party import Gateway, User, read_code
from app.domain.refusal import AlreadyThere, NoticeTooLarge, NoticeUnreadable, Unknown
from app.intake.media import read_notice
from app.intake.reading import Asking, Limits, Reading
from app.intake.sheet import TEMPLATE
from app.register.receive import keep_notice, preview_notice, receive_notice
from app.store import parties, runs
from app.web.access_table import ACCESS
from app.web.choosing import visible_in_order
from app.web.principal import require_account, require_principal
from app.web.site import site

blueprint = Blueprint("give_notice", __name__)

_LIMITS = Limits()
_LONGEST_NAME = 200
# Browsers name the type of a file after the programs installed beside them; its ending says what it is.
_MEDIA_TYPES = {".ics": "text/calendar", ".csv": "text/csv", ".json": "application/json"}


class UploadGone(AlreadyThere):
    """A preview confirmed a second time, or long after it was shown."""

    code = "upload-gone"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file under preview and what was chosen with it; kept sealed until it is confirmed."""

    user: str
    gateway: str | None
    media_type: str
    allow_long: bool
    file_name: str

    def pack(self, octets: bytes) -> bytes:
        """Return the upload as one line of facts and the file word for word."""
        return json.dumps(asdict(self)).encode() + b"\n" + octets


def unpack(body: bytes) -> tuple[Upload, bytes]:
    """Return what ``Upload.pack`` put together."""
    facts, _, octets = body.partition(b"\n")
    return Upload(**json.loads(facts)), octets


@blueprint.get("/notices/new")
def new() -> Response:
    """Show the upload; for DCC staff and admins first the choice of the User that the notice is from."""
    return _form(require_principal(ACCESS["give_notice.new"]), request.args.get("user"))


@blueprint.get("/notices/template.csv")
def template() -> Response:
    """Give the spreadsheet template."""
    require_principal(ACCESS["give_notice.template"])
    response = Response(TEMPLATE, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="planned-closures.csv"'
    return response


@blueprint.post("/notices/preview")
def preview() -> Response:
    """Say what the file would do and keep it until that is confirmed. Nothing is recorded."""
    principal = require_principal(ACCESS["give_notice.preview"])
    account = require_account()
    octets, file_name = _file()
    if not octets:
        return _form(principal, request.form.get("user"), "Choose a file with at least one closure in it.")
    user, gateways = _sender(principal, request.form.get("user"))
    upload = Upload(
        user=user.code,
        gateway=read_code(request.form["gateway"]) if request.form.get("gateway") else None,
        media_type=_media_type(file_name),
        allow_long=request.form.get("allow_long") == "yes",
        file_name=file_name,
    )
    store, now = site().store, site().now()
    found = _read(upload, octets, gateways)
    outcome = preview_notice(site().register, user, now, found)
    has_news = bool(outcome.accepted or outcome.withdrawn or outcome.superseded or outcome.missing)
    draft = b""
    if has_news:
        with store.writing() as connection:
            draft = runs.put_draft(store, connection, account.id, upload.pack(octets), now)
    page = render_template(
        "preview.html",
        outcome=outcome,
        upload=upload,
        user=user,
        draft=draft.hex(),
        adds=[one for one in outcome.accepted if one.step is Step.FIRST],
        changes=[one for one in outcome.accepted if one.step is not Step.FIRST],
        new_references={one.reference for one in outcome.accepted if one.step is Step.FIRST},
    )
    return make_response(page, 422 if _nothing_read(found) else 200)


@blueprint.post("/notices")
def record() -> Response:
    """Record the file that was previewed and show the receipt. An upload can be recorded once."""
    principal = require_principal(ACCESS["give_notice.record"])
    account = require_account()
    store = site().store
    with store.writing() as connection:
        body = runs.take_draft(store, connection, account.id, _draft_id())
    if body is None:
        raise UploadGone(
            "This upload was recorded already, or its preview is too old.",
            "Look at the forward schedule; what is not there can be uploaded again.",
        )
    upload, octets = unpack(body)
    user, gateways = _sender(principal, upload.user)
    notice = Notice(user.code, Channel.UPLOAD, site().now(), upload.media_type, octets, principal.name)
    try:
        found = _read(upload, octets, gateways)
    except NoticeUnreadable:
        keep_notice(site().register, user, notice)
        raise
    outcome = receive_notice(
        site().register, user, notice, found, withdraw_missing=request.form.get("withdraw_missing") == "yes"
    )
    page = render_template(
        "receipt.html", outcome=outcome, user=user.code, user_name=user.name, file_name=upload.file_name
    )
    return make_response(page)


def _form(principal: Principal, named: str | None, fault: str | None = None) -> Response:
    """Show the form; ``fault`` says what is missing in what was sent."""
    store = site().store
    with store.reading() as connection:
        senders = visible_in_order(principal, parties.read_parties(store, connection))
    user: User | None = None
    gateways: tuple[Gateway, ...] = ()
    if named or len(senders) == 1:
        user, gateways = _find_sender(acting_user(principal, read_code(named) if named else senders[0].code))
    page = render_template(
        "new_notice.html", senders=senders, user=user, gateways=gateways, limits=_LIMITS, fault=fault
    )
    return make_response(page, 422 if fault else 200)


def _sender(principal: Principal, named: str | None) -> tuple[User, tuple[Gateway, ...]]:
    return _find_sender(acting_user(principal, read_code(named) if named else None))


def _find_sender(code: str) -> tuple[User, tuple[Gateway, ...]]:
    store = site().store
    with store.reading() as connection:
        user = parties.find_user(store, connection, code)
        return user, parties.gateways_of(store, connection, user.id)


def _file() -> tuple[bytes, str]:
    """Return the file's octets and its name; refuse one over the limit before anything reads it."""
    sent = request.files.get("file")
    if sent is None:
        return b"", ""
    octets = sent.stream.read(_LIMITS.octets + 1)
    if len(octets) > _LIMITS.octets:
        raise NoticeTooLarge(
            f"A file may have at most {_LIMITS.octets:,} octets and {_LIMITS.events:,} events.",
            "Upload it in parts, or have it imported with `closures notice import`.",
        )
    return octets, PurePath(sent.filename or "").name[-_LONGEST_NAME:]


def _media_type(file_name: str) -> str:
    return _MEDIA_TYPES.get(PurePath(file_name).suffix.lower(), "application/octet-stream")


def _read(upload: Upload, octets: bytes, gateways: tuple[Gateway, ...]) -> Reading:
    asking = Asking(
        now=site().now(),
        gateways=tuple(gateway.code for gateway in gateways),
        gateway=upload.gateway,
        limits=_LIMITS,
        allow_long=upload.allow_long,
    )
    return read_notice(octets, upload.media_type, asking)


def _nothing_read(found: Reading) -> bool:
    return bool(found.problems) and not found.announcements


def _draft_id() -> bytes:
    try:
        return bytes.fromhex(request.form.get("draft", ""))
    except ValueError as problem:
        raise Unknown("There is no such upload.", "Upload the file again.") from problem
