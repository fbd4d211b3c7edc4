"""Browsers without a window: accounts, sign-in links and clients that have signed in."""

import re
from datetime import timedelta
from html import unescape

import pytest
from pyotp import TOTP, random_base32

from app.domain.access import SECOND_FACTOR_FIRST, Role
from app.domain.maintenance import MaintenanceKind
from app.domain.notice import NoticeContent
from app.register.maintenance import import_maintenance
from app.register.people.enrolment import issue_token
from app.security.tokens import TokenKind, digest, mint, new_row_id
from app.store import accounts, proofs
from app.store.accounts import Account
from tests.conftest import NOW


@pytest.fixture
def csrf():
    """Return a function that finds the token of the last form of a page."""
    return lambda page: re.findall(r'name="csrf_token" value="([^"]+)"', page.text)[-1]


@pytest.fixture
def read():
    """Return a function that gives what a person reads of a page's content, without tags and doubled spaces."""

    def words(page):
        content = page.text.partition("<main")[2].partition(">")[2].partition("</main>")[0]
        text = " ".join(unescape(re.sub(r"<[^>]+>", " ", content)).split())
        return re.sub(r" (?=[,.;)]+(?: |$))", "", text)

    return words


@pytest.fixture
def add_account(store, clock):
    """Return a function that adds an account: ``add_account("a@example.org", Role.USER, "ALPHA")``."""

    def add(email, role, *users):
        account = Account(new_row_id(), email, role, users)
        with store.writing() as connection:
            accounts.add_account(store, connection, account, clock())
        return account

    return add


@pytest.fixture
def add_link(store, clock):
    """Return a function that makes a sign-in token for an account, as an operator would; ``kind`` to make a wrong one."""

    def add(account, lasts=timedelta(hours=24), kind=TokenKind.SIGN_IN):
        token = mint(kind)
        with store.writing() as connection:
            accounts.insert_token(
                store,
                connection,
                kind=kind.value,
                digest=digest(store.keyring.derived("token")[0], token),
                role=account.role,
                label="sign-in",
                now=clock(),
                lasts=lasts,
                account_id=account.id,
            )
        return token

    return add


@pytest.fixture
def use_link(store, clock, add_link, csrf):
    """Return a function that signs an account in by a link, with a code where its role needs one; it gives the answer."""

    def enter(client, account):
        path, secret = f"/sign-in/{add_link(account)}", random_base32()
        if account.role in SECOND_FACTOR_FIRST:
            with store.writing() as connection:
                proofs.put_second_factor(store, connection, account.id, secret, 0, clock())
        answer = client.post(path, data={"csrf_token": csrf(client.get(path))})
        if answer.location == "/sign-in/second-factor":
            form = {"csrf_token": csrf(client.get(answer.location)), "one_time_code": TOTP(secret).at(clock())}
            answer = client.post(answer.location, data=form)
        assert answer.status_code == 303
        return answer

    return enter


@pytest.fixture
def sign_in(web, add_account, use_link):
    """Return a function that returns a client of its own that has signed in by a link."""

    def enter(email, role, *users):
        client = web.test_client()
        use_link(client, add_account(email, role, *users))
        return client

    return enter


@pytest.fixture
def dcc_client(sign_in):
    """A member of DCC staff, signed in."""
    return sign_in("dcc@example.org", Role.DCC)


@pytest.fixture
def alpha_client(alpha, sign_in):
    """Somebody of ALPHA, signed in."""
    return sign_in("alpha@example.org", Role.USER, "ALPHA")


@pytest.fixture
def credentials(store, alpha):
    """What ALPHA's and DCC's programs send."""
    made = [issue_token(store, label="x", now=NOW, **who)[1] for who in ({"user_code": "ALPHA"}, {"role": Role.DCC})]
    return [{"Authorization": f"Bearer {token}"} for token in made]


@pytest.fixture
def dates(register, announce, clock):
    """Return a function that adds one of DCC's own dates: ``dates("2026-12-06T02:00", hours=5)``."""

    def add(starts, hours=4, kind=MaintenanceKind.MAINTENANCE):
        reading = NoticeContent((announce(f"{kind} {starts}", starts, hours=hours, gateway="DCC"),), ())
        return import_maintenance(register, kind, reading, clock()).added[0]

    return add
