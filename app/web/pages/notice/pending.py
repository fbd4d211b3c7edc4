"""A notice under preview, from a file or from a form: kept sealed for its sender until it is confirmed."""

from dataclasses import asdict, dataclass, field, replace

from flask import json, render_template, request

from app.domain.closure import Step
from app.domain.london import london_date
from app.domain.notice import Channel, NoticeContent
from app.domain.party import Gateway, User
from app.domain.refusal import AlreadyThere, Unknown
from app.intake.media import read_notice
from app.intake.reading import Asking, Limits
from app.register.receipts import Outcome
from app.register.receive import preview_notice
from app.store import parties, runs
from app.web.principal import require_account
from app.web.site import site

LIMITS = Limits()


class PreviewGone(AlreadyThere):
    """A preview that is too old, or somebody else's."""

    code = "preview-gone"


@dataclass(frozen=True, slots=True)
class Pending:
    """A notice and what was chosen with it. ``typed`` are a form's fields; ``changes`` the closure that it is about."""

    user: str
    gateway: str | None
    media_type: str
    allow_long: bool
    channel: str = Channel.UPLOAD.value
    file_name: str = ""
    changes: str = ""
    typed: dict[str, str] = field(default_factory=dict)

    def pack(self, octets: bytes) -> bytes:
        """Return one line of facts, and the notice word for word."""
        return json.dumps(asdict(self)).encode() + b"\n" + octets


def read_pending(pending: Pending, octets: bytes, gateways: tuple[Gateway, ...]) -> NoticeContent:
    """Read the notice as it would be read now. Raise ``NoticeTooLarge`` or ``NoticeUnreadable``."""
    asking = Asking(
        now=site().now(),
        gateways=tuple(gateway.code for gateway in gateways),
        gateway=pending.gateway,
        limits=LIMITS,
        allow_long=pending.allow_long,
    )
    reading = read_notice(octets, pending.media_type, asking)
    # A change speaks of one closure alone: what else its sender keeps under the same UID stays as it is.
    return replace(reading, whole_uids=frozenset()) if pending.changes else reading


def preview(
    pending: Pending, octets: bytes, user: User, gateways: tuple[Gateway, ...]
) -> tuple[NoticeContent, Outcome]:
    """Say what the notice would do. Nothing is recorded."""
    reading = read_pending(pending, octets, gateways)
    outcome = preview_notice(site().register, user, site().now(), reading)
    # Only a file claims to be the whole of what is planned; a form states one thing.
    return reading, outcome if pending.channel == Channel.UPLOAD else replace(outcome, missing=())


def preview_page(pending: Pending, octets: bytes, user: User, outcome: Outcome) -> str:
    """Return the page that says what would change; it keeps the notice where there is something to confirm."""
    draft = b""
    if outcome.accepted or outcome.withdrawn or outcome.superseded or outcome.missing:
        store = site().store
        with store.writing() as connection:
            draft = runs.put_draft(store, connection, require_account().id, pending.pack(octets), site().now())
    rulebook = site().register.rulebook()
    policy = rulebook.policy_for(site().now())
    calendar = rulebook.calendar_for(policy)
    return render_template(
        "notice/preview.html",
        outcome=outcome,
        pending=pending,
        user=user,
        draft=draft.hex(),
        adds=[one for one in outcome.accepted if one.step is Step.FIRST],
        changes=[one for one in outcome.accepted if one.step is not Step.FIRST],
        new_references={one.reference for one in outcome.accepted if one.step is Step.FIRST},
        last_on_time_day=lambda window: calendar.last_on_time_day(london_date(window.starts), policy.recommended_days),
        today=london_date(site().now()),
    )


def open_pending(draft_id: bytes) -> tuple[Pending, bytes]:
    """Return what waits under this id for this account. Raise ``PreviewGone``."""
    store = site().store
    with store.reading() as connection:
        body = runs.read_draft(store, connection, require_account().id, draft_id)
    if body is None:
        raise PreviewGone(
            "This preview is too old.", "Look at the forward schedule; what is not there can be given again."
        )
    facts, _, octets = body.partition(b"\n")
    return Pending(**json.loads(facts)), octets


def drop_pending(draft_id: bytes) -> None:
    """Forget a notice that was recorded: it is in the record now."""
    store = site().store
    with store.writing() as connection:
        runs.take_draft(store, connection, require_account().id, draft_id)


def draft_id_of(text: str) -> bytes:
    """Read the id of a preview. Raise ``Unknown``."""
    try:
        return bytes.fromhex(text)
    except ValueError as problem:
        raise Unknown("There is no such preview.", "Give the notice again.") from problem


def find_sender(code: str) -> tuple[User, tuple[Gateway, ...]]:
    """Return a User and its gateways. Raise ``Unknown``."""
    store = site().store
    with store.reading() as connection:
        user = parties.find_user(store, connection, code)
        return user, parties.gateways_of(store, connection, user.id)


def chosen_draft() -> bytes:
    """Return the id that the page's button sends."""
    return draft_id_of(request.form.get("form_id", ""))
