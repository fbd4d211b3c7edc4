"""tsdav, the library under many JavaScript calendars: discovered from the bare host, both kinds of sync."""

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

PACKAGE = "tsdav@2.3.4"
SCRIPT = """
import { createDAVClient } from "tsdav";
import { readFileSync } from "node:fs";
const stated = JSON.parse(readFileSync(0, "utf8"));
const connect = () => createDAVClient({
  serverUrl: stated.base, credentials: { username: stated.user, password: stated.password },
  authMethod: "Basic", defaultAccountType: "caldav",
});
const event = (uid, starts, ends) => ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//a change manager//EN",
  "BEGIN:VEVENT", `UID:${uid}`, "DTSTAMP:20260101T000000Z", `DTSTART:${starts}`, `DTEND:${ends}`,
  "SUMMARY:Words of ours", "END:VEVENT", "END:VCALENDAR", ""].join("\\r\\n");
const found = {};
const client = await connect();
let [calendar] = await client.fetchCalendars();
found.name = calendar.displayName;
found.components = calendar.components;
found.reports = calendar.reports.includes("syncCollection");
found.created = (await client.createCalendarObject({ calendar, filename: "one.ics", iCalString: event("one", ...stated.first) })).status;
const other = await connect();
const [theirs] = await other.fetchCalendars();
const seen = { ...theirs, objectMultiGet: other.calendarMultiGet, fetchObjects: ({ collection }) => other.fetchCalendarObjects({ calendar: collection }), objects: await other.fetchCalendarObjects({ calendar: theirs }) };
found.seen = seen.objects.map((one) => one.data.includes("UID:one"));
const [object] = await client.fetchCalendarObjects({ calendar });
found.moved = (await client.updateCalendarObject({ calendarObject: { ...object, data: event("one", ...stated.second) } })).status;
// The other client still has the first ETag: it must not overwrite what it has not seen.
found.contested = (await other.updateCalendarObject({ calendarObject: { ...seen.objects[0], data: event("one", ...stated.third) } })).status;
found.within = (await client.fetchCalendarObjects({ calendar, timeRange: stated.range })).length;
for (const method of ["webdav", "basic"]) {
  const synced = await other.smartCollectionSync({ collection: seen, method, detailedResult: true });
  found[method] = [synced.objects.created.length, synced.objects.updated.length, synced.objects.deleted.length];
}
const [latest] = await client.fetchCalendarObjects({ calendar });
found.deleted = (await client.deleteCalendarObject({ calendarObject: latest })).status;
const after = await other.smartCollectionSync({ collection: seen, method: "webdav", detailedResult: true });
found.gone = after.objects.deleted.length;
console.log(JSON.stringify(found));
"""


@pytest.fixture(scope="session")
def library(node_program):
    return node_program(PACKAGE, SCRIPT)


def span(starts):
    return [f"{instant:%Y%m%dT%H%M%SZ}" for instant in (starts, starts + timedelta(hours=4))]


@pytest.mark.slow
def test_tsdav_discovers_plans_moves_and_withdraws(running, library):
    sender = running.enrol()
    first = (datetime.now(UTC) + timedelta(days=50)).replace(hour=2, minute=0, second=0, microsecond=0)
    second = (datetime.now(UTC) + timedelta(days=4)).replace(hour=2, minute=0, second=0, microsecond=0)
    stated = {
        "base": running.base,
        "user": sender.code,
        "password": sender.password,
        "first": span(first),
        "second": span(second),
        "third": span(first + timedelta(days=1)),
        "range": {
            "start": (second - timedelta(days=1)).isoformat(),
            "end": (second + timedelta(days=1)).isoformat(),
        },
    }
    done = subprocess.run(
        [shutil.which("node"), "client.mjs"],
        cwd=library, input=json.dumps(stated), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found == {
        "name": sender.gateways[0],
        "components": ["VEVENT"],
        "reports": True,
        "created": 201,
        "seen": [True],
        "moved": 204,
        "contested": 412,
        "within": 1,
        "webdav": [0, 1, 0],
        "basic": [0, 1, 0],
        "deleted": 204,
        "gone": 1,
    }
    assert running.story(sender) == [(sender.gateways[0], "withdrawn", ["first notice", "moved", "withdrawn"])]
