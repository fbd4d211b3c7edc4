"""A pair of PostgreSQL servers under Patroni is switched over while notices come in: ``make failover N=5``.

Two servers of Debian's PostgreSQL 15, each under its Patroni, and one etcd, all on loopback; the standby is synchronous.
``closures up`` has the addresses of both. What must hold: no acknowledged notice is lost, none is recorded twice, and
after a switch-over notices are taken again within fifteen seconds. In the end the primary is killed; how long that takes
is Patroni's to say, which waits for twenty seconds, and is told alone.

By its name it is no part of the suite: it needs root, and from Debian patroni, etcd-server, python3-etcd and
postgresql-15.
"""

import http.client
import itertools
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import psutil
import pytest

from app.domain.access import Principal, Role
from app.factory import open_service, prepare
from app.register.people.enrolment import enrol_gateway, enrol_user, issue_token
from app.register.reading import read_everything
from app.register.verification import verify_record
from app.settings import read_settings
from tests.conftest import environment
from tests.database_servers import free_port
from tests.faults.test_crash import Service
from tests.faults.test_leaders import wait_for

SWITCHES = int(os.environ.get("CLOSURES_SWITCH_OVERS", "5"))
WRITERS = 4
UNDISTURBED_SECONDS = 5
MOST_SECONDS = 15
SERVER = Path("/usr/lib/postgresql/15/bin")
PROGRAMS = ("patroni", "etcd", SERVER / "postgres")


class Pair:
    """Two servers that Patroni keeps as a primary and its synchronous standby, and the etcd by which it does."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp())  # a test's own folder lets no other user in
        shutil.chown(self.folder, "postgres")
        self.ports = {name: (free_port(), free_port()) for name in "ab"}  # of the server, and of its Patroni
        self.processes = {}
        etcd, peers = free_port(), free_port()
        self._run("etcd", "etcd",
            "--data-dir", self.folder / "etcd",
            "--listen-client-urls", f"http://127.0.0.1:{etcd}", "--advertise-client-urls", f"http://127.0.0.1:{etcd}",
            "--listen-peer-urls", f"http://127.0.0.1:{peers}", "--initial-advertise-peer-urls", f"http://127.0.0.1:{peers}",
            "--initial-cluster", f"default=http://127.0.0.1:{peers}",
        )  # fmt: skip
        for name in self.ports:
            config = self.folder / f"{name}.json"  # YAML, of which JSON is a part
            config.write_text(json.dumps(self._stated(name, etcd)))
            self._run(name, "patroni", config)

    @property
    def url(self):
        hosts = ",".join(f"127.0.0.1:{port}" for port, _ in self.ports.values())
        return f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"

    def _run(self, name, *program):
        with (self.folder / f"{name}.log").open("ab") as log:
            user = pwd.getpwnam("postgres")
            self.processes[name] = subprocess.Popen(
                program, user=user.pw_uid, group=user.pw_gid, extra_groups=[], stdout=log, stderr=log, cwd=self.folder,
                env=os.environ | {"HOME": str(self.folder)},
            )  # fmt: skip

    def _stated(self, name, etcd):
        port, own = self.ports[name]
        return {
            "scope": "closures",
            "name": name,
            "restapi": {"listen": f"127.0.0.1:{own}", "connect_address": f"127.0.0.1:{own}"},
            "etcd3": {"host": f"127.0.0.1:{etcd}"},
            "bootstrap": {
                "dcs": {"ttl": 20, "loop_wait": 1, "retry_timeout": 3, "synchronous_mode": True},
                "initdb": [{"encoding": "UTF8"}, "data-checksums"],
                "pg_hba": ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"],
            },
            "postgresql": {
                "listen": f"127.0.0.1:{port}",
                "connect_address": f"127.0.0.1:{port}",
                "data_dir": str(self.folder / f"data-{name}"),
                "bin_dir": str(SERVER),
                "authentication": {
                    "superuser": {"username": "postgres", "password": "one"},
                    "replication": {"username": "replicator", "password": "two"},
                },
                "parameters": {"unix_socket_directories": str(self.folder)},
            },
        }

    def members(self):
        """Return each server's role by its name, as far as it runs."""
        for _, own in self.ports.values():
            try:
                with urlopen(f"http://127.0.0.1:{own}/cluster", timeout=2) as answer:
                    found = json.loads(answer.read())["members"]
            except (OSError, http.client.HTTPException):
                continue
            return {one["name"]: one["role"] for one in found if one["state"] in {"running", "streaming"}}
        return {}

    def standby(self):
        """Return the name of the synchronous standby; None while there is none, or no leader."""
        roles = {role: name for name, role in self.members().items()}
        return roles.get("sync_standby") if "leader" in roles else None

    def primary(self):
        """Return the name of the server that takes writes; None while there is none."""
        return next((name for name, role in self.members().items() if role == "leader"), None)

    def switch_over(self):
        """Make the standby the primary, as an operator does."""
        candidate, leader = wait_for(self.standby), self.primary()
        asked = json.dumps({"leader": leader, "candidate": candidate}).encode()
        with urlopen(Request(f"http://127.0.0.1:{self.ports[leader][1]}/switchover", asked), timeout=60) as answer:
            assert b"Successfully switched over" in answer.read()

    def kill_primary(self):
        """End the primary and its Patroni at once, as a machine does that loses its power."""
        name = self.primary()
        server = int((self.folder / f"data-{name}" / "postmaster.pid").read_text().splitlines()[0])
        for one in (psutil.Process(self.processes[name].pid), psutil.Process(server)):
            for process in (one, *one.children(recursive=True)):
                process.kill()

    def end(self):
        for process in reversed(self.processes.values()):
            process.terminate()
        for process in self.processes.values():
            process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)


class LoggedService(Service):
    """`closures up` that logs into a file: of minutes without a database more is said than a pipe holds."""

    def __init__(self, environ, port, log):
        program = [sys.executable, "-c", "from app.cli import main; main()", "up"]
        with log.open("ab") as stream:
            self.process = subprocess.Popen(program, env=environ, stdout=stream, stderr=stream)
        self.port = port


class Writers:
    """Users' programs that give notices one after the other, each as often as it takes until it is acknowledged."""

    def __init__(self, port, credential):
        self.port, self.credential = port, credential
        self.lock, self.stop = threading.Lock(), threading.Event()
        self.acknowledged, self.at, self.statuses = defaultdict(set), [], defaultdict(int)
        self.threads = [threading.Thread(target=self._give, args=(number,)) for number in range(WRITERS)]
        for thread in self.threads:
            thread.start()

    def _give(self, number):
        count = 0
        while not self.stop.is_set():
            name, starts = f"{number}-{count}", datetime(2027, 1, 3, 2, tzinfo=UTC) + timedelta(hours=count)
            closure = {
                "starts": f"{starts:%FT%TZ}",
                "ends": f"{starts + timedelta(minutes=30):%FT%TZ}",
                "reference": name,
            }
            status, answer = self._post(json.dumps({"closures": [closure]}).encode())
            with self.lock:
                self.statuses[status] += 1
                if status == 200:
                    # Told again after an answer that did not come, it is no change if it was recorded.
                    told = [*answer["accepted"], *answer["unchanged"]]
                    self.acknowledged[name].update(one["reference"] for one in told)
                    self.at.append(time.monotonic())
            if status == 200:
                count += 1
            else:
                time.sleep(0.2)

    def _post(self, notice):
        headers = {"Authorization": self.credential, "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", "/api/v1/notices", notice, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException):
            return "no answer", None
        finally:
            connection.close()

    def longest_pause(self, since):
        """Return for how many seconds, at the most, nothing was acknowledged since then."""
        with self.lock:
            times = [since, *(at for at in self.at if at > since)]
        return max(later - earlier for earlier, later in itertools.pairwise(times))

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(60)


@pytest.fixture
def pair():
    missing = [str(one) for one in PROGRAMS if shutil.which(one) is None]
    if missing or os.getuid():
        pytest.skip(f"NOT RUN: as root, with patroni, etcd-server, python3-etcd and postgresql-15; missing: {missing}")
    made = Pair()
    try:
        wait_for(made.standby)
        yield made
    finally:
        made.end()


def test_no_acknowledged_notice_is_lost_at_a_switch_over(pair, tmp_path):
    now, port = datetime.now(UTC), free_port()
    environ = environment(tmp_path, pair.url) | {"CLOSURES_PORT": str(port)}
    service = prepare(read_settings(environ), now)
    enrol_user(service.store, "ALPHA", "Alpha Energy")
    enrol_gateway(service.store, "ALPHA", "GW-A1")
    _, token = issue_token(service.store, label="writer", now=now, user_code="ALPHA")
    service.close()
    credential = "Basic " + b64encode(f"ALPHA:{token}".encode()).decode()
    pauses = []
    running = LoggedService(os.environ | environ, port, tmp_path / "service.log")
    try:
        running.wait()
        writers = Writers(port, credential)
        try:
            for fault in [pair.switch_over] * SWITCHES + [pair.kill_primary]:
                time.sleep(UNDISTURBED_SECONDS)
                wait_for(pair.standby)
                before, began = pair.primary(), time.monotonic()
                fault()
                wait_for(lambda before=before: pair.primary() not in {None, before})
                wait_for(lambda began=began: writers.at[-1] > began + MOST_SECONDS)
                pauses.append(writers.longest_pause(began))
        finally:
            writers.end()
    finally:
        running.kill()
    # While there is no primary: 503, which says to try again; never a fault of ours.
    assert writers.statuses.keys() == {200, 503}
    service = open_service(read_settings(environ))
    held = {one.reference for one in read_everything(service.register, Principal("dcc", Role.DCC))}
    acknowledged = {reference for references in writers.acknowledged.values() for reference in references}
    assert acknowledged - held == set()
    assert {name for name, references in writers.acknowledged.items() if len(references) != 1} == set()
    assert len(held) <= len(acknowledged) + WRITERS  # at the end each may have one on its way
    assert verify_record(service.register).faults == ()
    service.close()
    print(
        f"{SWITCHES} switch-overs, {len(acknowledged)} notices acknowledged, 0 lost, 0 twice; nothing acknowledged for "
        f"{', '.join(f'{pause:.1f}' for pause in pauses[:-1])} s, and for {pauses[-1]:.1f} s after the primary was killed; "
        f"answers: {dict(writers.statuses)}"
    )
    assert max(pauses[:-1]) <= MOST_SECONDS
