"""Three readers of iCalendar that share nothing with ours: each tells the occurrences of one event, given whole files.

``recurring_ical_events`` (over icalendar and dateutil), ``ical.js`` (which Thunderbird reads calendars with, run by
node) and libical (through GObject introspection, run by Debian's own Python). All answer alike: for each file a sorted
list of (start, end), as naive wall clock where the file states no zone and aware UTC otherwise, or None where the
reader refuses the file. A day without a time is its midnight.
"""

import json
import shutil
import subprocess
from datetime import UTC, date, datetime, time

import icalendar
import recurring_ical_events

ICAL_JS = "ical.js@2.2.1"
_NODE = """
import ICAL from "ical.js";
import {readFileSync} from "node:fs";
const [files, from, to] = JSON.parse(readFileSync(0, "utf8"));
const told = time => time.zone === ICAL.Timezone.localTime || time.isDate
  ? new ICAL.Time({year: time.year, month: time.month, day: time.day, hour: time.hour, minute: time.minute, second: time.second}, ICAL.Timezone.localTime).toString()
  : time.convertToZone(ICAL.Timezone.utcTimezone).toString();
const read = file => {
  ICAL.TimezoneService.reset();
  const root = new ICAL.Component(ICAL.parse(file));
  root.getAllSubcomponents("vtimezone").forEach(zone => ICAL.TimezoneService.register(zone));
  const events = root.getAllSubcomponents("vevent").map(one => new ICAL.Event(one, {strictExceptions: false, exceptions: []}));
  const masters = events.filter(one => !one.isRecurrenceException()), found = [];
  const gone = one => String(one.component.getFirstPropertyValue("status") || "").toUpperCase() === "CANCELLED";
  for (const master of masters) {
    events.filter(one => one.isRecurrenceException()).forEach(one => master.relateException(one));
    if (!master.isRecurring()) { found.push([master, master.startDate, master.endDate]); continue; }
    const each = master.iterator();
    for (let next, n = 0; n < 1000 && (next = each.next()); n++) {
      const shown = master.getOccurrenceDetails(next);
      if (shown.startDate.year > to) break;
      found.push([shown.item, shown.startDate, shown.endDate]);
    }
  }
  return found.filter(([one]) => !gone(one)).map(([, a, b]) => [told(a), told(b)]);
};
const attempt = file => { try { return read(file); } catch { return null; } };
console.log(JSON.stringify(files.map(attempt)));
"""
_LIBICAL = """
import json, sys
import gi
gi.require_version("ICalGLib", "3.0")
from gi.repository import ICalGLib as I
files, first, last = json.load(sys.stdin)
BEGIN, END = I.Time.new_from_string("%d0101T000000Z" % first), I.Time.new_from_string("%d0101T000000Z" % (last + 1))
def spans(event):
    found = []
    event.foreach_recurrence(BEGIN, END, lambda _, span, *more: found.append([span.get_start(), span.get_end()]), None)
    return found
def read(text):
    root = I.Component.new_from_string(text)
    if root is None or root.count_errors():
        return None
    events, event = [], root.get_first_component(I.ComponentKind.VEVENT_COMPONENT)
    while event is not None:
        events.append(event)
        event = root.get_next_component(I.ComponentKind.VEVENT_COMPONENT)
    found, exceptions = [], [one for one in events if not one.get_recurrenceid().is_null_time()]
    for event in events:
        if event not in exceptions:
            found += spans(event)
    for event in exceptions:
        stated = event.get_recurrenceid()
        moved = stated.as_timet_with_zone(stated.get_timezone())
        found = [span for span in found if span[0] != moved]
    for event in exceptions:
        if event.get_status() != I.PropertyStatus.CANCELLED:
            found += spans(event)
    return found
def attempt(text):
    try:
        return read(text)
    except Exception:
        return None
json.dump([attempt(text) for text in files], sys.stdout)
"""


def by_recurring_ical_events(files, years):
    """What python-dateutil's rules make of the files."""
    return [_attempt(_recurring, text, years) for text in files]


def _recurring(text, years):
    calendar = icalendar.Calendar.from_ical(text)
    span = date(years[0], 1, 1), date(years[1] + 1, 1, 1)
    events = recurring_ical_events.of(calendar).between(*span)
    return sorted(
        (_plain(event.start), _plain(event.end))
        for event in events
        if str(event.get("STATUS", "")).upper() != "CANCELLED"
    )


def _plain(moment):
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time())
    return moment if moment.tzinfo is None else moment.astimezone(UTC)


def by_ical_js(folder, files, years):
    """What ical.js makes of the files; ``folder`` is one in which node finds it."""
    (folder / "occurrences.mjs").write_text(_NODE)
    told = _run([shutil.which("node"), "occurrences.mjs"], files, years, cwd=folder)
    return [None if found is None else sorted(tuple(map(_of_text, span)) for span in found) for found in told]


def _of_text(text):
    return datetime.fromisoformat(text)


def by_libical(files, years, *, stated):
    """What libical makes of the files; ``stated`` says of each whether it states a zone, since libical takes UTC else."""
    told = _run(["/usr/bin/python3", "-c", _LIBICAL], files, years)
    return [
        None if found is None else sorted(tuple(_of_seconds(second, zoned=zoned) for second in span) for span in found)
        for found, zoned in zip(told, stated, strict=True)
    ]


def _of_seconds(second, *, zoned):
    moment = datetime.fromtimestamp(second, UTC)
    return moment if zoned else moment.replace(tzinfo=None)


def _run(command, files, years, cwd=None):
    asked = json.dumps([files, *years])
    done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=300, check=False, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _attempt(read, *given):
    try:
        return read(*given)
    except Exception:  # noqa: BLE001 - whatever another reader raises, it refuses the file
        return None
