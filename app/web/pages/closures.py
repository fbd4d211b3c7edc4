"""The closures as a list: by London day or sorted otherwise, filtered by the address, in pages or as CSV."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby

from flask import Blueprint, Response, make_response, render_template, request

from app.domain.access import Action, Principal, may
from app.domain.asked import Asked, read_asked
from app.domain.closure import PlannedClosure, State
from app.domain.london import london_date, read_day, whole_days
from app.domain.refusal import Refusal
from app.domain.window import ClosureWindow
from app.register import sheet_out
from app.register.closure_json import json_of
from app.register.own_references import references_of
from app.register.questions import readers
from app.register.questions.search import find_mentioned, mentioned
from app.register.reading import Question, read_lasting
from app.web.pages.choices import (
    FilterRefused,
    choices_of,
    read_choice,
    read_first_day,
    read_page,
    require_within,
)
from app.web.pages.wording import install_wording, state_words
from app.web.principal import current_principal
from app.web.site import site

blueprint = Blueprint("closures", __name__)
install_wording(blueprint)

_DEFAULT_DAYS = 56
_MOST_DAYS = 400
_ON_A_PAGE = 50
_LONGEST_SEARCH = 100
_ONE_DAY, _INSTANT = timedelta(days=1), timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Sorting:
    """An order of the list, in words, and what it compares; ties fall by start and reference."""

    words: str
    key: Callable[[PlannedClosure], tuple[object, ...]]


SORTINGS: dict[str, Sorting] = {
    "start": Sorting("Start", lambda entry: (entry.window.starts,)),
    "user": Sorting("User", lambda entry: (entry.user,)),
    "gateway": Sorting("Gateway", lambda entry: (entry.gateway,)),
    "notice": Sorting("Least notice first", lambda entry: (entry.verdict.current_date.working_days,)),
    "told": Sorting("Last told first", lambda entry: (-entry.window_received_at.timestamp(),)),
    "moves": Sorting("Most moves first", lambda entry: (-entry.moves,)),
}


PRESETS = ("now", "tonight", "this weekend", "next 7 days", "this month", "this quarter")
"""Times that a press away stand in the search, in the words in which they can be typed."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for, in the words in which it was asked.

    ``first`` and ``last`` are London days, both included: those of the list as it opens, and the fields' where
    ``days_stated``. A time in the search goes before them; a search for words alone is about every day there is.
    """

    first: date
    last: date
    asked: Asked
    search: str = ""
    user: str | None = None
    gateway: str | None = None
    state: State | None = None
    short_notice: bool = False
    sort: str = "start"
    page: int = 1
    days_stated: bool = False

    @property
    def span(self) -> ClosureWindow | None:
        """Return the span that is asked about; None for every day there is."""
        if self.asked.at is not None:
            return ClosureWindow(self.asked.at, self.asked.at + _INSTANT)
        if self.asked.span is not None:
            return self.asked.span
        if self.asked.words and not self.days_stated:
            return None
        return whole_days(self.first, self.last + _ONE_DAY)

    @property
    def narrows(self) -> bool:
        """Tell whether more than the days is chosen."""
        return any((self.search, self.user, self.gateway, self.state, self.short_notice))

    @property
    def further(self) -> bool:
        """Tell whether one of the choices is set that the page folds away."""
        return self.short_notice or self.state is not None or self.sort != "start"

    def address(self, **changed: object) -> dict[str, object]:
        """Return the parameters of the same list with something ``changed``; what is as usual is left out."""
        days = {"from": self.first.isoformat(), "to": self.last.isoformat()} if self.days_stated else {}
        stated = {
            "q": self.search, **days, "user": self.user, "gateway": self.gateway, "state": self.state,
            "short": 1 if self.short_notice else None, "sort": None if self.sort == "start" else self.sort,
        }  # fmt: skip
        return {name: value for name, value in (stated | changed).items() if value}

    def at_time(self, words: str) -> dict[str, object]:
        """Return the parameters of the same list at another time, in words; what else was searched for stays."""
        return self.address(**{"q": " ".join((*self.asked.words, words)), "from": None, "to": None})


@blueprint.get("/closures", action=Action.READ_CLOSURES)
def show_all() -> Response:
    """Show the next eight weeks, or what the address asks for; 400 where a filter cannot be read."""
    principal, now = current_principal(), site().now()
    today = london_date(now)
    filters, fault = Filters(today, today + (_DEFAULT_DAYS - 1) * _ONE_DAY, Asked(())), None
    choices = choices_of(site().register, principal)
    found: list[PlannedClosure] = []
    try:
        filters = _read_filters()
        found = _find(principal, filters, now)
    except Refusal as problem:
        fault = problem
    pages = max(1, -(-len(found) // _ON_A_PAGE))
    filters = replace(filters, page=min(filters.page, pages))
    shown = found[(filters.page - 1) * _ON_A_PAGE : filters.page * _ON_A_PAGE]
    page = render_template(
        "closures.html",
        groups=_groups(shown, filters),
        own_references=references_of(site().register, principal, shown),
        presets=PRESETS,
        found=len(found),
        short_notice=sum(closure.verdict.short_notice for closure in found),
        page_count=pages,
        filters=filters,
        fault=fault,
        stated=request.args,
        choices=choices,
        states=[(state.value, state_words(state)) for state in State],
        sortings=[(name, sorting.words) for name, sorting in SORTINGS.items()],
        may_give=may(principal.role, Action.GIVE_NOTICE),
        sees_everyone=principal.sees_everyone,
        now=now,
    )
    return make_response(page, 400 if fault else 200)


@blueprint.get("/closures.csv", action=Action.READ_CLOSURES)
def export() -> Response:
    """Give the same list as CSV: an export, which is noted."""
    principal, now = current_principal(), site().now()
    found = _find(principal, _read_filters(), now)
    readers.note_export(site().store, principal.name, "closures, csv", len(found), now)
    names = site().register.history.names
    own = references_of(site().register, principal, found)
    lines = [{**json_of(closure, names, now), "own_reference": own.get(closure.id, "")} for closure in found]
    # Only a User has own references; the sheet of anybody else is without that column.
    columns = (*sheet_out.CLOSURES, "own_reference") if principal.users else sheet_out.CLOSURES
    text = sheet_out.to_csv(columns, lines)
    response = Response(text, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = "attachment; filename=closures.csv"
    return response


def _read_filters() -> Filters:
    args = request.args
    search = args.get("q", "").strip()
    if len(search) > _LONGEST_SEARCH:
        raise FilterRefused(f"A search has at most {_LONGEST_SEARCH} characters.", "Search for a reference or a code.")
    asked = read_asked(search, site().now())
    first = read_first_day(site().now())
    last = read_day(args["to"]) if args.get("to") else min(first, date.max - _MOST_DAYS * _ONE_DAY) + (
        _DEFAULT_DAYS - 1
    ) * _ONE_DAY  # fmt: skip
    require_within(first, last, _MOST_DAYS)
    state, sort = args.get("state"), args.get("sort") or "start"
    if state and state not in set(State):
        raise FilterRefused("That is not a state.", f"Choose one of {', '.join(State)}.")
    if sort not in SORTINGS:
        raise FilterRefused("That is not an order.", f"Choose one of {', '.join(SORTINGS)}.")
    return Filters(
        first,
        last,
        asked,
        search,
        read_choice("user"),
        read_choice("gateway"),
        State(state) if state else None,
        args.get("short") == "1",
        sort,
        read_page(),
        days_stated=bool(args.get("from") or args.get("to")),
    )


def _find(principal: Principal, filters: Filters, now: datetime) -> list[PlannedClosure]:
    """Return what the filters ask for, in their order."""
    register, span = site().register, filters.span
    if span is None:
        found = find_mentioned(register, principal, filters.asked)
    else:
        found = read_lasting(register, principal, Question(span, filters.user, filters.gateway), now)
        found = mentioned(register, principal, filters.asked, found)
    kept = [
        closure
        for closure in found
        if filters.user in (None, closure.user)
        and filters.gateway in (None, closure.gateway)
        and filters.state in (None, closure.state_at(now))
        and (closure.verdict.short_notice or not filters.short_notice)
    ]
    return kept if filters.sort == "start" else sorted(kept, key=SORTINGS[filters.sort].key)


def _groups(shown: list[PlannedClosure], filters: Filters) -> list[tuple[date | None, list[PlannedClosure]]]:
    """Return the page's closures by the London day on which they start; in another order as one group."""
    if filters.sort != "start":
        return [(None, shown)] if shown else []
    return [(day, list(group)) for day, group in groupby(shown, lambda closure: london_date(closure.window.starts))]
