"""What python-caldav does, run by itself since it brings a urllib3 of its own; prints what it found, as JSON."""

import json
import sys
from datetime import UTC, datetime

from caldav.davclient import DAVClient
from caldav.lib import error


def at(day, hour):
    return datetime(2027, 1, day, hour, tzinfo=UTC)


def main(base, username, password):
    found = {}
    client = DAVClient(url=base + "/dav/", username=username, password=password, enable_rfc6764=False)
    calendars = client.principal().calendars()
    found["calendars"] = [one.get_display_name() for one in calendars]
    calendar = calendars[0]
    known = calendar.objects_by_sync_token(load_objects=True)
    found["first sync"] = len(list(known))

    event = calendar.add_event(dtstart=at(10, 2), dtend=at(10, 6), summary="Gateway closed", uid="one")
    found["searched"] = len(calendar.search(start=at(10, 0), end=at(11, 0), event=True, expand=True))
    added, removed = known.sync()
    found["added"] = [len(list(added)), len(list(removed))]

    event.icalendar_component["DTSTART"].dt, event.icalendar_component["DTEND"].dt = at(12, 2), at(12, 6)
    event.save()
    found["old date"] = len(calendar.search(start=at(10, 0), end=at(11, 0), event=True))
    found["new date"] = len(calendar.search(start=at(12, 0), end=at(13, 0), event=True))

    stale = {"If-Match": '"nothing"', "Content-Type": "text/calendar"}
    try:
        found["conflict"] = client.put(str(event.url), event.data, stale).status
    except error.PutError as refused:
        found["conflict"] = str(refused)
    found["by uid"] = calendar.event_by_uid("one").icalendar_component["SUMMARY"]

    event.delete()
    added, removed = known.sync()
    found["removed"] = [len(list(added)), len(list(removed))]
    found["left"] = len(calendar.events())
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
