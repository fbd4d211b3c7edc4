"""Fetching without being sent astray: 40 spellings by three ways make no connection; limits hold; errors are alike."""

import gzip
import ipaddress
import re
import socket
import socketserver
import ssl
import threading
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.pulling import http_client as outbound_module
from app.pulling.fetch_failure import SourceUnread, words_of
from app.pulling.http_client import LARGEST, Outbound, Visit

PUBLIC = "93.184.216.34"
HOST = "calendar.example.org"
# Loopback, private, metadata and others, in the spellings by which filters were got round.
SPELLINGS = [
    *("127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1"),
    *("017700000001", "0", "0.0.0.0", "00000000000.0.0.1", "localhost", "localhost.", "LOCALHOST", "10.0.0.1"),
    *("10.1", "167772161", "172.16.0.1", "192.168.0.1", "192.168.257", "100.64.0.1", "169.254.169.254"),
    *("2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "168.63.129.16", "224.0.0.1", "255.255.255.255"),
    *("[::1]", "[::]", "[::127.0.0.1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:a9fe:a9fe]"),
    *("[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "[fd00:ec2::254]"),
    *("[fe80::1]", "[ff02::1]", "inside.example.org"),
]


class Names:
    """A resolver in the test's hands: numbers as the system reads them, names as written down here; nothing is asked."""

    def __init__(self, **known):
        self.known = {
            "localhost": ["127.0.0.1"],
            "localhost.": ["127.0.0.1"],
            "inside.example.org": ["10.1.2.3"],
        } | known
        self.asked = []

    def __call__(self, host, port):
        self.asked.append(host)
        answers = self.known.get(host.lower())
        if callable(answers):
            return answers()
        if answers is not None:
            return answers
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        return [one[4][0] for one in found]


class Server:
    """A loopback server that stands for a public one: it answers each connection with what it was given."""

    def __init__(self, certificate):
        self.answers = []
        self.requests = []
        outer = self

        class Talk(socketserver.BaseRequestHandler):
            def handle(self):
                try:
                    wire = outer.tls.wrap_socket(self.request, server_side=True)
                except OSError:
                    return
                with wire:
                    head = b""
                    while b"\r\n\r\n" not in head:
                        piece = wire.recv(65_536)
                        if not piece:
                            return
                        head += piece
                    # A body that is left unread would reset the connection, and take the answer with it.
                    head, _, body = head.partition(b"\r\n\r\n")
                    stated = re.search(rb"Content-Length: (\d+)", head)
                    while stated and len(body) < int(stated[1]):
                        body += wire.recv(65_536)
                    outer.requests.append(head)
                    answer = outer.answers.pop(0)
                    try:
                        if callable(answer):
                            answer(wire)
                        else:
                            wire.sendall(answer)
                    except OSError:
                        return  # the other side had enough

        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate)
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate for ``HOST`` alone, signed by nobody but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    plain = serialization.NoEncryption()
    octets = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(octets + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def server(certificate):
    server = Server(certificate)
    yield server
    server.close()


class World:
    """The strict way out, whose last wire alone is in the test's hands: a public address leads to the test's server."""

    def __init__(self, server, certificate, **names):
        self.dialled = []
        self.server = server
        self.names = Names(**{HOST: [PUBLIC], **names})
        trust = partial(ssl.create_default_context, cafile=str(certificate))
        self.outbound = Outbound(resolve=self.names, dial=self.dial, trust=trust)

    def dial(self, address, _port, seconds):
        self.dialled.append(address)
        assert address == PUBLIC, address
        return socket.create_connection(("127.0.0.1", self.server.port), seconds)

    def get(self, url=f"https://{HOST}/changes.ics", **credentials):
        return Visit(self.outbound, url, **credentials).ask("GET", url, {})


@pytest.fixture
def world(server, certificate):
    return partial(World, server, certificate)


def refused(call, *arguments, **facts):
    with pytest.raises(SourceUnread) as caught:
        call(*arguments, **facts)
    return caught.value.outcome


def http(status, body=b"", *headers):
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


def test_there_are_forty_spellings_and_none_is_public():
    assert len(SPELLINGS) >= 40


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_address_inside_is_never_connected_to_directly(world, spelling):
    here = world()
    assert refused(here.get, f"https://{spelling}/changes.ics") == "unreachable"
    assert here.dialled == []


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_address_inside_is_never_connected_to_by_a_redirect(world, server, spelling):
    here = world()
    server.answers = [http(302, b"", f"Location: https://{spelling}/")]
    assert refused(here.get) == "redirected"
    assert (here.dialled, here.names.asked) == ([PUBLIC], [HOST])


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_address_inside_is_never_connected_to_by_a_name_that_changes(world, server, spelling):
    """The name is public when it is first asked and leads inside at the next request, on the same origin."""
    host = spelling.strip("[]")
    here = world()
    inside = here.names(host, 443)
    answers = iter([[PUBLIC], inside])
    here.names.known[HOST] = lambda: next(answers)
    server.answers = [http(307, b"", "Location: /elsewhere.ics")]
    assert refused(here.get) == "unreachable"
    assert here.dialled == [PUBLIC]


def test_a_name_is_resolved_once_for_each_connection_and_that_very_address_is_dialled(world, server):
    here = world()
    server.answers = [http(200, b"x")]
    assert here.get().body == b"x"
    assert (here.names.asked, here.dialled) == ([HOST], [PUBLIC])


def test_one_address_inside_spoils_a_name(world):
    here = world(**{HOST: [PUBLIC, "10.0.0.1"]})
    assert (refused(here.get), here.dialled) == ("unreachable", [])


@pytest.mark.parametrize(
    "url",
    [
        *(
            f"http://{HOST}/",
            f"ftp://{HOST}/",
            "file:///etc/passwd",
            f"gopher://{HOST}/",
            f"//{HOST}/",
            "changes.ics",
            "",
        ),
        *(
            f"https://{HOST}:22/",
            f"https://{HOST}:80/",
            f"https://{HOST}:0x1bb/",
            f"https://{HOST}:99999/",
            "https:///x",
        ),
        *(
            f"https://alpha:secret@{HOST}/",
            f"https://127.0.0.1@{HOST}/",
            f"https://{HOST}\n/",
            "https://[::1/",
            "https://ä.example/",
        ),
    ],
)
def test_an_address_that_is_not_fetched_is_refused_before_anything_is_asked(world, url):
    here = world()
    assert refused(here.get, url) == "address"
    assert (here.names.asked, here.dialled) == ([], [])


@pytest.mark.parametrize(
    "location",
    [
        *(f"http://{HOST}/", "https://other.example.org/", f"https://{HOST}:8443/", "file:///etc/passwd"),
        *(f"https://alpha@{HOST}/", "//other.example.org/", "https://[::1/"),
    ],
)
def test_a_redirect_leaves_neither_the_origin_nor_the_scheme(world, server, location):
    here = world()
    server.answers = [http(301, b"", f"Location: {location}")]
    assert refused(here.get, username="alpha", password="secret") == "redirected"
    assert len(server.requests) == 1


def test_redirects_inside_the_origin_are_followed_with_the_method_but_not_for_ever(world, server):
    here = world()
    server.answers = [http(308, b"", "Location: /there/"), http(207, b"y")]
    url = f"https://{HOST}/here"
    answer = Visit(here.outbound, url, "alpha", "secret").ask("PROPFIND", url, {"Depth": "0"}, b"<x/>")
    assert (answer.status, answer.body) == (207, b"y")
    assert [request.split(b"\r\n")[0] for request in server.requests] == [
        b"PROPFIND /here HTTP/1.1",
        b"PROPFIND /there/ HTTP/1.1",
    ]
    server.answers = [http(302, b"", "Location: /again")] * 10
    assert (refused(here.get), len(server.requests)) == ("redirected", 2 + 4)


def test_a_certificate_for_another_host_is_not_trusted(world, server):
    here = world(**{"other.example.org": [PUBLIC]})
    assert refused(here.get, "https://other.example.org/") == "unreachable"
    assert server.requests == []


def test_a_certificate_of_nobody_known_is_not_trusted(world, server):
    here = world()
    here.outbound = Outbound(resolve=here.names, dial=here.dial)
    assert (refused(here.get), server.requests) == ("unreachable", [])


def test_what_cannot_be_reached_looks_alike(world, server):
    def nothing():
        raise socket.gaierror("no such name")

    here = world(**{"gone.example.org": nothing, "shut.example.org": [PUBLIC], "none.example.org": []})
    asked = {"https://10.0.0.1/", "https://gone.example.org/", "https://none.example.org/"}
    found = {refused(here.get, url) for url in asked}
    here.server.close()
    found.add(refused(here.get, "https://shut.example.org/"))
    assert found == {"unreachable"}
    text, remedy = words_of("unreachable")
    assert "10.0.0.1" not in text + remedy


def test_credentials_and_conditions_are_sent_and_nothing_of_ours_is(world, server):
    here = world()
    server.answers = [http(200)]
    url = f"https://{HOST}/a%20b/ä.ics?x=1 2"
    Visit(here.outbound, url, "alpha", "päss").ask("GET", url, {"If-None-Match": '"1"', "User-Agent": "python-caldav"})
    lines = server.requests[0].decode().split("\r\n")
    assert sorted(line for line in lines if line) == [
        "Accept-Encoding: gzip",
        "Authorization: Basic YWxwaGE6cMOkc3M=",
        "Connection: close",
        "GET /a%20b/%C3%A4.ics?x=1%202 HTTP/1.1",
        f"Host: {HOST}",
        'If-None-Match: "1"',
        "User-Agent: closure-notices",
    ]


def test_a_packed_answer_is_unpacked(world, server):
    here = world()
    server.answers = [http(200, gzip.compress(b"BEGIN:VCALENDAR"), "Content-Encoding: gzip")]
    assert here.get().body == b"BEGIN:VCALENDAR"


def flood(wire):
    wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")
    for _ in range(50):
        wire.sendall(b"x" * 1_000_000)


def headers_without_end(wire):
    wire.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        wire.sendall(b"X-More: y\r\n" * 1000)


def drip(wire):
    wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        wire.sendall(b"x")
        threading.Event().wait(0.05)


def header_drip(wire):
    while True:
        wire.sendall(b"H")
        threading.Event().wait(0.05)


def silence(wire):
    wire.recv(1)


BOMB = gzip.compress(b"\0" * (LARGEST + 1))


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (flood, "too-large"),
        (http(200, BOMB, "Content-Encoding: gzip"), "too-large"),
        (headers_without_end, "broken-off"),
        (http(200, b"not packed", "Content-Encoding: gzip"), "broken-off"),
        (http(200, gzip.compress(b"x" * 1000)[:-9], "Content-Encoding: gzip"), "broken-off"),
        (http(200, b"x", "Content-Encoding: br"), "not-calendar"),
        (http(200, b"x" * 50).replace(b"h: 50", b"h: 51"), "broken-off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "broken-off"),
        (b"nonsense\r\n\r\n", "broken-off"),
        (b"", "broken-off"),
    ],
    ids=lambda part: getattr(part, "__name__", str(part)[:20]),
)
def test_a_hostile_answer_is_bounded_and_named(world, server, answer, outcome):
    server.answers = [answer]
    assert refused(world().get) == outcome


@pytest.mark.parametrize("answer", [drip, header_drip, silence], ids=lambda one: one.__name__)
def test_a_slow_answer_ends_with_the_time_of_the_visit(world, server, answer, monkeypatch):
    monkeypatch.setattr(outbound_module, "_SECONDS", 0.5)
    server.answers = [answer]
    assert refused(world().get) == "too-slow"


def test_the_time_and_the_size_are_those_of_the_whole_visit(world, server):
    here = world()
    url = f"https://{HOST}/"
    visit = Visit(here.outbound, url)
    server.answers = [http(200, b"x" * (LARGEST // 2))] * 2
    visit.ask("GET", url, {})
    assert refused(visit.ask, "GET", url, {}) == "too-large"


def test_where_a_site_allows_private_sources_http_and_its_own_network_are_reached():
    outbound = Outbound(allow_private=True, resolve=Names(), dial=lambda *_: pytest.fail("dialled"))
    for url in ("http://127.0.0.1:5232/alpha/", "https://10.0.0.1/", "http://inside.example.org/"):
        assert outbound.check(url).geturl() == url
    parts = outbound.check("http://169.254.169.254/latest/meta-data")
    assert refused(outbound.connect, parts, 1.0) == "unreachable"
    assert ipaddress.ip_address("169.254.169.254").is_link_local


def test_the_next_address_of_a_name_is_tried_where_the_first_is_silent():
    tried = []

    def dial(address, *_):
        tried.append(address)
        if ":" in address:
            raise OSError("no route")
        return address

    outbound = Outbound(allow_private=True, resolve=lambda *_: ["::1", "127.0.0.1"], dial=dial)
    assert outbound.connect(outbound.check("http://localhost/"), 1.0) == "127.0.0.1"
    assert tried == ["::1", "127.0.0.1"]
