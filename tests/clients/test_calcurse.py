"""calcurse and its calcurse-caldav: what becomes of what a person enters, changes, takes out, or is refused."""

import base64
import json
import re
import shutil
import subprocess
import urllib.request
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest

# The interpreter for which Debian's python3-httplib2 is, and the program as docs/clients/calcurse.md has it called.
PYTHON, PROGRAM = "/usr/bin/python3", "/usr/bin/calcurse-caldav"
CONFIGURATION = """
[General]
Hostname = {host}
HTTPS = No
Path = /dav/calendars/{user}/{gateway}/
AuthMethod = basic
SyncFilter = cal
DryRun = No

[Auth]
Username = {user}
Password = {password}
"""
WEEK = timedelta(days=7)
# In summer, when a time without a zone is not the same in London as in UTC.
START = datetime(datetime.now(UTC).year + 1, 7, 6, 2, tzinfo=UTC)


def event(uid, *lines):
    whole = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//a change manager//EN", "BEGIN:VEVENT", f"UID:{uid}"]
    whole += ["DTSTAMP:20260101T000000Z", "SUMMARY:Words of ours", *lines, "END:VEVENT", "END:VCALENDAR", ""]
    return "\r\n".join(whole)


def at(starts, *lines):
    return (f"DTSTART:{starts:%Y%m%dT%H%M%SZ}", *lines)


def line(starts, words="Words of ours", repeats=""):
    """Return how calcurse keeps an appointment of four hours: by the clock on the wall."""
    begins, ends = (one.astimezone(ZoneInfo("Europe/London")) for one in (starts, starts + timedelta(hours=4)))
    return f"{begins:%m/%d/%Y @ %H:%M} -> {ends:%m/%d/%Y @ %H:%M}{repeats}|{words}"


class Person:
    """A change manager with a folder of calcurse for one gateway."""

    def __init__(self, folder, running, sender):
        needs = subprocess.run([PYTHON, "-c", "import httplib2"], capture_output=True, check=False)
        if shutil.which("calcurse") is None or needs.returncode:
            pytest.skip("NOT RUN: calcurse and python3-httplib2 are not installed; .ci/run installs them")
        self.folder, self.running, self.sender = folder, running, sender
        (self.gateway,) = sender.gateways
        (folder / "caldav").write_text(
            CONFIGURATION.format(
                host=urlsplit(running.base).netloc, user=sender.code, gateway=self.gateway, password=sender.password
            )
        )

    def _run(self, words, given=""):
        stated = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "TZ": "Europe/London", "LC_ALL": "C.UTF-8"}
        return subprocess.run(words, input=given, capture_output=True, text=True, timeout=120, check=False, env=stated)

    def enter(self, *lines):
        done = self._run(["calcurse", "-D", self.folder, "-i", "-", "-q"], event("entered", *lines))
        assert (done.returncode, done.stderr) == (0, "")

    def seen(self):
        return sorted((self.folder / "apts").read_text().splitlines())

    def change(self, before, after):
        """Write one appointment anew, as the window does, or with None take it out."""
        kept = [after if one == before else one for one in self.seen()]
        assert kept != self.seen()
        (self.folder / "apts").write_text("".join(f"{one}\n" for one in kept if one is not None))

    def run(self, *words):
        places = {"--config": "caldav", "--datadir": "", "--syncdb": "sync.db", "--lockfile": "lock"}
        given = [word for option, name in places.items() for word in (option, self.folder / name)]
        return self._run([PYTHON, PROGRAM, *given, *words])

    def sync(self, *words):
        """Return how many it says were brought here, taken away here, brought to us, taken away from us."""
        done = self.run(*words)
        assert (done.returncode, done.stderr) == (0, "")
        return [int(number) for number in re.findall(r"\d+", done.stdout)]

    def fails(self, *words):
        """Return what a run that ends in an error prints: what it did, and why it ended."""
        done = self.run(*words)
        assert done.returncode == 1
        return done.stdout, done.stderr

    def uid_sent(self):
        """Return the UID under which calcurse sent the one event in its books: the name of the member."""
        (sent,) = (self.folder / "sync.db").read_text().splitlines()
        return sent.split()[0].rpartition("/")[2].removesuffix(".ics")

    def ask(self, path, body=None):
        asked = urllib.request.Request(f"{self.running.base}/api/v1/{path}", body, {"Content-Type": "text/calendar"})
        secret = base64.b64encode(f"{self.sender.code}:{self.sender.password}".encode()).decode()
        asked.add_header("Authorization", f"Basic {secret}")
        with urllib.request.urlopen(asked) as answer:
            return json.load(answer)

    def tell(self, uid, *lines):
        """Tell us the same by another door."""
        self.ask(f"notices?gateway={self.gateway}", event(uid, *lines).encode())

    def planned(self):
        """Return when we hold that the gateway closes."""
        found = self.ask(f"closures?from={START.year}-01-01&to={START.year + 1}-01-01&state=planned")
        return [datetime.fromisoformat(one["starts"]) for one in found["closures"]]


@pytest.fixture
def person(running, tmp_path):
    return Person(tmp_path, running, running.enrol())


@pytest.mark.slow
def test_a_day_in_calcurse(person, running):
    day = timedelta(days=1)
    entered, reworded, moved = line(START), line(START, "Other words"), line(START + day, "Other words")
    person.enter(*at(START, "DURATION:PT4H"))
    assert person.sync("--init", "two-way") == [0, 0, 1, 0]
    assert person.sync() == [0, 0, 0, 0]
    assert person.planned() == [START]

    # Whatever is changed is a new event to calcurse, and the old one is deleted.
    person.change(entered, reworded)
    assert person.sync() == [0, 0, 1, 1]
    person.change(reworded, moved)
    assert person.sync() == [0, 0, 1, 1]
    assert person.planned() == [START + day]
    gone = (person.gateway, "withdrawn", ["first notice", "withdrawn"])
    assert running.story(person.sender) == [gone, gone, (person.gateway, "planned", ["first notice"])]

    # What we move arrives, once, and what another door told of as well.
    person.tell(person.uid_sent(), "SEQUENCE:9", *at(START + 2 * day, "DURATION:PT4H"))
    person.tell("ours", *at(START + 3 * day, "DURATION:PT4H"))
    ours = line(START + 3 * day, f"{person.gateway} closed")
    assert person.sync() == [2, 0, 0, 0]
    assert person.seen() == [line(START + 2 * day, "Other words"), ours]

    person.change(line(START + 2 * day, "Other words"), None)
    assert person.sync() == [0, 0, 0, 1]

    # What we withdraw is marked as cancelled for a while, and calcurse shows no such mark.
    person.tell("ours", "STATUS:CANCELLED", *at(START + 3 * day, "DURATION:PT4H"))
    assert person.sync() == [1, 0, 0, 0]
    assert person.seen() == [ours]
    person.change(ours, None)
    assert person.sync() == [0, 0, 0, 1]
    assert running.story(person.sender) == [
        gone,
        gone,
        (person.gateway, "withdrawn", ["first notice", "moved", "withdrawn"]),
        gone,
    ]


@pytest.mark.slow
def test_changed_on_both_sides_nothing_is_lost(person, running):
    person.enter(*at(START, "DURATION:PT4H"))
    assert person.sync("--init", "two-way") == [0, 0, 1, 0]
    uid = person.uid_sent()

    # Deleted there: it comes back, at the time to which we moved it.
    person.tell(uid, "SEQUENCE:9", *at(START + WEEK, "DURATION:PT4H"))
    person.change(line(START), None)
    assert person.sync() == [1, 0, 0, 0]
    assert person.seen() == [line(START + WEEK)]

    # Edited there: it stands as moved and as edited, on both sides.
    person.tell(uid, "SEQUENCE:19", *at(START + 2 * WEEK, "DURATION:PT4H"))
    person.change(line(START + WEEK), line(START + 3 * WEEK))
    assert person.sync() == [1, 0, 1, 0]
    assert person.seen() == [line(START + 2 * WEEK), line(START + 3 * WEEK)]
    assert person.sync() == [0, 0, 0, 0]

    # Put back to the very times and words that it once sent, it is the same event again to calcurse, and stale to us.
    person.change(line(START + 2 * WEEK), line(START))
    _, why = person.fails()
    assert "replied with HTTP status code 412" in why
    person.change(line(START), line(START, "Other words"))
    assert person.sync() == [0, 0, 1, 1]
    assert running.story(person.sender) == [
        (person.gateway, "planned", ["first notice"]),
        (person.gateway, "withdrawn", ["first notice", "moved", "moved", "withdrawn"]),
        (person.gateway, "planned", ["first notice"]),
    ]


@pytest.mark.slow
def test_a_series_with_a_day_taken_out(person):
    until = f" {{1W -> {START + 2 * WEEK:%m/%d/%Y}}} "
    without = until.replace("}", f" !{START + WEEK:%m/%d/%Y}}}")
    person.enter(*at(START, "DURATION:PT4H", "RRULE:FREQ=WEEKLY;COUNT=3"))
    assert person.sync("--init", "two-way") == [0, 0, 1, 0]
    assert person.planned() == [START + weeks * WEEK for weeks in range(3)]
    person.change(line(START, repeats=until), line(START, repeats=without))
    assert person.sync() == [0, 0, 1, 1]
    assert person.planned() == [START, START + 2 * WEEK]

    # A day moved by another door is an event of its own beside the series. calcurse calls that a failure, keeps it all
    # the same, takes it for new and offers it to us, twice: none of it becomes a second closure.
    instead = f"RECURRENCE-ID:{START:%Y%m%dT%H%M%SZ}"
    person.tell(person.uid_sent(), "SEQUENCE:9", instead, *at(START + WEEK, "DURATION:PT4H"))
    assert person.run().stderr.startswith("Failed to import object")
    did, _ = person.fails("--debug")
    assert "Two events of one UID" in did
    assert person.planned() == [START + WEEK, START + 2 * WEEK]


@pytest.mark.slow
def test_what_is_refused_is_told_and_what_it_leaves_is_mended(person, running):
    person.enter(*at(START, "DURATION:PT4H"))
    assert person.sync("--init", "two-way") == [0, 0, 1, 0]
    endless = line(START + WEEK).partition(" -> ")[0]
    endless = f"{endless} -> {endless}|Words of ours"
    person.enter(*at(START + WEEK))
    _, why = person.fails()
    assert "replied with HTTP status code 403" in why
    did, _ = person.fails("--debug")
    assert "This event has no end" in did
    person.change(endless, None)
    assert person.sync() == [0, 0, 0, 0]

    # Where the same run brought something here, calcurse forgets that it did: it brings it again, and offers both to us.
    person.tell("ours", *at(START + 2 * WEEK, "DURATION:PT4H"))
    person.enter(*at(START + WEEK))
    person.fails()
    person.change(endless, None)
    did, _ = person.fails("--debug")
    assert "Two events of one UID" in did
    assert running.story(person.sender) == [(person.gateway, "planned", ["first notice"])] * 2
    assert person.sync("--init", "keep-remote") == [2, 0, 0, 0]
    assert person.seen() == [line(START), line(START + 2 * WEEK, f"{person.gateway} closed")]
    assert person.sync() == [0, 0, 0, 0]
