"""Give notice by a form, or change a closure by one: both state an event and go the way of every notice."""

from collections.abc import Sequence

from flask import Blueprint, Response, make_response, render_template, request

from app.domain.access import Action, Principal, acting_user
from app.domain.closure import State
from app.domain.london import read_instant
from app.domain.notice import Channel
from app.domain.party import read_code
from app.domain.refusal import NoticeUnreadable
from app.domain.window import ClosureWindow
from app.intake.written_event import FormEvent, Repeat, write_events
from app.register.give import LIMITS
from app.register.reading import find_held
from app.register.senders import Sender
from app.register.series import series_ahead
from app.store import parties
from app.web import form_once
from app.web.pages.choices import visible_in_order
from app.web.pages.notice import pending
from app.web.pages.notice.closure_form import (
    FIELDS,
    Typed,
    a_week_later,
    fields_of,
    read_change,
    read_closure,
    read_series_change,
    times_of,
)
from app.web.pages.notice.pending import Pending, find_sender
from app.web.principal import current_principal
from app.web.site import site

blueprint = Blueprint("notice_form", __name__)

_REPEATS = {
    Repeat.NEVER: "Does not repeat",
    Repeat.WEEKLY: "Every week",
    Repeat.WEEKS: "Every so many weeks",
    Repeat.MONTHLY: "Every month on the same weekday, such as the second Sunday",
}


@blueprint.get("/notices/form", action=Action.GIVE_NOTICE)
def show() -> Response:
    """Ask for a closure; with ``preview``, show again what was typed before that preview.

    ``starts`` and ``ends`` put other times in its place: those of a free slot that the preview named.
    """
    principal = current_principal()
    if request.args.get("preview"):
        given, _ = pending.open_pending(pending.draft_id_of(request.args["preview"]))
        typed = Typed(given.typed | _slot_fields())
        if given.changes:
            return _change_form(principal, given.changes, typed)
        return _form(principal, acting_user(principal, given.user), typed, form_once.new_form_id())
    return _form(principal, request.args.get("user"), Typed({}), form_once.new_form_id())


@blueprint.post("/notices/form", action=Action.GIVE_NOTICE)
def preview() -> Response:
    """Say what the closure would be and how much notice that is. Nothing is recorded."""
    principal = current_principal()
    sender = find_sender(acting_user(principal, read_code(request.form.get("user", ""))))
    typed, form_id = _typed(), request.form.get("form_id", "")
    stated = read_closure(typed, sender.codes, form_id)
    page = None if stated is None else _preview(typed, [stated], sender)
    return page or _form(principal, sender.user.code, typed, form_id)


@blueprint.get("/closures/<reference>/change", action=Action.GIVE_NOTICE)
def change(reference: str) -> Response:
    """Ask for a closure's new times or gateway; the closure and its history stay."""
    principal = current_principal()
    closure = find_held(site().register, principal, reference).closure
    return _change_form(principal, reference, Typed(fields_of(closure)))


@blueprint.post("/closures/<reference>/change", action=Action.GIVE_NOTICE)
def preview_change(reference: str) -> Response:
    """Say what would be different and how much notice of that this is; or fill the form, a week later.

    Nothing is recorded.
    """
    principal, typed = current_principal(), _typed()
    if request.form.get("push") == "week":
        return _change_form(principal, reference, a_week_later(typed))
    held = find_held(site().register, principal, reference)
    closure, mark = held.closure, held.mark
    sender = find_sender(closure.user)
    stated = read_change(typed, sender.codes, (mark.uid, mark.recurrence_id, closure.window))
    told = [] if stated is None else [stated]
    if stated is not None and typed.text("which") == "series":
        told = read_series_change(typed, stated, closure, series_ahead(site().register, held, site().now()))
    page = _preview(typed, told, sender, closure.reference) if told else None
    return page or _change_form(principal, reference, typed)


def _slot_fields() -> dict[str, str]:
    """Return the fields of the times that the address names; none where it names no window."""
    starts, ends = request.args.get("starts"), request.args.get("ends")
    if not (starts and ends):
        return {}
    return times_of(ClosureWindow(read_instant(starts)[0], read_instant(ends)[0]))


def _typed() -> Typed:
    return Typed({name: request.form[name] for name in FIELDS if name in request.form})


def _preview(typed: Typed, told: Sequence[FormEvent], sender: Sender, changes: str = "") -> Response | None:
    """Return the preview; None where nothing could be read, with what is wrong noted at its field.

    All that is told is of one gateway.
    """
    waiting = Pending(
        user=sender.user.code,
        gateway=told[0].gateway,
        media_type="text/calendar",
        allow_long=typed.text("allow_long") == "yes",
        channel=Channel.FORM.value,
        changes=changes,
        typed=dict(typed.values),
        series=len(told) > 1,
    )
    octets = write_events(told)
    try:
        given = pending.preview_pending(waiting, octets, sender)
    except NoticeUnreadable as refused:
        typed.take(refused.problems)
        return None
    if not given.content.announcements:
        typed.take(given.content.problems)
        return None
    return make_response(pending.preview_page(waiting, octets, sender.user, given.outcome))


def _form(principal: Principal, named: str | None, typed: Typed, form_id: str) -> Response:
    store = site().store
    with store.reading() as connection:
        senders = visible_in_order(principal, parties.read_parties(store, connection))
    sender: Sender | None = None
    if named or len(senders) == 1:
        sender = find_sender(acting_user(principal, read_code(named) if named else senders[0].code))
    page = render_template(
        "notice/form.html",
        senders=senders,
        user=sender and sender.user,
        gateways=sender.gateways if sender else (),
        own=sender is not None and sender.user.code in principal.users,
        typed=typed,
        repeats=_REPEATS,
        limits=LIMITS,
        form_id=form_id,
    )
    return make_response(page, 422 if typed.faults else 200)


def _change_form(principal: Principal, reference: str, typed: Typed) -> Response:
    held = find_held(site().register, principal, reference)
    closure = held.closure
    sender = find_sender(closure.user)
    page = render_template(
        "notice/change.html",
        closure=closure,
        user=sender.user,
        gateways=sender.gateways,
        again=closure.state is State.WITHDRAWN,
        series=series_ahead(site().register, held, site().now()),
        typed=typed,
        limits=LIMITS,
    )
    return make_response(page, 422 if typed.faults else 200)
