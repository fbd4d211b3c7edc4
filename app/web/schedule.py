"""The forward schedule as a list: planned closures by London day, with filters in the address. Nothing is approved."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from flask import Blueprint, Response, make_response, render_template, request

from app.domain.access import Principal, Role
from app.domain.closure import State
from app.domain.london import london_date, read_day, whole_days
from app.domain.party import Gateway, User, read_code
from app.domain.refusal import Refusal
from app.domain.window import ClosureWindow
from app.register.reading import Question, find_closures, visible_users
from app.store import parties
from app.store.bodies import Standing
from app.store.parties import Parties
from app.web.access_table import ACCESS
from app.web.principal import require_principal
from app.web.site import site
from app.web.wording import install_wording

blueprint = Blueprint("schedule", __name__)
install_wording(blueprint)

_DEFAULT_DAYS = 56
_MOST_DAYS = 400
_MOST_ROWS = 500
_SOON = timedelta(hours=24)


class FilterRefused(Refusal):
    """A filter of the schedule that cannot be answered."""

    code = "filter"


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for, in the words in which it was asked: London days, both included."""

    first: date
    last: date
    user: str | None = None
    gateway: str | None = None
    state: State | None = None

    @property
    def narrows(self) -> bool:
        """Tell whether more than the days is chosen."""
        return any((self.user, self.gateway, self.state))

    def question(self) -> Question:
        """Return the question to the register."""
        span = whole_days(self.first, self.last + timedelta(days=1))
        return Question(span, self.user, self.gateway, self.state)


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of the one sentence on top: ``closed`` gateways now, windows that start within 24 hours."""

    closed: int
    soon: int
    shown: int
    short_notice: int


@blueprint.get("/")
def horizon() -> Response:
    """Show the next eight weeks, or the days that the address names; 400 where a filter cannot be read."""
    principal = require_principal(ACCESS["schedule.horizon"])
    now = site().now()
    today = london_date(now)
    filters = Filters(today, today + timedelta(days=_DEFAULT_DAYS - 1))
    fault: Refusal | None = None
    try:
        filters = _read_filters(today)
    except Refusal as problem:
        fault = problem
    found = [] if fault else find_closures(site().register, principal, filters.question())
    everyone = _parties()
    page = render_template(
        "schedule.html",
        days=[(day, list(group)) for day, group in groupby(found[:_MOST_ROWS], _day_of)],
        found=len(found),
        most=_MOST_ROWS,
        filters=filters,
        fault=fault,
        stated=request.args,
        summary=_summary(principal, filters, found, now),
        names={user.code: user.name for user in everyone.users.values()},
        user_options=[(user.code, _option(user)) for user in visible_in_order(principal, everyone)],
        gateway_options=[(gateway.code, _option(gateway)) for gateway in _gateways(principal, everyone)],
        state_options=[(state.value, state.value) for state in State],
        may_give=principal.role is not Role.OPS,
        sees_everyone=principal.sees_everyone,
        now=now,
    )
    return make_response(page, 400 if fault else 200)


def visible_in_order(principal: Principal, everyone: Parties) -> list[User]:
    """Return the Users that the principal may see, by code."""
    seen = visible_users(principal, everyone)
    return sorted((everyone.users[key] for key in seen), key=lambda user: user.code)


def _read_filters(today: date) -> Filters:
    args = request.args
    first = read_day(args["from"]) if args.get("from") else today
    last = read_day(args["to"]) if args.get("to") else min(first, date.max - timedelta(days=_MOST_DAYS)) + timedelta(
        days=_DEFAULT_DAYS - 1
    )  # fmt: skip
    if last < first:
        raise FilterRefused("The last day is before the first.", "Choose a later last day.")
    if last - first > timedelta(days=_MOST_DAYS) or last > date.max - timedelta(days=2) or first == date.min:
        raise FilterRefused(f"One page shows at most {_MOST_DAYS} days.", "Choose days that are closer together.")
    state = args.get("state")
    if state and state not in set(State):
        raise FilterRefused("That is not a state.", f"Choose one of {', '.join(State)}.")
    return Filters(
        first,
        last,
        read_code(args["user"]) if args.get("user") else None,
        read_code(args["gateway"]) if args.get("gateway") else None,
        State(state) if state else None,
    )


def _summary(principal: Principal, filters: Filters, found: list[Standing], now: datetime) -> Summary:
    near = Question(ClosureWindow(now, now + _SOON), filters.user, filters.gateway, State.PLANNED)
    windows = [standing.closure for standing in find_closures(site().register, principal, near)]
    return Summary(
        closed=len({closure.gateway for closure in windows if closure.is_open(now)}),
        soon=sum(closure.window.starts > now for closure in windows),
        shown=len(found),
        short_notice=sum(standing.late_change for standing in found),
    )


def _parties() -> Parties:
    store = site().store
    with store.reading() as connection:
        return parties.read_parties(store, connection)


def _gateways(principal: Principal, everyone: Parties) -> list[Gateway]:
    """Return the gateways to choose from: of DCC all, of a User its own."""
    if principal.sees_everyone:
        return sorted(everyone.gateways.values(), key=lambda gateway: gateway.code)
    store = site().store
    with store.reading() as connection:
        found = {
            gateway.code: gateway
            for key in visible_users(principal, everyone)
            for gateway in parties.gateways_of(store, connection, key)
        }
    return [found[code] for code in sorted(found)]


def _option(party: User | Gateway) -> str:
    return f"{party.code} · {party.name}" if party.name else party.code


def _day_of(standing: Standing) -> date:
    return london_date(standing.closure.window.starts)
