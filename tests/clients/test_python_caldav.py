"""python-caldav, as a change manager's script would use it: find the calendar, plan, move late, lose a race, cancel."""

import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

PACKAGE = "caldav==3.6.0"
SCRIPT = """
import json, sys
from datetime import datetime, timedelta
import caldav
from caldav.lib import error

stated = json.load(sys.stdin)
start = datetime.fromisoformat(stated["start"])
found = {}
def client():
    return caldav.DAVClient(url=stated["base"], username=stated["user"], password=stated["password"])
with client() as first, client() as second:
    home = first.principal().get_calendars()
    found["calendars"] = sorted(one.get_display_name() for one in home)
    calendar = home[0]
    token = calendar.objects_by_sync_token(load_objects=True)
    found["at first"] = len(list(token))
    event = calendar.save_event(uid="plan-1", dtstart=start, dtend=start + timedelta(hours=4), summary="Words of ours")
    found["saved"] = event.url.path.rsplit("/", 2)[-2]
    twin = second.principal().get_calendars()[0].event_by_uid("plan-1")
    # Dragged to another day, with little notice.
    with event.edit_icalendar_instance() as held:
        component = held.walk("VEVENT")[0]
        for name, days in (("DTSTART", -30), ("DTEND", -30)):
            component[name].dt += timedelta(days=days)
    event.save()
    found["window"] = [
        one.icalendar_component["UID"] for one in
        calendar.search(event=True, start=start - timedelta(days=31), end=start - timedelta(days=29))
    ]
    found["old window"] = len(calendar.search(event=True, start=start, end=start + timedelta(days=1)))
    # Somebody who still has the old one loses nothing, and overwrites nothing.
    answer = second.put(str(twin.url), twin.data, {"If-Match": stated["stale"], "Content-Type": "text/calendar"})
    found["stale"] = answer.status
    changes = calendar.objects_by_sync_token(sync_token=token.sync_token, load_objects=True)
    found["changed"] = [one.icalendar_component["UID"] for one in changes]
    event.delete()
    gone = calendar.objects_by_sync_token(sync_token=changes.sync_token, load_objects=False)
    found["gone"] = len(list(gone))
    found["left"] = len(calendar.events())
print(json.dumps(found))
"""


@pytest.mark.slow
def test_a_plan_is_found_moved_late_contested_and_cancelled(running, environment_of):
    sender = running.enrol()
    start = (datetime.now(UTC) + timedelta(days=33)).replace(hour=2, minute=0, second=0, microsecond=0)
    stated = {
        "base": running.base,
        "user": sender.code.lower(),
        "password": sender.password,
        "start": start.isoformat(),
        "stale": '"of another time"',
    }
    done = subprocess.run(
        [environment_of(PACKAGE) / "python", "-c", SCRIPT],
        input=json.dumps(stated),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.pop("calendars") == [sender.gateways[0]]
    assert found == {
        "at first": 0,
        "saved": sender.gateways[0],
        "window": ["plan-1"],
        "old window": 0,
        "stale": 412,
        "changed": ["plan-1"],
        "gone": 1,
        "left": 0,
    }
    assert running.story(sender) == [(sender.gateways[0], "withdrawn", ["first notice", "moved", "withdrawn"])]
