"""Everything is wired here and nowhere else."""

import logging
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

import structlog

from app.domain.refusal import StoreUnfit
from app.publishing import Publishing
from app.register.register import Register, open_register
from app.security.keyring import Keyring, read_kek
from app.security.security_stream import SecurityStream, is_security_line, named_by_ecs
from app.security.tokens import redact
from app.settings import Settings
from app.store import schema
from app.store.engine import Store, make_engine, open_empty_store, open_store
from app.store.fitness import require_fitting_keys, require_unused_keys
from app.store.high_water import raise_mark, require_no_loss
from app.store.ring_table import ring_table
from app.store.standing import upgrade_store
from feeds.entry import Publisher

if TYPE_CHECKING:
    from flask import Flask

    from app.web.site import Provider

_LOG = structlog.get_logger()
_LARGEST_FORM = 2_000_000  # octets of one upload with its fields; a notice itself is limited by intake


@dataclass(frozen=True, slots=True)
class Service:
    """The service without its doors: settings, register and store. For the scheduler, the command line and the web."""

    settings: Settings
    register: Register

    @property
    def store(self) -> Store:
        """The database under the register."""
        return self.register.store

    def close(self) -> None:
        """Close the database."""
        self.store.close()


def configure_log(form: str, security_log: str = "", *, at_a_terminal: bool = False) -> None:
    """Write the log to standard error, as ``json`` or for the ``console``, without the secret part of any token.

    Lines of the security log go to ``security_log`` too (a file or a syslog daemon, "" for neither); of a command
    ``at_a_terminal`` to that alone, since its caller reads what it says.
    """
    last = _render_json if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact,
            *([SecurityStream(security_log)] if security_log else []),
            *([_drop_security_line] if at_a_terminal else []),
            last,
        ],
        # The stream is looked up at each line, since whoever runs us may replace it; a line is one write, since several
        # processes share it.
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
    )
    logging.basicConfig(handlers=[_IntoOurLog()], level=logging.WARNING)


class _IntoOurLog(logging.Handler):
    """Takes what the libraries under us log (gunicorn, Flask, APScheduler): in our form, and as free of tokens."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one record on; a request that gunicorn cannot read is named in it as the client sent it."""
        _LOG.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)


def _render_json(logger: object, name: str, event: structlog.typing.EventDict) -> str | bytes:
    return structlog.processors.JSONRenderer()(logger, name, named_by_ecs(event) if is_security_line(event) else event)


def _drop_security_line(_logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if is_security_line(event):
        raise structlog.DropEvent
    return event


def _redact(_logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {key: redact(value) if isinstance(value, str) else value for key, value in event.items()}


def utc_now() -> datetime:
    """Read the clock: the only place that does, for everything that takes ``now``."""
    return datetime.now(UTC)


def open_keyring(settings: Settings, *, create: bool = False) -> Keyring:
    """Open the keys that the settings name; with ``create``, make them on the first start. Raise ``StoreUnfit``."""
    kek, old = (read_kek(one.get_secret_value()) if one else None for one in (settings.kek, settings.kek_old))
    shared = ring_table(settings.database)
    return Keyring.open(settings.key_dir, kek=kek, old_kek=old, create=create, shared=shared)


def open_service(settings: Settings, *, check: bool = True, now: Callable[[], datetime] = utc_now) -> Service:
    """Open the database and the keys; raise ``StoreUnfit`` where the service cannot run on them.

    Without ``check``, a command may look at a database that fell behind what the keys have seen; to write is refused.
    """
    # The database is looked at before the keys: on a fresh machine both are missing, and its remedy makes both.
    engine = make_engine(settings.database)
    try:
        schema.require_current(engine)
    finally:
        engine.dispose()
    store = open_store(settings.database, open_keyring(settings), now)
    try:
        require_fitting_keys(store)
        if check:
            require_no_loss(store)
    except StoreUnfit:
        store.close()
        raise
    return Service(settings, open_register(store, settings.uid_domain, settings.planned_per_user))


def prepare(settings: Settings, now: datetime) -> Service:
    """Make a first start possible, or a next one up to date: keys, tables, rules. Return the open service."""
    # The database is looked at first: keys are not made for one that is there without them, nor it for keys in use.
    engine = make_engine(settings.database)
    try:
        fresh = schema.found_version(engine) is None
    finally:
        engine.dispose()
    keyring = open_keyring(settings, create=fresh)
    if fresh:
        require_unused_keys(keyring, engine.url.render_as_string())
    store = open_empty_store(settings.database, keyring, utc_now)
    try:
        upgrade_store(store)
    finally:
        store.close()
    service = open_service(settings)
    raise_mark(service.store, now)
    from app.register.rulebook import refresh_rules  # noqa: PLC0415 - pulls the holiday tables, needed at a start only

    refresh_rules(service.store, now)
    return service


def publisher_of(settings: Settings) -> Publisher:
    """Return who our feeds say publishes them."""
    return Publisher(settings.organizer_name, settings.organizer_email, settings.base_url, settings.uid_domain)


def create_app(settings: Settings, *, now: Callable[[], datetime] = utc_now) -> "Flask":
    """Return the web application; ``now`` is its clock (aware UTC). Raise ``StoreUnfit`` or ``UndeclaredRoute``."""
    from app.caldav.blueprint import make_blueprint  # noqa: PLC0415 - the scheduler and the command line never load Flask
    from app.caldav.report_cost import ReportLimits  # noqa: PLC0415 - as Flask
    from app.pulling.http_client import Outbound  # noqa: PLC0415 - as Flask
    from app.register.told_today import ToldToday  # noqa: PLC0415 - as Flask
    from app.register.witnesses import open_witnesses  # noqa: PLC0415 - as Flask
    from app.store.write_probe import WriteProbe  # noqa: PLC0415 - as Flask
    from app.web import browser_session, csrf, headers, received, refusals, request_figures, routes, site  # noqa: PLC0415 - as Flask
    from app.web.blueprints import BLUEPRINTS  # noqa: PLC0415 - as Flask
    from app.web.process_figures import install_process_figures  # noqa: PLC0415 - as Flask
    from app.web.read_log import ReadLog  # noqa: PLC0415 - as Flask
    from app.web.static_files import install_static_files  # noqa: PLC0415 - as Flask
    from app.web.tracing import tells_of  # noqa: PLC0415 - as Flask

    service = open_service(settings, now=now)
    app = routes.Application("app.web", static_folder=None)
    key = partial(service.store.keyring.derive, "session")
    app.config.update(_flask_settings(settings, key()))
    app.session_interface = browser_session.CookieSessions(app, key)
    app.url_map.strict_slashes = False
    request_figures.install_request_figures(app, tells_of(log=settings.request_log))
    install_process_figures(app)
    install_static_files(app)
    received.install_reception(app)
    csrf.install_csrf(app)
    routes.install_access(app)
    publisher = publisher_of(settings)
    # Imported here: the rulebook's tables are needed at a start only.
    from app.register.rulebook import note_publisher  # noqa: PLC0415 - as Flask

    note_publisher(service.store, {**asdict(publisher), "release": version("closure-notices")}, now())
    publishing = Publishing(service.register, publisher)
    app.extensions[site.EXTENSION] = site.Site(
        register=service.register,
        publishing=publishing,
        read_log=ReadLog(service.store),
        write_probe=WriteProbe(service.store),
        told_today=ToldToday(service.register),
        outbound=Outbound(allow_private=settings.allow_private_sources, apart=True),
        base_url=settings.base_url,
        key_dir=settings.key_dir,
        witnesses=open_witnesses(settings.witnesses, settings.quorum),
        now=now,
        provider=_open_provider(app, settings),
        sends_mail=settings.smtp_url is not None,
    )
    report_limits = ReportLimits(settings.report_octets, settings.report_instances, settings.report_seconds)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.register_blueprint(make_blueprint(service.register, publishing, now, settings.base_url, report_limits))
    request_figures.open_request_figures(app)
    refusals.install_refusals(app)
    headers.install_headers(app, is_https=settings.is_https)
    _wrap(app, settings.trusted_proxies)
    return app


def _open_provider(app: "Flask", settings: Settings) -> "Provider | None":
    """Return the organisation's own sign-in, where the settings name one."""
    from app.web.signin import oidc  # noqa: PLC0415 - as Flask

    if not settings.oidc_issuer:
        return None
    secret = settings.oidc_client_secret.get_secret_value()
    return oidc.open_provider(app, settings.oidc_issuer, settings.oidc_client_id, secret)


def _wrap(app: "Flask", hops: int) -> None:
    """Put round the application what sees a request before it, behind so many proxies."""
    from werkzeug.middleware.proxy_fix import ProxyFix  # noqa: PLC0415 - as Flask

    from app.web.second_try import SecondTry  # noqa: PLC0415 - as Flask

    app.wsgi_app = SecondTry(app.wsgi_app)  # type: ignore[method-assign]  # how Flask documents it
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0, x_prefix=0)  # type: ignore[method-assign]  # how Flask documents it


def _flask_settings(settings: Settings, key: bytes) -> dict[str, object]:
    """Return what Flask and its extensions are told; ``key`` signs the cookie of a session."""
    return {
        "SECRET_KEY": key,
        "SESSION_COOKIE_NAME": "__Host-closures" if settings.is_https else "closures",
        "SESSION_COOKIE_SECURE": settings.is_https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "MAX_CONTENT_LENGTH": _LARGEST_FORM,
        "MAX_FORM_MEMORY_SIZE": _LARGEST_FORM,
        "WTF_CSRF_CHECK_DEFAULT": False,  # csrf.py says which requests
        "WTF_CSRF_SSL_STRICT": False,  # our pages send no Referer, since sign-in links are addresses
        "WTF_CSRF_TIME_LIMIT": None,  # a form is good for as long as its session: nothing typed is lost to a timer
        "PROPAGATE_EXCEPTIONS": False,
    }
