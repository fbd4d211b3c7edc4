"""A database that is gone, another one, or put back to an earlier state is found: at the start and while it runs.

SQLite only: what is done to files here. What the high-water mark says of either database is in tests/store.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode

import pytest

from app.factory import open_service, prepare, utc_now
from app.register.people.enrolment import enrol_gateway, enrol_user, issue_token
from app.register.verification import verify_record
from app.settings import read_settings
from app.store.high_water import raise_mark
from tests.faults.test_crash import Service, free_port

pytestmark = pytest.mark.slow
CLOSED = {"starts": "2027-06-06T02:00:00Z", "ends": "2027-06-06T06:00:00Z"}


class Site:
    """A service on SQLite in a folder of its own, with a User and a password; run as a process where asked."""

    def __init__(self, folder):
        self.data, self.keys, self.port = folder / "data", folder / "keys", free_port()
        self.file = self.data / "closures.sqlite3"
        self.base = f"http://127.0.0.1:{self.port}"
        self.environ = {
            "CLOSURES_DATA_DIR": str(self.data),
            "CLOSURES_KEY_DIR": str(self.keys),
            "CLOSURES_PORT": str(self.port),
            "CLOSURES_BASE_URL": self.base,
        }
        service = prepare(read_settings(self.environ), utc_now())
        enrol_user(service.store, "ALPHA", "Alpha Energy")
        enrol_gateway(service.store, "ALPHA", "GW-A1")
        _, token = issue_token(service.store, label="writer", now=utc_now(), user_code="ALPHA")
        service.close()
        self.credential = "Basic " + b64encode(f"ALPHA:{token}".encode()).decode()

    def run(self):
        running = Service(os.environ | self.environ, self.port)
        running.wait()
        return running

    def ask(self, path, body=None):
        """Return the status and the body of an answer."""
        request = urllib.request.Request(
            self.base + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": self.credential, "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode()

    def give(self, *references):
        """Give notices, each by a request; return their statuses."""
        bodies = [{"closures": [CLOSED | {"reference": reference}]} for reference in references]
        return [self.ask("/api/v1/notices", body)[0] for body in bodies]

    def command(self, *words):
        program = [sys.executable, "-c", "from app.cli import main; main()", *words]
        return subprocess.run(program, env=os.environ | self.environ, capture_output=True, text=True, check=False)

    def recorded(self):
        service = open_service(read_settings(self.environ))
        try:
            assert verify_record(service.register).faults == ()
            return service.store.keyring.high_water.read(), [closure.reference for closure in everything(service)]
        finally:
            service.close()


def everything(service):
    from app.domain.access import Principal, Role
    from app.register.reading import read_everything

    return read_everything(service.register, Principal("drill", Role.ADMIN))


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@pytest.fixture
def running(site):
    process = site.run()
    yield process
    process.kill()


def states(site):
    return [site.ask(path)[0] for path in ("/livez", "/readyz", "/healthz")]


def wait_for(true):
    until = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until
        time.sleep(0.1)


def fits(site):
    return [line for line in site.ask("/metrics")[1].splitlines() if line.startswith("closures_store_fits")]


def test_a_file_that_is_moved_away_takes_no_write_and_comes_back(site, running, tmp_path):
    assert site.give("before") == [200]
    wait_for(lambda: states(site) == [200, 200, 200])
    site.data.rename(tmp_path / "away")
    status, body = site.ask("/api/v1/notices", {"closures": [CLOSED]})
    assert (status, json.loads(body)["title"]) == (
        503,
        "The database file is gone from its place; nothing was recorded.",
    )
    assert (site.give(*"abcdefgh"), states(site), fits(site)) == (
        [503] * 8,
        [200, 503, 503],
        ["closures_store_fits 0.0"],
    )
    assert not site.data.exists()
    (tmp_path / "away").rename(site.data)
    wait_for(lambda: states(site) == [200, 200, 200])
    assert (site.give("after"), fits(site)) == ([200], ["closures_store_fits 1.0"])
    running.kill()
    assert len(site.recorded()[1]) == 2


def test_another_file_in_its_place_takes_no_write(site, running, tmp_path):
    assert site.give("before") == [200]
    shutil.copyfile(site.file, tmp_path / "copy")
    site.file.rename(tmp_path / "away")
    (tmp_path / "copy").rename(site.file)
    assert (site.give(*"abcdefgh"), states(site)[1:]) == ([503] * 8, [503, 503])


def test_a_removed_log_takes_no_write_and_nothing_acknowledged_is_lost(site, running):
    assert site.give(*"abcdefgh") == [200] * 8
    (site.data / "closures.sqlite3-wal").unlink()
    status, body = site.ask("/api/v1/notices", {"closures": [CLOSED]})
    assert (status, json.loads(body)["title"]) == (
        503,
        "The database's write-ahead log was removed while the service ran. What it held was written into the database.",
    )
    assert (site.give(*"ijklmnop"), states(site)[1:]) == ([503] * 8, [503, 503])
    running.process.terminate()
    running.process.communicate(timeout=60)
    assert len(site.recorded()[1]) == 8
    again = site.run()
    try:
        assert site.give("after") == [200]
    finally:
        again.kill()


def test_who_opens_it_once_its_log_was_removed_is_refused(site):
    """It would begin a second log, beside the one that others still have."""
    service = open_service(read_settings(site.environ))
    try:
        with service.store.reading():
            (site.data / "closures.sqlite3-wal").unlink()
        refused = site.command("user", "list")
    finally:
        service.close()
    assert (refused.returncode, "write-ahead log was removed while the service ran" in refused.stderr) == (1, True)
    assert site.command("user", "list").returncode == 0


def test_a_key_folder_that_is_gone_is_told_by_health(site, running, tmp_path):
    wait_for(lambda: states(site) == [200, 200, 200])
    site.keys.rename(tmp_path / "away")
    assert (states(site), fits(site)) == ([200, 503, 503], ["closures_store_fits 0.0"])
    (tmp_path / "away").rename(site.keys)
    wait_for(lambda: states(site) == [200, 200, 200])
    assert site.give("after") == [200]


def test_a_log_lost_after_a_kill_stops_the_start_until_the_loss_is_borne(site, running):
    assert site.give(*"abcdefgh") == [200] * 8
    wait_for(lambda: json.loads((site.keys / "high-water.json").read_text())["size"] >= 16)
    running.kill()
    for end in ("-wal", "-shm"):
        (site.data / f"closures.sqlite3{end}").unlink()
    refused = site.command("up")
    assert (refused.returncode, refused.stderr.splitlines()[0]) == (
        1,
        "The database is in an earlier state than it was, or lost its write-ahead log.",
    )
    assert (
        site.command("serve").returncode
        == site.command("work").returncode
        == site.command("db", "check").returncode
        == 1
    )
    adopted = json.loads(site.command("db", "adopt", "--json").stdout)
    assert adopted["lost"]["had"] >= 16 > adopted["lost"]["has"]
    assert site.command("db", "check").returncode == 0
    mark, _ = site.recorded()
    assert [(loss.had, loss.has) for loss in mark.losses] == [(adopted["lost"]["had"], adopted["lost"]["has"])]


def test_keys_in_use_get_no_new_database(site, tmp_path):
    site.data.rename(tmp_path / "away")
    for words in (("up",), ("db", "upgrade")):
        refused = site.command(*words)
        assert (refused.returncode, "is missing or empty, and the key folder is that of one" in refused.stderr) == (
            1,
            True,
        )
    assert not site.file.exists()
    for words in (("serve",), ("work",), ("user", "list")):
        assert site.command(*words).returncode == 1
    assert not site.file.exists()


def test_a_restored_backup_is_taken_for_the_newest_and_says_what_it_gives_up(site, tmp_path):
    service = open_service(read_settings(site.environ))
    assert site.command("backup", str(tmp_path / "backup")).returncode == 0
    raise_mark(service.store, utc_now())
    before = service.store.keyring.high_water.read().size
    running = site.run()
    try:
        assert site.give(*"abc") == [200] * 3
    finally:
        running.kill()
    raise_mark(service.store, utc_now())
    after = service.store.keyring.high_water.read().size
    service.close()
    shutil.rmtree(site.data)
    said = json.loads(site.command("restore", str(tmp_path / "backup"), "--json").stdout)
    assert (said["faults"], said["lost"]) == ([], {"had": after, "has": before})
    running = site.run()
    try:
        assert site.give("again") == [200]
    finally:
        running.kill()
