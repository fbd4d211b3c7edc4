"""ts-caldav, a TypeScript client that keeps calendars by CTag: discovered, written, contested, told of changes."""

import json
import shutil
import subprocess

import pytest

PACKAGE = "ts-caldav@0.3.7"
SCRIPT = """
import { CalDAVClient } from "ts-caldav";
import { readFileSync } from "node:fs";
const stated = JSON.parse(readFileSync(0, "utf8")), found = {};
const client = await CalDAVClient.create({ baseUrl: stated.base, auth: { type: "basic", username: stated.user, password: stated.password } });
const [calendar] = await client.getCalendars();
found.name = calendar.displayName;
const instant = text => new Date(text.replace(/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z"));
const event = (starts, hours) => ({ summary: "Words of ours", start: instant(starts), end: new Date(+instant(starts) + hours * 3_600_000) });
const made = await client.createEvent(calendar.url, event(stated.first, 4));
const [held] = await client.getEvents(calendar.url, { all: true });
found.held = held.start.toISOString() === instant(stated.first).toISOString();
const before = await client.getCtag(calendar.url), known = [{ href: held.href, etag: held.etag }];
const moved = await client.updateEvent(calendar.url, { ...held, ...event(stated.second, 4) });
try {
  await client.updateEvent(calendar.url, { ...held, ...event(stated.third, 4) });
} catch (refused) {
  found.contested = refused.status ?? refused.response?.status ?? String(refused);
}
const synced = await client.syncChanges(calendar.url, before, known);
found.synced = [synced.changed, synced.newEvents.length, synced.updatedEvents.length, synced.deletedEvents.length];
await client.createEvent(calendar.url, { ...event(stated.third, 2), recurrenceRule: { freq: "WEEKLY", count: 3 } });
await client.deleteEvent(calendar.url, made.uid, moved.etag);
found.left = (await client.getEvents(calendar.url, { all: true })).length;
console.log(JSON.stringify(found));
"""


@pytest.fixture(scope="session")
def library(node_program):
    return node_program(PACKAGE, SCRIPT)


@pytest.mark.slow
def test_ts_caldav_plans_moves_and_withdraws(running, library, instants):
    sender = running.enrol()
    stated = {"base": running.base, "user": sender.code, "password": sender.password, **instants}
    done = subprocess.run(
        [shutil.which("node"), "client.mjs"],
        cwd=library, input=json.dumps(stated), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "name": sender.gateways[0],
        "held": True,
        "contested": 412,
        "synced": [True, 0, 1, 0],
        "left": 1,
    }
    assert running.story(sender) == [
        *[(sender.gateways[0], "planned", ["first notice"])] * 3,
        (sender.gateways[0], "withdrawn", ["first notice", "moved", "withdrawn"]),
    ]
