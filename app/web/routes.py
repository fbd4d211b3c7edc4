"""Which action each route is: said where the route is, asked for before its view runs.

``@blueprint.get("/closures", action=Action.READ_CLOSURES)`` is all there is to declare; a route without it stops the
start.
"""

from collections.abc import Callable
from typing import Any

from flask import Flask, Request, current_app, request
from werkzeug.routing import Rule

from app.domain.access import Action
from app.store.acts import ACTOR
from app.web.principal import require_principal
from app.web.received import ReceivedRequest

STATIC = "static"  # files that are for anybody
_ASK_THEMSELVES = frozenset({Action.PUBLIC, Action.SIGN_IN})  # nobody need be known before their views run


class UndeclaredRoute(Exception):  # noqa: N818 - a fault of ours at start, not a refusal
    """A route that does not say which action it is."""


class Route(Rule):
    """A route and its action."""

    provide_automatic_options: bool  # Flask puts it there

    def __init__(self, string: str, *, action: Action | None = None, **options: Any) -> None:
        super().__init__(string, **options)
        if action is None:
            raise UndeclaredRoute(f"{string} ({self.endpoint}) says no action")
        self.action = action


class Application(Flask):
    """Flask, with routes that say their action."""

    request_class = ReceivedRequest
    url_rule_class = Route  # type: ignore[assignment]  # Flask reads it of the class; its stub makes it one type

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function as it is: none here is a coroutine, and Flask would ask that of each at every request."""
        return func


def install_access(app: Application) -> None:
    """Let nobody come to a view whose role may not do the route's action."""

    @app.before_request
    def _ask() -> None:
        ACTOR.set("not signed in")  # until somebody is known: threads serve one request after another
        if not asks_who(request):
            return
        route = request.url_rule
        assert isinstance(route, Route)
        if request.method == "OPTIONS" and route.provide_automatic_options:
            return  # Flask says which methods there are; no view runs
        require_principal(route.action)


def asks_who(request: Request) -> bool:
    """Tell whether a request comes to a view only after it is known who sends it, and that they may."""
    # Without a rule it is for an address that is nothing, or by a method that it does not take.
    return isinstance(request.url_rule, Route) and request.url_rule.action not in _ASK_THEMSELVES


def action_of(endpoint: str) -> Action:
    """Return the action of a route of this application, by its endpoint."""
    route = next(current_app.url_map.iter_rules(endpoint))
    assert isinstance(route, Route)
    return route.action
