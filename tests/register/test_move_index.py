"""After a rotation of the root secret everything is found as before, by digests that the old key alone does not make."""

import random
import re
import signal
import subprocess
import sys
import threading
import time
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.domain.access import Principal, Role
from app.domain.notice import Channel
from app.domain.notification import Kind
from app.domain.refusal import AlreadyThere
from app.register.messages.recipients import add_recipient
from app.register.move_index import move_index
from app.register.people import accounts as people
from app.register.people import credentials, enrolment, links, sign_in
from app.register.questions.needs_attention import acknowledge, needs_attention
from app.register.receive import receive_notice
from app.register.sources import add_source
from app.register.verification import verify_record
from app.register.withdraw import withdraw_closure
from app.security.second_factor import new_recovery_codes
from app.security.tokens import new_row_id
from app.store import accounts, identities, outbox, parties, proofs, properties, tables
from app.store import sources as stored_sources
from app.store.chains import index_epoch
from app.store.digest_move import BLIND
from app.store.identities import Identity
from app.store.recipients import Carrier
from app.store.sources import GatewayOf, Source
from tests.conftest import NOW, announcement_of, notice_of

DCC = Principal("dcc", Role.DCC)
PATHS = (
    "/api/v1/closures", "/api/v1/changes?since=2026-01-01", "/api/v1/clashes", "/api/v1/closed?from=2027-02-01&to=2027-03-01",
    "/api/v1/moved", "/api/v1/late-changes", "/api/v1/silent-users",
)  # fmt: skip
RULE = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:{0}\r\nDTSTAMP:20261101T090000Z\r\n"
    "DTSTART:20270{1}01T020000Z\r\nDTEND:20270{1}01T040000Z\r\nSUMMARY:Work\r\n{2}END:VEVENT\r\nEND:VCALENDAR\r\n"
)


def rotate(service):
    """Rotate the root secret, and let the digests follow."""
    service.store.keyring.rotate(root=True)
    assert (move_index(service.store), move_index(service.store)) == (True, False)


def stored(store):
    """Every digest that moves, by column."""
    with store.reading() as connection:
        return {
            (table, name): set(
                connection.execute(sa.select(tables.metadata.tables[table].c[name]).distinct()).scalars()
            )
            - {None}
            for table, names in BLIND.items()
            for name in names
        }


class World:
    """A register filled at random, and everything that is looked up in it."""

    def __init__(self, service, web, alpha, beta, seed):
        self.service, self.store, self.client = service, service.store, web.test_client()
        self.users, self.chance = (alpha, beta), random.Random(seed)
        _, self.password = enrolment.issue_token(self.store, label="put", now=NOW, user_code="ALPHA")
        _, self.reader = enrolment.issue_token(self.store, label="ask", now=NOW, role=Role.DCC)
        made = enrolment.add_subscription(
            self.store, scope_text="full", label="wall", secret_url=True, past_days=30, horizon_days=548, now=NOW
        )
        self.feed, self.feed_token, self.secret = made.subscription.id, made.token, made.secret_token
        self.link = enrolment.open_account(self.store, "a@example.org", Role.USER, ("ALPHA",), NOW)
        self.codes = new_recovery_codes()
        with self.store.writing() as connection:
            self.account = accounts.account_by_email(self.store, connection, "a@example.org")
            digests = [sign_in._recovery_digest(self.store, self.account, code) for code in self.codes]
            proofs.put_recovery_codes(self.store, connection, self.account.id, digests)
            identities.link_identity(self.store, connection, self.account.id, Identity("https://i.example", "S"), NOW)
            properties.write_properties(self.store, connection, alpha.id, ("ALPHA", "/c/"), {"{a}b": "<b xmlns='a'/>"})
        add_recipient(
            self.store, label="desk", carrier=Carrier.EMAIL, address="d@dcc.example", kinds=frozenset({Kind.NEW, Kind.MOVED}),
            digest_hour=None, user_code=None, now=NOW,
        )  # fmt: skip
        self.source = Source(
            new_row_id(), GatewayOf(alpha.id, "GW-A1"), "https://example.org/a.ics", "", "", "", "", 60, NOW
        )
        add_source(self.store, self.source)
        self.fill()

    def fill(self):
        """Notices by both Users, some of them moves, withdrawals, and events with a rule put by a calendar program."""
        given = []
        for number in range(25):
            user, gateway = self.chance.choice(
                [(self.users[0], "GW-A1"), (self.users[0], "GW-A2"), (self.users[1], "GW-B1")]
            )
            starts = datetime(2027, 1, 4, 2, tzinfo=UTC) + timedelta(hours=self.chance.randrange(2000))
            uid = f"u{self.chance.randrange(18)}-{user.code}"
            announced = announcement_of(uid, starts, gateway)
            taken = receive_notice(
                self.service.register, user, *notice_of(user, announced, NOW + timedelta(minutes=number))
            )
            given += [(user, ack.closure.reference) for ack in taken.accepted]
        for user, reference in self.chance.sample(given, 3):
            own = Principal("a test", Role.USER, frozenset({user.code}))
            later = NOW + timedelta(hours=1)
            withdraw_closure(self.service.register, own, reference, channel=Channel.API, now=later)
        for number, rule in enumerate(("", "RRULE:FREQ=WEEKLY\r\n", "RRULE:FREQ=WEEKLY;COUNT=3\r\n"), start=1):
            assert self.dav(f"e{number}.ics", RULE.format(f"e{number}", number, rule), "PUT")[0] == 201
        self.rows = {"closures": [{"gateway": "GW-A1", "starts": "2027-06-06T02:00", "ends": "2027-06-06T04:00"}]}
        self.kept = self.post()
        items = needs_attention(self.service.register, DCC, NOW).ids()
        acknowledge(self.service.register, DCC, sorted(items)[::2], "told", NOW)

    def dav(self, name, body="", method="GET", **headers):
        basic = "Basic " + b64encode(f"ALPHA:{self.password}".encode()).decode()
        answer = self.client.open(
            f"/dav/calendars/ALPHA/GW-A1/{name}", method=method, data=body,
            headers={"Authorization": basic, "Content-Type": "text/calendar", **headers},
        )  # fmt: skip
        return answer.status_code, answer.text, answer.headers.get("ETag")

    def post(self):
        headers = {"Authorization": f"Bearer {self.password}", "Idempotency-Key": "once"}
        answer = self.client.post("/api/v1/notices", json=self.rows, headers=headers)
        return answer.status_code, answer.text

    def asked(self, path, token):
        answer = self.client.get(path, headers={"Authorization": f"Bearer {token}"})
        return path, answer.status_code, answer.text, answer.headers.get("ETag")

    def picture(self):
        """All that is answered: questions, feeds, calendars, pages' items, and who is known by what."""
        store, register = self.store, self.service.register
        query = (
            '<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><D:getetag/></D:prop>'
            '<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20270105T000000Z"'
            ' end="20270301T000000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>'
        )
        xml = {"Content-Type": "application/xml", "Depth": "1"}
        listed = '<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/><D:sync-token/><D:resource-id/></D:prop></D:propfind>'
        with store.reading() as connection:
            found = [
                parties.find_user(store, connection, "alpha"),
                identities.account_of(store, connection, Identity("https://i.example", "S")),
                accounts.account_by_email(store, connection, "a@example.org"),
                properties.read_properties(store, connection, self.users[0].id, "ALPHA", "/c/"),
                outbox.list_waiting(connection),
                stored_sources.list_sources(store, connection),
            ]
        return [
            [self.asked(path, self.reader) for path in PATHS],
            [self.asked(f"/feeds/{self.feed}.{form}", self.feed_token) for form in ("ics", "json")],
            self.asked(f"/feeds/s/{self.secret}/closures.ics", ""),
            [self.dav(f"e{number}.ics") for number in (1, 2, 3)],
            sorted(re.findall("<D:response>.*?</D:response>", self.dav("", query, "REPORT", **xml)[1])),  # in no order
            self.dav("", listed, "PROPFIND", **xml),
            needs_attention(register, DCC, NOW).ids(),
            credentials.principal_of_token(register, "ALPHA", self.password, NOW),
            links.is_live(store, self.link, NOW),
            found,
        ]


@pytest.fixture
def world(service, web, alpha, enrolled):
    """Return a function that makes the world of a seed."""
    return lambda seed: World(service, web, alpha, enrolled("BETA", "GW-B1"), seed)


@pytest.mark.parametrize("seed", range(3))
def test_all_is_found_alike_after_one_move_and_after_two(world, seed):
    here = world(seed)
    picture, digests = here.picture(), stored(here.store)
    for epoch in (2, 3):
        rotate(here.service)
        assert here.picture() == picture
        assert verify_record(here.service.register).faults == ()
        now = stored(here.store)
        assert {key: len(values) for key, values in now.items()} == {
            key: len(values) for key, values in digests.items()
        }
        assert [key for key, values in now.items() if values & digests[key]] == []
        with here.store.reading() as connection:
            assert index_epoch(connection) == epoch


def test_what_is_there_is_not_taken_twice_after_a_move(world):
    here = world(7)
    size = verify_record(here.service.register).size
    here.store.keyring.rotate(root=True)
    assert here.post() == here.kept
    assert move_index(here.store)
    moved = verify_record(here.service.register).size
    assert here.post() == here.kept
    assert here.dav("other.ics", RULE.format("e1", 1, ""), "PUT")[0] == 403
    enrolment.open_account(here.store, "b@example.org", Role.USER, ("ALPHA",), NOW)
    with here.store.reading() as connection:
        other = accounts.account_by_email(here.store, connection, "b@example.org")
    for again in (
        lambda: enrolment.open_account(here.store, "A@example.org", Role.USER, ("ALPHA",), NOW),
        lambda: enrolment.enrol_user(here.store, "ALPHA", "Again"),
        lambda: enrolment.enrol_gateway(here.store, "ALPHA", "GW-A1"),
        lambda: add_source(here.store, here.source),
        lambda: people.link_subject(here.store, other, "https://i.example", "S", NOW),
    ):
        with pytest.raises(AlreadyThere):
            again()
    assert size < moved
    assert verify_record(here.service.register).faults == ()


def test_links_and_recovery_codes_open_once_after_a_move(world):
    here = world(8)
    rotate(here.service)
    links.use_link(here.store, here.link, NOW)
    origin = sign_in.Origin("192.0.2.1")
    sign_in.by_second_factor(here.store, here.account, here.codes[0], origin, NOW)
    with pytest.raises(sign_in.SignInRefused):
        sign_in.by_second_factor(here.store, here.account, here.codes[0], origin, NOW)
    assert not links.is_live(here.store, here.link, NOW)
    assert verify_record(here.service.register).faults == ()


READS_AND_WRITES = """
import os
import sys
from datetime import timedelta
from pathlib import Path
from app.domain.refusal import Refusal
from app.factory import open_service
from app.register.people import credentials
from app.register.receive import receive_notice
from app.settings import read_settings
from app.store import members, parties
from app.register.calendar_view import place_of
from tests.conftest import NOW, announcement_of, notice_of

def work(service, password, name, number):
    store = service.store
    assert credentials.principal_of_token(service.register, "ALPHA", password, NOW) is not None
    with store.reading() as connection:
        user = parties.find_user(store, connection, "ALPHA")
    announced = announcement_of(f"{name}-{number}", NOW + timedelta(days=40, hours=number), "GW-A1")
    (taken,) = receive_notice(service.register, user, *notice_of(user, announced, NOW)).accepted
    with store.reading() as connection:
        place = place_of(service.register, user, "GW-A1")
        found = members.members_of_uids(store, connection, place, [announced.uid])
    assert list(found) == [announced.uid]

def keep_at_it(service, password, name, stop):
    number = failed = 0
    while not stop():
        number += 1
        try:
            work(service, password, name, number)
        except (Refusal, AssertionError) as problem:
            print(type(problem).__name__, problem, file=sys.stderr)
            failed += 1
    return number, failed

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    service = open_service(read_settings(os.environ))
    (folder / "ready").touch()
    print(*keep_at_it(service, sys.argv[2], "other process", (folder / "stop").exists))
    service.close()
"""


def test_nobody_fails_while_digests_move(world, environ, tmp_path, reopen):
    here = world(9)
    scope = {"__name__": "at_work"}
    exec(compile(READS_AND_WRITES, "reads_and_writes", "exec"), scope)
    process = subprocess.Popen(
        [sys.executable, "-c", READS_AND_WRITES, str(tmp_path), here.password],
        env={"PATH": "", "PYTHONPATH": ":".join(sys.path), **environ}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    done, counted = threading.Event(), []

    def work(service, name):
        counted.append(scope["keep_at_it"](service, here.password, name, done.is_set))

    threads = [threading.Thread(target=work, args=(reopen(), f"thread {number}")) for number in range(2)]
    try:
        for thread in threads:
            thread.start()
        while process.poll() is None and not (tmp_path / "ready").exists():
            time.sleep(0.01)
        for _ in range(3):
            time.sleep(0.2)
            rotate(here.service)
        time.sleep(0.2)
    finally:
        done.set()
        (tmp_path / "stop").touch()
        for thread in threads:
            thread.join()
        said, _ = process.communicate(timeout=30)
    counted.append(tuple(map(int, re.findall(r"^(\d+) (\d+)$", said, re.MULTILINE)[-1])))
    assert [failed for _, failed in counted] == [0, 0, 0]
    assert min(number for number, _ in counted) > 3
    assert verify_record(here.service.register).faults == ()


DIES = """
import os, signal
from app.factory import open_service
from app.register import move_index
from app.settings import read_settings
from app.store.digest_move import DigestMove

class Dies(DigestMove):
    def move(self, connection):
        super().move(connection)
        os.kill(os.getpid(), signal.SIGKILL)

move_index.DigestMove = Dies
move_index.move_index(open_service(read_settings(os.environ)).store)
"""


def test_who_dies_in_the_middle_leaves_all_as_it_was(world, environ):
    here = world(10)
    picture, digests = here.picture(), stored(here.store)
    here.store.keyring.rotate(root=True)
    killed = subprocess.run(
        [sys.executable, "-c", DIES], check=False, env={"PATH": "", "PYTHONPATH": ":".join(sys.path), **environ}
    )
    assert killed.returncode == -signal.SIGKILL
    assert (here.picture(), stored(here.store)) == (picture, digests)
    assert verify_record(here.service.register).faults == ()
    assert move_index(here.store)
    assert here.picture() == picture
