"""Every form, its process killed before each of its writes: pressed again, it takes effect once and shows what it made.

The process that answers is a fork of the test's own with connections of its own; it is killed by SIGKILL, before a
chosen write or commit, or comes to an answer that nobody hears.
"""

import ast
import io
import itertools
import os
import re
import signal
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
import sqlalchemy as sa
from sqlalchemy import event

from app.domain.access import Role
from app.domain.notice import Announcement, Channel, Notice, NoticeContent
from app.domain.notification import Kind
from app.domain.window import ClosureWindow
from app.register.messages import recipients
from app.register.people import enrolment
from app.register.people.accounts import list_accounts
from app.register.receive import receive_notice
from app.register.sources import list_sources
from app.register.verification import verify_record
from app.store import proofs, tables
from app.store.outbox_tables import kept_answers, messages
from app.store.recipients import Carrier
from app.web.site import EXTENSION
from tests.conftest import NOW

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ANSWERED = 3  # the exit status of a process that came to its answer, which nobody hears
PASSWORD = "correct horse battery staple"
_WRITE = re.compile(r"\s*(INSERT|UPDATE|DELETE)\b")


@dataclass
class Form:
    """A form about to be pressed: by whom, where to, with what, and how often it has taken effect."""

    client: object
    path: str
    fields: dict
    count: object

    def press(self):
        return self.client.post(self.path, data=self.fields)


def fields_of(page, path):
    """The hidden fields of the form that goes to a path."""
    forms = re.findall(r'<form[^>]* action="([^"]+)"[^>]*>(.*?)</form>', page.text.partition("<main")[2], re.DOTALL)
    (body,) = [body for action, body in forms if action == path]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', body))


class World:
    """What forms are made of: clients that have signed in, and the database."""

    def __init__(self, store, register, clock, sign_in, csrf, alpha):
        self.store, self.register, self.clock, self.sign_in, self.csrf = store, register, clock, sign_in, csrf
        self.alpha = alpha
        self.clients, self.number = {}, 0

    def client(self, role, *users):
        if role not in self.clients:
            self.clients[role] = self.sign_in(f"{role}@example.org", role, *users)
        return self.clients[role]

    def new(self):
        """A name that nothing has yet."""
        self.number += 1
        return f"n{self.number}"

    def form(self, client, page, path, count, **typed):
        return Form(client, path, fields_of(client.get(page), path) | typed, count)

    def has_sent(self, form):
        with self.store.reading() as connection:
            query = sa.select(tables.sent_forms).where(tables.sent_forms.c.id == bytes.fromhex(form.fields["form_id"]))
            return connection.execute(query).first() is not None

    def rows(self, table):
        with self.store.reading() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar()


def upload(world):
    client, reference = world.client(Role.USER, "ALPHA"), world.new()
    sheet = "gateway,starts,ends,reference\n" + "".join(
        f"GW-A1,2027-0{month}-07T02:00,2027-0{month}-07T06:00,{reference}-{month}\n" for month in range(1, 4)
    )
    page = client.get("/notices/new?user=ALPHA")
    fields = {"csrf_token": world.csrf(page), "user": "ALPHA", "file": (io.BytesIO(sheet.encode()), "three.csv")}
    preview = client.post("/notices/preview", data=fields)
    return Form(client, "/notices", fields_of(preview, "/notices"), lambda: world.rows(tables.closures) / 3)


def dates(world):
    client, path, name = world.client(Role.DCC), "/service/maintenance", world.new()
    event = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//test//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:{name}\r\nDTSTAMP:20261120T090000Z\r\nDTSTART:20261212T220000Z\r\nDTEND:20261213T060000Z\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    sent = {"kind": "maintenance", "file": (io.BytesIO(event.encode()), "dates.ics")}
    preview = client.post(f"{path}/preview", data={"csrf_token": world.csrf(client.get(path)), **sent})
    return Form(client, path, fields_of(preview, path), lambda: world.rows(tables.maintenance))


def feed(world):
    client = world.client(Role.DCC)
    typed = {"scope": "all", "label": world.new(), "past_days": "30", "horizon_days": "90"}
    count = lambda: world.rows(tables.subscriptions)  # noqa: E731 - one of many alike
    return world.form(client, "/subscriptions/new", "/subscriptions", count, **typed)


def made_feed(world, role):
    client = world.client(role)
    (account,) = [one for one in list_accounts(world.store) if one.email == f"{role}@example.org"]
    made = enrolment.add_subscription(
        world.store, scope_text="all", label=world.new(), secret_url=False, past_days=1, horizon_days=1, now=NOW,
        account_id=account.id,
    ).subscription  # fmt: skip
    return client, f"/subscriptions/{made.id}"


def feed_replaced(world):
    client, page = made_feed(world, Role.DCC)
    return world.form(client, page, f"{page}/rotate", lambda: world.rows(tables.subscriptions))


def secret_address(world):
    client, page = made_feed(world, Role.ADMIN)
    held = page.rpartition("/")[2]

    def count():
        found = enrolment.list_subscriptions(world.store)
        return sum(one.subscription.has_secret_url for one in found if one.subscription.id == held)

    return world.form(client, page, f"{page}/secret-address", count)


def app_password(world):
    client = world.client(Role.USER, "ALPHA")
    count = lambda: len(enrolment.list_tokens(world.store))  # noqa: E731
    return world.form(client, "/connect", "/connect", count, label=world.new(), holder="user:ALPHA")


def source(world):
    client, path = world.client(Role.USER, "ALPHA"), "/connect/sources"
    typed = {
        "gateway": "ALPHA GW-A1", "url": f"https://calendar.example/{world.new()}.ics", "minutes": "60", "do": "add",
    }  # fmt: skip
    return world.form(client, f"{path}/new", path, lambda: len(list_sources(world.store)), **typed)


def invitation(world):
    client, path = world.client(Role.ADMIN), "/service/accounts"
    typed = {"email": f"{world.new()}@example.org", "role": "dcc"}
    return world.form(client, f"{path}/new", path, lambda: world.rows(tables.tokens), **typed)


def link(world):
    client, email = world.client(Role.ADMIN), f"{world.new()}@example.org"
    enrolment.open_account(world.store, email, Role.DCC, (), NOW)
    (account,) = [one for one in list_accounts(world.store) if one.email == email]
    page = f"/service/accounts/{account.id.hex()}"
    return world.form(client, page, f"{page}/link", lambda: world.rows(tables.tokens))


def mailed_link(world):
    client, email = world.client(Role.ADMIN), f"{world.new()}@example.org"
    enrolment.open_account(world.store, email, Role.DCC, (), NOW)
    (account,) = [one for one in list_accounts(world.store) if one.email == email]
    page = f"/service/accounts/{account.id.hex()}"
    return world.form(client, page, f"{page}/mail-link", lambda: world.rows(messages))


def fact(world):
    """What is told of a closure that runs: each of a gateway's closures begins an hour ago."""
    client, uid = world.client(Role.USER, "ALPHA"), world.new()
    starts = NOW - timedelta(hours=1)
    said = Announcement(uid, "GW-A1", ClosureWindow(starts, starts + timedelta(hours=4)))
    notice = Notice("ALPHA", Channel.API, NOW - timedelta(days=30), "text/calendar", b"BEGIN:VCALENDAR", "a test")
    told = receive_notice(world.register, world.alpha, notice, NoticeContent((said,), (), events=1))
    page = f"/closures/{told.accepted[0].closure.reference}"
    return world.form(client, page, f"{page}/facts", lambda: world.rows(tables.revisions), told="closed", at="")


def fresh_start(world):
    client, (_, account_id) = world.client(Role.ADMIN), newcomer(world)
    page = f"/service/accounts/{account_id.hex()}"

    def count():
        with world.store.reading() as connection:
            return int(proofs.proofs_of(world.store, connection, account_id).password is None)

    return world.form(client, page, f"{page}/afresh", count)


def recipient(world):
    client, path = world.client(Role.ADMIN), "/service/messages/recipients/new"
    typed = {
        "label": world.new(), "carrier": "webhook", "address": "https://hooks.example/h", "kinds": ["new"],
        "when": "at once", "user": "DCC",
    }  # fmt: skip
    return world.form(client, path, path, lambda: len(recipients.list_recipients(world.store)), **typed)


def recipient_removed(world):
    client, path = world.client(Role.ADMIN), "/service/messages"
    made = recipients.add_recipient(
        world.store, label=world.new(), carrier=Carrier.EMAIL, address="desk@dcc.example", kinds={Kind.NEW},
        digest_hour=None, user_code=None, now=NOW,
    ).recipient  # fmt: skip
    count = lambda: -len(recipients.list_recipients(world.store))  # noqa: E731
    return world.form(client, path, f"{path}/recipients/{made.id}/remove", count)


def keys(world):
    """The keys are files: rotated before a kill, they are rotated once more. That is no harm, and not counted."""
    return world.form(world.client(Role.ADMIN), "/service/keys", "/service/keys/rotate", None)


def newcomer(world):
    """Somebody with a password, and their row id."""
    email = f"{world.new()}@example.org"
    client = world.sign_in(email, Role.USER, "ALPHA")  # staff come with a second factor
    token = world.csrf(client.get("/set-up/password"))
    client.post("/set-up/password", data={"csrf_token": token, "password": PASSWORD, "password_again": PASSWORD})
    (account,) = [one for one in list_accounts(world.store) if one.email == email]
    return client, account.id


def second_factor(world):
    client, account_id = newcomer(world)

    def count():
        with world.store.reading() as connection:
            held = proofs.proofs_of(world.store, connection, account_id)
        return (held.secret is not None) + held.recovery_codes / 10 - 1 if held.secret or held.recovery_codes else 0

    form = world.form(client, "/set-up/second-factor", "/set-up/second-factor", count)
    form.fields["one_time_code"] = pyotp.TOTP(form.fields["authenticator"]).at(world.clock())
    return form


def recovery_codes(world):
    form = second_factor(world)
    assert form.press().status_code == 303

    def digests():
        with world.store.reading() as connection:
            return frozenset(connection.execute(sa.select(tables.recovery_codes.c.digest)).scalars())

    before = digests()
    count = lambda: int(digests() != before)  # noqa: E731
    return world.form(form.client, "/account", "/set-up/recovery-codes", count, present_password=PASSWORD)


# Each form, and the function that carries it out.
FORMS = {
    upload: "pages/notice/upload.py record",
    dates: "pages/service/maintenance.py take",
    feed: "pages/connect/subscriptions.py make",
    feed_replaced: "pages/connect/subscriptions.py rotate",
    secret_address: "pages/connect/subscriptions.py switch_on_secret_url",
    app_password: "pages/connect/app_passwords.py make",
    source: "pages/connect/sources.py add",
    invitation: "pages/service/accounts.py invite",
    link: "pages/service/accounts.py _shown_link",
    fresh_start: "pages/service/accounts.py _shown_link",
    recipient: "pages/service/messages.py add",
    recipient_removed: "pages/service/messages.py remove",
    keys: "pages/service/keys.py rotate",
    mailed_link: "pages/service/accounts.py send_link",
    fact: "pages/told_facts.py tell",
    second_factor: "signin/set_up.py confirm_second_factor",
    recovery_codes: "signin/set_up.py renew_recovery_codes",
}


def test_every_form_that_takes_effect_once_is_here():
    found = set()
    for path in sorted((ROOT / "app/web").glob("**/*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and "form_once.carry_out(" in ast.unparse(node):
                found.add(f"{path.relative_to(ROOT / 'app/web').as_posix()} {node.name}")
    assert found == set(FORMS.values())


def killed(app, stores, place, press):
    """Press a form in a process that is killed at a place; tell whether it came to its answer instead."""
    for store in stores:
        store.close()  # a connection must not be in two processes
    child = os.fork()
    if child == 0:
        try:
            press_until(app.extensions["closures"].store.engine, place, press)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL or os.WEXITSTATUS(status) == ANSWERED
    return not os.WIFSIGNALED(status)


def press_until(engine, place, press):
    """In the fork: be killed before the write or commit of this number."""
    fall_at(engine, place, lambda: os.kill(os.getpid(), signal.SIGKILL))
    if press().status_code < 400:
        os._exit(ANSWERED)


def fall_at(engine, place, fall):
    """Have something happen before the write or commit of this number."""
    reached = itertools.count()

    def step():
        if next(reached) == place:
            fall()

    @event.listens_for(engine, "before_cursor_execute")
    def before_write(connection, cursor, statement, *_):
        if _WRITE.match(statement):
            step()

    @event.listens_for(engine, "commit")
    def before_commit(connection):
        if connection.get_execution_options().get("writes"):
            step()


def shown(form):
    """Press a form and follow it; return where it led, and what stands there to keep."""
    answer = form.press()
    page = form.client.get(answer.location)
    assert (answer.status_code, page.status_code) == (303, 200)
    return answer.location, re.findall(
        r"gwf[a-z]_[0-9A-Z]+|whsec_\S+|[0-9a-z]{5}-[0-9a-z]{5}|CN-[0-9A-Z]{10}", page.text
    )


@pytest.fixture
def world(store, register, clock, sign_in, csrf, alpha, web):
    web.extensions[EXTENSION] = replace(web.extensions[EXTENSION], sends_mail=True)
    return World(store, register, clock, sign_in, csrf, alpha)


@pytest.mark.parametrize("make", FORMS, ids=lambda make: make.__name__)
def test_killed_anywhere_and_pressed_again_it_takes_effect_once(make, world, web, store, register):
    stores, places = (store, web.extensions["closures"].store), []
    while not places or not places[-1]:
        form, before = make(world), 0
        if form.count is not None:
            before = form.count()
        places.append(killed(web, stores, len(places), form.press))
        if form.count is not None:
            assert form.count() == before + world.has_sent(form)  # all of it, or as if it had never been sent
        first = shown(form)
        assert shown(form) == first
        if form.count is not None:
            assert form.count() == before + 1
    assert len(places) >= 3
    assert verify_record(register).faults == ()


def test_a_fault_that_is_no_refusal_leaves_the_form_as_if_never_sent(world, web, store):
    def run_out():
        raise MemoryError

    for place in itertools.count(0, 6):
        form, before = upload(world), world.rows(tables.closures)
        engine = web.extensions["closures"].store.engine
        fall_at(engine, place, run_out)
        status = form.press().status_code
        assert (world.rows(tables.closures) - before, world.has_sent(form)) == (
            (0, False) if status == 500 else (3, True)
        )
        shown(form)
        assert world.rows(tables.closures) == before + 3
        if status == 303:
            break
    assert place > 3


def test_a_notice_with_a_key_killed_anywhere_is_recorded_once_and_answered(web, store, alpha, credentials):
    stores, places, client = (store, web.extensions["closures"].store), [], web.test_client()

    def count(table):
        with store.reading() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar()

    while not places or not places[-1]:
        rows = {
            "gateway": "GW-A1",
            "starts": "2027-02-07T02:00",
            "ends": "2027-02-07T04:00",
            "reference": str(len(places)),
        }
        headers = {**credentials[0], "Idempotency-Key": f"k{len(places)}"}
        press = lambda: client.post("/api/v1/notices", json={"closures": [rows]}, headers=headers)  # noqa: E731, B023
        before = count(tables.closures), count(kept_answers)
        places.append(killed(web, stores, len(places), press))
        made = count(tables.closures) - before[0]
        assert (made, count(kept_answers)) == (places[-1], before[1] + made)
        first, again = press(), press()
        assert (first.status_code, again.status_code, again.data) == (200, 200, first.data)
        assert len(first.json["accepted"]) == 1
        assert count(tables.closures) == before[0] + 1
    assert len(places) > 3
