"""KEK, data keys and root rotate under load: no request fails, and what leaked opens nothing (docs/targets.md, 11).

A copy of the key folder is taken before each rotation of the root. While the service that `closures up` starts answers
writers and readers, keys are rotated; the scheduler is killed as it seals anew. One round here; N by ``make rotate N=``.
"""

import os
import random
import shutil
import threading
import time
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import psutil
import pytest
import requests
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from app.register.key_rotation import keys_status, rotate_keys, rotate_root
from app.register.people.enrolment import add_subscription, enrol_gateway, enrol_user, issue_token, shred_user
from app.register.verification import make_checkpoint, verify_record
from app.security.notes import open_checkpoint
from app.security.signing import verify_receipt
from tests.faults.test_crash import Service, free_port
from tests.thief import Thief

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("CLOSURES_ROTATIONS", "1"))
EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//x//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n"
    "DTSTART:{starts:%Y%m%dT%H%M%SZ}\r\nDTEND:{ends:%Y%m%dT%H%M%SZ}\r\nSUMMARY:Planned\r\nEND:VEVENT\r\n"
    "END:VCALENDAR\r\n"
)
DEEP = {"Depth": "1", "Content-Type": "application/xml"}


class Client:
    """One sender's and one reader's view of the service over HTTP. ``failed`` are the answers that should not be."""

    def __init__(self, address, user, token, feed):
        self.address, self.user, self.feed = address, user, feed
        self.basic = {"Authorization": "Basic " + b64encode(f"{user}:{token}".encode()).decode()}
        self.home, self.gateway = f"/dav/calendars/{user}/GW-{user}/", f"GW-{user}"
        self.failed, self.receipts, self.answered, self.chance = [], [], 0, random.Random(user)

    def ask(self, method, path, *expected, headers=(), **more):
        try:
            answer = requests.request(
                method, self.address + path, headers=self.basic | dict(headers), timeout=30, **more
            )
        except requests.RequestException as problem:
            self.failed.append((method, path, repr(problem)))
            return None
        if answer.status_code not in expected:
            self.failed.append((method, path, answer.status_code, answer.text[:300]))
        self.answered += 1
        return answer

    def window(self):
        starts = datetime(2027, 1, 3, 2, tzinfo=UTC) + timedelta(hours=self.chance.randrange(7000))
        return starts, starts + timedelta(hours=3)

    def put(self, uid):
        starts, ends = self.window()
        octets = EVENT.format(uid=uid, starts=starts, ends=ends)
        self.ask("PUT", f"{self.home}{uid}.ics", 201, 204, headers={"Content-Type": "text/calendar"}, data=octets)

    def give(self, uid):
        starts, ends = self.window()
        closure = {"gateway": self.gateway, "starts": f"{starts:%FT%TZ}", "ends": f"{ends:%FT%TZ}", "reference": uid}
        answer = self.ask("POST", "/api/v1/notices", 200, json={"closures": [closure]})
        if answer is not None and answer.status_code == 200:
            self.receipts += [one["receipt"] for one in answer.json()["accepted"]]

    def answers(self):
        """What is asked for before and after: status, entity tag and octets by question."""
        found = {}
        for method, path, status, headers in (
            ("GET", f"{self.home}kept.ics", 200, {}),
            ("PROPFIND", self.home, 207, DEEP),
            ("GET", "/api/v1/closures?from=2027-01-01&to=2028-01-01", 200, {}),
            ("GET", f"/feeds/{self.feed[0]}.ics", 200, self.feed[1]),
        ):
            answer = self.ask(method, path, status, headers=headers)
            found[path] = (answer.status_code, answer.headers.get("ETag"), answer.text)
        return found


def write_until(stop, client):
    while not stop.is_set():
        uid = f"w{client.chance.randrange(30)}"
        client.put(uid)
        client.ask("GET", f"{client.home}{uid}.ics", 200)
        client.give(f"g{uid}")


def read_until(stop, client, quiet, differing):
    while not stop.is_set():
        found = client.answers()
        differing += [path for path, answer in found.items() if answer != quiet[path]]


def until_settled(store, seconds=180):
    until = time.monotonic() + seconds
    while not keys_status(store).is_settled:
        assert time.monotonic() < until, keys_status(store)
        time.sleep(0.2)


def scheduler_of(running):
    (found,) = [one for one in psutil.Process(running.process.pid).children() if one.name() != "closures-web"]
    return found


def set_up(service, address, code):
    """Let a User in, with a client that has its token and a feed of its closures alone."""
    now = datetime.now(UTC)
    enrol_user(service.store, code, f"{code.title()} Energy")
    enrol_gateway(service.store, code, f"GW-{code}")
    _, token = issue_token(service.store, label="x", now=now, user_code=code)
    feed = add_subscription(
        service.store, scope_text=f"user:{code}", label="x", secret_url=False, past_days=30, horizon_days=500, now=now
    )
    secret = b64encode(f"{feed.subscription.id}:{feed.token}".encode()).decode()
    return Client(address, code, token, (feed.subscription.id, {"Authorization": f"Basic {secret}"}))


def rotate_under_load(service, settings, stolen, running):
    """Rotate everything once, the scheduler killed on the way; return who held the keys of before, and its receipt."""
    store = service.store
    rotate_keys(store, None)
    assert verify_record(service.register).faults == ()
    shutil.copytree(settings.key_dir, stolen)
    thief, kept = Thief(stolen), make_checkpoint(service.register)
    assert thief.opened(store.engine)[0] > 100
    rotate_root(store, None, datetime.now(UTC))
    scheduler_of(running).kill()
    assert verify_record(service.register, kept).faults == ()
    assert thief.opened(store.engine)[0] > 0
    until_settled(store)
    return thief, kept


def test_rotations_under_load(service, settings, environ, tmp_path):
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    quiet, *writers = [set_up(service, address, code) for code in ("QUIET", "NOISY", "LOUD")]
    gone = set_up(service, address, "GONE")
    running = Service(os.environ | environ | {"CLOSURES_PORT": str(port), "CLOSURES_BASE_URL": address}, port)
    stop, differing, thieves = threading.Event(), [], []
    try:
        running.wait()
        for number in range(20):
            quiet.give(f"g{number}")
        quiet.put("kept")
        gone.give("secret")
        gone.put("secret")
        shutil.copytree(settings.key_dir, tmp_path / "before-shred")
        thieves.append(Thief(tmp_path / "before-shred"))
        shred_user(service.store, "GONE", datetime.now(UTC))
        before = quiet.answers()
        threads = [threading.Thread(target=write_until, args=(stop, one)) for one in writers]
        threads.append(threading.Thread(target=read_until, args=(stop, quiet, before, differing)))
        for thread in threads:
            thread.start()
        kept = []
        for number in range(ROUNDS):
            thief, checkpoint = rotate_under_load(service, settings, tmp_path / f"stolen-{number}", running)
            thieves.append(thief)
            kept.append(checkpoint)
        stop.set()
        for thread in threads:
            thread.join()
        after = quiet.answers()
        keys = requests.get(f"{address}/checkpoint/keys", timeout=30).json()["keys"]
    finally:
        stop.set()
        running.kill()
    clients = [quiet, *writers, gone]
    assert [one for client in clients for one in client.failed] == []
    assert (differing, after) == ([], before)
    assert [thief.opened(service.store.engine)[0] for thief in thieves] == [0] * len(thieves)
    public = [load_pem_public_key(one["pem"].encode()) for one in keys]
    receipts = [receipt for client in clients for receipt in client.receipts]
    assert {receipt["key"] for receipt in receipts} == {one["id"] for one in keys}
    assert [receipt for receipt in receipts if not verify_receipt(public, receipt)] == []
    for checkpoint in kept:
        assert open_checkpoint(checkpoint, public).size > 0
        assert verify_record(service.register, checkpoint).faults == ()
    shutil.copytree(settings.key_dir, tmp_path / "now")
    opens, values = Thief(tmp_path / "now").opened(service.store.engine)
    assert 3 < values - opens < 20, "what is of the shredded User opens for nobody, all else for the newest keys"
    asked = sum(client.answered for client in clients)
    print(f"{ROUNDS} rotations of KEK, data keys and root: {asked} requests, 0 failed; old keys open 0 of {values}")
