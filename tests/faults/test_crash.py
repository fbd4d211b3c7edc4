"""``kill -9`` of the whole running service at random moments under writes (docs/targets.md, 1).

0 acknowledged notices lost, none half-written, the record and every receipt verify. A few rounds here; the number of
rounds is CLOSURES_CRASH_ROUNDS (make crash N=200).
"""

import http.client
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from app.domain.access import Principal, Role
from app.factory import open_service
from app.register.reading import find_history
from app.register.verification import verify_record
from app.security.signing import verify_receipt
from app.settings import read_settings

ROUNDS = int(os.environ.get("CLOSURES_CRASH_ROUNDS", "4"))
WRITERS = 3


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


def write_until(stop, port, credential, acknowledged, seed):
    """Give notices, one at a time; keep what was acknowledged."""
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
    chance = random.Random()
    acknowledged = []
    for number in range(ROUNDS):
        running = Service(full, port)
        writers, stop = [], threading.Event()
        try:
            running.wait()
            writers += [
                threading.Thread(target=write_until, args=(stop, port, credential, acknowledged, f"{number}-{n}"))
                for n in range(WRITERS)
            ]
            for writer in writers:
                writer.start()
            time.sleep(chance.uniform(0.05, 0.8))
        finally:
            running.kill()
            stop.set()
            for writer in writers:
                writer.join()
        found = verify_record(service.register)
        assert found.faults == (), f"round {number}"
    assert acknowledged, "no writer got through: the drill proved nothing"
    again = open_service(read_settings(environ))
    principal = Principal("drill", Role.ADMIN)
    for ack in acknowledged:
        history = find_history(again.register, principal, ack["reference"])
        recorded = {(entry.number, entry.window.starts.isoformat().replace("+00:00", "Z")) for entry, _ in history}
        assert (ack["revision"], ack["starts"]) in recorded
        assert verify_receipt(again.register.signing_key.public, ack["receipt"])
    again.close()
    print(f"{ROUNDS} rounds of kill -9, {len(acknowledged)} notices acknowledged, 0 lost, record sound")
