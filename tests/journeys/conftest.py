"""Somebody who follows README: a service of its own in a folder that was empty, and its commands."""

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from base64 import b64encode

import pytest


class Visitor:
    """Somebody with the commands of README and curl."""

    def __init__(self, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("CLOSURES_")}
        self.environ["CLOSURES_BASE_URL"] = self.base  # as whoever takes another port than 8000 does

    def command(self, *words):
        program = [sys.executable, "-c", "from app.cli import main; main()", *words]
        return subprocess.Popen(
            program, cwd=self.folder, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, *words):
        going = self.command(*words, "--json")
        out, err = going.communicate(timeout=60)
        assert going.returncode == 0, err
        return json.loads(out)

    def ask(self, path, *, user="", password="", data=None, method=None, content_type="text/calendar", **headers):
        request = urllib.request.Request(self.base + path, data=data, method=method, headers=headers)
        if user:
            request.add_header("Authorization", "Basic " + b64encode(f"{user}:{password}".encode()).decode())
        if data is not None:
            request.add_header("Content-Type", content_type)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read(), refused.headers


@pytest.fixture
def stated():
    """What a visitor sets beside README's commands."""
    return {}


@pytest.fixture
def visitor(tmp_path, stated):
    visitor = Visitor(tmp_path)
    visitor.environ |= stated
    service = visitor.command("up", "--demo", "--json", "--port", str(visitor.port))
    lines = []
    while not lines or lines[-1] != "}\n":
        line = service.stdout.readline()
        assert line, service.stderr.read()
        lines.append(line)
    visitor.welcome = json.loads("".join(lines))
    yield visitor
    service.terminate()
    service.communicate(timeout=40)
    assert service.returncode == 0
