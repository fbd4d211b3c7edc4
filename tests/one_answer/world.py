"""Two Users of a running service who share a gateway, their calendar programs, and the comparison of all doors."""

import http.server
import threading
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tests.one_answer import events, readers
from tests.one_answer.calendars import Calendar
from tests.one_answer.readers import differences

_LONDON = ZoneInfo("Europe/London")
_HORIZON, _LISTED = timedelta(days=14), 60
_LOOKED_AT = 3  # closures that an act changed and that are looked at one by one as well


class CalendarSite:
    """A server of plain .ics files, as a User may have one: ``files`` by their paths."""

    def __init__(self):
        self.files = files = {}

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                octets = files.get(self.path)
                self.send_response(404 if octets is None else 200)
                self.send_header("Content-Type", "text/calendar")
                self.send_header("Content-Length", str(len(octets or b"")))
                self.end_headers()
                self.wfile.write(octets or b"")

            def do_PROPFIND(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(405)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


class World:
    """What acts are done in. ``cancelled`` are closures withdrawn through other doors than the calendar."""

    def __init__(self, running, site):
        self.running = running
        self.site = site
        self.began = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        shared = running.new_gateway()
        self.senders = [running.enrol(running.new_gateway(), shared), running.enrol(shared, running.new_gateway())]
        self.calendars = {
            (sender.code, gateway): Calendar(sender.program, sender.collection(gateway))
            for sender in self.senders
            for gateway in sender.gateways
        }
        self.board = Calendar(running.dcc_program, "/dav/calendars/dcc/all/")
        self.known = {sender.code: [] for sender in self.senders}
        self.standing = {sender.code: {} for sender in self.senders}
        self.cancelled = set()
        self.sources = {}
        self.stated = 0

    def close(self):
        for source in self.sources.values():
            self.running.run("source", "remove", source, "--json")

    def next_sequence(self):
        """Return a SEQUENCE above all before it: every statement of a test is newer than the last."""
        self.stated += 1
        return self.stated

    def calendar(self, sender, gateway):
        return self.calendars[sender.code, gateway]

    def forget_cancelled(self, sender, gateway):
        """A calendar program has the last word on what its calendar shows."""
        self.cancelled -= {r for r, one in self.standing[sender.code].items() if one.gateway == gateway}

    def pick(self, sender, which):
        """Return one of the User's closures as it stands, None where there is none."""
        known = self.known[sender.code]
        return self.standing[sender.code][known[which % len(known)]] if known else None

    def pick_member(self, sender, which):
        """Return (collection, name) of one of the User's members, None where there is none."""
        calendars = [self.calendar(sender, gateway) for gateway in sender.gateways]
        places = [
            (calendar.path, held.octets.count(b"BEGIN:VEVENT"), held.octets, calendar, name)
            for calendar in calendars
            for name, held in calendar.held.items()
        ]
        places.sort(key=lambda place: place[:3])
        return places[which % len(places)][3:] if places else None

    def check(self, *, by_calendar):
        """Read every door; return how each differs from /api/v1/closures, or a calendar from the record.

        ``by_calendar`` says that the act since the last check was a calendar program's own.
        """
        wrong = []
        self.board.sync()
        if {name: held.etag for name, held in self.board.held.items()} != self.board.listed():
            wrong.append("DCC's collection: what syncs by token is not what PROPFIND lists")
        shown_to_dcc = {}
        for held in self.board.held.values():
            shown_to_dcc |= readers.calendar_of_feed(held.octets)
        for sender in self.senders:
            whole = readers.api_list(sender.program, sender.code)
            before, self.standing[sender.code] = self.standing[sender.code], whole
            changed = [reference for reference, seen in whole.items() if before.get(reference) != seen]
            new = [reference for reference in changed if reference not in before]
            self.known[sender.code] += sorted(new, key=lambda one: (whole[one].starts, whole[one].gateway))
            wrong += self._lists(sender, whole)
            mine = {reference: one for reference, one in shown_to_dcc.items() if one.user == sender.code}
            wrong += differences("DCC's collection", mine, whole)
            for reference in changed[:_LOOKED_AT]:
                wrong += self._one(sender, whole, reference)
            for gateway in sender.gateways:
                wrong += self._calendar(sender, gateway, whole, by_calendar=by_calendar)
        return wrong

    def acknowledged(self, answer):
        """Return how the answer to a notice differs from what stands since."""
        whole = {reference: one for standing in self.standing.values() for reference, one in standing.items()}
        listed = [*answer.get("accepted", ()), *answer.get("unchanged", ()), *answer.get("withdrawn", ())]
        seen = {facts["reference"]: readers.seen_in(facts) for facts in listed}
        return differences("the answer to the notice", seen, {reference: whole[reference] for reference in seen})

    def _lists(self, sender, whole):
        now, late = datetime.now(UTC), readers.late_changes(sender.program)
        ahead = {r: one for r, one in whole.items() if one.ends > now and one.starts < now + timedelta(days=56)}
        near = readers.horizon_page(sender)
        first = datetime.combine(now.astimezone(_LONDON), time(), _LONDON)
        here = {r: one for r, one in whole.items() if one.ends > first and one.starts < first + _HORIZON}
        if len(here) > _LISTED:  # more stand in the picture alone
            here = {reference: whole[reference] for reference in near if reference in whole}
        found = [
            ("API, asked by DCC", readers.api_list(self.running.dcc_program, sender.code), whole),
            ("closures.csv", readers.closures_csv(sender), whole),
            ("closures schedule", readers.cli_schedule(self.running, sender.code), whole),
            ("feed .json", readers.feed_json(sender), whole),
            ("feed .ics", readers.feed_ics(sender), whole),
            ("feed jCal", readers.feed_jcal(sender), whole),
            ("page Closures", readers.closures_page(sender), whole),
            ("page Now", readers.now_page(sender), ahead),
            ("page Horizon", near, here),
        ]
        wrong = [line for door, seen, expected in found for line in differences(door, seen, expected)]
        for reference, one in whole.items():
            if one.late_change is not None and one.late_change != ((reference, one.revision) in late):
                wrong.append(
                    f"late-changes: revision {one.revision} of {reference}; its late_change is {one.late_change}"
                )
        return wrong

    def _one(self, sender, whole, reference):
        one = whole[reference]
        middle = one.starts + (one.ends - one.starts) / 2
        inside = readers.api_closed(sender.program, one.gateway, middle)
        box = readers.triage_box(sender.browser, one.gateway, middle)
        found = {
            "API, one closure": readers.api_show(sender.program, reference),
            "closures closure show": readers.cli_show(self.running, reference),
            "page of the closure": readers.closure_page(sender.browser, reference),
            "page of the closure, as DCC": readers.closure_page(self.running.dcc_browser, reference),
            **({} if box is None else {"triage box": box}),
        }
        wrong = [
            line
            for door, seen in found.items()
            for line in differences(door, {seen.reference: seen}, {seen.reference: whole[seen.reference]})
        ]
        wrong += differences("closed", inside, {r: whole[r] for r in inside if r in whole})
        is_inside = not one.is_withdrawn
        if (reference in inside) != is_inside or (box is None) != (not inside):
            wrong.append(f"closed at {middle}: {sorted(inside)}, triage box {box}, while {reference} is {one.state}")
        return wrong

    def _calendar(self, sender, gateway, whole, *, by_calendar):
        """Compare the collection of a gateway, as its program's copy shows it, with the closures of that gateway."""
        calendar = self.calendar(sender, gateway)
        before = dict(calendar.held)
        wrong = calendar.differences()
        wrong += [
            f"{calendar.href(name)} was changed, and its SEQUENCE does not say so"
            for name, held in calendar.held.items()
            if not by_calendar and name in before and held != before[name]
            and not events.is_told_newer(held.octets, before[name].octets)
        ]  # fmt: skip
        shown, now = calendar.instances(), datetime.now(UTC)
        standing = [one for one in whole.values() if one.gateway == gateway and not one.is_withdrawn]
        ahead = sorted((one.starts, one.ends) for one in standing if one.starts > now)
        live = sorted((starts, ends) for starts, ends, cancelled in shown.elements() if not cancelled)
        if [times for times in live if times[0] > now] != ahead:
            wrong.append(f"{calendar.path} shows {_worded(live)}, while ahead there are {_worded(ahead)}")
        past = [(one.starts, one.ends) for one in standing]
        wrong += [f"{calendar.path} shows {_worded([times])}, unknown" for times in live if times not in past]
        wrong += [
            f"{calendar.path} does not show {reference} as cancelled"
            for reference, one in whole.items()
            if reference in self.cancelled and one.gateway == gateway and one.is_withdrawn
            and not shown[one.starts, one.ends, True]
        ]  # fmt: skip
        return wrong


def _worded(windows):
    return [f"{starts:%d %b %H:%M}-{ends:%d %b %H:%M}" for starts, ends in windows]
