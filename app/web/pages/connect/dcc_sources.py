"""Service, DCC's own dates by address: calendars that the scheduler reads for them; tried, added, polled, removed."""

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.domain.access import Action
from app.domain.maintenance import MaintenanceKind
from app.domain.refusal import Refusal
from app.pulling.fetch_failure import words_of
from app.pulling.look import PollReport
from app.register.sources import (
    LONGEST_MINUTES,
    SHORTEST_MINUTES,
    ListedSource,
    SourceRefused,
    find_source,
    list_dccs_sources,
    remove_source,
)
from app.store.sources import OK, Source
from app.web import form_once
from app.web.pages.connect.source_pages import look_at_source, stated_source, try_or_add
from app.web.site import site

blueprint = Blueprint("connect_dcc_sources", __name__)


@blueprint.get("/service/maintenance/sources/new", action=Action.KEEP_MAINTENANCE)
def new() -> Response:
    """Ask for the address, what it holds, and how often it is read."""
    return _form(form_once.new_form_id())


@blueprint.post("/service/maintenance/sources", action=Action.KEEP_MAINTENANCE)
def add() -> AnyResponse:
    """Try an address, or add it; which of the two the button says."""
    back = url_for("service_maintenance.show")
    return try_or_add(_stated, _form, back, "The address is added; it is read within a minute.")


@blueprint.post("/service/maintenance/sources/<source_id>/poll", action=Action.KEEP_MAINTENANCE)
def poll(source_id: str) -> AnyResponse:
    """Read an address now, or only say what that would change."""
    return look_at_source(_find(source_id), url_for("service_maintenance.show"), "DCC's own dates")


@blueprint.post("/service/maintenance/sources/<source_id>/remove", action=Action.KEEP_MAINTENANCE)
def remove(source_id: str) -> AnyResponse:
    """Forget an address with its credentials; the dates that it brought stay."""
    remove_source(site().store, _find(source_id))
    flash("The address is read no more. The dates that it brought stay as they are.")
    return redirect(url_for("service_maintenance.show"), 303)


def _find(source_id: str) -> ListedSource:
    """Return an address of DCC's; a User's calendar is not there."""
    return find_source(list_dccs_sources(site().store), source_id)


def _stated() -> Source:
    try:
        kind = MaintenanceKind(request.form.get("kind", ""))
    except ValueError as problem:
        raise SourceRefused("It is not said what the calendar holds.", "Choose maintenance or releases.") from problem
    return stated_source(kind)


def _form(form_id: str, fault: Refusal | None = None, tried: PollReport | None = None) -> Response:
    page = render_template(
        "connect/new_dates_source.html",
        kinds=list(MaintenanceKind),
        stated=request.form,
        shortest=SHORTEST_MINUTES,
        longest=LONGEST_MINUTES,
        form_id=form_id,
        fault=fault,
        report=tried,
        ok=OK,
        words_of=words_of,
    )
    return make_response(page, 422 if fault else 200)
