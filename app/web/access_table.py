"""Which action each route is: the one table. A route that is not in it stops the start (SECURITY.md 6)."""

from flask import Flask

from app.domain.access import Action

ACCESS: dict[str, Action] = {
    "static": Action.PUBLIC,
    "bootstrap.static": Action.PUBLIC,
    "status.livez": Action.PUBLIC,
    "status.readyz": Action.PUBLIC,
    "status.healthz": Action.PUBLIC,
    "status.metrics": Action.READ_METRICS,
    "status.checkpoint": Action.PUBLIC,
    # A subscription's token opens its feed and nothing else; feed.py asks for it itself.
    "feed.by_credential": Action.PUBLIC,
    "feed.by_secret_url": Action.PUBLIC,
    "api.give_notice": Action.GIVE_NOTICE,
    "api.list_closures": Action.READ_CLOSURES,
    "api.show_closure": Action.READ_CLOSURES,
    "api.show_revisions": Action.READ_CLOSURES,
    "api.withdraw_closure": Action.GIVE_NOTICE,
    "api.late_changes": Action.READ_LATE_CHANGES,
    "api.notice_period": Action.COUNT_NOTICE,
    "openapi.document": Action.PUBLIC,
    "openapi.docs": Action.PUBLIC,
    "session.sign_in": Action.PUBLIC,
    "session.link": Action.PUBLIC,
    "session.use_link": Action.PUBLIC,
    "session.sign_out": Action.PUBLIC,
    "schedule.horizon": Action.READ_CLOSURES,
    "closures.show": Action.READ_CLOSURES,
    "closures.confirm_withdrawal": Action.GIVE_NOTICE,
    "closures.withdraw": Action.GIVE_NOTICE,
    "give_notice.new": Action.GIVE_NOTICE,
    "give_notice.template": Action.GIVE_NOTICE,
    "give_notice.preview": Action.GIVE_NOTICE,
    "give_notice.record": Action.GIVE_NOTICE,
}


class UndeclaredRoute(Exception):  # noqa: N818 - a fault of ours at start, not a refusal
    """A route without a place in the table, or a place without a route."""


def check_routes(app: Flask) -> None:
    """Raise ``UndeclaredRoute`` unless the table and the routes agree exactly."""
    routes = {rule.endpoint for rule in app.url_map.iter_rules()}
    if routes != set(ACCESS):
        raise UndeclaredRoute(f"not in the table: {routes - set(ACCESS)}; not a route: {set(ACCESS) - routes}")
