"""200 subscribers who poll and 20 Users who write, at once, for a while: ``python tests/bench/load.py [MINUTES]``.

Each subscriber asks for a feed of 10,000 closures about every five seconds with the ETag that it has, each writer gives
or moves a notice about every ten. Printed are errors and percentiles (docs/targets.md, 13: none; p99 < 250 ms, of a
304 < 20 ms). Nothing here is a test.
"""

import argparse
import collections
import http.client
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from pathlib import Path

from feeds_and_intake import NOW, Limits, ReadRequest, calendar, free_port, memory_of, wait_for

from app.domain.notice import Channel, Notice
from app.factory import prepare
from app.intake.media import read_notice
from app.register.people import enrolment
from app.register.receive import receive_notice
from app.settings import read_settings

SUBSCRIBERS, WRITERS, HELD = 200, 20, 10_000
POLL_SECONDS, WRITE_SECONDS = 5.0, 10.0


class Tally:
    """What was answered and how long it took, by kind, from every thread."""

    def __init__(self):
        self.lock, self.spent, self.errors = threading.Lock(), collections.defaultdict(list), []

    def ask(self, connection, kind, method, path, headers, body=None):
        began = time.perf_counter()
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as fault:
            connection.close()
            with self.lock:
                self.errors.append(repr(fault))
            return None
        spent = (time.perf_counter() - began) * 1000
        with self.lock:
            if answer.status >= 400:
                self.errors.append(f"{kind} {answer.status}")
            self.spent[f"{kind} {answer.status}"].append(spent)
        return answer


def basic(name, secret):
    return {"Authorization": "Basic " + b64encode(f"{name}:{secret}".encode()).decode()}


def subscribe(port, feed, tally, until, chance):
    connection, etag = http.client.HTTPConnection("127.0.0.1", port, timeout=30), None
    headers = basic(feed.subscription.id, feed.token) | {"Accept-Encoding": "gzip"}
    time.sleep(chance.random() * POLL_SECONDS)
    while time.monotonic() < until:
        known = {"If-None-Match": etag} if etag else {}
        answer = tally.ask(connection, "feed", "GET", f"/feeds/{feed.subscription.id}.ics", headers | known)
        etag = answer.headers["ETag"] if answer is not None else etag
        time.sleep(POLL_SECONDS * (0.5 + chance.random()))


def write(port, number, secret, tally, until, chance):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = basic(f"U{number}", secret) | {"Content-Type": "text/calendar"}
    time.sleep(chance.random() * WRITE_SECONDS)
    while time.monotonic() < until:
        body = calendar(1, 100_000_000 + number * 1_000_000 + chance.randrange(50))
        tally.ask(connection, "notice", "POST", "/api/v1/notices", headers, body)
        time.sleep(WRITE_SECONDS * (0.5 + chance.random()))


def set_up(settings):
    """Fill a register; return (feeds, app passwords of the writers)."""
    service = prepare(settings, NOW)
    store = service.store
    first = enrolment.enrol_user(store, "U0", "Bench Energy")
    secrets = []
    for number in range(WRITERS):
        if number:
            enrolment.enrol_user(store, f"U{number}", f"Bench Energy {number}")
        enrolment.enrol_gateway(store, f"U{number}", f"GW-{number}")
        secrets.append(enrolment.issue_token(store, label="bench", now=NOW, user_code=f"U{number}")[1])
    octets = calendar(HELD)
    asking = ReadRequest(now=NOW, gateways=("GW-0",), gateway="GW-0", limits=Limits(octets=100_000_000, events=100_000))
    reading = read_notice(octets, "text/calendar", asking)
    receive_notice(service.register, first, Notice("U0", Channel.UPLOAD, NOW, "text/calendar", octets), reading)
    feeds = [
        enrolment.add_subscription(
            store, scope_text="all", label=f"s{number}", secret_url=False, past_days=30, horizon_days=548, now=NOW
        )
        for number in range(SUBSCRIBERS)
    ]
    service.close()
    return feeds, secrets


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("minutes", nargs="?", type=float, default=10.0)
    minutes = parser.parse_args().minutes
    folder, port = Path(tempfile.mkdtemp()), free_port()
    environ = {
        "CLOSURES_DATA_DIR": str(folder / "data"), "CLOSURES_KEY_DIR": str(folder / "keys"), "CLOSURES_PORT": str(port),
    }  # fmt: skip
    feeds, secrets = set_up(read_settings(environ))
    program = [sys.executable, "-c", "from app.cli import main; main()", "up"]
    server = subprocess.Popen(program, env=os.environ | environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        tally, until, chance = Tally(), time.monotonic() + minutes * 60, random.Random(1)
        threads = [
            *(threading.Thread(target=subscribe, args=(port, feed, tally, until, random.Random(chance.random()))) for feed in feeds),
            *(
                threading.Thread(target=write, args=(port, number, secret, tally, until, random.Random(chance.random())))
                for number, secret in enumerate(secrets)
            ),
        ]  # fmt: skip
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(f"{SUBSCRIBERS} subscribers, {WRITERS} writers, {minutes:g} min, {HELD:,} closures held at the start")
        for kind, spent in sorted(tally.spent.items()):
            ranks = statistics.quantiles(spent, n=100) if len(spent) > 1 else spent * 99
            print(f"{kind:<12} {len(spent):>7}  p50 {ranks[49]:7.2f}  p95 {ranks[94]:7.2f}  p99 {ranks[98]:7.2f} ms")
        print(f"errors: {len(tally.errors)} {collections.Counter(tally.errors).most_common(5)}")
        rss, pss, processes = memory_of(server.pid)
        print(f"memory of {processes} processes: RSS {rss:.0f} MB (shared pages counted in each), PSS {pss:.0f} MB")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


if __name__ == "__main__":
    main()
