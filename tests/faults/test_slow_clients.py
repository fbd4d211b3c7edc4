"""Many clients who send little or nothing, behind both shipped proxy files: everybody else is served as ever.

How many of each kind is CLOSURES_SLOW_CLIENTS (make slow N=10000). The time that others wait is printed, and no test.
"""

import contextlib
import http.client
import os
import resource
import shutil
import socket
import statistics
import subprocess
import time

import pytest

from tests.architecture.test_proxies import caddy, free_port, nginx, wait_for
from tests.arrival.web_server import A_THREAD_EACH, HALF_BODY, HALF_HEAD, Server

pytestmark = pytest.mark.slow

COUNT = int(os.environ.get("CLOSURES_SLOW_CLIENTS", "200"))
ASKED = 200
KINDS = {"idle connections": b"", "half-sent heads": HALF_HEAD, "slow bodies": HALF_BODY}


@pytest.fixture(autouse=True)
def many_files():
    """Let this process, and the proxy that it starts, open as many files as the machine allows."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def start(service, environ, tmp_path):
    """Return a function that starts the service, with a proxy in front, and gives the proxy's port."""
    with contextlib.ExitStack() as running:

        def start(proxy, otherwise="pass", adapt=lambda folder: None, workers=2):
            if shutil.which(proxy.__name__) is None:
                pytest.skip(f"{proxy.__name__} is not installed")
            stated = {"CLOSURES_TRUSTED_PROXIES": "1", "CLOSURES_WEB_WORKERS": str(workers)}
            server = Server(environ | stated, otherwise)
            running.callback(server.stop)
            port = free_port()
            command, environment = proxy(tmp_path, port, server.port)
            adapt(tmp_path)
            said = running.enter_context((tmp_path / "said").open("wb"))
            process = subprocess.Popen(command, stdout=said, stderr=said, env=os.environ | environment, cwd=tmp_path)
            running.callback(process.wait, 20)
            running.callback(process.terminate)
            wait_for(port, process)
            return port

        yield start


@contextlib.contextmanager
def crowd(port, octets, count):
    """Keep ``count`` connections open that sent ``octets``, from 250 addresses: the limits of one client are not meant."""
    with contextlib.ExitStack() as opened:
        clients = []
        for number in range(count):
            client = socket.create_connection(("127.0.0.1", port), 60, (f"127.0.1.{number % 250 + 1}", 0))
            clients.append(opened.enter_context(client))
            client.sendall(octets)
        yield clients


def ask(port, timeout=60):
    """Return the status of a normal request on a connection of its own, and the milliseconds that it took."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    with contextlib.closing(connection):
        began = time.perf_counter()
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        answer.read()
        return answer.status, (time.perf_counter() - began) * 1000


def still_open(clients):
    count = 0
    for client in clients:
        client.setblocking(False)
        try:
            count += bool(client.recv(1))
        except BlockingIOError:
            count += 1
        except OSError:
            continue
    return count


def percentiles(spent):
    ranks = statistics.quantiles(spent, n=100)
    return f"p50 {ranks[49]:6.2f}  p99 {ranks[98]:6.2f} ms"


def with_all_connections(folder, port, upstream_port):
    return nginx(folder, port, upstream_port, connections=16384)


with_all_connections.__name__ = "nginx"


@pytest.mark.parametrize("proxy", [with_all_connections, caddy], ids=["nginx", "caddy"])
def test_others_are_served_behind_the_shipped_proxy_files(start, proxy):
    port = start(proxy)
    assert [ask(port)[0] for _ in range(20)] == [200] * 20
    quiet = [ask(port) for _ in range(ASKED)]
    print(f"\n{proxy.__name__}: nobody else            {percentiles([spent for _, spent in quiet])}")
    for kind, octets in KINDS.items():
        with crowd(port, octets, COUNT) as clients:
            asked = [ask(port) for _ in range(ASKED)]
            print(
                f"{proxy.__name__}: {COUNT:6} {kind:<16} {percentiles([spent for _, spent in asked])}, "
                f"{still_open(clients)} of them there to the end"
            )
        assert (kind, {status for status, _ in asked}) == (kind, {200})


def test_a_proxy_that_holds_no_body_before_threads_that_wait_stands_still(start):
    def let_bodies_through(folder):
        text = (folder / "nginx.conf").read_text()
        assert "proxy_request_buffering on;" in text
        (folder / "nginx.conf").write_text(text.replace("proxy_request_buffering on;", "proxy_request_buffering off;"))

    # Of two processes one may take them all, and the other one answers.
    port = start(nginx, A_THREAD_EACH, let_bodies_through, workers=1)
    with crowd(port, HALF_BODY, 20), pytest.raises(TimeoutError):
        ask(port, timeout=3)
