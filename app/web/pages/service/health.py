"""Service, health: whether the scheduler works, what each job last did, how sources stand, and what is kept."""

from flask import Blueprint, Response, make_response, render_template

from app.domain.access import Action
from app.domain.london import london_date
from app.register.questions.freshness import OVERDUE, SWEEP
from app.register.questions.troubles import find_troubles, is_overdue
from app.register.sources import list_sources
from app.register.witnesses import standing_of
from app.store import runs
from app.store.clock import read_standing
from app.store.engine import read_head
from app.store.room import free_octets
from app.web.site import site

blueprint = Blueprint("service_health", __name__)


@blueprint.get("/service/health", action=Action.READ_HEALTH)
def show() -> Response:
    """Show it all on one page."""
    now = site().now()
    with site().store.reading() as connection:
        head, jobs, standing = read_head(connection), runs.all_runs(connection), read_standing(connection)
    check = next((job for job in jobs if job.name == runs.INTEGRITY), None)
    sweep = next((job for job in jobs if job.name == SWEEP), None)
    found = list_sources(site().store)
    book = site().register.rulebook()
    calendar = book.calendar_for(book.policy_for(now))
    page = render_template(
        "service/health.html",
        works=sweep is not None and abs(now - sweep.ran_at) < OVERDUE,
        sweep=sweep,
        doubt=standing and standing.doubt,
        check=check,
        unchecked=check is None or is_overdue(check, now),
        refused=site().write_probe.ask(),
        troubles=find_troubles(site().register, free_octets(site().store, site().key_dir), now),
        jobs=jobs,
        sources=len(found),
        of_dcc=sum(source.user is None for source in found),
        failing=sum(source.standing.is_silent for source in found),
        head=head,
        witnesses=(witnessing := standing_of(site().register, site().witnesses)),
        unwitnessed=witnessing.is_overdue(now),
        calendar=calendar,
        ends_soon=calendar.ends_soon(london_date(now)),
        now=now,
    )
    return make_response(page)
