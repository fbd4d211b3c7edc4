"""What `closures up` prepares before it hands over: the first link, and a demo that looks like a year."""

import json
import os
import re
import socket
import stat
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Timer
from urllib.request import urlopen

import pytest
import time_machine

from app.arrival.listening import require_free
from app.cli.demo import fill_demo
from app.cli.opening import current_settings
from app.cli.up import _welcome
from app.domain.access import Principal, Role
from app.domain.closure import State
from app.domain.maintenance import MaintenanceKind
from app.domain.window import ClosureWindow
from app.factory import create_app
from app.register.people.enrolment import list_users
from app.register.questions.overview import look_ahead
from app.register.reading import Question, read_recorded, read_schedule
from app.register.verification import verify_record

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
YEAR = ClosureWindow(NOW - timedelta(days=300), NOW + timedelta(days=300))
OPERATOR = Principal("test", Role.ADMIN)


@pytest.fixture
def web(service, settings):
    """The web application over the same database."""
    app = create_app(settings)
    yield app
    app.extensions["closures"].read_log.flush()
    app.extensions["closures"].store.close()


@pytest.fixture
def csrf():
    """Return a function that finds the token of the last form of a page."""
    return lambda page: re.findall(r'name="csrf_token" value="([^"]+)"', page.text)[-1]


def test_the_demo_is_twelve_users_with_a_plausible_year(service):
    filled = fill_demo(service, NOW)
    assert len(list_users(service.store)) == 12
    found = read_schedule(service.register, OPERATOR, Question(YEAR))
    states = Counter(one.state for one in found)
    assert len(found) > 150
    assert set(states) == {State.PLANNED, State.EXPIRED, State.WITHDRAWN}
    assert sum(one.moves > 0 for one in found) > 10
    assert sum(one.is_late for one in read_recorded(service.register, OPERATOR, YEAR.starts, YEAR.ends)) > 20
    assert all(one.has_passed(NOW) is False for one in found)
    assert verify_record(service.register).faults == ()
    again = fill_demo(service, NOW)
    assert (again.user, len(list_users(service.store)), again.feed_token == filled.feed_token) == (
        filled.user,
        12,
        False,
    )


@pytest.mark.parametrize("at", ["2026-11-24T00:00", "2026-11-24T13:59", "2026-10-25T00:30", "2027-03-28T01:10"])
def test_the_demo_has_something_to_see_at_any_time_of_day(service, at):
    now = datetime.fromisoformat(at).replace(tzinfo=UTC)
    fill_demo(service, now)
    outlook = look_ahead(service.register, OPERATOR, now)
    assert {"GW-BIRCH-1", "GW-CEDAR-1"} <= {one.gateway for one in outlook.closed_now}
    assert "GW-ELDER-1" in {one.gateway for one in outlook.soon}
    look = outlook.attention
    assert {"GW-CEDAR-1", "GW-ELDER-1", "GW-FIR-1"} <= {one.change.after.gateway for one in look.late}
    assert [one for one in look.clashes if one.most > 5] != []
    assert MaintenanceKind.MAINTENANCE in {one.maintenance.kind for one in look.dates}
    called_off = read_schedule(service.register, OPERATOR, Question(ClosureWindow(now, now + timedelta(hours=40))))
    assert State.WITHDRAWN in {one.state for one in called_off}


def test_an_empty_register_gets_a_first_link_on_the_screen_and_in_a_file_that_goes_with_it(service, web, csrf):
    facts, lines = _welcome(service, demo=False, on_screen=True)
    address, file = facts["sign_in"], Path(facts["sign_in_file"])
    assert address.startswith("http://127.0.0.1:8000/sign-in/gwfr_")
    assert f"  {address}" in lines
    assert (file.parent, file.read_text(), stat.S_IMODE(file.stat().st_mode)) == (
        service.settings.key_dir.absolute(), f"{address}\n", 0o600,
    )  # fmt: skip
    assert _welcome(service, demo=False, on_screen=True)[0] == facts  # it was not used yet
    browser, path = web.test_client(), address.removeprefix("http://127.0.0.1:8000")
    assert browser.get(path).status_code == 200
    assert file.exists()
    assert browser.post(path, data={"csrf_token": csrf(browser.get(path))}).location == "/set-up/password"
    assert not file.exists()
    facts, lines = _welcome(service, demo=False, on_screen=True)
    assert (facts, lines[-1]) == ({"url": "http://127.0.0.1:8000"}, "A new sign-in link: closures account link EMAIL")


def test_a_link_that_ended_unused_leaves_no_file(service):
    file = Path(_welcome(service, demo=False, on_screen=True)[0]["sign_in_file"])
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=25)):
        assert "sign_in_file" not in _welcome(service, demo=False, on_screen=True)[0]
    assert not file.exists()


@pytest.mark.parametrize("demo", [False, True])
def test_what_is_not_a_screen_is_told_the_file_and_no_link(service, demo):
    facts, lines = _welcome(service, demo=demo, on_screen=False)
    assert f"  the link is in {facts['sign_in_file']}" in lines
    assert "gwfr_" not in json.dumps(facts) + "".join(lines)


def test_the_demo_says_what_to_open(service, web, csrf):
    facts, lines = _welcome(service, demo=True, on_screen=True)
    credentials = {"feed", "app_password", "caldav", "caldav_dcc"}
    assert set(facts) == {"url", "sign_in_file", "sign_in", "look_around", *credentials}
    assert sum("curl -u" in line for line in lines) == 3
    browser, path = web.test_client(), facts["look_around"].removeprefix("http://127.0.0.1:8000")
    assert browser.post(path, data={"csrf_token": csrf(browser.get(path))}).location == "/"
    assert "GW-BIRCH-1" in browser.get("/").text
    again = _welcome(service, demo=True, on_screen=True)[0]
    assert (again["look_around"] != facts["look_around"], again["sign_in"] != facts["sign_in"]) == (True, True)


@pytest.mark.parametrize("on_screen", [False, True])
def test_up_itself_shows_the_link_on_a_screen_and_prints_its_file_into_a_pipe(environ, tmp_path, on_screen):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    reading, writing = os.openpty() if on_screen else os.pipe()
    program = [sys.executable, "-c", "from app.cli import main; main()", "up", "--port", str(port)]
    process = subprocess.Popen(
        program, env=os.environ | environ, cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    said = b""
    try:
        while b"  " not in said or not said.endswith(b"\n"):
            said += os.read(reading, 1000)
            assert process.poll() is None
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=40)
        os.close(reading)
    file = Path(environ["CLOSURES_KEY_DIR"]) / "sign-in-link"
    address = file.read_text().strip()
    assert address.startswith(f"http://127.0.0.1:{port}/sign-in/gwfr_")
    shown = [line for line in said.decode().splitlines() if line.startswith("  ")]
    assert shown == [f"  {address}" if on_screen else f"  the link is in {file}"]
    assert ("gwfr_" in said.decode(), "gwfr_" in errors) == (on_screen, False)


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        (None, None, ("127.0.0.1", 8000, "http://127.0.0.1:8000")),
        ("0.0.0.0", 9000, ("0.0.0.0", 9000, "http://127.0.0.1:9000")),
    ],
)
def test_flags_go_into_the_addresses(monkeypatch, host, port, expected):
    for name in ("HOST", "PORT", "BASE_URL"):
        monkeypatch.delenv(f"CLOSURES_{name}", raising=False)
    found = current_settings(host=host, port=port)
    assert (found.host, found.port, found.base_url) == expected


def test_a_flag_goes_before_the_environment_and_an_address_of_it_stands(monkeypatch, tmp_path):
    monkeypatch.delenv("CLOSURES_PORT", raising=False)
    (tmp_path / "port").write_text("7000")
    monkeypatch.setenv("CLOSURES_PORT_FILE", str(tmp_path / "port"))
    monkeypatch.setenv("CLOSURES_BASE_URL", "https://closures.example.org")
    found = current_settings(host=None, port=9000)
    assert (found.port, found.base_url) == (9000, "https://closures.example.org")


@pytest.mark.parametrize(("host", "is_warned"), [("0.0.0.0", True), ("127.0.0.1", False)])
def test_whoever_opens_the_service_to_others_is_told_what_is_missing(tmp_path, host, is_warned):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CLOSURES_")}
    port = free_port()
    command = [sys.executable, "-c", "from app.cli import main; main()", "up", "--json", "--host", host, "--port", port]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as up:
        lines = [up.stdout.readline()]
        while lines[-1] not in {"}\n", ""}:
            lines.append(up.stdout.readline())
        up.terminate()
        said = up.stderr.read()
    assert (up.returncode, json.loads("".join(lines))["url"]) == (0, f"http://127.0.0.1:{port}")
    told = [line for line in said.splitlines() if line.startswith(f"Other machines can reach {host}")]
    assert [("CLOSURES_TRUSTED_PROXIES=1" in line, "deploy/Caddyfile" in line) for line in told] == [
        (True, True)
    ] * is_warned


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (
            "127.0.0.1",
            (
                "The service cannot listen at 127.0.0.1, port {port}: Address already in use.\n"
                "Stop the program that listens there, or take another port (--port, CLOSURES_PORT).\n"
            ),
        ),
        (
            "192.0.2.1",
            (
                "The service cannot listen at 192.0.2.1, port {port}: Cannot assign requested address.\n"
                "Give an address of this machine (--host, CLOSURES_HOST): 127.0.0.1, or 0.0.0.0 or :: for all of them.\n"
            ),
        ),
    ],
)
def test_where_it_cannot_listen_nothing_is_made_and_nothing_is_said_to_be_served(tmp_path, host, said):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CLOSURES_")}
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        command = [sys.executable, "-c", "from app.cli import main; main()", "up", "--host", host, "--port", port]
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said.format(port=port))
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_let_go_of_soon_is_waited_for():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        Timer(1, other.close).start()
        require_free(*other.getsockname())


@pytest.mark.parametrize("part", ["serve", "work"])
def test_a_part_that_cannot_start_says_why_in_a_sentence(tmp_path, part):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CLOSURES_")}
    command = [sys.executable, "-c", "from app.cli import main; main()", part]
    done = subprocess.run(
        command, cwd=tmp_path, env=environ | {"CLOSURES_PORT": free_port()}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (
        1,
        "The database is empty.\nRun `closures db upgrade` (`closures up` does it by itself).\n",
    )


def test_it_serves_by_ipv6_and_keeps_its_data_to_itself(tmp_path):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CLOSURES_")}
    port = free_port()
    command = [
        sys.executable,
        "-c",
        "from app.cli import main; main()",
        "up",
        "--json",
        "--host",
        "::1",
        "--port",
        port,
    ]
    with subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True) as up:
        lines = [up.stdout.readline()]
        while lines[-1] not in {"}\n", ""}:
            lines.append(up.stdout.readline())
        url = json.loads("".join(lines))["url"]
        with urlopen(f"{url}/livez", timeout=10) as answer:
            status = answer.status
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "closures-data").iterdir()}
        up.terminate()
    assert (url, status, up.returncode) == (f"http://[::1]:{port}", 200, 0)
    assert stat.S_IMODE((tmp_path / "closures-data").stat().st_mode) == 0o700
    assert {"closures.sqlite3", "closures.sqlite3-wal"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
