"""The horizon: a lane for each User, DCC's own dates behind, load on top; as it is known, or as it was known then."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from flask import Blueprint, Response, make_response, render_template, request

from app.domain.access import Action, Principal
from app.domain.closure import PlannedClosure
from app.domain.london import LONDON, london_date, whole_days
from app.domain.party import PARTY_CATEGORIES
from app.domain.refusal import Refusal
from app.domain.window import ClosureWindow
from app.register.maintenance import find_maintenance
from app.register.reading import Question, read_schedule
from app.web.pages.choices import (
    Choices,
    FilterRefused,
    choices_of,
    read_as_of,
    read_category,
    read_choice,
    read_first_day,
    read_page,
)
from app.web.pages.timeline import (
    WIDTH,
    ZOOMS,
    Lane,
    Scale,
    Zoom,
    bands_of,
    by_user,
    columns_of,
    grid_of,
    lane_of,
    ticks_of,
    zone_names,
)
from app.web.principal import current_principal
from app.web.site import site

blueprint = Blueprint("horizon", __name__)

_ONE_DAY = timedelta(days=1)
_DEFAULT_ZOOM = "8w"
_MOST_LINKS = 440  # on one page, to stay below 100 kB of it; a lane costs as much as three of them, besides its own
_LANE_COSTS = 3
_EDGE = timedelta(days=400)

_Own = tuple[str, list[PlannedClosure]]


@dataclass(frozen=True, slots=True)
class HorizonView:
    """What the address asks for."""

    first: date
    zoom_name: str = _DEFAULT_ZOOM
    user: str | None = None
    gateway: str | None = None
    category: str | None = None
    as_of: datetime | None = None
    page: int = 1

    @property
    def zoom(self) -> Zoom:
        """Return how much is shown."""
        return ZOOMS[self.zoom_name]

    @property
    def span(self) -> ClosureWindow:
        """Return the span that is shown: whole London days."""
        return whole_days(self.first, self.first + self.zoom.days * _ONE_DAY)

    @property
    def last(self) -> date:
        """Return the last day that is shown."""
        return self.first + (self.zoom.days - 1) * _ONE_DAY

    def moved(self, zooms: int) -> date:
        """Return the first day of the view so many spans later, or earlier."""
        return self.first + zooms * self.zoom.days * _ONE_DAY

    def address(self, **changed: object) -> dict[str, object]:
        """Return the parameters of the same view with something ``changed``, from its first page on.

        What is as usual is left out.
        """
        stated = {
            "zoom": self.zoom_name, "from": self.first.isoformat(), "user": self.user, "gateway": self.gateway,
            "category": self.category, "as_of": self.as_of and f"{self.as_of.astimezone(LONDON):%Y-%m-%dT%H:%M}",
        }  # fmt: skip
        return {name: value for name, value in (stated | changed).items() if value}


@dataclass(frozen=True, slots=True)
class Group:
    """The lanes of one party category."""

    category: str
    lanes: tuple[Lane, ...]

    @property
    def closures(self) -> int:
        """Return how many closures lie in its lanes."""
        return sum(len(lane.lines) for lane in self.lanes)


@blueprint.get("/horizon", action=Action.READ_CLOSURES)
def show() -> Response:
    """Show the lanes; 400 where the address cannot be read."""
    principal, now = current_principal(), site().now()
    register = site().register
    view, fault = HorizonView(london_date(now)), None
    try:
        view = _read_view(now)
    except Refusal as problem:
        fault = problem
    choices = choices_of(register, principal)
    lines = [] if fault else _find(principal, view, choices)
    scale = Scale(view.span)
    columns = columns_of(lines, view.first, view.zoom, scale)
    users = _in_order(by_user(lines), choices)
    pages = _pages(users, view.zoom)
    view = replace(view, page=min(view.page, len(pages)))
    joined = grid_of(view.first, view.zoom.days, view.zoom.join_days)
    shown = [lane_of(user, found, scale, joined) for user, found in pages[view.page - 1]]
    before = sum(len(entry) for entry in pages[: view.page - 1])
    page = render_template(
        "horizon.html",
        view=view,
        fault=fault,
        stated=request.args,
        choices=choices,
        zooms=ZOOMS,
        categories=[(entry, entry) for entry in PARTY_CATEGORIES],
        groups=_groups(shown, choices),
        lanes=len(users),
        first_lane=before + 1,
        last_lane=before + len(shown),
        page_count=len(pages),
        closures=len(lines),
        bands=bands_of(find_maintenance(register, view.span, view.as_of), scale),
        columns=columns,
        busiest=max(columns, key=lambda column: (column.peak, -column.x)),
        ticks=ticks_of(view.first, view.zoom, scale),
        width=WIDTH,
        now=now,
        now_at=scale.place(now) if view.span.contains(now) else None,
        zone=zone_names(view.span),
        sees_everyone=principal.sees_everyone,
    )
    return make_response(page, 400 if fault else 200)


def _read_view(now: datetime) -> HorizonView:
    zoom = request.args.get("zoom") or _DEFAULT_ZOOM
    if zoom not in ZOOMS:
        raise FilterRefused("That is not a zoom.", f"Choose one of {', '.join(ZOOMS)}.")
    first = read_first_day(now)
    # A view can be moved by its own length either way, and every day of it has a name.
    if not date.min + _EDGE < first < date.max - _EDGE:
        raise FilterRefused("That day is too far away.", "Choose a day that somebody could plan for.")
    return HorizonView(
        first, zoom, read_choice("user"), read_choice("gateway"), read_category(), read_as_of(), read_page()
    )


def _find(principal: Principal, view: HorizonView, choices: Choices) -> list[PlannedClosure]:
    question = Question(view.span, view.user, view.gateway, as_of=view.as_of)
    return [
        line
        for line in read_schedule(site().register, principal, question)
        if view.category in (None, choices.categories.get(line.user))
    ]


def _in_order(users: dict[str, list[PlannedClosure]], choices: Choices) -> list[_Own]:
    """Return each User's closures in the order of the page: by category, then by code."""
    order = {category: at for at, category in enumerate(_categories(choices))}
    return sorted(users.items(), key=lambda own: (order[choices.categories[own[0]]], own[0]))


def _pages(users: Iterable[_Own], zoom: Zoom) -> list[list[_Own]]:
    """Share the lanes out over pages that are light enough; there is always a first page."""
    pages: list[list[_Own]] = [[]]
    room = _MOST_LINKS
    for own in users:
        costs = _LANE_COSTS + zoom.most_links(len(own[1]))
        if costs > room:
            pages.append([])
            room = _MOST_LINKS
        pages[-1].append(own)
        room -= costs
    return pages


def _groups(lanes: list[Lane], choices: Choices) -> list[Group]:
    found = [
        Group(category, tuple(lane for lane in lanes if choices.categories[lane.user] == category))
        for category in _categories(choices)
    ]
    return [group for group in found if group.lanes]


def _categories(choices: Choices) -> Iterable[str]:
    return dict.fromkeys((*PARTY_CATEGORIES, *sorted(choices.categories.values())))
