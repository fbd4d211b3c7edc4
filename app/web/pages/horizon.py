"""The horizon: closures by day as heat, with the load and DCC's own dates on top; as it is known, or was known then."""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request, url_for

from app.domain.access import Action, Principal
from app.domain.closure import PlannedClosure, State
from app.domain.london import LONDON, london_date
from app.domain.party import PARTY_CATEGORIES
from app.domain.refusal import Refusal
from app.domain.window import ClosureWindow
from app.register.holiday_tables import holiday_names
from app.register.maintenance import find_maintenance
from app.register.reading import Question, read_lasting
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
from app.web.pages.heat import (
    ABOVE,
    Grid,
    Lane,
    by_code,
    columns_of,
    columns_touched,
    grid_of,
    headings_of,
    heat_level,
    lane_of,
    zone_names,
)
from app.web.principal import current_principal
from app.web.site import site

blueprint = Blueprint("horizon", __name__)

_ONE_DAY = timedelta(days=1)
_WEEK = 7
_DEFAULT_ZOOM = "8w"
_MONTH = "month"
_MOST_LISTED = 60  # closures in words below the picture
_FEW = 15  # lanes that are seen at once: of more, each category has one of its own on top
_MOST_PRINTED = 40  # lanes on one sheet of paper
_LIGHT = 68_000  # octets of lanes on one page, so that the whole of it stays below 100 kB
_LANE_OCTETS, _LINK_OCTETS, _LIST_OCTETS = 200, 100, 110
_EDGE = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Zoom:
    """How much the horizon shows: ``days`` in columns of ``column_days``."""

    words: str
    days: int
    column_days: int


ZOOMS = {"2w": Zoom("2 weeks", 14, 1), "8w": Zoom("8 weeks", 56, 1), "6m": Zoom("6 months", 182, 7)}


@dataclass(frozen=True, slots=True)
class HorizonView:
    """What the address asks for. ``today`` is the first day where none is named."""

    today: date
    first: date
    zoom_name: str = _DEFAULT_ZOOM
    user: str | None = None
    gateway: str | None = None
    category: str | None = None
    as_of: datetime | None = None
    page: int = 1

    @property
    def is_month(self) -> bool:
        """Tell whether a month is shown as on a wall calendar."""
        return self.zoom_name == _MONTH

    @property
    def grid(self) -> Grid:
        """Return the days that are shown; of a month whole weeks, from Monday on."""
        if not self.is_month:
            zoom = ZOOMS[self.zoom_name]
            return grid_of(self.first, zoom.days, zoom.column_days)
        before = self.first.weekday()
        days = before + monthrange(self.first.year, self.first.month)[1]
        return grid_of(self.first - before * _ONE_DAY, -(-days // _WEEK) * _WEEK, 1)

    def moved(self, spans: int) -> date:
        """Return the first day of the view so many spans later, or earlier."""
        if self.is_month:
            return (self.first + spans * timedelta(days=31 if spans > 0 else 1)).replace(day=1)
        return self.first + spans * ZOOMS[self.zoom_name].days * _ONE_DAY

    def address(self, **changed: object) -> dict[str, Any]:
        """Return the parameters of the same view with something ``changed``, from its first page on.

        What is as usual is left out.
        """
        stated = {"zoom": self.zoom_name, "from": self.first, "user": self.user, "gateway": self.gateway}
        stated |= {"category": self.category}
        stated |= {"as_of": self.as_of and f"{self.as_of.astimezone(LONDON):%Y-%m-%dT%H:%M}"} | changed
        if stated["zoom"] == _MONTH:
            stated |= {"zoom": None, "view": _MONTH}
        usual = {"zoom": _DEFAULT_ZOOM, "from": self.today}
        return {name: value for name, value in stated.items() if value and value != usual.get(name)}


@dataclass(frozen=True, slots=True)
class Group:
    """The lanes of one party category on this page."""

    category: str
    lanes: tuple[Lane, ...]


@blueprint.get("/horizon", action=Action.READ_CLOSURES)
def show() -> Response:
    """Show the lanes, or a month; 400 where the address cannot be read."""
    principal, now = current_principal(), site().now()
    today = london_date(now)
    view, fault = HorizonView(today, today), None
    try:
        view = _read_view(now)
    except Refusal as problem:
        fault = problem
    choices = choices_of(site().register, principal)
    lines = [] if fault else _find(principal, view, choices, now)
    standing = [line for line in lines if line.state is not State.WITHDRAWN]
    grid = view.grid
    span = ClosureWindow(grid.spans[0].starts, grid.spans[-1].ends)
    everything = lane_of("Everyone", standing, grid)
    rules = site().register.rulebook()
    threshold = rules.thresholds_at(view.as_of).closed
    region = rules.policy_for(now).holiday_region
    holidays = holiday_names(rules.calendars[region], grid.days[0], grid.last_day(-1))
    planned = find_maintenance(site().register, span, view.as_of)
    columns = columns_of(everything, grid, holidays, planned)
    shown = {} if view.is_month else _lanes(view, standing, choices, grid)
    page = render_template(
        "horizon/month.html" if view.is_month else "horizon/lanes.html",
        **({"view": view} | shown),
        fault=fault,
        stated=request.args,
        choices=choices,
        zooms={name: zoom.words for name, zoom in ZOOMS.items()} | {_MONTH: "Month"},
        categories=[(entry, entry) for entry in PARTY_CATEGORIES],
        everything=everything,
        columns=columns,
        headings=headings_of(grid),
        busiest=max(columns, key=lambda column: (column.peak, -column.number)),
        above=sum(column.peak > threshold for column in columns),
        threshold=threshold,
        levels=[heat_level(peak, threshold) for peak in range(everything.peak + 1)],
        samples=_samples(threshold),
        planned=planned,
        listed=lines if len(lines) <= _MOST_LISTED else [],
        withdrawn=len(lines) - len(standing),
        now=now,
        today=today,
        last=grid.last_day(-1),
        list_days={"from": grid.days[0].isoformat(), "to": grid.last_day(-1).isoformat()},
        zone=zone_names(span),
        sees_everyone=principal.sees_everyone,
    )
    return make_response(page, 400 if fault else 200)


def _read_view(now: datetime) -> HorizonView:
    zoom, today = request.args.get("zoom") or _DEFAULT_ZOOM, london_date(now)
    if zoom not in ZOOMS:
        raise FilterRefused("That is not a zoom.", f"Choose one of {', '.join(ZOOMS)}.")
    if request.args.get("view"):
        if request.args["view"] != _MONTH:
            raise FilterRefused("That is not a view.", f"Write view={_MONTH}, or leave it out.")
        zoom = _MONTH
    first = read_first_day(now)
    # A view can be moved by its own length either way, and every day of it has a name.
    if not date.min + _EDGE < first < date.max - _EDGE:
        raise FilterRefused("That day is too far away.", "Choose a day that somebody could plan for.")
    if zoom == _MONTH:
        first = first.replace(day=1)
    return HorizonView(
        today, first, zoom, read_choice("user"), read_choice("gateway"), read_category(), read_as_of(), read_page()
    )


def _find(principal: Principal, view: HorizonView, choices: Choices, now: datetime) -> list[PlannedClosure]:
    grid, at = view.grid, view.as_of or now
    span = ClosureWindow(grid.spans[0].starts, grid.spans[-1].ends)
    question = Question(span, view.user, view.gateway, as_of=view.as_of)
    return [
        line.lasting(at)
        for line in read_lasting(site().register, principal, question, at)
        if view.category in (None, choices.categories.get(line.user))
    ]


def _lanes(view: HorizonView, standing: list[PlannedClosure], choices: Choices, grid: Grid) -> dict[str, object]:
    """Return what the page shows in lanes: by User under its category, or by gateway of the one User in sight."""
    user = view.user or (choices.users[0][0] if len(choices.users) == 1 else None)
    found = by_code(standing, lambda line: line.gateway if user else line.user)
    category = {code: "" if user else choices.categories[code] for code in found}
    order = {name: at for at, name in enumerate(_categories(choices))}
    lanes = sorted(found, key=lambda code: (order.get(category[code], 0), code))
    pages = _pages(lanes, found, grid)
    view = replace(view, page=min(view.page, len(pages)))
    shown = [lane_of(code, found[code], grid) for code in pages[view.page - 1]]
    before = sum(len(entry) for entry in pages[: view.page - 1])
    names = dict.fromkeys(category.values())
    groups = [Group(name, tuple(lane for lane in shown if category[lane.code] == name)) for name in names]
    has_summary = len(names) > 1 and len(lanes) > _FEW
    by_category = by_code(standing, lambda line: choices.categories[line.user]) if has_summary else {}
    return {
        "view": view,
        "opened": user,
        "groups": [group for group in sorted(groups, key=lambda one: order.get(one.category, 0)) if group.lanes],
        "summary": [lane_of(name, by_category[name], grid) for name in sorted(by_category, key=lambda one: order[one])],
        "lanes": len(lanes),
        "first_lane": before + 1,
        "last_lane": before + len(shown),
        "page_count": len(pages),
        "prints_whole": len(lanes) <= _MOST_PRINTED,
        "list_at": _list_address(view, user),
        "open_at": url_for("horizon.show", **view.address(user="")),
    }


def _list_address(view: HorizonView, user: str | None) -> str:
    """Return the address of the list of a lane's closures, to which the lane's code and the days are added."""
    narrowed = url_for("closures.show_all", user=user, gateway=None if user else view.gateway)
    return f"{narrowed}{'&' if '?' in narrowed else '?'}{'gateway' if user else 'user'}="


def _pages(lanes: Iterable[str], found: dict[str, list[PlannedClosure]], grid: Grid) -> list[list[str]]:
    """Share the lanes out over pages that are light enough; there is always a first page."""
    pages: list[list[str]] = [[]]
    room = _LIGHT
    for code in lanes:
        cells = columns_touched(found[code], grid).values()
        several = sum(len(touching) > 1 for touching in cells)
        costs = _LANE_OCTETS + len(cells) * _LINK_OCTETS + several * (_LIST_OCTETS + len(code))
        if costs > room and pages[-1]:
            pages.append([])
            room = _LIGHT
        pages[-1].append(code)
        room -= costs
    return pages


def _samples(threshold: int) -> list[tuple[int, str]]:
    """Return each level of heat with the numbers that it stands for, in words, for the legend."""
    found: dict[int, list[int]] = {}
    for peak in range(1, threshold + 1):
        found.setdefault(heat_level(peak, threshold), []).append(peak)
    words = [(level, f"{peaks[0]}" + (f"-{peaks[-1]}" if peaks[1:] else "")) for level, peaks in found.items()]
    return [*words, (ABOVE, f">{threshold}")]


def _categories(choices: Choices) -> Iterable[str]:
    return dict.fromkeys((*PARTY_CATEGORIES, *sorted(choices.categories.values())))
