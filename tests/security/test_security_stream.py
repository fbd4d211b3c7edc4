"""The stream of the security log: a real file, real sockets, a full disk and a daemon that is away stop nothing."""

import json
import os
import re
import socket
import stat
from pathlib import Path

import pytest
import structlog

from app.factory import configure_log
from app.security.security_log import SecurityAction, security_event
from app.settings import SettingsRefused, read_settings


@pytest.fixture
def logged(capsys):
    """Return a function that writes a line with a stream set, and gives what standard error said of it."""

    def write(*actions):
        for action in actions or (SecurityAction.KEYS_ROTATED,):
            security_event(action, failed=action is SecurityAction.SIGN_IN)
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    yield write
    structlog.reset_defaults()


def test_a_file_is_for_its_owner_alone_and_holds_what_standard_error_says(tmp_path, logged):
    path = tmp_path / "security.jsonl"
    configure_log("json", str(path))
    said = logged(SecurityAction.KEYS_ROTATED, SecurityAction.SIGN_IN)
    structlog.get_logger().info("another line")
    assert [json.loads(line) for line in path.read_text().splitlines()] == said
    assert [line["event.action"] for line in said] == ["keys-rotated", "sign-in"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_was_rotated_begins_anew(tmp_path, logged):
    path = tmp_path / "security.jsonl"
    configure_log("json", str(path))
    logged()
    path.rename(tmp_path / "security.jsonl.1")
    logged()
    assert [len(held.read_text().splitlines()) for held in sorted(tmp_path.iterdir())] == [1, 1]


def test_a_full_disk_stops_nothing_and_is_said(logged):
    configure_log("json", "/dev/full")
    away, line = logged()
    assert (away["event"], away["number"], line["event.action"]) == (
        "the stream of the security log takes no line", 28, "keys-rotated",
    )  # fmt: skip


def test_a_folder_that_is_not_there_stops_nothing(tmp_path, logged):
    configure_log("json", str(tmp_path / "nowhere" / "security.jsonl"))
    assert [line.get("event.action") for line in logged()] == [None, "keys-rotated"]


def test_a_line_that_was_cut_short_spoils_no_other(tmp_path, logged):
    resource = pytest.importorskip("resource")
    path = tmp_path / "security.jsonl"
    configure_log("json", str(path))
    logged()
    size, held = path.stat().st_size, resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, held[1]))
    try:
        assert [line.get("event.action") for line in logged()] == [None, "keys-rotated"]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, held)
    logged()
    first, cut, last = path.read_text().splitlines()
    assert (len(cut), json.loads(first)["event.action"], json.loads(last)["event.action"]) == (
        20, "keys-rotated", "keys-rotated",
    )  # fmt: skip


def test_a_daemon_on_this_machine_takes_lines_by_its_socket(tmp_path, logged):
    path = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(path)
        configure_log("json", f"syslog:{path}")
        said = logged(SecurityAction.KEYS_ROTATED, SecurityAction.SIGN_IN)
        got = [daemon.recv(4096).decode() for _ in said]
    assert got == [f"<86>closures: {json.dumps(said[0])}", f"<84>closures: {json.dumps(said[1])}"]


def test_a_daemon_takes_lines_by_udp_as_rfc_5424_has_them(logged):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        configure_log("json", f"syslog:udp://127.0.0.1:{daemon.getsockname()[1]}")
        (line,) = logged()
        got = daemon.recv(4096).decode()
    assert got == f"<86>1 {line['@timestamp']} - closures {os.getpid()} security - {json.dumps(line)}"


def test_a_daemon_takes_lines_by_tcp_each_with_its_length(logged):
    with socket.create_server(("127.0.0.1", 0)) as daemon:
        configure_log("json", f"syslog:tcp://127.0.0.1:{daemon.getsockname()[1]}")
        said = logged(SecurityAction.KEYS_ROTATED, SecurityAction.SIGN_IN)
        for line in said:
            connection, _ = daemon.accept()
            with connection, connection.makefile("rb") as sent:
                length, _, message = sent.read().partition(b" ")
            assert (int(length), json.loads(message.partition(b" security - ")[2])) == (len(message), line)


def test_a_daemon_that_is_away_is_said_once_and_left_alone_for_a_while(logged):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    configure_log("json", f"syslog:tcp://127.0.0.1:{port}")
    said = logged(*[SecurityAction.KEYS_ROTATED] * 3)
    assert [line.get("reason") for line in said] == ["ConnectionRefusedError", None, None, None]


def test_at_a_terminal_a_line_goes_to_the_stream_alone(tmp_path, logged):
    path = tmp_path / "security.jsonl"
    configure_log("console", str(path), at_a_terminal=True)
    assert logged() == []
    assert len(path.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    "address",
    ["/var/log/closures/security.jsonl", "syslog:/dev/log", "syslog:udp://siem:514", "syslog:tcp://[::1]:601"],
)
def test_addresses_that_a_stream_may_have(address):
    assert read_settings({"CLOSURES_SECURITY_LOG": address}).security_log == address


@pytest.mark.parametrize("address", ["security.jsonl", "syslog:", "syslog:udp://siem", "tcp://siem:514", "/a\nb"])
def test_what_is_no_address_of_a_stream_stops_the_start(address):
    with pytest.raises(SettingsRefused, match="CLOSURES_SECURITY_LOG"):
        read_settings({"CLOSURES_SECURITY_LOG": address})


def test_the_page_of_the_security_log_names_every_action_with_a_line_of_it():
    page = (Path(__file__).parents[2] / "docs" / "security-log.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)
    shown = [json.loads(line) for line in page.partition("```json\n")[2].partition("```")[0].splitlines()]
    assert table == [action.value for action in SecurityAction]
    assert [(line["event.action"], line["event.category"]) for line in shown] == [
        (action.value, [action.category]) for action in SecurityAction
    ]
