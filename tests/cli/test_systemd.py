"""What systemd hears of us (sd_notify(3))."""

import socket

import pytest


@pytest.mark.parametrize(
    ("command", "states"),
    [
        ("up", ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"]),
        ("work", ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]),
    ],
)
def test_systemd_hears_that_it_is_ready_and_then_that_it_is_well(site, running, tmp_path, command, states):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(60)
        with running(command, site | {"NOTIFY_SOCKET": str(tmp_path / "notify")}) as process:
            told = [heard.recv(100).decode() for _ in range(3)]
        heard.settimeout(0)
        while len(told) < len(states):
            told.append(heard.recv(100).decode())
    assert (told, process.returncode) == (states, 0)


def test_the_web_server_alone_tells_when_it_is_ready(site, running, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(60)
        with running("serve", site | {"NOTIFY_SOCKET": str(tmp_path / "notify")}):
            assert heard.recv(100).decode().splitlines()[0] == "READY=1"
