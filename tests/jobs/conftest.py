"""Ends of the network for letters: a real mail server and a real webhook receiver on loopback."""

import socket
import ssl
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from app.domain.notification import Kind
from app.register.messages import recipients
from app.store.recipients import Carrier
from feeds.entry import Publisher
from tests.certificates import certificate_in

PUBLISHER = Publisher("Closure notices", "notices@closures.example", "https://closures.example", "closures.example")
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def publisher():
    return PUBLISHER


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mailbox:
    """What a mail server does with what it is handed: keeps it, or answers as it is told to."""

    def __init__(self):
        self.mails = []
        self.answers = {}
        self.logins = []

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.mails.append((envelope.mail_from, tuple(envelope.rcpt_tos), envelope.original_content))
        return "250 OK"

    async def handle_QUIT(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        return self.answers.get("QUIT", "221 Bye")

    def authenticate(self, *asked):
        mechanism, credentials = asked[-2:]
        self.logins.append((mechanism, credentials.login, credentials.password))
        return AuthResult(success=credentials.password == b"p@ss/word", handled=False)  # the server says so


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate of this session for localhost: (path of certificate and key, what a client trusts)."""
    return certificate_in(tmp_path_factory.mktemp("tls"))


def serving(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[0])
    return context


@pytest.fixture
def mail_server(certificate):
    """Return a function that starts a mail server: ``mail_server()`` gives its mailbox and port."""
    running = []

    def start(*, starttls=False, wrapped=False, login=False):
        box = Mailbox()
        options = {"tls_context": serving(certificate)} if starttls else {}
        options |= {"ssl_context": serving(certificate)} if wrapped else {}
        if login:
            options |= {"authenticator": box.authenticate, "auth_require_tls": False}
        server = Controller(box, hostname="127.0.0.1", port=free_port(), ready_timeout=10, **options)
        server.start()
        running.append(server)
        return box, server.port

    yield start
    for server in running:
        server.stop()


class Receiver(BaseHTTPRequestHandler):
    """Keeps what is posted, and answers as the server says."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((self.path, dict(self.headers.items()), body))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", "https://localhost/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def receiver(certificate):
    """A webhook receiver over TLS: ``.posts``, ``.status``, ``.url``."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.socket = serving(certificate).wrap_socket(server.socket, server_side=True)
    server.posts, server.status = [], 204
    server.url = f"https://localhost:{server.server_port}/hooks/closures?to=ops"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def add_recipient(store):
    """Return a function that lets a recipient in; by e-mail, and told everything, if nothing else is said."""

    def add(label, *kinds, user=None, digest=None, carrier=Carrier.EMAIL, address=None):
        whole = recipients.every_kind(carrier, for_a_user=user is not None)
        made = recipients.add_recipient(
            store,
            label=label,
            carrier=carrier,
            address=address or f"{label}@example.org",
            kinds=frozenset(map(Kind, kinds)) or whole,
            digest_hour=digest,
            user_code=user,
            now=NOW,
        )
        return made.recipient

    return add
