"""A notice under preview, from a file or from a form: kept sealed for its sender until it is confirmed."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace

from flask import json, render_template, request, url_for

from app.domain.closure import Step
from app.domain.london import london_date, utc_text
from app.domain.notice import Channel, Notice
from app.domain.notice_period import day_of_notice, last_on_time_day
from app.domain.party import User
from app.domain.refusal import AlreadyThere, Unknown
from app.domain.window import ClosureWindow
from app.register import give
from app.register.give import Given, NoticeOptions
from app.register.receipts import Outcome
from app.register.register import Register
from app.register.senders import Sender
from app.store import runs
from app.store.engine import Store
from app.web.principal import current_principal, require_account
from app.web.site import site


class PreviewGone(AlreadyThere):
    """A preview that is too old, or somebody else's."""

    code = "preview-gone"


@dataclass(frozen=True, slots=True)
class Pending:
    """A notice and what was chosen with it. ``typed`` are a form's fields; ``changes`` the closure that it is about.

    With ``series`` it is about the others of the same series too.
    """

    user: str
    gateway: str | None
    media_type: str
    allow_long: bool
    channel: str = Channel.UPLOAD.value
    file_name: str = ""
    changes: str = ""
    typed: dict[str, str] = field(default_factory=dict)
    series: bool = False

    def pack(self, octets: bytes) -> bytes:
        """Return one line of facts, and the notice word for word."""
        return json.dumps(asdict(self)).encode() + b"\n" + octets


def preview_pending(pending: Pending, octets: bytes, sender: Sender) -> Given:
    """Say what the notice would do. Raise ``NoticeTooLarge`` or ``NoticeUnreadable``."""
    notice, wanted = _notice(pending, octets, sender, ""), _options(pending)
    given = give.give_notice(site().register, sender, notice, replace(wanted, dry_run=True, asker=current_principal()))
    # Only a file claims to be the whole of what is planned; a form states one thing.
    if notice.channel is Channel.UPLOAD:
        return given
    return replace(given, outcome=replace(given.outcome, missing=()))


def read_pending(
    pending: Pending, octets: bytes, sender: Sender, given_by: str, *, withdraw_missing: bool
) -> Callable[[Register], Outcome]:
    """Read the notice; return what records it. Raise ``NoticeTooLarge`` or ``NoticeUnreadable``."""
    notice = _notice(pending, octets, sender, given_by)
    wanted = replace(_options(pending), withdraw_missing=withdraw_missing)
    content = give.read_given(site().register, sender, notice, wanted)
    return lambda register: give.take_notice(register, sender, notice, content, wanted).outcome


def _notice(pending: Pending, octets: bytes, sender: Sender, given_by: str) -> Notice:
    return Notice(sender.user.code, Channel(pending.channel), site().now(), pending.media_type, octets, given_by)


def _options(pending: Pending) -> NoticeOptions:
    return NoticeOptions(
        gateway=pending.gateway, about="" if pending.series else pending.changes, allow_long=pending.allow_long
    )


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
        adds=[acknowledgement for acknowledgement in outcome.accepted if acknowledgement.step is Step.FIRST],
        changes=[acknowledgement for acknowledgement in outcome.accepted if acknowledgement.step is not Step.FIRST],
        use_slot=lambda slot: _slot_address(pending, draft, slot),
        last_on_time_day=lambda window: last_on_time_day(london_date(window.starts), policy, calendar),
        counts_from=day_of_notice(site().now(), policy, calendar),
        cut_off=policy.cut_off,
    )


def _slot_address(pending: Pending, draft: bytes, slot: ClosureWindow | None) -> str:
    """Return where the form is shown again with the times of a free slot; "" for a file, and for what repeats."""
    if slot is None or pending.channel != Channel.FORM.value or pending.typed.get("repeat", "never") != "never":
        return ""
    return url_for("notice_form.show", preview=draft.hex(), starts=utc_text(slot.starts), ends=utc_text(slot.ends))


def open_pending(draft_id: bytes) -> tuple[Pending, bytes]:
    """Return what waits under this id for this account. Raise ``PreviewGone``."""
    body = open_draft(draft_id, "Look at the forward schedule; what is not there can be given again.")
    facts, _, octets = body.partition(b"\n")
    return Pending(**json.loads(facts)), octets


def open_draft(draft_id: bytes, remedy: str) -> bytes:
    """Return a file that waits under this id for this account, as it was kept. Raise ``PreviewGone``."""
    store = site().store
    with store.reading() as connection:
        body = runs.read_draft(store, connection, require_account().id, draft_id)
    if body is None:
        raise PreviewGone("This preview is too old.", remedy)
    return body


def drop_draft(store: Store, draft_id: bytes) -> None:
    """Forget what waited: it is in the record now."""
    with store.writing() as connection:
        runs.take_draft(store, connection, require_account().id, draft_id)


def draft_id_of(text: str) -> bytes:
    """Read the id of a preview. Raise ``Unknown``."""
    try:
        return bytes.fromhex(text)
    except ValueError as problem:
        raise Unknown("There is no such preview.", "Give the notice again.") from problem


def find_sender(code: str) -> Sender:
    """Return a User with its gateways. Raise ``Unknown``."""
    return give.find_sender(site().register, code)


def chosen_draft() -> bytes:
    """Return the id that the page's button sends."""
    return draft_id_of(request.form.get("form_id", ""))
