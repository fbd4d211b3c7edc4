"""A day of the real application, played by ``test_powercut.py`` under a recorder of system calls.

Each act goes through the door that people and programs use. Once it is acknowledged, and not before, what it promised
is written as a line of JSON into the file ``acknowledged``: that write is part of the recording too.

    python -m tests.faults.recorded_day FOLDER ACTS [SYNCHRONOUS]
"""

import io
import json
import os
import random
import re
import sys
from base64 import b64encode
from datetime import timedelta
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.pool import Pool

from app.domain.access import Role
from app.domain.refusal import Refusal
from app.factory import create_app, prepare
from app.jobs.sweep import sweep
from app.register.people import accounts, enrolment
from app.settings import read_settings
from tests.conftest import NOW, Clock, environment

ROWS = 25  # of one file
HOME = "/dav/calendars/ALPHA/GW-A1/"
SORTS = ("notice", "put", "upload", "form", "withdraw", "delete", "expiry", "account", "another_user")


def weaken(synchronous):
    """Let every connection sync less than ours do."""

    @event.listens_for(Pool, "checkout")
    def _less(connection, _record, _proxy):
        connection.execute(f"PRAGMA synchronous={synchronous}")


class Unacknowledged(Refusal):
    """An answer that promises nothing; its status is the text."""


def told(answer, *statuses):
    """Return an answer that has one of these statuses. Raise ``Unacknowledged``."""
    if answer.status_code not in statuses:
        raise Unacknowledged(str(answer.status_code))
    return answer


class Day:
    """What is done, and the promises that were made."""

    def __init__(self, folder):
        self.out = os.open(folder / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        settings = read_settings(environment(folder, f"sqlite:///{folder / 'data' / 'closures.sqlite3'}"))
        self.clock, self.chance, self.number = Clock(NOW), random.Random(11), 0
        self.service = prepare(settings, NOW)
        enrolment.enrol_user(self.service.store, "ALPHA", "Alpha Energy")
        enrolment.enrol_gateway(self.service.store, "ALPHA", "GW-A1")
        self.promise(user="ALPHA")
        _, token = enrolment.issue_token(self.service.store, label="day", now=NOW, user_code="ALPHA")
        self.headers = {"Authorization": "Basic " + b64encode(f"ALPHA:{token}".encode()).decode()}
        self.web = create_app(settings, now=self.clock)
        self.client, self.browser = self.web.test_client(), self.web.test_client()
        enrolment.open_account(self.service.store, "a@example.org", Role.USER, ("ALPHA",), NOW)
        self.standing, self.members = {}, []

    def promise(self, **facts):
        os.write(self.out, json.dumps(facts).encode() + b"\n")

    def named(self, kind):
        self.number += 1
        return f"{kind}{self.number}"

    def starts(self):
        return NOW + timedelta(hours=self.chance.randrange(24, 24 * 300))

    def accepted(self, answer):
        """Promise what a receipt of the API states."""
        for ack in told(answer, 200).json["accepted"]:
            self.promise(closure=ack["reference"], number=ack["revision"], starts=ack["starts"])
        self.promise(checkpoint=told(self.client.get("/checkpoint"), 200).text)
        return [ack["reference"] for ack in answer.json["accepted"]]

    def press(self, page, path, **typed):
        """Press the form of a page that goes to a path."""
        text = told(page, 200).text.partition("<main")[2]
        forms = re.findall(r'<form[^>]* action="([^"]+)"[^>]*>(.*?)</form>', text, re.DOTALL)
        (body,) = [body for action, body in forms if action == path]
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', body))
        return told(self.browser.post(path, data=hidden | typed), 200, 303)

    # The acts.

    def notice(self):
        starts = self.starts()
        again = self.standing and self.chance.random() < 0.3
        name = self.chance.choice([*self.standing]) if again else self.named("n")
        row = {"gateway": "GW-A1", "reference": name}
        row |= {"starts": f"{starts:%Y-%m-%dT%H:%M:%SZ}", "ends": f"{starts + timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}"}
        answer = self.client.post("/api/v1/notices", headers=self.headers, json={"closures": [row]})
        (self.standing[name],) = self.accepted(answer)

    def sheet(self):
        name, starts = self.named("u"), self.starts()
        return "gateway,starts,ends,reference\n" + "".join(
            f"GW-A1,{starts + timedelta(hours=row):%Y-%m-%dT%H:%MZ},{starts + timedelta(hours=row + 3):%Y-%m-%dT%H:%MZ},{name}-{row}\n"
            for row in range(ROWS)
        )

    def upload(self):
        sent = {"headers": self.headers, "data": self.sheet().encode(), "content_type": "text/csv"}
        assert len(self.accepted(self.client.post("/api/v1/notices", **sent))) == ROWS

    def form(self):
        link = enrolment.issue_sign_in(self.service.store, "a@example.org", self.clock())
        self.press(self.browser.get(f"/sign-in/{link}"), f"/sign-in/{link}")
        page = self.browser.get("/notices/new?user=ALPHA")
        sheet = (io.BytesIO(self.sheet().encode()), "rows.csv")
        preview = self.press(page, "/notices/preview", user="ALPHA", file=sheet)
        receipt = self.press(preview, "/notices").headers["Location"]
        assert len(self.accepted(self.browser.get(receipt + ".json"))) == ROWS

    def put(self):
        uid, starts = self.named("p"), self.starts()
        body = (
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//day//EN\r\nBEGIN:VEVENT\r\n"
            f"UID:{uid}\r\nDTSTAMP:20261101T090000Z\r\nDTSTART:{starts:%Y%m%dT%H%M%SZ}\r\nDURATION:PT4H\r\n"
            "END:VEVENT\r\nEND:VCALENDAR\r\n"
        )
        sent = {"headers": self.headers, "data": body.encode(), "content_type": "text/calendar"}
        answer = self.client.put(f"{HOME}{uid}.ics", **sent)
        ack = json.loads(told(answer, 201).headers["X-Closure-Receipt"])
        self.promise(closure=ack["reference"], number=ack["revision"], starts=ack["starts"])
        self.members.append((uid, ack["reference"]))

    def delete(self):
        if self.members:
            uid, reference = self.members.pop()
            told(self.client.delete(f"{HOME}{uid}.ics", headers=self.headers), 204)
            self.promise(ended=reference)

    def withdraw(self):
        if self.standing:
            _, reference = self.standing.popitem()
            told(self.client.delete(f"/api/v1/closures/{reference}", headers=self.headers), 200)
            self.promise(ended=reference)

    def expiry(self):
        """The clock goes on over one closure's end."""
        starts = self.clock() + timedelta(hours=1)
        row = {"gateway": "GW-A1", "reference": self.named("e")}
        row |= {"starts": f"{starts:%Y-%m-%dT%H:%M:%SZ}", "ends": f"{starts + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"}
        answer = self.client.post("/api/v1/notices", headers=self.headers, json={"closures": [row]})
        (reference,) = self.accepted(answer)
        assert sweep(self.service.register, self.clock.forward(hours=3)).expired > 0
        self.promise(ended=reference)

    def account(self):
        store, email = self.service.store, f"{self.named('b')}@example.org"
        enrolment.open_account(store, email, Role.USER, ("ALPHA",), self.clock())
        self.promise(account=email, role="user")
        (held,) = [one for one in accounts.list_accounts(store) if one.email == email]
        accounts.change_rights(store, held, Role.DCC, (), self.clock())
        self.promise(account=email, role="dcc")

    def another_user(self):
        """A new data key goes to the ring's file, then the row to the database."""
        code = self.named("C").upper()
        enrolment.enrol_user(self.service.store, code, f"{code} Energy")
        self.promise(user=code)

    def act(self, name):
        """Do an act of one of ``SORTS``. Raise ``Refusal``, as ``Unacknowledged`` or by itself."""
        self.clock.forward(seconds=1)  # what came with one act is told by its instant
        getattr(self, name)()

    def play(self, count):
        """Play one act of each sort, then ``count`` at random."""
        for name in [*SORTS, *self.chance.choices(SORTS, weights=(8, 6, 1, 1, 2, 2, 1, 1, 1), k=count)]:
            self.act(name)
        # Killed rather than ended: closing the database would bring the log home, which is not what a cut finds.
        os._exit(0)


if __name__ == "__main__":
    if len(sys.argv) > 3:
        weaken(sys.argv[3])
    Day(Path(sys.argv[1])).play(int(sys.argv[2]))
