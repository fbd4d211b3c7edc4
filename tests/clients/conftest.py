"""A running service with a User of two gateways, for real clients."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Address:
    """What a person enters into a calendar program."""

    base: str
    username: str
    password: str
    environ: dict


@pytest.fixture
def address(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CLOSURES_")}
    environ |= {
        "CLOSURES_BASE_URL": f"http://127.0.0.1:{port}",
        "CLOSURES_DATA_DIR": str(tmp_path / "data"),
        "CLOSURES_KEY_DIR": str(tmp_path / "keys"),
    }
    program = [sys.executable, "-c", "from app.cli import main; main()"]
    service = subprocess.Popen(
        [*program, "up", "--port", str(port), "--json"], env=environ, cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    for line in service.stdout:
        if line == "}\n":
            break

    def run(*words):
        done = subprocess.run(
            [*program, *words, "--json"], env=environ, cwd=tmp_path, stdout=subprocess.PIPE, check=True
        )
        return json.loads(done.stdout)

    run("user", "add", "ALPHA", "Alpha Energy")
    for gateway in ("GW-1", "GW-2"):
        run("gateway", "add", "ALPHA", gateway)
    token = run("token", "add", "--user", "ALPHA", "--label", "client")
    yield Address(f"http://127.0.0.1:{port}", token["username"], token["token"], environ)
    service.terminate()
    service.communicate(timeout=40)
