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
    # The door of calendars takes Basic alone and asks for it itself; nobody but a User writes, and only its own.
    "caldav.serve": Action.PUBLIC,
    "caldav.root": Action.PUBLIC,
    "caldav.discover": Action.PUBLIC,
    "api.give_notice": Action.GIVE_NOTICE,
    "api.list_closures": Action.READ_CLOSURES,
    "api.show_closure": Action.READ_CLOSURES,
    "api.show_revisions": Action.READ_CLOSURES,
    "api.withdraw_closure": Action.GIVE_NOTICE,
    "openapi.document": Action.PUBLIC,
    "openapi.docs": Action.PUBLIC,
    "questions.changes_between": Action.READ_CLOSURES,
    "questions.list_clashes": Action.READ_CLOSURES,
    "questions.closed_gateways": Action.READ_CLOSURES,
    "questions.free_slots": Action.READ_CLOSURES,
    "questions.busiest_hours": Action.READ_CLOSURES,
    "questions.silent_users": Action.READ_CLOSURES,
    "questions.moved_often": Action.READ_CLOSURES,
    "questions.list_maintenance": Action.READ_CLOSURES,
    "questions.list_reads": Action.READ_READ_LOG,
    "questions.late_changes": Action.READ_LATE_CHANGES,
    "questions.report": Action.READ_LATE_CHANGES,
    "questions.notice_period": Action.COUNT_NOTICE,
    "session.sign_in": Action.SIGN_IN,
    "session.use_password": Action.SIGN_IN,
    "session.link": Action.SIGN_IN,
    "session.use_link": Action.SIGN_IN,
    "session.second_factor": Action.SIGN_IN,
    "session.use_second_factor": Action.SIGN_IN,
    "session.sign_out": Action.SIGN_IN,
    "oidc.begin": Action.SIGN_IN,
    "oidc.come_back": Action.SIGN_IN,
    "set_up.password": Action.SIGN_IN,
    "set_up.choose_password": Action.SIGN_IN,
    "set_up.second_factor": Action.SIGN_IN,
    "set_up.confirm_second_factor": Action.SIGN_IN,
    "set_up.renew_recovery_codes": Action.SIGN_IN,
    "account.show": Action.KEEP_ACCOUNT,
    "account.end_session": Action.KEEP_ACCOUNT,
    "account.end_others": Action.KEEP_ACCOUNT,
    "once.show": Action.KEEP_ACCOUNT,
    "once.put_away": Action.KEEP_ACCOUNT,
    "unfinished.show": Action.KEEP_ACCOUNT,
    "unfinished.send": Action.KEEP_ACCOUNT,
    "unfinished.drop": Action.KEEP_ACCOUNT,
    "subscriptions.show_all": Action.SUBSCRIBE,
    "subscriptions.new": Action.SUBSCRIBE,
    "subscriptions.make": Action.SUBSCRIBE,
    "subscriptions.show": Action.SUBSCRIBE,
    "subscriptions.rotate": Action.SUBSCRIBE,
    "subscriptions.switch_on_secret_url": Action.SWITCH_ON_SECRET_URL,
    "subscriptions.revoke": Action.SUBSCRIBE,
    "connect.show": Action.CONNECT,
    "connect.make": Action.CONNECT,
    "connect.revoke": Action.CONNECT,
    "connect.profile": Action.CONNECT,
    "service_accounts.show_all": Action.KEEP_ACCOUNTS,
    "service_accounts.new": Action.KEEP_ACCOUNTS,
    "service_accounts.invite": Action.KEEP_ACCOUNTS,
    "service_accounts.show": Action.KEEP_ACCOUNTS,
    "service_accounts.change_rights": Action.KEEP_ACCOUNTS,
    "service_accounts.make_link": Action.KEEP_ACCOUNTS,
    "service_accounts.start_afresh": Action.KEEP_ACCOUNTS,
    "service_accounts.end_sessions": Action.KEEP_ACCOUNTS,
    "service_accounts.close": Action.KEEP_ACCOUNTS,
    "service_accounts.open_again": Action.KEEP_ACCOUNTS,
    "service_accounts.link_identity": Action.KEEP_ACCOUNTS,
    "service_parties.show_all": Action.KEEP_PARTIES,
    "service_parties.new_user": Action.KEEP_PARTIES,
    "service_parties.add_user": Action.KEEP_PARTIES,
    "service_parties.new_gateway": Action.KEEP_PARTIES,
    "service_parties.add_gateway": Action.KEEP_PARTIES,
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
