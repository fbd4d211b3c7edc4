"""Service, DCC's own dates: planned maintenance and SEC Release days come in by a calendar file, after a preview.

The addresses that bring them by themselves are listed here too; what is done with those is connect/sources.py.
"""

from datetime import datetime, timedelta

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.domain.access import Action
from app.domain.maintenance import MaintenanceKind
from app.domain.notice import NoticeContent
from app.domain.refusal import IntakeProblem, NoticeTooLarge, NoticeUnreadable, Refusal, size_words
from app.domain.window import ClosureWindow
from app.ical.limits import Limits
from app.intake.media import read_notice
from app.pulling.fetch_failure import words_of
from app.register.maintenance import (
    asking_for_dates,
    find_maintenance,
    import_maintenance,
    preview_maintenance,
    remove_maintenance,
)
from app.register.register import Register
from app.register.sources import DCC_DATES
from app.store import runs
from app.store.sources import OK
from app.web import form_once
from app.web.pages.connect.sources import listed_with_state, seen_by
from app.web.pages.notice import pending
from app.web.principal import current_principal, require_account
from app.web.site import site

blueprint = Blueprint("service_maintenance", __name__)

_LIMITS = Limits()
_AHEAD, _BACK = timedelta(days=2 * 366), timedelta(days=31)


@blueprint.get("/service/maintenance", action=Action.KEEP_MAINTENANCE)
def show() -> Response:
    """List DCC's own windows, with the upload above."""
    return _page()


@blueprint.post("/service/maintenance/preview", action=Action.KEEP_MAINTENANCE)
def preview() -> Response:
    """Say what the file would change. Nothing is recorded."""
    sent = request.files.get("file")
    octets = sent.stream.read(_LIMITS.octets + 1) if sent else b""
    try:
        if not octets:
            raise NoticeUnreadable("Choose a calendar file with at least one date in it.")
        if len(octets) > _LIMITS.octets:
            raise NoticeTooLarge(f"A file may have at most {size_words(_LIMITS.octets)}.", "Upload it in parts.")
        kind, now = _kind(request.form.get("kind", "")), site().now()
        imported = preview_maintenance(site().register, kind, _read(octets, now), now)
    except Refusal as refusal:
        return _page(refusal)
    draft, store = b"", site().store
    if imported.added or imported.moved or imported.withdrawn:
        with store.writing() as connection:
            draft = runs.put_draft(store, connection, require_account().id, kind.encode() + b"\n" + octets, now)
    return make_response(
        render_template("service/maintenance_preview.html", imported=imported, kind=kind.value, draft=draft.hex())
    )


@blueprint.post("/service/maintenance", action=Action.KEEP_MAINTENANCE)
def take() -> AnyResponse:
    """Take the dates that were previewed, once; a second press tells the same."""
    account, draft_id, now = require_account(), pending.chosen_draft(), site().now()

    def prepare() -> form_once.Work:
        kind, _, octets = pending.open_draft(draft_id, "Look at the list of dates.").partition(b"\n")
        reading = _read(octets, now)

        def work(register: Register) -> dict[str, object]:
            pending.drop_draft(register.store, draft_id)
            done = import_maintenance(register, _kind(kind.decode()), reading, now)
            counts = {"added": len(done.added), "moved": len(done.moved), "withdrawn": len(done.withdrawn)}
            return {"kind": "dates", **counts}

        return work

    done = form_once.answer_of(form_once.carry_out(account, prepare))
    if done is not None:
        flash("Taken: {added} added, {moved} moved, {withdrawn} withdrawn.".format(**done))
    return redirect(url_for("service_maintenance.show"), 303)


@blueprint.post("/service/maintenance/<reference>/remove", action=Action.KEEP_MAINTENANCE)
def remove(reference: str) -> AnyResponse:
    """Withdraw one window; its history stays."""
    gone = remove_maintenance(site().register, reference, site().now())
    flash(f"{gone.reference} is withdrawn. A later import of its event brings it back.")
    return redirect(url_for("service_maintenance.show"), 303)


def _kind(text: str) -> MaintenanceKind:
    try:
        return MaintenanceKind(text)
    except ValueError as problem:
        raise NoticeUnreadable("Say whether the file holds maintenance or releases.") from problem


def _read(octets: bytes, now: datetime) -> NoticeContent:
    return read_notice(octets, "text/calendar", asking_for_dates(now))


def _page(fault: Refusal | None = None) -> Response:
    now = site().now()
    problems: tuple[IntakeProblem, ...] = fault.problems if isinstance(fault, NoticeUnreadable) else ()
    page = render_template(
        "service/maintenance.html",
        sources=listed_with_state(seen_by(current_principal(), DCC_DATES)),
        ok=OK,
        words_of=words_of,
        dates=find_maintenance(site().register, ClosureWindow(now - _BACK, now + _AHEAD)),
        kinds=list(MaintenanceKind),
        chosen=request.form.get("kind", ""),
        now=now,
        fault=fault,
        problems=problems,
    )
    return make_response(page, 422 if fault else 200)
