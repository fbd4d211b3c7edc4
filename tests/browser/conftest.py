"""A real chromium against a real server on loopback, watched for everything that a page must not do."""

import threading
from contextlib import closing

import pytest
from pyotp import TOTP, random_base32
from werkzeug.serving import make_server

from app.domain.access import SECOND_FACTOR_FIRST, Role
from app.register.people import enrolment
from app.security.tokens import new_row_id
from app.store import accounts, proofs
from app.store.accounts import Account


@pytest.fixture
def address(web):
    """The application on a port of its own."""

    def whole(environ, start_response):
        # In one piece, since this server leaves a file open whose reader has gone away.
        with closing(web(environ, start_response)) as answer:
            return [b"".join(answer)]

    server = make_server("127.0.0.1", 0, whole, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Watch:
    """What a page did that nobody may see: console messages, failed and foreign requests."""

    def __init__(self, address):
        self.address = address
        self.faults = []
        self.refused = []

    def on(self, page):
        page.on("console", lambda message: self._console(message.text))
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("request", lambda request: self._request(request.url))
        page.on("requestfailed", lambda request: self._failed(request.url, request.failure))

    def _console(self, text):
        # Chromium itself notes every answer of 400 and above; tests of refusals look at these.
        (self.refused if text.startswith("Failed to load resource") else self.faults).append(text)

    def _failed(self, url, reason):
        # A page that is left while its icon is still on the way drops that request itself: no answer was missing.
        if reason != "net::ERR_ABORTED":
            self.faults.append(f"failed: {url} ({reason})")

    def _request(self, url):
        if not url.startswith((self.address + "/", "data:")):
            self.faults.append(f"foreign: {url}")


@pytest.fixture
def watch(address):
    found = Watch(address)
    yield found
    assert found.faults == []


@pytest.fixture
def open_page(chromium, address, watch):
    """Return a function that opens a browser window: width in px, light or dark, script on or off."""
    contexts = []

    def make(width=1280, scheme="light", path="/sign-in", *, script=True):
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, locale="en-GB", java_script_enabled=script
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        watch.on(page)
        page.goto(address + path)
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def use_link(service, clock, address):
    """Return a function that signs an account in, in a page: a one-time link, its button, a code where its role needs one."""

    def enter(page, email):
        store, secret = service.store, random_base32()
        with store.writing() as connection:
            account = accounts.account_by_email(store, connection, email)
            if account.role in SECOND_FACTOR_FIRST:
                proofs.put_second_factor(store, connection, account.id, secret, 0, clock())
        page.goto(f"{address}/sign-in/{enrolment.issue_sign_in(store, email, clock())}")
        page.get_by_role("button", name="Sign in").click()
        if account.role in SECOND_FACTOR_FIRST:
            page.get_by_label("Code").fill(TOTP(secret).at(clock()))
            page.get_by_role("button", name="Continue").click()

    return enter


@pytest.fixture
def add_staff(service, clock):
    """Return a function that opens an account, by default of DCC staff, and gives its address."""

    def add(email, role=Role.DCC, users=()):
        with service.store.writing() as connection:
            accounts.add_account(service.store, connection, Account(new_row_id(), email, role, users), clock())
        return email

    return add


@pytest.fixture
def sign_in(open_page, use_link, add_staff):
    """Return a function that signs somebody in as a person does."""

    def enter(email, role, *users, **look):
        page = open_page(**look)
        use_link(page, add_staff(email, role, users))
        page.wait_for_url("**/")
        return page

    return enter


@pytest.fixture
def dcc_page(sign_in):
    return sign_in("dcc@example.org", Role.DCC)


@pytest.fixture
def alpha_page(alpha, sign_in):
    return sign_in("alpha@example.org", Role.USER, "ALPHA")
