"""A real service of several processes with its people: web by `closures serve`, commands of the same program, HTTP."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import requests
from click.testing import CliRunner
from pyotp import TOTP

from app.cli import main
from tests.one_answer import readers
from tests.one_answer.calendars import Calendar
from tests.one_answer.events import iso

_LONDON = ZoneInfo("Europe/London")


class Asker(requests.Session):
    """Somebody who asks the service by HTTP; a browser keeps its cookies, a program sends its password."""

    def __init__(self, base, *credential):
        super().__init__()
        self.base = base
        self.trust_env = False
        self.auth = credential or None

    def ask(self, method, path, data=None, status=200, **headers):
        """Return the answer; ``status`` is the one it must have, several, or None where any but a failure will do."""
        stated = {name.replace("_", "-"): value for name, value in headers.items()}
        return _allowed(self.request(method, self.base + path, data=data, headers=stated, timeout=60), status)

    def sign_in(self, address):
        """Follow a sign-in link, and set up what it asks for: staff a password and an authenticator."""
        page = self.post(address, data={"csrf_token": hidden(self.get(address).text, "csrf_token")}, timeout=60)
        if page.url.endswith("/set-up/password"):
            chosen = dict.fromkeys(("password", "password_again"), "correct horse battery staple")
            page = self.submit(page, "/set-up/password", **chosen)
            secret = hidden(page.text, "authenticator")
            code = TOTP(secret).now()
            page = self.submit(page, "/set-up/second-factor", authenticator=secret, one_time_code=code)
            assert "/shown-once/" in page.url
        return self

    def submit(self, page, path, files=None, status=200, **fields):
        """Send a form of a page with its token, as a browser does; follow to the page that answers."""
        tokens = {name: hidden(page.text, name) for name in ("csrf_token", "form_id")}
        sent = {**{name: value for name, value in tokens.items() if value}, **fields}
        return _allowed(self.post(self.base + path, data=sent, files=files, timeout=60), status)


def _allowed(answer, status):
    """Return an answer with the status that it must have, one of several, or for None any but a failure."""
    allowed = range(200, 500) if status is None else (status,) if isinstance(status, int) else status
    words = readers.words_of(answer.text)[:600]
    assert answer.status_code in allowed, f"{answer.request.method} {answer.url}: {answer.status_code} {words}"
    return answer


def hidden(text, name):
    """Return the last hidden field of this name, "" where there is none."""
    return unescape(next(reversed(re.findall(rf'name="{name}" value="([^"]*)"', text)), ""))


def hours_ahead(hours):
    """Return a full hour from now on; the past is negative."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=hours)


def form_times(starts, ends):
    """Return a window as the fields of a form take it: London time."""
    first, last = starts.astimezone(_LONDON), ends.astimezone(_LONDON)
    return {
        "from_day": f"{first:%Y-%m-%d}",
        "from_time": f"{first:%H:%M}",
        "to_day": f"{last:%Y-%m-%d}",
        "to_time": f"{last:%H:%M}",
    }


@dataclass(frozen=True)
class Sender:
    """A User with its gateways: its programs' door (``program``), its person's browser, and its feed by its id."""

    code: str
    gateways: tuple[str, ...]
    program: Asker
    browser: Asker
    feed: str
    subscriber: Asker

    def collection(self, gateway):
        return f"/dav/calendars/{self.code}/{gateway}/"

    def calendar(self, place=0):
        """Return a program's copy of the calendar of one of the gateways, with what stands there."""
        calendar = Calendar(self.program, self.collection(self.gateways[place]))
        calendar.sync()
        return calendar

    def tell(self, reference, starts, hours=4, place=0):
        """Give notice by the API, under the sender's own reference; return the acknowledgement."""
        facts = {"starts": iso(starts), "ends": iso(starts + timedelta(hours=hours)), "reference": reference}
        path = f"/api/v1/notices?gateway={self.gateways[place]}"
        body = json.dumps({"closures": [facts]})
        answer = self.program.ask("POST", path, body, Content_Type="application/json").json()
        (acknowledged,) = [*answer["accepted"], *answer["unchanged"]]
        return acknowledged

    def closures(self):
        """Return the closures by the API, by reference."""
        return readers.api_list(self.program, self.code)

    def change_by_page(self, reference, starts, hours=4, gateway=None):
        """Push a closure back, or plan it again, by its page."""
        path = f"/closures/{reference}/change"
        page = self.browser.ask("GET", path)
        gateway = gateway or re.search(r'<option value="([^"]*)" selected', page.text)[1]
        preview = self.browser.submit(
            page, path, gateway=gateway, **form_times(starts, starts + timedelta(hours=hours))
        )
        self.browser.submit(preview, "/notices")

    def withdraw_by_page(self, reference):
        path = f"/closures/{reference}/withdraw"
        self.browser.submit(self.browser.ask("GET", path), path)

    def withdraw_by_api(self, reference):
        self.program.ask("DELETE", f"/api/v1/closures/{reference}")


class Running:
    """`closures serve` as a process of its own; commands run in this one, over the same database and keys."""

    def __init__(self, folder: Path, database_url: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        self.folder = folder
        self.environ = {
            "CLOSURES_DATA_DIR": str(folder / "data"),
            "CLOSURES_KEY_DIR": str(folder / "keys"),
            "CLOSURES_DATABASE_URL": database_url,
            "CLOSURES_PORT": str(port),
            "CLOSURES_BASE_URL": self.base,
            "CLOSURES_ALLOW_PRIVATE_SOURCES": "true",
        }
        self._count = 0
        self._askers = []
        self.run("db", "upgrade")
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from app.cli import main; main()", "serve"],
            env={**os.environ, **self.environ},
            cwd=folder,
        )
        self._wait()
        token = self.run("token", "add", "--role", "dcc", "--label", "planning", "--json")
        self.dcc_program = self.asker(token["username"], token["token"])
        self.dcc_browser = self._browser("dcc@example.org", "--role", "dcc")

    def _wait(self):
        until = time.monotonic() + 90
        while True:
            assert self.process.poll() is None
            try:
                requests.get(f"{self.base}/livez", timeout=2).close()
            except OSError:
                assert time.monotonic() < until
                time.sleep(0.1)
            else:
                return

    def stop(self):
        for asker in self._askers:
            asker.close()
        self.process.terminate()
        self.process.wait(40)

    def run(self, *words, text=None):
        """Run a command; return what it printed, as JSON where that was asked for."""
        done = CliRunner().invoke(main, list(words), input=text, env=self.environ, prog_name="closures")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, f"closures {' '.join(words)}: {done.stderr}"
        return json.loads(done.stdout) if "--json" in words else done.stdout

    def try_to_run(self, *words):
        """Run a command that may refuse, and must not fail."""
        done = CliRunner().invoke(main, list(words), env=self.environ, prog_name="closures")
        assert done.exit_code in {0, 1}, f"closures {' '.join(words)}: {done.stderr}"

    def refuse(self, *words):
        """Run a command that refuses; return what came of it."""
        done = CliRunner().invoke(main, list(words), env=self.environ, prog_name="closures")
        assert done.exit_code == 1, f"closures {' '.join(words)}: {done.stdout}"
        return done

    def enrol(self, *gateways):
        """Let in a User that no other test knows, with these gateways or, where none is named, two new ones."""
        self._count += 1
        code = f"USER{self._count}"
        self.run("user", "add", code, f"Energy of test {self._count}")
        codes = gateways or tuple(f"GW-{self._count}-{letter}" for letter in "AB")
        for gateway in codes:
            self.run("gateway", "add", code, gateway)
        token = self.run("token", "add", "--user", code, "--label", "its program", "--json")
        feed = self.run("subscription", "add", "--scope", f"user:{code}", "--label", "its feed", "--json")
        return Sender(
            code,
            codes,
            self.asker(token["username"], token["token"]),
            self._browser(f"{code.lower()}@example.org", "--role", "user", "--user", code),
            feed["id"],
            self.asker(feed["username"], feed["token"]),
        )

    def new_gateway(self):
        """Return the code of a gateway that nobody has yet."""
        self._count += 1
        return f"GW-{self._count}-SHARED"

    def _browser(self, email, *words):
        link = self.run("account", "add", email, *words, "--json")
        return self.asker().sign_in(link["sign_in_url"])

    def asker(self, *credential):
        """Return somebody with these credentials."""
        self._askers.append(Asker(self.base, *credential))
        return self._askers[-1]
