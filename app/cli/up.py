"""``closures up``, ``serve``, ``work`` and ``sweep``: running the service, whole or in parts."""

import json
import os
import sys
from functools import partial
from pathlib import Path

import click

from app.arrival.listening import require_free
from app.cli.demo import Demo, fill_demo
from app.cli.opening import current_settings, opened
from app.cli.output import examples, json_option, say, wants_json
from app.domain.access import Role
from app.domain.refusal import AlreadyThere
from app.factory import Service, prepare, utc_now
from app.jobs.pulls import poll_due
from app.jobs.sweep import sweep as sweep_once
from app.pulling.http_client import Outbound
from app.register.people import enrolment, links
from app.security.link_file import drop_link, read_token, write_link
from app.settings import Settings
from app.starting import Run, start
from app.store import accounts

_FIRST_ADMIN = "admin@localhost"
_DEMO_READER = "ops@localhost"
_BARE = (
    "Other machines can reach {host}, and there is no TLS: what they send, passwords too, can be read on the way. "
    "Let a proxy stand in front, for which deploy/Caddyfile and deploy/nginx.conf are ready: listen on 127.0.0.1, and "
    "set CLOSURES_BASE_URL=https://YOUR-NAME and CLOSURES_TRUSTED_PROXIES=1 (docs/operating.md, Proxy)."
)


@click.command(epilog=examples("closures up --demo", "closures up --port 9000"))
@click.option("--demo", is_flag=True, help="Add twelve made-up Users with a year of closures to an empty register.")
@click.option("--host", help="Address to listen on, or unix:/PATH; CLOSURES_HOST, else 127.0.0.1.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on; CLOSURES_PORT, else 8000.")
@json_option
def up(demo: bool, host: str | None, port: int | None) -> None:
    """Run everything: migrate, make keys and a first sign-in link, serve, and keep the timetable. Ctrl-C stops it."""
    settings = current_settings(host=host, port=port)
    require_free(settings.host, settings.port)
    _warn_if_bare(settings)
    environ = os.environ | {
        "CLOSURES_HOST": settings.host,
        "CLOSURES_PORT": str(settings.port),
        "CLOSURES_BASE_URL": settings.base_url,
    }
    environ.pop("CLOSURES_BASE_URL_FILE", None)
    sys.exit(start(partial(_set_up, settings, demo=demo), partial(_load_parts, settings), environ))


def _set_up(settings: Settings, *, demo: bool) -> str:
    """Make what is missing; return what to say once it is served."""
    service = prepare(settings, utc_now())
    try:
        # A journal or a container's log keeps what is printed there: a link goes to whoever looks at the screen alone.
        facts, lines = _welcome(service, demo=demo, on_screen=sys.stdout.isatty())
    finally:
        service.close()
    return (json.dumps(facts, ensure_ascii=False, indent=2) if wants_json() else "\n".join(lines)) + "\n"


def _load_parts(settings: Settings) -> tuple[Run, Run]:
    from app.worker import run_worker  # noqa: PLC0415 - while the set-up is done beside
    from app.wsgi import serve as run_web  # noqa: PLC0415 - as above

    return partial(run_web, settings), partial(run_worker, settings)


def _welcome(service: Service, *, demo: bool, on_screen: bool) -> tuple[dict[str, object], list[str]]:
    """Return what to open: a sign-in link where nobody can sign in yet, and with ``demo`` the demo's credentials.

    The link itself is among it ``on_screen`` only; else the file that holds it is.
    """
    base = service.settings.base_url
    facts: dict[str, object] = {"url": base}
    lines = [f"Closures are served at {base} (Ctrl-C stops)."]
    filled = fill_demo(service, utc_now()) if demo else None
    first = _first_sign_in(service, again=demo)
    if first is None:
        lines.append("A new sign-in link: closures account link EMAIL")
    else:
        address, file = first
        facts["sign_in_file"] = str(file)
        lines += ["", "Sign in (works once, within 24 hours; then choose a password and an authenticator app):"]
        lines.append(f"  {address}" if on_screen else f"  the link is in {file}")
        if on_screen:
            facts["sign_in"] = address
    if filled and on_screen:
        facts["look_around"] = _sign_in_address(service, _demo_reader(service))
        lines += ["", "Or look around at once, changing nothing:", f"  {facts['look_around']}"]
    if filled:
        more, said = _demo_credentials(base, filled)
        facts |= more
        lines += said
    return facts, lines


def _demo_credentials(base: str, filled: Demo) -> tuple[dict[str, object], list[str]]:
    """Return the demo's feed, app password and calendars, as facts and as lines with a command for each."""
    feed = f"{base}/feeds/{filled.feed_id}.ics"
    upload = f"{base}/api/v1/notices?gateway={filled.gateway}&dry_run=1"
    calendar = f"{base}/dav/calendars/{filled.user}/{filled.gateway}/"
    row = '{"closures":[{"starts":"2027-06-06T02:00","ends":"2027-06-06T06:00","reference":"my-first"}]}'
    facts: dict[str, object] = {
        "feed": {"url": feed, "username": filled.feed_id, "token": filled.feed_token},
        "app_password": {"username": filled.user, "token": filled.app_password},
        "caldav": {
            "url": f"{base}/dav/",
            "calendar": calendar,
            "username": filled.user,
            "token": filled.app_password,
        },
        "caldav_dcc": {"url": f"{base}/dav/", "username": "dcc", "token": filled.dcc_token},
    }
    lines = [
        "",
        "Subscribe in a calendar program:",
        f"  address    {feed}",
        f"  user name  {filled.feed_id}",
        f"  password   {filled.feed_token}",
        f"  curl -u {filled.feed_id}:{filled.feed_token} {feed}",
        "",
        f"Give a notice as the User {filled.user} (leave out dry_run=1 to record it):",
        f"  user name  {filled.user}",
        f"  password   {filled.app_password}",
        f"  curl -u {filled.user}:{filled.app_password} -H 'Content-Type: application/json' \\",
        f"    -d '{row}' '{upload}'",
        "",
        f"Or from the calendar program of {filled.user} (CalDAV; DCC's staff read there as well):",
        f"  address    {base}/dav/",
        f"  user name  {filled.user}    or  dcc",
        f"  password   {filled.app_password}",
        f"        dcc  {filled.dcc_token}",
        f"  curl -u {filled.user}:{filled.app_password} -X PROPFIND -H 'Depth: 1' {calendar}",
    ]
    return facts, lines


def _first_sign_in(service: Service, *, again: bool) -> tuple[str, Path] | None:
    """Return the link of the first admin where nobody can sign in yet, and its file; with ``again``, one at each start.

    None where somebody can. A link of an earlier start that was not used yet is the one that is returned.
    """
    store, now, key_dir = service.store, utc_now(), service.settings.key_dir
    held = read_token(key_dir)
    if held and not links.is_live(store, held, now):
        drop_link(key_dir, held)
        held = ""
    with store.reading() as connection:
        first = accounts.count_accounts(connection) == 0
        known = accounts.account_by_email(store, connection, _FIRST_ADMIN) is not None
    if first:
        try:
            held = enrolment.open_account(store, _FIRST_ADMIN, Role.ADMIN, (), now)
        except AlreadyThere:
            return None  # another machine was first, and has the link
    elif again and known:
        held = enrolment.issue_sign_in(store, _FIRST_ADMIN, now)
    if not held:
        return None
    address = _sign_in_address(service, held)
    return address, write_link(key_dir, address)


def _demo_reader(service: Service) -> str:
    """Return a sign-in token of somebody who reads everything, and whose role asks for no second factor first."""
    store, now = service.store, utc_now()
    with store.reading() as connection:
        known = accounts.account_by_email(store, connection, _DEMO_READER) is not None
    if known:
        return enrolment.issue_sign_in(store, _DEMO_READER, now)
    return enrolment.open_account(store, _DEMO_READER, Role.OPS, (), now)


def _sign_in_address(service: Service, token: str) -> str:
    return f"{service.settings.base_url}/sign-in/{token}"


@click.command()
def serve() -> None:
    """Serve pages, API and feeds only; `closures work` runs the scheduler."""
    from app.wsgi import serve as run  # noqa: PLC0415 - Flask and gunicorn, for this command alone

    settings = current_settings()
    _warn_if_bare(settings)
    run(settings)


def _warn_if_bare(settings: Settings) -> None:
    if settings.is_bare:
        click.echo(_BARE.format(host=settings.host), err=True)


@click.command()
def work() -> None:
    """Run the scheduler only."""
    from app.worker import run_worker  # noqa: PLC0415 - APScheduler, for this command alone

    run_worker(current_settings())


@click.command(epilog=examples("closures sweep --json"))
@json_option
def sweep() -> None:
    """Do the scheduler's work once, now: poll the sources that are due, expire past windows, record late changes."""
    with opened() as service:
        pulled = poll_due(service.register, Outbound(allow_private=service.settings.allow_private_sources), utc_now)
        report = sweep_once(service.register, utc_now())
    facts = {
        "expired": report.expired,
        "late_changes": report.late_changes,
        "to_tell": report.to_tell,
        "polled": pulled.polled,
        "polled_without_result": pulled.unread,
    }
    say(
        facts,
        f"{report.expired} expired, {report.late_changes} late changes recorded, {report.to_tell} reminders to send; "
        f"{pulled.polled} sources polled, {pulled.unread} of them without result.",
    )
