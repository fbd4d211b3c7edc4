"""How each gateway stands at an instant, for whoever watches them all: closed, over time, when it closes next."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.access import Principal
from app.domain.closure import State
from app.domain.window import ClosureWindow
from app.register.reading import Question, read_closed, read_schedule
from app.register.register import Register

_AHEAD = timedelta(days=56)  # who watches all gateways asks often, and further ahead would read far more


@dataclass(frozen=True, slots=True)
class GatewayState:
    """``closed``: by what was told, else by plan. ``next_starts`` is None: none in the next eight weeks."""

    gateway: str
    closed: bool
    over_time: bool
    next_starts: datetime | None


def gateway_states(register: Register, principal: Principal, now: datetime) -> list[GatewayState]:
    """Return how each gateway of the register stands at ``now`` by the closures that the principal may see, by code."""
    by_closing = read_closed(register, principal, now)
    closed = {closure.gateway for closure in by_closing}
    over = {closure.gateway for closure in by_closing if closure.is_over_time(now)}
    upcoming: dict[str, datetime] = {}
    ahead = Question(ClosureWindow(now, now + _AHEAD))
    for closure in read_schedule(register, principal, ahead):  # in order of their starts
        is_planned = closure.state is not State.WITHDRAWN and closure.window.starts > now
        if is_planned and closure.gateway not in upcoming and not closure.is_open(now):  # told closed early, it is
            upcoming[closure.gateway] = closure.window.starts
    return [
        GatewayState(code, code in closed, code in over, upcoming.get(code))
        for code in sorted(register.history.parties().gateways)
    ]
