"""vdirsyncer's command with two replicas: what one folder plans, moves and deletes reaches the other and the register."""

import subprocess
from datetime import UTC, datetime, timedelta

import pytest

PACKAGE = "vdirsyncer==0.21.0"
CONFIGURATION = """
[general]
status_path = "{folder}/status/"

[pair plan]
a = "here"
b = "there"
collections = ["from b"]
conflict_resolution = "b wins"

[storage here]
type = "filesystem"
path = "{folder}/calendars/"
fileext = ".ics"

[storage there]
type = "caldav"
url = "{base}/"
username = "{user}"
password = "{password}"
item_types = ["VEVENT"]
"""
EVENT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//a change manager//EN
BEGIN:VEVENT
UID:{uid}
DTSTAMP:20260101T000000Z
DTSTART:{starts:%Y%m%dT%H%M%SZ}
DTEND:{ends:%Y%m%dT%H%M%SZ}
SUMMARY:Words of ours
END:VEVENT
END:VCALENDAR
"""


def event(uid, starts):
    return EVENT.format(uid=uid, starts=starts, ends=starts + timedelta(hours=4)).replace("\n", "\r\n")


class Replica:
    """One machine of the change manager: a folder of files and vdirsyncer's own books."""

    def __init__(self, folder, program, running, sender):
        folder.mkdir()
        self.program, self.config = program, folder / "config"
        self.config.write_text(
            CONFIGURATION.format(folder=folder, base=running.base, user=sender.code, password=sender.password)
        )
        self.items = folder / "calendars" / sender.gateways[0]
        self.run("discover", "plan", answers="y\n" * 4)

    def run(self, *words, answers=""):
        done = subprocess.run(
            [self.program, "--config", self.config, *words],
            input=answers, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stderr

    def sync(self):
        return self.run("sync")

    def names(self):
        return sorted(path.name for path in self.items.iterdir())


@pytest.mark.slow
def test_two_replicas_and_the_register_agree(running, environment_of, tmp_path):
    sender = running.enrol()
    program = environment_of(PACKAGE) / "vdirsyncer"
    one, other = (Replica(tmp_path / name, program, running, sender) for name in ("one", "other"))
    start = (datetime.now(UTC) + timedelta(days=60)).replace(hour=1, minute=0, second=0, microsecond=0)
    gateway = sender.gateways[0]

    (one.items / "first.ics").write_bytes(event("first", start).encode())
    (one.items / "second.ics").write_bytes(event("second", start + timedelta(days=7)).encode())
    one.sync()
    other.sync()
    assert len(other.names()) == 2
    assert running.story(sender) == [(gateway, "planned", ["first notice"])] * 2

    # Moved on one machine, at short notice; the other one has it after its next sync, word for word.
    soon = datetime.now(UTC).replace(hour=1, minute=0, second=0, microsecond=0) + timedelta(days=3)
    (one.items / "second.ics").write_bytes(event("second", soon).encode())
    one.sync()
    other.sync()
    assert event("second", soon).encode() in [path.read_bytes() for path in other.items.iterdir()]
    assert running.story(sender)[0] == (gateway, "planned", ["first notice", "moved"])

    # Both changed the same one: the server's wins, and nothing is lost of the record.
    mine = next(path for path in other.items.iterdir() if b"UID:first" in path.read_bytes())
    mine.write_bytes(event("first", start + timedelta(days=2)).encode())
    (one.items / "first.ics").write_bytes(event("first", start + timedelta(days=1)).encode())
    one.sync()
    other.sync()
    assert mine.read_bytes() == event("first", start + timedelta(days=1)).encode()
    assert running.story(sender)[1] == (gateway, "planned", ["first notice", "moved"])

    # Deleted on the other machine: a withdrawal, and gone here as well.
    mine.unlink()
    other.sync()
    one.sync()
    assert one.names() == ["second.ics"]
    assert running.story(sender)[1] == (gateway, "withdrawn", ["first notice", "moved", "withdrawn"])
    # Nothing left to do: neither side has anything new.
    assert "Copying" not in one.sync() + other.sync()
