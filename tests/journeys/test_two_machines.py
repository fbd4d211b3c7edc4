"""Two machines with a key folder each over one PostgreSQL, as processes over HTTP: what one does, the other knows.

They share the KEK and nothing else. Users are added, keys rotated and a User shredded at the first; the second is asked.
"""

import os
import threading
import time
from base64 import b64encode
from datetime import UTC, datetime

import pytest
import requests

from app.factory import open_service
from app.register.key_rotation import keys_status, rotate_keys, rotate_root
from app.register.people.enrolment import add_subscription, enrol_gateway, enrol_user, issue_token, shred_user
from app.register.verification import verify_record
from app.settings import read_settings
from tests.faults.test_crash import Service, free_port

FIRST, SECOND, THIRD = (bytes(range(n, n + 32)) for n in range(3))
EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//x//EN\r\nBEGIN:VEVENT\r\nUID:{0}\r\nDTSTAMP:20261101T000000Z\r\n"
    "DTSTART:20270606T020000Z\r\nDTEND:20270606T060000Z\r\nSUMMARY:Planned\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def basic(user, password):
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


class Machine:
    """`closures up` on a machine: its environment, and its process once it was started."""

    def __init__(self, environ):
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.environ = environ | {"CLOSURES_PORT": str(self.port), "CLOSURES_BASE_URL": self.base}

    def start(self, **stated):
        self.environ |= stated
        self.running = Service(os.environ | self.environ, self.port)

    def restart(self, **stated):
        self.running.process.terminate()
        self.running.process.communicate(timeout=60)
        self.start(**stated)
        self.running.wait()

    def ask(self, method, path, status, **more):
        answer = requests.request(method, self.base + path, timeout=30, **more)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text[:300])
        return answer.text

    def is_ready(self):
        return requests.get(self.base + "/readyz", timeout=30).status_code == 200

    def operator(self):
        return open_service(read_settings(self.environ))


class Sender:
    """A User with an app password and a feed of its own closures."""

    def __init__(self, store, code):
        now, self.code = datetime.now(UTC), code
        enrol_user(store, code, f"{code.title()} Energy")
        enrol_gateway(store, code, f"GW-{code}")
        self.basic = basic(code, issue_token(store, label="x", now=now, user_code=code)[1])
        self.feed = feed_of(store, f"user:{code}")

    def put(self, machine, uid, status=201):
        path = f"/dav/calendars/{self.code}/GW-{self.code}/{uid}.ics"
        headers = self.basic | {"Content-Type": "text/calendar"}
        machine.ask("PUT", path, status, headers=headers, data=EVENT.format(uid))

    def shown(self, machine, feed=None):
        address, credential = feed or self.feed
        return machine.ask("GET", address, 200, headers=credential).count("BEGIN:VEVENT")


def feed_of(store, scope):
    made = add_subscription(
        store, scope_text=scope, label="x", secret_url=False, past_days=30, horizon_days=500, now=datetime.now(UTC)
    )
    return f"/feeds/{made.subscription.id}.ics", basic(made.subscription.id, made.token)


@pytest.fixture
def running(machines):
    """Both machines, started at once over an empty database."""
    both = [Machine(environ) for environ in machines]
    for one in both:
        one.start(CLOSURES_KEK=FIRST.hex())
    for one in both:
        one.running.wait()
    yield both
    for one in both:
        one.running.kill()


def until(true, seconds=120):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.2)


def ask_until(stop, machine, sender, problems, name):
    number = 0
    while not stop.is_set():
        number += 1
        try:
            sender.put(machine, f"{name}-{number}")
            sender.shown(machine)
        except (AssertionError, requests.RequestException) as problem:
            problems.append(repr(problem))


def test_what_is_done_at_one_machine_is_known_to_the_other(running):
    here, there = running
    service = here.operator()
    senders = []
    for number in range(5):  # each is served elsewhere at once
        senders.append(Sender(service.store, f"USER{number}"))
        senders[-1].put(there, "first")
        assert [senders[-1].shown(machine) for machine in (there, here)] == [1, 1]
    everybody = feed_of(service.store, "all")
    assert senders[0].shown(there, everybody) == 5
    shred_user(service.store, "USER4", datetime.now(UTC))
    assert [senders[0].shown(machine, everybody) for machine in (there, here)] == [4, 4]
    senders[4].put(there, "second", status=401)
    assert (there.is_ready(), here.is_ready()) == (True, True)
    assert verify_record(service.register).faults == ()
    service.close()


def test_keys_are_rotated_machine_by_machine_and_no_request_fails(running):
    here, there = running
    service = here.operator()
    loud = [Sender(service.store, "LOUD"), Sender(service.store, "NOISY")]
    service.close()
    for rotate, old, new in ((rotate_keys, FIRST, SECOND), (rotate_root, SECOND, THIRD)):
        for machine in running:
            machine.restart(CLOSURES_KEK=new.hex(), CLOSURES_KEK_OLD=old.hex())
        stop, problems = threading.Event(), []
        threads = [
            threading.Thread(target=ask_until, args=(stop, machine, sender, problems, f"load-{new[0]}"))
            for machine, sender in zip(running, loud, strict=True)
        ]
        for thread in threads:
            thread.start()
        service = here.operator()
        try:
            rotate(service.store, new, *([datetime.now(UTC)] if rotate is rotate_root else []))
            until(lambda store=service.store: keys_status(store).is_settled)
            time.sleep(1.5)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert (problems, there.is_ready(), here.is_ready()) == ([], True, True)
        assert verify_record(service.register).faults == ()
        service.close()
        for machine in running:
            machine.environ.pop("CLOSURES_KEK_OLD")
            machine.restart()
            loud[0].put(machine, f"after-{new[0]}-{machine.port}")
