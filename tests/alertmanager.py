"""The Alertmanager of Debian on loopback, over a folder of its own: started, killed, robbed of its memory, asked."""

import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import time
from datetime import datetime
from pathlib import Path

import pytest

CONFIG = Path(__file__).parents[1] / "deploy/alertmanager.yml"
PROGRAM = "prometheus-alertmanager"


def require_alertmanager():
    """Leave out the test that asks, where the program is not installed."""
    if shutil.which(PROGRAM) is None:
        pytest.skip(f"NOT RUN: there is no {PROGRAM} here (apt-get install {PROGRAM}); .ci/run installs it")


class Alertmanager:
    """One that listens at the same port whenever it runs; ``options`` are further words of its command line."""

    def __init__(self, folder, *options):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._data, self._log, self._options, self._process = folder / "data", folder / "log", options, None
        self._log.touch()
        self.start()

    def start(self):
        """Start, and return once it answers."""
        words = [
            *(PROGRAM, f"--config.file={CONFIG}", f"--storage.path={self._data}", "--cluster.listen-address="),
            *(f"--web.listen-address=127.0.0.1:{self.port}", *self._options),
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log)
        for _ in range(600):
            assert self._process.poll() is None, self._log.read_text()
            with contextlib.suppress(OSError):
                self.ask("GET", "/-/ready")
                return
            time.sleep(0.05)
        raise AssertionError(self._log.read_text())

    def stop(self):
        """End it as systemd does: it writes down what it holds."""
        self._process.terminate()
        assert self._process.wait(30) == 0

    def kill(self, *, forgets=False):
        """End it by a kill; ``forgets``: with all that it held."""
        self._process.kill()
        self._process.wait(30)
        if forgets:
            shutil.rmtree(self._data, ignore_errors=True)

    def ask(self, method, path, given=None):
        """Ask, and return the status and what was read as JSON, None where that is nothing."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        body = None if given is None else json.dumps(given)
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        octets = answer.read()
        connection.close()
        return answer.status, json.loads(octets) if octets[:1] in (b"[", b"{") else None

    def silences(self):
        """Return what it silences now or will: (matchers, start, end, who made it, comment), in order."""
        status, found = self.ask("GET", "/api/v2/silences")
        assert status == 200, found
        return sorted(
            (
                ",".join(sorted(_matcher(matcher) for matcher in one["matchers"])),
                *(datetime.fromisoformat(one[name]) for name in ("startsAt", "endsAt")),
                one["createdBy"],
                one["comment"],
            )
            for one in found
            if one["status"]["state"] != "expired"
        )

    def fire(self, *alerts):
        """Let alerts fire, each given by its labels."""
        status, _ = self.ask("POST", "/api/v2/alerts", [{"labels": labels} for labels in alerts])
        assert status == 200

    def muted(self):
        """Return the labels of the alerts that fire, each with how many silences and other alerts mute it."""
        _, found = self.ask("GET", "/api/v2/alerts")
        return {
            tuple(sorted(one["labels"].items())): (len(one["status"]["silencedBy"]), len(one["status"]["inhibitedBy"]))
            for one in found
        }


def _matcher(one):
    sign = {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}
    return f'{one["name"]}{sign[one["isEqual"], one["isRegex"]]}"{one["value"]}"'
