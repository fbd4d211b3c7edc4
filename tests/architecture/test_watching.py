"""What watches the service from outside: figures of a real server, and the shipped rules and dashboard that use them."""

import base64
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import psutil
import pytest

from app.domain.access import Role
from app.factory import utc_now
from app.jobs.sweep import sweep
from app.register.people.enrolment import issue_token
from app.security.signing import SigningKey, raw_public_key

ROOT = Path(__file__).parents[2]
RULES, DASHBOARD = ROOT / "deploy/alerts.yaml", ROOT / "deploy/dashboard.json"
SECRET = "gwff_7H3S3CR3T"
# Prometheus adds these itself, and calls our own "job" by the second of them.
ITS_OWN = {"job", "exported_job", "instance", "le", "alertname"}


def witness():
    """A line of CLOSURES_WITNESSES; nobody is there."""
    public = raw_public_key(SigningKey(bytes(32)).public)
    mark = sha256(b"witness.example/w1\n\x04" + public).hexdigest()[:8]
    key = base64.b64encode(b"\x04" + public).decode()
    return f"witness.example/w1+{mark}+{key} https://witness.example"


class Server:
    """The web server with its two processes, as `closures serve` starts it, over the database of a test."""

    def __init__(self, environ, log):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        environ = os.environ | environ | {"CLOSURES_PORT": str(self.port), "CLOSURES_WITNESSES": witness()}
        environ |= {"CLOSURES_LOG": "json", "CLOSURES_REQUEST_LOG": "true"}
        self.log = log
        with log.open("w") as lines:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from app.cli import main; main()", "serve"], env=environ, stderr=lines
            )
        self.wait()

    def wait(self):
        for _ in range(600):
            assert self.process.poll() is None, self.log.read_text()
            try:
                return self.ask("/livez")
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the server does not listen")

    def ask(self, path, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return text

    def counted(self, route):
        found = re.findall(
            rf'^closures_http_requests_total{{.*route="{route}".*}} (.*)$', self.ask("/metrics"), re.MULTILINE
        )
        return sum(map(float, found))


@pytest.fixture
def server(environ, register, alpha, announce, give, tmp_path):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    sweep(register, utc_now())
    running = Server(environ, tmp_path / "log.jsonl")
    yield running
    running.process.terminate()
    assert running.process.wait(30) == 0


@pytest.fixture
def scraped(server, store):
    """What Prometheus is given that has a token, of a service with a witness."""
    _, token = issue_token(store, label="prometheus", now=utc_now(), role=Role.OPS)
    server.ask(f"/feeds/s/{SECRET}/closures.ics?{SECRET}", Authorization=f"Bearer {SECRET}")
    return server.ask("/metrics", Authorization=f"Bearer {token}")


@pytest.fixture
def promtool():
    """Return a function that runs it; it gives what it said where it was content."""
    if shutil.which("promtool") is None:
        pytest.skip("NOT RUN: there is no promtool here (apt-get install prometheus); .ci/run installs it")

    def run(*words, given=None, folder=ROOT):
        done = subprocess.run(
            ["promtool", *map(str, words)], input=given, cwd=folder, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), (done.stdout, done.stderr)
        return done.stdout

    return run


def named(text):
    """The figures of ours that an expression names, each with the labels that it looks at."""
    found = {}
    for name, labels in re.findall(r"\b(closures_\w+)(?:\{([^}]*)\})?", text):
        found.setdefault(name, set()).update(re.findall(r"(\w+)\s*=", labels))
    return found


def expressions():
    """What the rules and the dashboard ask, by where it stands."""
    rules = re.findall(r"^ +expr: (>-\n(?: {10}.*\n)+|.*\n)", RULES.read_text(), re.MULTILINE)
    assert len(rules) == RULES.read_text().count("- alert: ")
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [*rules, *(target["expr"] for panel in panels for target in panel["targets"])]


def test_promtool_finds_nothing_wrong_with_the_figures(scraped, promtool):
    assert promtool("check", "metrics", given=scraped) == ""


def test_promtool_finds_nothing_wrong_with_the_rules_and_each_fires(promtool, tmp_path):
    shutil.copy(RULES, tmp_path)
    shutil.copy(ROOT / "tests/architecture/alerts_test.yaml", tmp_path)
    count = RULES.read_text().count("- alert: ")
    assert f"SUCCESS: {count} rules found" in promtool("check", "rules", RULES)
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yaml", folder=tmp_path)
    firing = set(re.findall(r'value: 1, labels: \'{alertname="(\w+)"}', (tmp_path / "alerts_test.yaml").read_text()))
    assert firing == set(re.findall(r"- alert: (\w+)", RULES.read_text()))


def test_each_figure_that_a_rule_or_the_dashboard_names_is_there_with_its_labels(scraped):
    given = {name: set() for name in re.findall(r"^# TYPE (\w+) ", scraped, re.MULTILINE)}
    for name, labels in re.findall(r"^(closures_\w+)(?:\{(.*)\})? ", scraped, re.MULTILINE):
        given.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    asked = [named(expression) for expression in expressions()]
    assert [one for one in asked if not one] == [{}]  # whether it is up
    assert {name for one in asked for name in one if name not in given} == set()
    # A figure without samples now, as that of failures where nothing failed, has no labels to look at.
    pairs = [(name, label) for one in asked for name, labels in one.items() for label in labels if given[name]]
    assert {(name, label) for name, label in pairs if label not in given[name] | ITS_OWN} == set()


def test_two_processes_count_together_and_one_that_is_killed_takes_nothing_away(server):
    while len(workers := psutil.Process(server.process.pid).children()) < 2:
        time.sleep(0.05)
    before = server.counted("/readyz")
    for _ in range(40):
        server.ask("/readyz")
    assert {server.counted("/readyz") for _ in range(20)} == {before + 40}
    workers[0].send_signal(signal.SIGKILL)
    psutil.wait_procs(workers[:1], timeout=10)
    server.wait()
    for _ in range(40):
        server.ask("/readyz")
    assert {server.counted("/readyz") for _ in range(20)} == {before + 80}


def test_each_process_tells_what_it_holds_and_its_successor_takes_its_place(server):
    def told():
        text = server.ask("/metrics")
        return {
            row: float(octets)
            for row, octets in re.findall(r'^closures_process_memory_bytes{process="(\d+)"} (.*)$', text, re.MULTILINE)
        }

    def two():
        for _ in range(600):
            if len(found := told()) == 2 and min(found.values()) > 0:
                return found
            time.sleep(0.05)
        raise AssertionError(found)

    assert list(two()) == ["0", "1"]
    worker = psutil.Process(server.process.pid).children()[0]
    worker.send_signal(signal.SIGKILL)
    psutil.wait_procs([worker], timeout=10)
    server.wait()
    assert list(two()) == ["0", "1"]


def test_no_line_of_the_real_servers_log_has_a_secret(scraped, server):
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    asked = [line["http.route"] for line in lines if line.get("event") == "request"]
    assert "/feeds/s/<token>/closures.ics" in asked
    assert SECRET not in server.log.read_text() + scraped
