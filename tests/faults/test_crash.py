"""``kill -9`` of the whole running service at random moments under writes (docs/targets.md, 1).

0 acknowledged notices lost, none half-written, the record and every receipt verify. A form that was pressed is pressed
again once the service is back: what it asked for is there once, with its receipt or what else it has to show. A few
rounds here; the number of rounds is CLOSURES_CRASH_ROUNDS (make crash N=200).
"""

import http.client
import itertools
import json
import os
import random
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psutil
import pytest
import requests
import sqlalchemy as sa

from app.domain.access import Principal, Role
from app.factory import open_service
from app.register.reading import find_history
from app.register.verification import verify_record
from app.security.signing import verify_receipt
from app.settings import read_settings
from app.store import tables

ROUNDS = int(os.environ.get("CLOSURES_CRASH_ROUNDS", "4"))
WRITERS = 3
VERIFIED_EACH = 1 if ROUNDS <= 50 else 25  # rounds: a record that grows for an hour takes long to verify
MOST_PLANNED = "1000000"  # more than a User may hold planned: a long run plans for years


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    """`closures up` as a process, with everything that it started."""

    def __init__(self, environ, port):
        program = [sys.executable, "-c", "from app.cli import main; main()", "up", "--json"]
        self.process = subprocess.Popen(program, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.port = port

    def wait(self):
        until = time.monotonic() + 180  # a busy machine is slow, not wrong
        while time.monotonic() < until:
            assert self.process.poll() is None, self.process.stderr.read()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/livez", timeout=2).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("the service did not come up")

    def kill(self):
        if self.process.poll() is not None:
            return
        everything = [*psutil.Process(self.process.pid).children(recursive=True), psutil.Process(self.process.pid)]
        for one in everything:
            one.kill()
        psutil.wait_procs(everything, timeout=10)
        self.process.communicate()


def give_until(stop, port, credential, acknowledged, seed):
    """Give notices by API, one at a time; keep what was acknowledged."""
    chance = random.Random(seed)
    count = 0
    while not stop.is_set():
        count += 1
        starts = datetime(2027, 1, 3, 2, tzinfo=UTC) + timedelta(days=chance.randrange(300))
        body = {
            "closures": [
                {
                    "starts": f"{starts:%Y-%m-%dT%H:%M:%SZ}",
                    "ends": f"{starts + timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}",
                    "reference": f"{seed}-{chance.randrange(40)}",
                }
            ]
        }
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/v1/notices",
            data=json.dumps(body).encode(),
            headers={"Authorization": credential, "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                acknowledged += json.loads(answer.read())["accepted"]
        except (OSError, ValueError, http.client.HTTPException):
            continue  # not acknowledged: nothing is promised


def put_until(stop, port, credential, acknowledged, seed):
    """PUT new events, one at a time; keep what was acknowledged: where it is, and its entity tag."""
    for count in itertools.count():
        if stop.is_set():
            return
        starts = datetime(2027, 1, 3, 2, tzinfo=UTC) + timedelta(days=count % 300)
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//drill//EN", "BEGIN:VEVENT", f"UID:{seed}-{count}"]
        lines += ["DTSTAMP:20261101T000000Z", f"DTSTART:{starts:%Y%m%dT%H%M%SZ}", "DURATION:PT3H"]
        address = f"http://127.0.0.1:{port}/dav/calendars/CRASH/GW-C1/{seed}-{count}.ics"
        request = urllib.request.Request(
            address,
            data="\r\n".join([*lines, "END:VEVENT", "END:VCALENDAR", ""]).encode(),
            headers={"Authorization": credential, "Content-Type": "text/calendar"},
            method="PUT",
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                acknowledged.append((address, answer.headers["ETag"], f"{starts:%Y%m%dT%H%M%SZ}"))
        except (OSError, http.client.HTTPException):
            continue


@pytest.mark.slow
def test_no_acknowledged_notice_is_lost(service, settings, environ, alpha, tmp_path, request):
    from app.register.people.enrolment import enrol_gateway, enrol_user, issue_token

    enrol_user(service.store, "CRASH", "Crash Energy")
    enrol_gateway(service.store, "CRASH", "GW-C1")
    now = datetime.now(UTC)
    _, token = issue_token(service.store, label="writer", now=now, user_code="CRASH")
    credential = "Basic " + b64encode(f"CRASH:{token}".encode()).decode()
    port = free_port()
    full = os.environ | environ | {"CLOSURES_PORT": str(port), "CLOSURES_BASE_URL": f"http://127.0.0.1:{port}"}
    full |= {"CLOSURES_PLANNED_PER_USER": MOST_PLANNED}
    chance = random.Random()
    acknowledged, put = [], []
    for number in range(ROUNDS):
        running = Service(full, port)
        writers, stop = [], threading.Event()
        try:
            running.wait()
            works = [(give_until, acknowledged)] * (WRITERS - 1) + [(put_until, put)]
            writers += [
                threading.Thread(target=work, args=(stop, port, credential, kept, f"{number}-{n}"))
                for n, (work, kept) in enumerate(works)
            ]
            for writer in writers:
                writer.start()
            time.sleep(chance.uniform(0.05, 0.8))
        finally:
            running.kill()
            stop.set()
            for writer in writers:
                writer.join()
        if number % VERIFIED_EACH == 0 or number == ROUNDS - 1:
            assert verify_record(service.register).faults == (), f"round {number}"
    assert all((acknowledged, put)), "a writer never got through: the drill proved nothing"
    again = open_service(read_settings(environ))
    principal = Principal("drill", Role.ADMIN)
    for ack in acknowledged:
        history = find_history(again.register, principal, ack["reference"])
        recorded = {(entry.number, entry.window.starts.isoformat().replace("+00:00", "Z")) for entry, _ in history}
        assert (ack["revision"], ack["starts"]) in recorded
        assert verify_receipt(again.register.public_keys, ack["receipt"])
    again.close()
    running = Service(full, port)
    try:
        running.wait()
        for address, etag, starts in put:
            held = requests.get(address, headers={"Authorization": credential}, timeout=30)
            assert (held.headers["ETag"], f"DTSTART:{starts}" in held.text) == (etag, True)
    finally:
        running.kill()
    print(
        f"{ROUNDS} rounds of kill -9, {len(acknowledged)} notices and {len(put)} PUTs acknowledged, "
        "0 lost, record sound"
    )


ROWS = 250 if ROUNDS <= 50 else 25  # of one file; a long run is about its kills, and not about a large register


@dataclass
class Pressed:
    """A form that is about to be pressed: where it goes, its fields, and where the first press led, if it got there."""

    kind: str
    path: str
    fields: dict
    led: str = ""


class Browser:
    """Somebody of CRASH, signed in, at the address of whichever service runs there now."""

    def __init__(self, address):
        self.address, self.session = address, requests.Session()

    def get(self, path):
        return self.session.get(self.address + path, timeout=30, allow_redirects=False)

    def post(self, path, fields, **more):
        return self.session.post(self.address + path, fields, timeout=30, allow_redirects=False, **more)

    def form(self, page, path):
        """The hidden fields of the form of a page that goes to a path."""
        forms = re.findall(r'<form[^>]* action="([^"]+)"[^>]*>(.*?)</form>', page.text, re.DOTALL)
        (body,) = [body for action, body in forms if action == path]
        return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', body))

    def sign_in(self, token):
        path = f"/sign-in/{token}"
        assert self.post(path, self.form(self.get(path), path)).status_code == 303

    def upload(self, number):
        starts = datetime(2027, 1, 3, 2, tzinfo=UTC) + timedelta(days=number % 300)
        sheet = "gateway,starts,ends,reference\n" + "".join(
            f"GW-C1,{starts + timedelta(hours=row):%Y-%m-%dT%H:%MZ},{starts + timedelta(hours=row + 3):%Y-%m-%dT%H:%MZ},u{number}-{row}\n"
            for row in range(ROWS)
        )
        fields = self.form(self.get("/notices/new"), "/notices/preview") | {"user": "CRASH"}
        preview = self.post("/notices/preview", fields, files={"file": ("rows.csv", sheet.encode())})
        return Pressed("upload", "/notices", self.form(preview, "/notices"))

    def closure(self, number):
        day = f"{datetime(2027, 1, 3, tzinfo=UTC) + timedelta(days=number % 300):%Y-%m-%d}"
        fields = self.form(self.get("/notices/form"), "/notices/form")
        typed = {
            "user": "CRASH",
            "gateway": "GW-C1",
            "from_day": day,
            "from_time": "02:00",
            "to_day": day,
            "to_time": "06:00",
        }
        typed |= {"reference": f"f{number}", "repeat": "never", "end": "until", "every": "2", "until": "", "count": ""}
        preview = self.post("/notices/form", fields | typed)
        return Pressed("closure", "/notices", self.form(preview, "/notices"))

    def withdrawal(self, reference):
        path = f"/closures/{reference}/withdraw"
        return Pressed("withdrawal", path, self.form(self.get(path), path))

    def token(self, number):
        fields = self.form(self.get("/connect"), "/connect")
        return Pressed("token", "/connect", fields | {"holder": "user:CRASH", "label": f"t{number}"})

    def press(self, form):
        """Press a form of a service that may die meanwhile."""
        try:
            answer = self.post(form.path, form.fields)
        except OSError:  # not answered: nothing is promised
            return
        form.led = answer.headers.get("Location", "") if answer.ok else ""

    def press_again(self, form):
        """Press it again; return what there is to show then."""
        answer = self.post(form.path, form.fields)
        if form.kind == "withdrawal":
            closure = self.get(f"/closures/{form.path.split('/')[2]}")
            assert (answer.status_code in {200, 303}, "withdrawn" in closure.text) == (True, True)
            return None
        assert (answer.status_code, form.led or answer.headers["Location"]) == (303, answer.headers["Location"])
        shown = self.get(answer.headers["Location"])
        assert shown.status_code == 200, f"{form.kind}: {shown.text}"
        if form.kind == "token":
            return re.search(r"gwfp_[0-9A-Z]+", shown.text)[0]
        return self.get(answer.headers["Location"] + ".json").json()["accepted"]


@pytest.mark.slow
def test_no_pressed_form_is_lost_or_taken_twice(service, environ, alpha, request):
    from app.register.people.enrolment import enrol_gateway, enrol_user, open_account

    enrol_user(service.store, "CRASH", "Crash Energy")
    enrol_gateway(service.store, "CRASH", "GW-C1")
    link = open_account(service.store, "crash@example.org", Role.USER, ("CRASH",), datetime.now(UTC))
    port = free_port()
    full = os.environ | environ | {"CLOSURES_PORT": str(port), "CLOSURES_BASE_URL": f"http://127.0.0.1:{port}"}
    full |= {"CLOSURES_PLANNED_PER_USER": MOST_PLANNED}
    browser, chance = Browser(f"http://127.0.0.1:{port}"), random.Random()
    request.addfinalizer(browser.session.close)
    pressed, standing, withdrawn, answered, survived = [], [], [], 0, 0
    for number in range(ROUNDS + 1):
        running = Service(full, port)
        try:
            running.wait()
            if number == 0:
                browser.sign_in(link)
            survived += sum(has_taken_effect(service, form) for form in pressed)
            for form in pressed:
                shown = browser.press_again(form)
                if form.kind == "upload":
                    assert len(shown) == ROWS
                elif form.kind == "closure":
                    standing += [ack["reference"] for ack in shown]
                elif form.kind == "token":
                    held = requests.get(
                        f"{browser.address}/api/v1/closures", headers={"Authorization": f"Bearer {shown}"}, timeout=30
                    )
                    assert held.status_code == 200
            if number == ROUNDS:
                break
            pressed = [browser.upload(number), browser.closure(number), browser.token(number)]
            if standing:
                withdrawn.append(standing.pop())
                pressed.append(browser.withdrawal(withdrawn[-1]))
            with ThreadPoolExecutor(len(pressed)) as hands:
                presses = [hands.submit(browser.press, form) for form in chance.sample(pressed, len(pressed))]
                time.sleep(chance.uniform(0, 1.2))
                running.kill()
                for press in presses:
                    press.result()
            answered += sum(bool(form.led) for form in pressed)
        finally:
            running.kill()
        if number % VERIFIED_EACH == 0 or number == ROUNDS:
            assert verify_record(service.register).faults == (), f"round {number}"
    with service.store.reading() as connection:
        counted = [
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar()
            for table in (tables.closures, tables.notices, tables.sent_forms)
        ]
        tokens = connection.execute(sa.select(sa.func.count()).where(tables.tokens.c.kind == "gwfp")).scalar()
    assert counted == [ROUNDS * (ROWS + 1), ROUNDS * 2 + len(withdrawn), ROUNDS * 3]
    assert tokens == ROUNDS
    print(
        f"{ROUNDS} rounds of kill -9, {ROUNDS * 3 + len(withdrawn)} forms pressed: {answered} answered before the kill, "
        f"{survived} in effect after it, all in effect once when pressed again"
    )


def has_taken_effect(service, form):
    """Tell whether a form is noted as sent; of a withdrawal, which has no id, the history tells."""
    if "form_id" not in form.fields:
        return False
    query = sa.select(tables.sent_forms.c.id).where(tables.sent_forms.c.id == bytes.fromhex(form.fields["form_id"]))
    with service.store.reading() as connection:
        return connection.execute(query).first() is not None
