"""What the tests of sources share: calendars as senders write them, a source of ALPHA, and real servers to read from.

Radicale and Xandikos run as processes of their own, from environments of their own: they are GPL, and never imported.
"""

import base64
import hashlib
import http.client
import http.server
import socket
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from app.domain.access import Principal, Role
from app.domain.maintenance import MaintenanceKind
from app.domain.window import ClosureWindow
from app.pulling.http_client import Outbound
from app.pulling.look import poll_source
from app.register.reading import Question, find_held, read_schedule
from app.register.sources import add_source, gateway_of, make_source
from app.store import tables
from app.store.maintenance import read_maintenance

OPERATOR = Principal("a test", Role.ADMIN)
USERNAME, PASSWORD = "alpha", "correct horse"
PINNED = {"radicale": ("radicale==3.9.0",), "xandikos": ("xandikos==0.4.10", "cryptography>=46")}


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


@dataclass
class Peer:
    """A running server with one calendar, and the client's side of what a person does in it."""

    name: str
    host: str
    port: int
    path: str
    process: subprocess.Popen
    tls: ssl.SSLContext | None = None
    outbound: Outbound = field(default_factory=partial(Outbound, allow_private=True))

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}{self.path}"

    def ask(self, method, path, body=b"", **headers):
        if self.tls:
            asking = http.client.HTTPSConnection(self.host, self.port, context=self.tls, timeout=20)
        else:
            asking = http.client.HTTPConnection(self.host, self.port, timeout=20)
        pair = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        asking.request(method, path, body, {"Authorization": f"Basic {pair}", **headers})
        answer = asking.getresponse()
        answer.read()
        asking.close()
        return answer.status

    def put(self, name, calendar):
        status = self.ask("PUT", self.path + name, calendar, **{"Content-Type": "text/calendar; charset=utf-8"})
        assert status in {200, 201, 204}, (self.name, status)

    def delete(self, name):
        status = self.ask("DELETE", self.path + name)
        assert status in {200, 204}, (self.name, status)

    def wait(self):
        for _ in range(200):
            if self.process.poll() is not None:
                break
            try:
                if self.ask("OPTIONS", self.path) < 500:
                    return
            except OSError:
                time.sleep(0.1)
        pytest.fail(f"{self.name} did not start")


def start_radicale(folder, environment_of):
    python, port = environment_of(*PINNED["radicale"]) / "python", free_port()
    (folder / "users").write_text(f"{USERNAME}:{PASSWORD}\n")
    config = folder / "config"
    config.write_text(
        f"[server]\nhosts = 127.0.0.1:{port}\n[auth]\ntype = htpasswd\nhtpasswd_filename = {folder / 'users'}\n"
        f"htpasswd_encryption = plain\ndelay = 0\n[storage]\nfilesystem_folder = {folder / 'held'}\n"
    )
    process = subprocess.Popen(
        [python, "-m", "radicale", "--config", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    peer = Peer("radicale", "127.0.0.1", port, "/alpha/changes/", process)
    peer.wait()
    assert peer.ask("MKCALENDAR", peer.path) == 201
    return peer


def start_xandikos(folder, environment_of):
    python, port = environment_of(*PINNED["xandikos"]) / "python", free_port()
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
    (folder / "users").write_text(f"{USERNAME}:{{SHA}}{digest}\n")
    (folder / "held").mkdir()
    words = (
        *("-m", "xandikos", "serve", "-d", folder / "held", "--defaults", "--state-dir", folder / "state"),
        *("--autocert", "--htpasswd", folder / "users", "-l", "localhost", "-p", str(port), "--no-detect-systemd"),
    )
    process = subprocess.Popen([python, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
    certificate = folder / "state" / "certs" / "selfsigned.crt"
    for _ in range(300):
        if certificate.exists() and certificate.stat().st_size:
            break
        time.sleep(0.1)
    trust = partial(ssl.create_default_context, cafile=str(certificate))
    outbound = Outbound(allow_private=True, trust=trust)
    peer = Peer("xandikos", "localhost", port, "/user/calendars/calendar/", process, trust(), outbound)
    peer.wait()
    return peer


@pytest.fixture(scope="session", params=["radicale", "xandikos"])
def peer(request, tmp_path_factory, environment_of):
    """A server of this kind with one empty calendar; tests use names of their own in it."""
    start = {"radicale": start_radicale, "xandikos": start_xandikos}[request.param]
    running = start(tmp_path_factory.mktemp(request.param), environment_of)
    yield running
    running.process.terminate()
    running.process.wait(20)


def event(uid, starts, hours=4, *more):
    """The lines of an event; ``starts`` as 20261206T020000Z."""
    ends = (datetime.strptime(starts, "%Y%m%dT%H%M%SZ") + timedelta(hours=hours)).strftime("%Y%m%dT%H%M%SZ")
    return (
        *("BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20261101T000000Z", f"DTSTART:{starts}", f"DTEND:{ends}"),
        *("SUMMARY:Change 4711 of the billing system", *more, "END:VEVENT"),
    )


def calendar(*events):
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//sender//EN", *(line for one in events for line in one)]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


@pytest.fixture
def an_event():
    return event


@pytest.fixture
def a_calendar():
    return calendar


class Watched:
    """A source, polled by the test's clock."""

    def __init__(self, register, clock, outbound, topic, url, facts):
        given = {"username": "", "password": "", "word": "", "category": "", "every_minutes": 15} | facts
        self.register, self.clock, self.outbound = register, clock, outbound
        self.source = make_source(topic, url=url, now=clock(), **given)
        add_source(register.store, self.source)

    def poll(self, **later):
        """Poll after so much time (fifteen minutes); return the report."""
        self.clock.forward(**(later or {"minutes": 15}))
        report = poll_source(self.register, self.outbound, self.source.id, self.clock)
        assert report is not None
        return report

    def schedule(self):
        """Every closure."""
        span = ClosureWindow(self.clock() - timedelta(days=3000), self.clock() + timedelta(days=3000))
        return list(read_schedule(self.register, OPERATOR, Question(span)))

    def closures(self):
        """Every closure as (UID, start, state, number), by UID."""
        found = []
        for closure in self.schedule():
            uid = find_held(self.register, OPERATOR, closure.reference).mark.uid
            found.append((uid, f"{closure.window.starts:%Y%m%dT%H%M%SZ}", closure.state.value, closure.number))
        return sorted(found)

    def dates(self):
        """DCC's own dates as (UID, start, withdrawn, number), each as it stands, by UID."""
        with self.register.store.reading() as connection:
            latest = {one.id: one for one in read_maintenance(self.register.store, connection)}
        return sorted(
            (one.uid, f"{one.window.starts:%Y%m%dT%H%M%SZ}", one.withdrawn, one.number) for one in latest.values()
        )


@pytest.fixture
def watch(register, alpha, clock):
    """Return a function that adds a source of ALPHA's gateway GW-A1: ``watch(url, outbound, word="closure")``."""

    def add(url, outbound, topic=None, **facts):
        return Watched(register, clock, outbound, topic or gateway_of(register.store, "ALPHA", "GW-A1"), url, facts)

    return add


@pytest.fixture
def watch_dates(register, clock):
    """Return a function that adds a source of DCC's own dates: ``watch_dates(url, outbound, kind=...)``."""

    def add(url, outbound, kind=MaintenanceKind.MAINTENANCE, **facts):
        return Watched(register, clock, outbound, kind, url, facts)

    return add


@pytest.fixture(params=["watch", "watch_dates"])
def watch_either(request):
    """``watch`` and ``watch_dates``, for what holds of both."""
    return request.getfixturevalue(request.param)


class Site:
    """A loopback HTTP server that answers every request with what the test says: ``answer(method, headers)``."""

    def __init__(self):
        self.answer = lambda method, headers: (404, {}, b"")
        self.asked = []
        site = self

        class Talk(http.server.BaseHTTPRequestHandler):
            def talk(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                site.asked.append(self.command)
                answer = site.answer(self.command, self.headers)
                try:
                    if callable(answer):
                        answer(self.wfile)
                        return
                    status, headers, body = answer
                    self.send_response(status)
                    for name, value in {"Content-Length": str(len(body)), **headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    return  # the other side had enough

            do_GET = do_PROPFIND = do_REPORT = talk  # noqa: N815 - http.server looks for these names

            def log_message(self, *_):
                """Say nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Talk)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/changes.ics"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def show(self, octets, **headers):
        """Serve a file, as a server of plain files does: 405 to PROPFIND."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}

        def answer(method, asked):
            if method != "GET":
                return 405, {}, b""
            if given.get("ETag") and asked.get("If-None-Match") == given["ETag"]:
                return 304, {}, b""
            if given.get("Last-Modified") and asked.get("If-Modified-Since") == given["Last-Modified"]:
                return 304, {}, b""
            return 200, {"Content-Type": "text/calendar", **given}, octets

        self.answer = answer


@pytest.fixture
def site():
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture
def near():
    """The way out of a site that hosts both the service and the calendars."""
    return Outbound(allow_private=True)


@pytest.fixture
def written(store):
    """Return a function that counts what the register holds: notices, entries of all histories, leaves of the log."""

    def count():
        with store.reading() as connection:
            held = [tables.notices, tables.revisions, tables.closures, tables.maintenance, tables.log]
            return [connection.execute(sa.select(sa.func.count()).select_from(one)).scalar_one() for one in held]

    return count
