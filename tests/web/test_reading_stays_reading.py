"""Who reads is answered while somebody else writes, and where there is no room to note that a token was used."""

import threading
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.register.people.enrolment import issue_token
from app.store.tables import tokens
from tests.conftest import NOW

LIST = '<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>'
ICS = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:u1\r\nDTSTAMP:20261101T000000Z\r\n"
    "DTSTART:20270207T020000Z\r\nDTEND:20270207T060000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


@pytest.fixture
def asked(web, store, alpha):
    """Return a function that asks as ALPHA's program, whose token was used before."""
    _, token = issue_token(store, label="test", now=NOW, user_code="ALPHA")
    headers = {"Authorization": "Basic " + b64encode(f"ALPHA:{token}".encode()).decode()}
    client = web.test_client()
    assert client.get("/api/v1/closures", headers=headers).status_code == 200
    return lambda method, path, body=None, **more: (
        client.open(path, method=method, data=body, headers=headers | more).status_code
    )


def last_use(store):
    with store.reading() as connection:
        return connection.execute(sa.select(tokens.c.last_used_at)).scalar_one()


def test_it_waits_for_no_writer(asked, web, store, clock):
    noted = last_use(store)
    clock.forward(minutes=6)
    with web.extensions["closures"].store.writing():
        # Whoever writes waits for its turn, ten seconds at most, and then it is 503.
        assert asked("GET", "/api/v1/closures") == 200
        assert asked("PROPFIND", "/dav/calendars/ALPHA/GW-A1/", LIST, Depth="1") == 207
        assert last_use(store) == noted
    assert asked("GET", "/api/v1/closures") == 200
    assert last_use(store) == noted + timedelta(minutes=6)


def test_what_was_done_before_stays_done(asked, web, clock):
    """A PUT that is recorded is answered so, though another one writes when its use is to be noted."""
    clock.forward(minutes=6)
    store = web.extensions["closures"].store
    path, let_go = "/dav/calendars/ALPHA/GW-A1/u1.ics", threading.Event()

    def write():
        with store.writing():
            let_go.wait(60)

    with ThreadPoolExecutor(2) as threads:
        with store.writing():
            put = threads.submit(asked, "PUT", path, ICS, If_None_Match="*", Content_Type="text/calendar")
            wait_for_one(store)
            threads.submit(write)
            wait_for_one(store, 2)
        try:
            assert put.result(8) == 201
        finally:
            let_go.set()
    assert asked("GET", path) == 200


def wait_for_one(store, count=1):
    """Wait until so many writers wait for their turn."""
    until = time.monotonic() + 30
    while sum(map(len, store.turns._waiting.values())) < count:
        assert time.monotonic() < until
        time.sleep(0.001)
