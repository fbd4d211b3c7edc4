"""200 subscribers who poll and 20 Users who write, at once, for a while: ``make load N=10`` (minutes).

Each subscriber asks for a feed of 10,000 closures about every five seconds with the ETag that it has. Each writer sends
about every ten; as programs do, mostly what it sent before, and each tenth time a new or moved closure. Printed are errors and percentiles (docs/targets.md, 13: p99 < 250 ms, of a 304
< 20 ms). It fails on an error, and where the last times that a writer was acknowledged are not what the feed shows.
"""

import argparse
import collections
import http.client
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from dataclasses import dataclass
from datetime import timedelta

from feeds_and_intake import NOW, Limits, ReadRequest, calendar, free_port, memory_of, wait_for

from app.domain.notice import Channel, Notice
from app.factory import prepare
from app.intake.media import read_notice
from app.register.people import enrolment
from app.register.receive import receive_notice
from app.settings import read_settings

NEW_OR_MOVED = 0.1  # of what a writer sends
PAUSES = {"poll": 5.0, "write": 10.0}  # seconds, about


@dataclass
class Size:
    minutes: float
    subscribers: int
    writers: int
    held: int

    def pause(self, chance, kind):
        """Wait about as long as such a program does; no longer than the whole takes where that is short."""
        time.sleep(min(PAUSES[kind], self.minutes * 6) * (0.5 + chance.random()))


class Tally:
    """What was answered and how long it took, by kind, and what was acknowledged, from every thread."""

    def __init__(self):
        self.lock, self.spent, self.errors = threading.Lock(), collections.defaultdict(list), []
        self.acknowledged = {}

    def ask(self, connection, kind, method, path, headers, body=None):
        """Return (headers, octets) of an answer, or None where there was none."""
        began = time.perf_counter()
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            octets = answer.read()
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
        return answer.headers, octets


def basic(name, secret):
    return {"Authorization": "Basic " + b64encode(f"{name}:{secret}".encode()).decode()}


def subscribe(port, feed, tally, size, chance):
    until = time.monotonic() + size.minutes * 60
    connection, etag = http.client.HTTPConnection("127.0.0.1", port, timeout=30), None
    headers = basic(feed.subscription.id, feed.token) | {"Accept-Encoding": "gzip"}
    while time.monotonic() < until:
        size.pause(chance, "poll")
        known = {"If-None-Match": etag} if etag else {}
        answer = tally.ask(
            connection, "feed" if etag else "first", "GET", f"/feeds/{feed.subscription.id}.ics", headers | known
        )
        etag = answer[0]["ETag"] if answer else etag
    connection.close()


def write(port, number, secret, tally, size, chance):
    until = time.monotonic() + size.minutes * 60
    headers = basic(f"U{number}", secret) | {"Content-Type": "application/json", "Connection": "close"}
    closure = None
    while time.monotonic() < until:
        size.pause(chance, "write")
        if closure is None or chance.random() < NEW_OR_MOVED:
            starts = NOW.replace(microsecond=0) + timedelta(days=40, minutes=chance.randrange(100_000))
            closure = {
                "reference": f"load-{chance.randrange(50)}",
                "starts": f"{starts:%Y-%m-%dT%H:%M:%SZ}",
                "ends": f"{starts + timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}",
            }
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        body = json.dumps({"closures": [closure]})
        answer = tally.ask(connection, "notice", "POST", "/api/v1/notices", headers, body)
        connection.close()
        for one in json.loads(answer[1]).get("accepted", []) if answer else []:
            tally.acknowledged[one["reference"].lower()] = one["starts"].translate({ord("-"): None, ord(":"): None})


def set_up(settings, size):
    """Fill a register; return (feeds, app passwords of the writers)."""
    service = prepare(settings, NOW)
    store = service.store
    first = enrolment.enrol_user(store, "U0", "Bench Energy")
    secrets = []
    for number in range(size.writers):
        if number:
            enrolment.enrol_user(store, f"U{number}", f"Bench Energy {number}")
        enrolment.enrol_gateway(store, f"U{number}", f"GW-{number}")
        secrets.append(enrolment.issue_token(store, label="bench", now=NOW, user_code=f"U{number}")[1])
    octets = calendar(size.held)
    asking = ReadRequest(now=NOW, gateways=("GW-0",), gateway="GW-0", limits=Limits(octets=100_000_000, events=100_000))
    reading = read_notice(octets, "text/calendar", asking)
    receive_notice(service.register, first, Notice("U0", Channel.UPLOAD, NOW, "text/calendar", octets), reading)
    feeds = [
        enrolment.add_subscription(
            store, scope_text="all", label=f"s{number}", secret_url=False, past_days=30, horizon_days=548, now=NOW
        )
        for number in range(size.subscribers)
    ]
    service.close()
    return feeds, secrets


def all_at_once(port, feeds, secrets, size):
    """Let everybody work until the time is over; return what came of it."""
    tally, chance = Tally(), random.Random(1)
    everybody = [(subscribe, feed) for feed in feeds]
    everybody += [(lambda port, numbered, *more: write(port, *numbered, *more), one) for one in enumerate(secrets)]
    threads = [
        threading.Thread(target=work, args=(port, who, tally, size, random.Random(chance.random())))
        for work, who in everybody
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally


def shown(port, feed):
    """Return the start of each closure that a feed shows, by its reference, as written there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", f"/feeds/{feed.subscription.id}.ics", headers=basic(feed.subscription.id, feed.token))
    events = connection.getresponse().read().decode().split("BEGIN:VEVENT")[1:]
    connection.close()
    return {
        re.search(r"^UID:([^@\r]+)", one, re.MULTILINE)[1]: re.search(r"^DTSTART:(\w+)", one, re.MULTILINE)[1]
        for one in events
    }


def report(tally, size):
    print(
        f"{size.subscribers} subscribers, {size.writers} writers, {size.minutes:g} min, {size.held:,} closures held at the start"
    )
    for kind, spent in sorted(tally.spent.items()):
        ranks = statistics.quantiles(spent, n=100) if len(spent) > 1 else spent * 99
        print(f"{kind:<12} {len(spent):>7}  p50 {ranks[49]:7.2f}  p95 {ranks[94]:7.2f}  p99 {ranks[98]:7.2f} ms")
    print(f"errors: {len(tally.errors)} {collections.Counter(tally.errors).most_common(5)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("minutes", nargs="?", type=float, default=10.0)
    parser.add_argument("--subscribers", type=int, default=200)
    parser.add_argument("--writers", type=int, default=20)
    parser.add_argument("--held", type=int, default=10_000)
    size = Size(**vars(parser.parse_args()))
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        environ = {
            "CLOSURES_DATA_DIR": f"{folder}/data", "CLOSURES_KEY_DIR": f"{folder}/keys", "CLOSURES_PORT": str(port),
        }  # fmt: skip
        feeds, secrets = set_up(read_settings(environ), size)
        program = [sys.executable, "-c", "from app.cli import main; main()", "up"]
        server = subprocess.Popen(
            program, env=os.environ | environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait_for(port)
            tally = all_at_once(port, feeds, secrets, size)
            report(tally, size)
            rss, pss, processes = memory_of(server.pid)
            print(f"memory of {processes} processes: RSS {rss:.0f} MB (shared pages counted in each), PSS {pss:.0f} MB")
            feed = shown(port, feeds[0])
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)
    lost = {one: starts for one, starts in tally.acknowledged.items() if feed.get(one) != starts}
    print(f"acknowledged: {len(tally.acknowledged)} closures, {len(lost)} of them not in the feed as last acknowledged")
    return 1 if tally.errors or lost or not tally.acknowledged else 0


if __name__ == "__main__":
    sys.exit(main())
