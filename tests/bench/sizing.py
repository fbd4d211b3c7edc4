"""What a machine needs: ``python tests/bench/sizing.py [N ...]``, by default 10,000 closures.

For each N the register of growth.py, ``closures up`` over it, and one feed of everything, asked for until each web
process holds it. Printed are room on disk, memory by part (PSS: shared pages counted once), and CPU time of the web
processes: of the first feed, of a 304 and of the whole feed by gzip. Nothing here is a test.
"""

import argparse
import http.client
import os
import signal
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import psutil
from feeds_and_intake import free_port, wait_for
from growth import fill, settings_of

from app.factory import open_service
from app.register.people import enrolment

PARTS = {"closures-web": "web", "closures-work": "scheduler"}
UNTIL_ALL_HOLD_IT = 12  # requests, each on a connection of its own


class Site:
    """`closures up` over a register, and a subscriber."""

    def __init__(self, folder, feed):
        self.port = free_port()
        places = {"CLOSURES_DATA_DIR": f"{folder}/data", "CLOSURES_KEY_DIR": f"{folder}/keys"}
        command = [sys.executable, "-c", "from app.cli import main; main()", "up"]
        environ = os.environ | places | {"CLOSURES_PORT": str(self.port)}
        self.process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)
        wait_for(self.port)
        credential = b64encode(f"{feed.subscription.id}:{feed.token}".encode()).decode()
        self._path, self._headers = f"/feeds/{feed.subscription.id}.ics", {"Authorization": f"Basic {credential}"}

    def get(self, **headers):
        """Return (status, octets, entity tag) of the feed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        stated = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", self._path, headers=self._headers | stated)
        answer = connection.getresponse()
        found = answer.status, len(answer.read()), answer.headers["ETag"]
        connection.close()
        return found

    def parts(self):
        """Return the processes by part."""
        found, supervisor = defaultdict(list), psutil.Process(self.process.pid)
        for one in (supervisor, *supervisor.children(recursive=True)):
            found[PARTS.get(one.name(), "supervisor")].append(one)
        return found

    def cpu_of(self, times, **headers):
        """Return ms of CPU of all web processes for each of so many requests."""
        before = self._spent()
        for _ in range(times):
            self.get(**headers)
        return (self._spent() - before) * 1000 / times

    def _spent(self):
        return sum(sum(one.cpu_times()[:2]) for one in self.parts()["web"])


def measure(count, folder):
    """Print what a register of so many closures takes."""
    fill(folder, count)
    service = open_service(settings_of(folder))
    feed = enrolment.add_subscription(
        service.store, scope_text="all", label="sizing", secret_url=False, past_days=30, horizon_days=548,
        now=datetime.now(UTC),
    )  # fmt: skip
    service.close()
    disk = sum(file.stat().st_size for file in Path(folder, "data").rglob("*"))
    site = Site(folder, feed)
    try:
        time.sleep(10)  # the scheduler's first sweep is no part of what follows
        first = site.cpu_of(1, Accept_Encoding="gzip")
        packed = [site.get(Accept_Encoding="gzip") for _ in range(UNTIL_ALL_HOLD_IT)][-1]
        plain = [site.get() for _ in range(UNTIL_ALL_HOLD_IT)][-1]
        fresh = site.cpu_of(200, Accept_Encoding="gzip", If_None_Match=packed[2])
        whole = site.cpu_of(100, Accept_Encoding="gzip")
        memory = {part: [one.memory_full_info().pss / 1e6 for one in them] for part, them in site.parts().items()}
    finally:
        site.process.send_signal(signal.SIGTERM)
        site.process.wait(60)
    print(f"== {count:,} closures: {disk / count:.0f} octets on disk each; feed of {plain[1] / 1e6:.1f} MB, gzip {packed[1] / 1e6:.1f} MB")  # fmt: skip
    print(f"CPU of the web processes: first feed {first / 1000:.1f} s, 304 {fresh:.1f} ms, whole feed by gzip {whole:.1f} ms")  # fmt: skip
    listed = ", ".join(f"{part} {' + '.join(f'{one:.0f}' for one in them)}" for part, them in memory.items())
    print(f"memory in MB: {listed}; together {sum(map(sum, memory.values())):.0f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("counts", nargs="*", type=int, default=[10_000])
    for each in parser.parse_args().counts:
        with tempfile.TemporaryDirectory() as place:
            measure(each, place)
