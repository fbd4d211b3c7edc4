"""A change manager's calendar program over HTTP: found from the bare host, kept through ``kill -9``, one with the API."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from app.register.people.enrolment import enrol_gateway, enrol_user, issue_token
from app.register.verification import verify_record

SYNC = '<D:sync-collection xmlns:D="DAV:"><D:sync-token>{}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>'
FIND = '<D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><{}/></D:prop></D:propfind>'


class Server:
    """`closures serve` on a port of its own, with every process that it starts."""

    def __init__(self, environ):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        full = os.environ | environ | {"CLOSURES_PORT": str(self.port)}
        program = [sys.executable, "-c", "from app.cli import main; main()", "serve"]
        self.process = subprocess.Popen(program, env=full, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        until = time.monotonic() + 120
        while time.monotonic() < until:
            assert self.process.poll() is None, self.process.stderr.read()
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                break

    def kill(self):
        everything = [*psutil.Process(self.process.pid).children(recursive=True), psutil.Process(self.process.pid)]
        for one in everything:
            one.kill()
        psutil.wait_procs(everything, timeout=10)
        self.process.communicate()


@pytest.fixture
def serve(environ):
    running = []

    def start():
        running.append(Server(environ))
        return running[-1]

    yield start
    for server in running:
        if server.process.poll() is None:
            server.kill()


class Program:
    """A calendar program with one User's app password."""

    def __init__(self, server, name, password):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self.credential = {"Authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}

    def ask(self, method, path, body=b"", **headers):
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(
            method, path, body, self.credential | given, encode_chunked="Transfer-Encoding" in given
        )
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers

    def find(self, path, element, **headers):
        text = self.ask("PROPFIND", path, FIND.format(element).encode(), **{"Depth": "0", **headers})[1]
        return re.findall(r"<D:href>([^<]+)</D:href>", text)


@pytest.fixture
def program():
    """Return a function that starts a calendar program; each is closed at the end."""
    started = []

    def start(*who):
        started.append(Program(*who))
        return started[-1]

    yield start
    for one in started:
        one.connection.close()


def octets_of(starts):
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//phone//EN", "BEGIN:VEVENT", "UID:one", "DTSTAMP:20261101T090000Z",
        f"DTSTART:{starts:%Y%m%dT%H%M%SZ}", f"DTEND:{starts + timedelta(hours=4):%Y%m%dT%H%M%SZ}", "SUMMARY:Secret",
        "END:VEVENT", "END:VCALENDAR", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def test_from_the_bare_host_to_the_register_through_a_crash(service, serve, program):
    enrol_user(service.store, "ZETA", "Zeta Energy")
    for gateway in ("GW-1", "GW-2"):
        enrol_gateway(service.store, "ZETA", gateway)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    _, password = issue_token(service.store, label="phone", now=now, user_code="ZETA")
    server = serve()
    phone = program(server, "zeta", password)
    status, _, headers = phone.ask("PROPFIND", "/.well-known/caldav")
    assert (status, headers["Location"]) == (301, "/dav/")
    (*_, principal) = phone.find("/dav/", "D:current-user-principal")
    (*_, home) = phone.find(principal, "C:calendar-home-set")
    assert (principal, home) == ("/dav/principals/ZETA/", "/dav/calendars/ZETA/")
    assert phone.find(home, "D:resourcetype", Depth="1") == [home, f"{home}GW-1/", f"{home}GW-2/"]
    path, starts = f"{home}GW-1/a%20b%25.ics", now + timedelta(days=60)
    status, _, headers = phone.ask(
        "PUT",
        path,
        iter([octets_of(starts)]),
        Content_Type="text/calendar",
        Transfer_Encoding="chunked",
        If_None_Match="*",
    )
    assert (status, json.loads(headers["X-Closure-Receipt"])["left_out"]) == (201, ["SUMMARY"])
    etag = headers["ETag"]
    token = re.search(r"<D:sync-token>([^<]+)<", phone.ask("REPORT", f"{home}GW-1/", SYNC.format("").encode())[1])[1]
    late = now + timedelta(days=2)
    status, _, headers = phone.ask("PUT", path, octets_of(late), Content_Type="text/calendar", If_Match=etag)
    line = json.loads(headers["X-Closure-Receipt"])
    assert (status, line["change"], line["short_notice"]) == (204, "moved", True)
    server.kill()  # what was acknowledged is on disk
    phone = program(serve(), "ZETA", password)
    status, body, got = phone.ask("GET", path)
    assert (status, body.encode(), got["ETag"]) == (200, octets_of(late), headers["ETag"])
    assert phone.ask("PUT", path, octets_of(starts), Content_Type="text/calendar", If_Match=etag)[0] == 412
    changed = phone.ask("REPORT", f"{home}GW-1/", SYNC.format(token).encode())[1]  # a token outlives the process
    assert re.findall(r"<D:href>([^<]+)</D:href>", changed) == [path]
    moved = path.replace("GW-1", "GW-2")
    assert phone.ask("MOVE", path, Destination=moved, If_Match=headers["ETag"])[0] == 201
    closure = json.loads(phone.ask("GET", f"/api/v1/closures/{line['reference']}")[1])
    assert (closure["gateway"], closure["state"], closure["revision"]) == ("GW-2", "planned", 3)
    assert phone.ask("DELETE", moved)[0] == 204
    revisions = json.loads(phone.ask("GET", f"/api/v1/closures/{line['reference']}/revisions")[1])["revisions"]
    assert [(one["change"], one["channel"]) for one in revisions] == [
        ("first notice", "caldav"), ("moved", "caldav"), ("gateway changed", "caldav"), ("withdrawn", "caldav"),
    ]  # fmt: skip
    assert verify_record(service.register).faults == ()
