"""The shipped proxy files, run as they are but for ports and paths, in front of an upstream that says what it saw."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.domain.access import Role
from app.register.people.enrolment import add_subscription, issue_token
from tests.arrival.web_server import Server
from tests.conftest import NOW

DEPLOY = Path(__file__).parents[2] / "deploy"
SECRET = "gwff_7H3S3CR3T"
CANARY = b"20270207T021700Z "
LARGE, LARGEST_FEED = "/feeds/large.ics", 12_000_000


class Upstream(BaseHTTPRequestHandler):
    """Answers with the request's own headers, and remembers when its body had arrived."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        if self.server.is_down:
            self.close_connection = True
            return
        self.server.began.append(self.path)
        body = self._body()
        seen = {name.lower(): value for name, value in self.headers.items()}
        said = json.dumps({"path": self.path, "method": self.command, "octets": len(body), "headers": seen}).encode()
        if self.path == LARGE:
            said = CANARY * (LARGEST_FEED // len(CANARY))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("ETag", '"as-it-was"')
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said)

    def _body(self):
        """Read the whole body: a proxy that still sends when the answer comes may find the connection closed."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    do_GET = do_PUT = do_POST = do_PROPFIND = do_REPORT = do_DELETE = do_HEAD = answer  # noqa: N815 - the library's names

    def log_message(self, *arguments):
        """Say nothing: the proxy's log is the one under test."""


def free_port():
    with socket.socket() as probe:
        # Free at every address: Caddy listens at them all, and connections of another test may linger at some.
        probe.bind(("", 0))
        return probe.getsockname()[1]


def wait_for(port, process):
    for _ in range(200):
        assert process.poll() is None, "the proxy stopped"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError("the proxy does not listen")


@pytest.fixture
def upstream():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    server.daemon_threads = True
    server.began = []
    server.is_down = False
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def nginx(folder, port, upstream_port, others=(), connections=64):
    text = (DEPLOY / "nginx.conf").read_text()
    for old, new in [
        ("user www-data;", f"pid {folder}/pid;\ndaemon off;"),
        ("worker_processes auto;", "worker_processes 1;"),
        ("worker_rlimit_nofile 65536;", ""),
        ("worker_connections 16384;", f"worker_connections {connections};"),
        ("/var/log/nginx/", f"{folder}/"),
        ("server 127.0.0.1:8000;", " ".join(f"server 127.0.0.1:{each};" for each in (upstream_port, *others))),
        ("    server {\n        listen 80;\n        listen [::]:80;\n", "    server {\n        listen 127.0.0.1:1;\n"),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{port};"),
        ("        listen [::]:443 ssl http2;\n", ""),
    ]:
        assert old in text, old
        text = text.replace(old, new)
    text = text.replace(
        "    server {\n        listen 127.0.0.1:1;\n", f"    server {{\n        listen 127.0.0.1:{free_port()};\n"
    )
    text = "\n".join(line for line in text.splitlines() if "ssl_" not in line)
    (folder / "nginx.conf").write_text(text)
    return ["nginx", "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")], {}


def caddy(folder, port, upstream_port, others=()):
    # The administration endpoint would be shared by every Caddy of the machine.
    text = (DEPLOY / "Caddyfile").read_text().replace("{\n\tservers {", "{\n\tadmin off\n\tservers {", 1)
    (folder / "Caddyfile").write_text(text)
    version = subprocess.run(["caddy", "version"], capture_output=True, text=True, check=True).stdout
    number = tuple(int(part) for part in version.removeprefix("v").split()[0].split("."))
    environment = {
        "CLOSURES_SITE": f"http://127.0.0.1:{port}",
        "CLOSURES_UPSTREAM": " ".join(f"127.0.0.1:{each}" for each in (upstream_port, *others)),
        "HOME": str(folder),
    }
    if number < (2, 6, 4):
        environment["CLOSURES_BUFFERING"] = "buffer_requests"
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")], environment


@contextlib.contextmanager
def running(command, environment, folder, port):
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            command, stdout=said, stderr=said, env={**os.environ, **environment}, cwd=folder, start_new_session=True
        )
        try:
            wait_for(port, process)
            yield process
        finally:
            # Its whole group: who traces a program passes no signal on.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=10)


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def proxy(request, tmp_path, upstream):
    """The running proxy: its port, and all that it has written."""
    if shutil.which(request.param.__name__) is None:
        pytest.skip(f"{request.param.__name__} is not installed")
    port = free_port()
    command, environment = request.param(tmp_path, port, upstream.server_port)
    with running(command, environment, tmp_path, port) as process:
        yield port, tmp_path, process


def ask(port, method, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def written(folder, process):
    """All that the proxy wrote, once it has stopped and so has written the last of it."""
    process.terminate()
    process.wait(timeout=10)
    return b"".join(
        (folder / name).read_bytes() for name in ("said", "access.log", "error.log") if (folder / name).exists()
    )


def test_credentials_go_through_and_claims_about_the_client_do_not(proxy):
    port, _, _ = proxy
    status, _, body = ask(
        port, "PROPFIND", "/dav/calendars/NOR//a%20b/", Authorization="Basic QTpi", X_Forwarded_For="6.6.6.6",
        X_Forwarded_Proto="gopher", X_Forwarded_Prefix="/evil", Forwarded="for=6.6.6.6",
    )  # fmt: skip
    seen = json.loads(body)
    assert (status, seen["method"], seen["path"]) == (200, "PROPFIND", "/dav/calendars/NOR//a%20b/")
    assert seen["headers"]["authorization"] == "Basic QTpi"
    assert seen["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert seen["headers"]["x-forwarded-proto"] == "http"
    assert "forwarded" not in seen["headers"]
    assert "x-forwarded-prefix" not in seen["headers"]


def test_octets_and_etag_come_back_as_they_were(proxy):
    port, _, _ = proxy
    status, headers, _ = ask(port, "GET", "/feeds/S1.ics", Accept_Encoding="gzip")
    assert (status, headers.get("etag"), headers.get("content-encoding")) == (200, '"as-it-was"', None)
    assert "cache-control" not in headers


def test_metrics_are_not_for_the_outside(proxy, upstream):
    port, _, _ = proxy
    assert ask(port, "GET", "/metrics")[0] == 404
    assert upstream.began == []


def test_a_body_over_the_limit_is_refused(proxy):
    port, _, _ = proxy
    assert ask(port, "REPORT", "/dav/", b"x" * 4_000_000)[0] == 200  # the longest calendar-multiget
    with contextlib.suppress(ConnectionError):
        assert ask(port, "POST", "/api/v1/notices", b"x" * 4_400_000)[0] in {413, 502}


def test_a_slow_body_does_not_reach_the_service_before_it_is_whole(proxy, upstream):
    port, _, _ = proxy
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"POST /api/v1/notices HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\nhalf.")
        time.sleep(0.5)
        assert upstream.began == []
        client.sendall(b"whole")
        assert client.recv(12) == b"HTTP/1.1 200"
    assert upstream.began == ["/api/v1/notices"]


def test_no_secret_is_written_even_when_the_service_is_down(proxy, upstream):
    port, folder, process = proxy
    paths = [f"/feeds/s/{SECRET}/closures.ics", f"/sign-in/{SECRET}", f"/leave/{SECRET}", f"/?token={SECRET}"]
    for path in paths:
        headers = {"Authorization": f"Bearer {SECRET}", "Referer": f"http://127.0.0.1/feeds/s/{SECRET}/closures.ics"}
        assert ask(port, "GET", path, **headers)[0] == 200
    upstream.is_down = True
    assert [ask(port, "GET", path)[0] for path in (paths[0], paths[2])] == [502, 502]
    log = written(folder, process)
    assert b"/feeds/s/-" in log
    assert b"/leave/-" in log
    assert SECRET.encode() not in log


@pytest.mark.parametrize("make", [nginx, caddy])
def test_of_several_servers_one_that_is_away_is_passed_over(make, tmp_path, upstream):
    if shutil.which(make.__name__) is None:
        pytest.skip(f"NOT RUN: {make.__name__} is not installed (apt-get install {make.__name__}); .ci/run installs it")
    port = free_port()
    command, environment = make(tmp_path, port, upstream.server_port, [free_port()])
    with running(command, environment, tmp_path, port):
        answered = [ask(port, method, "/", b"x")[0] for method in ("POST", "PUT") * 4]
        assert answered == [200] * 8
        # What a server had in hand when it ended may have been done: a POST is told so, and not given twice.
        upstream.is_down = True
        assert ask(port, "POST", "/api/v1/notices", b"x")[0] == 502
    assert len(upstream.began) == 8


@pytest.fixture
def addresses(store, register, alpha, announce, give):
    """An address of each sort, with what a program sends that asks for it."""
    give(alpha, announce("u1", "2027-02-07T02:00"))
    feed = add_subscription(
        store, scope_text="all", label="x", secret_url=True, past_days=30, horizon_days=400, now=NOW
    )
    _, password = issue_token(store, label="x", now=NOW, role=Role.DCC)
    by_token = {"Authorization": f"Bearer {feed.token}"}
    return {
        "static file": ("/static/site.css", {}),
        "document": ("/api/v1/openapi.json", {}),
        "feed": (f"/feeds/{feed.subscription.id}.ics", by_token),
        "feed as a list": (f"/feeds/{feed.subscription.id}.json", by_token),
        "feed by secret address": (f"/feeds/s/{feed.secret_token}/closures.ics", {}),
        "closures": ("/api/v1/closures", {"Authorization": f"Bearer {password}"}),
        "page of the API": ("/api/v1/docs", {}),
        "page for signing in": ("/sign-in", {}),
    }


def test_nginx_compresses_what_holds_no_secret_and_repeats_nothing(addresses, environ, tmp_path):
    if shutil.which("nginx") is None:
        pytest.skip("NOT RUN: nginx is not installed (apt-get install nginx-light); .ci/run installs it")
    server, port = Server(environ | {"CLOSURES_TRUSTED_PROXIES": "1"}), free_port()
    command, environment = nginx(tmp_path, port, server.port)
    try:
        with running(command, environment, tmp_path, port):
            asked = {
                what: ask(port, "GET", path, None, Accept_Encoding="gzip", **headers)
                for what, (path, headers) in addresses.items()
            }
            tag = asked["document"][1]["etag"]
            again = ask(port, "GET", addresses["document"][0], None, Accept_Encoding="gzip", If_None_Match=tag)
    finally:
        server.stop()
    assert {what: (status, headers.get("content-encoding")) for what, (status, headers, _) in asked.items()} == {
        "static file": (200, "gzip"),
        "document": (200, "gzip"),
        "feed": (200, "gzip"),
        "feed as a list": (200, None),
        "feed by secret address": (200, None),
        "closures": (200, None),
        "page of the API": (200, None),
        "page for signing in": (200, None),
    }
    # nginx makes a tag weak where it compresses: that of a static file and of a feed is as the service gave it.
    assert [what for what, (_, headers, _) in asked.items() if headers.get("etag", "").startswith("W/")] == ["document"]
    assert (again[0], len(asked["document"][2]) > 10_000) == (304, True)


def calls_that_write(command, environment, folder, port):
    """Put a proxy through all ways of holding what passes; return the writes that show the canary: to files, and all."""
    calls = "trace=write,pwrite64,writev,pwritev,pwritev2,sendfile,splice,copy_file_range"
    traced = ["strace", "-f", "-qq", "-y", "-s", "200", "-e", calls, "-o", str(folder / "calls"), *command]
    half = CANARY * (2_000_000 // len(CANARY))
    with running(traced, environment, folder, port):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            # The second half is late: what came first has to be kept somewhere.
            client.sendall(b"POST /one HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % (2 * len(half)))
            client.sendall(half)
            time.sleep(0.5)
            client.sendall(half)
            assert client.recv(12) == b"HTTP/1.1 200"
        assert ask(port, "PUT", "/two", iter([half[:60_000], half[60_000:]]))[0] == 200  # chunked
        with contextlib.suppress(ConnectionError):
            ask(port, "POST", "/too-much", CANARY * (7_000_000 // len(CANARY)))
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n" % LARGE.encode())
            time.sleep(1)  # a slow reader
            octets = 0
            while part := client.recv(65_536):
                octets += len(part)
            assert octets > LARGEST_FEED - len(CANARY)
    found = [line for line in (folder / "calls").read_text(errors="replace").splitlines() if CANARY.decode() in line]
    return [line for line in found if "socket:" not in line and "TCP" not in line], found


@pytest.mark.parametrize("make", [nginx, caddy])
def test_what_passes_through_is_written_to_no_file(make, tmp_path, upstream):
    for program in (make.__name__, "strace"):
        if shutil.which(program) is None:
            pytest.skip(f"NOT RUN: {program} is not installed (apt-get install {program}); .ci/run installs it")
    port = free_port()
    into_files, anywhere = calls_that_write(*make(tmp_path, port, upstream.server_port), tmp_path, port)
    assert into_files == []
    assert anywhere != []  # the trace saw it go by


@pytest.mark.parametrize("line", ["client_body_buffer_size 4m;", "proxy_max_temp_file_size 0;\n"])
def test_the_trace_finds_what_a_proxy_writes(line, tmp_path, upstream):
    """The control: without a line of the shipped file, nginx writes what passes through to a file, and it is found."""
    for program in ("nginx", "strace"):
        if shutil.which(program) is None:
            pytest.skip(f"NOT RUN: {program} is not installed (apt-get install {program}); .ci/run installs it")
    port = free_port()
    command, environment = nginx(tmp_path, port, upstream.server_port)
    shipped = (tmp_path / "nginx.conf").read_text()
    assert line in shipped
    (tmp_path / "nginx.conf").write_text(shipped.replace(line, "").replace("proxy_buffers 512", "proxy_buffers 16"))
    assert calls_that_write(command, environment, tmp_path, port)[0] != []
