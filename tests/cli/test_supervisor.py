"""The parent of `closures up`: what it forks, what becomes of that, and being told to stop at any moment."""

import json
import sqlite3
import subprocess
import sys
import time
from base64 import b64encode
from contextlib import closing
from datetime import UTC, datetime
from urllib.request import Request, urlopen

import psutil
import pytest
import sqlalchemy as sa

from app.register.people import enrolment
from app.settings import read_settings
from app.store.engine import make_engine
from app.store.subscriptions import last_reads

WAITS_WHILE_TOLD = """
import os, signal, threading
from app.supervisor import StopSignal
stopping = StopSignal()
def tell():
    for _ in range(20_000):
        os.kill(os.getpid(), signal.SIGTERM)
telling = threading.Thread(target=tell)
telling.start()
while telling.is_alive():
    stopping.wait(0)
print(stopping.wait(), stopping.is_set())
"""


def test_a_signal_in_the_middle_of_waiting_for_it_is_heard():
    done = subprocess.run(
        [sys.executable, "-c", WAITS_WHILE_TOLD], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "True True\n", "")


LOOKS = """
import os, sys
from functools import partial
from app.cli.up import _load_parts
from app.factory import prepare, utc_now
from app.settings import read_settings
from app.starting import start

settings = read_settings(os.environ)

def look(name):
    there = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    opened = [path for path in map(os.readlink, filter(os.path.exists, there)) if not path.startswith(("/dev/", "pipe:"))]
    drivers = {"pysqlite3", "psycopg", "caldav"} & set(sys.modules)
    os.write(1, f"{name} {len(os.listdir('/proc/self/task'))} {opened} {drivers}\\n".encode())  # whole, whoever else writes

def load():
    _load_parts(settings)
    look("parent")
    return partial(look, "web"), partial(look, "scheduler")

start(lambda: prepare(settings, utc_now()).close() or "", load, dict(os.environ))
"""


def test_what_is_forked_inherits_no_thread_and_nothing_open(site):
    program = [sys.executable, "-c", LOOKS]
    done = subprocess.run(program, env=site, capture_output=True, text=True, timeout=60, check=False)
    said = f"1 [] {set()}"
    assert sorted(done.stdout.splitlines()) == [f"{name} {said}" for name in ("parent", "scheduler", "web")]
    assert done.returncode == 1  # the web server ended


def part_of(process, *names, than=None):
    """Return the child of one of these names, once there is one, other than an earlier one."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for child in psutil.Process(process.pid).children():
            if child.pid != than and not {child.name(), child.cmdline()[-1]}.isdisjoint(names):
                return child
        time.sleep(0.02)
    raise TimeoutError(names)


def until_served(process):
    """Wait for the words that are said then; return all processes: parent, scheduler, web server, and two below it."""
    assert process.stdout.readline().startswith("Closures are served at ")
    parent, until = psutil.Process(process.pid), time.monotonic() + 60
    while len(everything := [parent, *parent.children(recursive=True)]) != 5:
        assert time.monotonic() < until, everything
        time.sleep(0.02)
    return everything


def test_both_parts_are_forked_from_what_then_becomes_small(site, running):
    with running("up", site) as process:
        until_served(process)
        parent = psutil.Process(process.pid)
        assert {one.name(): one.cmdline()[-1] for one in parent.children()} == {
            "closures-web": "up",
            "closures-work": "up",
        }
        assert parent.memory_info().rss < part_of(process, "closures-work").memory_info().rss / 2
    assert process.returncode == 0


def test_a_scheduler_that_keeps_ending_is_started_again_ever_later(site, running, tmp_path):
    with (tmp_path / "errors").open("w+") as errors, running("up", site, errors) as process:
        pid = None
        until_served(process)
        for _ in range(3):
            scheduler = part_of(process, "closures-work", "work", than=pid)
            pid = scheduler.pid
            scheduler.kill()
        part_of(process, "closures-work", "work", than=pid)
    said = [line for line in (tmp_path / "errors").read_text().splitlines() if line.startswith("The scheduler ended")]
    assert said == [f"The scheduler ended by itself; it is started again in {seconds} s." for seconds in (1, 2, 4)]


def test_a_web_server_that_ends_takes_all_along_and_says_so(site, running, tmp_path):
    with (tmp_path / "errors").open("w+") as errors, running("up", site, errors) as process:
        everything = until_served(process)
        part_of(process, "closures-web").kill()
        assert process.wait(60) == 1
    assert psutil.wait_procs(everything, timeout=60)[1] == []
    assert "The web server ended by itself; see its messages above.\n" in (tmp_path / "errors").read_text()


def test_nothing_outlives_a_parent_that_was_killed(site, running):
    with running("up", site) as process:
        everything = until_served(process)
        process.kill()
        assert psutil.wait_procs(everything, timeout=60)[1] == []


@pytest.mark.parametrize("as_json", [False, True])
def test_what_cannot_be_set_up_is_said_once_and_nothing_goes_on(site, as_json):
    engine = make_engine(read_settings(site).database)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'r9999'"))
    engine.dispose()
    program = [sys.executable, "-c", "from app.cli import main; main()", "up", *(["--json"] if as_json else [])]
    done = subprocess.run(program, env=site, capture_output=True, text=True, timeout=60, check=False)
    text = "The database is at migration r9999, newer than this release."
    remedy = "Install the newer release again."
    assert (done.returncode, done.stdout) == (1, "")
    if as_json:
        assert json.loads(done.stderr) == {
            "refused": text, "remedy": remedy, "code": "store-unfit", "problems": [],
        }  # fmt: skip
    else:
        assert done.stderr == f"{text}\n{remedy}\n"


def test_it_stops_in_the_middle_of_the_set_up(site, running, database_url):
    if not database_url.startswith("sqlite"):
        pytest.skip("the writer's lock is SQLite's")
    with closing(sqlite3.connect(read_settings(site).database.removeprefix("sqlite:///"))) as other:
        other.execute("BEGIN IMMEDIATE")
        with running("up", site) as process:
            waiting = part_of(process, "closures-set-up")
            everything = [waiting, *psutil.Process(process.pid).children()]
        assert process.returncode == 0
        assert psutil.wait_procs(everything, timeout=60)[1] == []


def test_reads_of_the_last_second_are_written_when_it_stops(service, site, running):
    made = enrolment.add_subscription(
        service.store, scope_text="all", label="wall", secret_url=False, past_days=30, horizon_days=400,
        now=datetime.now(UTC),
    )  # fmt: skip
    credential = b64encode(f"{made.subscription.id}:{made.token}".encode()).decode()
    address = f"http://127.0.0.1:{site['CLOSURES_PORT']}/feeds/{made.subscription.id}.ics"
    with running("up", site) as process:
        until_served(process)
        with urlopen(Request(address, headers={"Authorization": f"Basic {credential}"}), timeout=30) as answer:
            assert answer.status == 200
    with service.store.reading() as connection:
        assert [read.status for read in last_reads(connection, made.subscription.id)] == [200]
