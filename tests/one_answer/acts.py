"""What Users and DCC do, through every door: values, so that a sequence of them can be printed, cut and done again.

``user``, ``gateway``, ``time``, ``uid`` and ``which`` are places in short lists, the last one counted round.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage

from tests.one_answer import events
from tests.one_answer.readers import api_list, differences, seen_in
from tests.one_answer.running_service import form_times

_HOUR = timedelta(hours=1)
# From the hour in which the test began: (start, length) in hours. The first is over, the second runs.
TIMES = ((-5, 2), (-1, 4), (20, 4), (76, 6), (243, 4), (490, 3), (1082, 4), (1705, 5))
AHEAD = range(2, len(TIMES))
_FIRST = 3


def window(world, time):
    starts, hours = TIMES[time]
    return world.began + starts * _HOUR, world.began + (starts + hours) * _HOUR


@dataclass(frozen=True)
class Form:
    """A closure by the form, once or on three weeks; ``dcc`` gives it on behalf."""

    user: int
    gateway: int
    time: int
    weekly: bool
    dcc: bool

    def do(self, world):
        sender = world.senders[self.user]
        browser = world.running.dcc_browser if self.dcc else sender.browser
        form = browser.ask("GET", f"/notices/form?user={sender.code}")
        repeat = (
            {"repeat": "weekly", "end": "count", "count": "3"} if self.weekly else {"repeat": "never", "end": "until"}
        )
        fields = {
            "user": sender.code,
            "gateway": sender.gateways[self.gateway],
            "reference": "",
            "every": "2",
            "until": "",
        }
        typed = {**fields, **form_times(*window(world, self.time)), **repeat}
        _record(browser, browser.submit(form, "/notices/form", **typed))


@dataclass(frozen=True)
class Upload:
    """An .ics file by the page."""

    user: int
    gateway: int
    time: int
    uid: int
    weekly: bool

    def do(self, world):
        sender = world.senders[self.user]
        octets = _calendar(world, self)
        page = sender.browser.ask("GET", "/notices/new")
        file = {"file": ("closures.ics", octets, "text/calendar")}
        preview = sender.browser.submit(page, "/notices/preview", files=file, gateway=sender.gateways[self.gateway])
        _record(sender.browser, preview)


@dataclass(frozen=True)
class Api:
    """A notice by the API: ics, json, csv, or a mail with an invitation; ``dcc`` gives it on behalf."""

    user: int
    gateway: int
    time: int
    uid: int
    form: str
    weekly: bool
    dcc: bool

    def do(self, world):
        sender = world.senders[self.user]
        starts, ends = window(world, self.time)
        text = f'"starts": "{starts:%Y-%m-%dT%H:%MZ}", "ends": "{ends:%Y-%m-%dT%H:%MZ}", "reference": "r{self.uid}"'
        row = f"{sender.gateways[self.gateway]},{starts:%Y-%m-%dT%H:%MZ},{ends:%Y-%m-%dT%H:%MZ},r{self.uid}"
        body, kind = {
            "json": (f'{{"closures": [{{{text}}}]}}', "application/json"),
            "csv": (f"gateway,starts,ends,reference\r\n{row}\r\n", "text/csv"),
            "ics": (_calendar(world, self), "text/calendar"),
            "mail": (_mail(_calendar(world, self)), "message/rfc822"),
        }[self.form]
        asker = world.running.dcc_program if self.dcc else sender.program
        path = f"/api/v1/notices?gateway={sender.gateways[self.gateway]}&user={sender.code}"
        return asker.ask("POST", path, body, Content_Type=kind).json()


@dataclass(frozen=True)
class Withdraw:
    """A withdrawal of a closure by API or page; ``dcc`` does it on behalf."""

    user: int
    which: int
    page: bool
    dcc: bool

    def do(self, world):
        sender = world.senders[self.user]
        closure = world.pick(sender, self.which)
        if closure is None or closure.state != "planned" or closure.starts < world.began + _HOUR:
            return None  # what runs or is over: the page offers no button
        world.cancelled.add(closure.reference)
        if not self.page:
            asker = world.running.dcc_program if self.dcc else sender.program
            return asker.ask("DELETE", f"/api/v1/closures/{closure.reference}").json()
        browser = world.running.dcc_browser if self.dcc else sender.browser
        page = browser.ask("GET", f"/closures/{closure.reference}/withdraw")
        browser.submit(page, f"/closures/{closure.reference}/withdraw")
        return None


@dataclass(frozen=True)
class Change:
    """Other times for a closure, by the page, and perhaps the User's other gateway; a withdrawn one is planned again."""

    user: int
    which: int
    time: int
    elsewhere: bool
    dcc: bool

    def do(self, world):
        sender = world.senders[self.user]
        closure = world.pick(sender, self.which)
        if closure is None:
            return
        browser = world.running.dcc_browser if self.dcc else sender.browser
        path = f"/closures/{closure.reference}/change"
        gateway = _other(sender, closure.gateway) if self.elsewhere else closure.gateway
        page = browser.ask("GET", path)
        # Where the User's other gateway has a closure of the same event already, the page may refuse.
        status = None if self.elsewhere else 200
        preview = browser.submit(page, path, status=status, gateway=gateway, **form_times(*window(world, self.time)))
        if _record(browser, preview, status):
            stated = (gateway, *window(world, self.time), False)
            found = api_list(sender.program, sender.code)
            so = [r for r, one in found.items() if (one.gateway, one.starts, one.ends, one.is_withdrawn) == stated]
            # Where the same event stood at that gateway already, it is that closure which stands now.
            instead = self.elsewhere and found[closure.reference].is_withdrawn
            assert closure.reference in so or (instead and so), (
                f"{stated} does not stand, but {found[closure.reference]}"
            )


@dataclass(frozen=True)
class Put:
    """An event put into a calendar, anew or in place of what stands there under its UID."""

    user: int
    gateway: int
    time: int
    uid: int
    weekly: bool
    conditional: bool

    def do(self, world):
        sender = world.senders[self.user]
        calendar = world.calendar(sender, sender.gateways[self.gateway])
        octets = _calendar(world, self)
        (uid, *_) = events.values_of(octets, "UID")
        (name, *_) = [*calendar.names_of(uid), f"{uid}.ics"]
        held = calendar.held.get(name)
        tag = {"If_None_Match": "*"} if held is None else {"If_Match": held.etag}
        answer = calendar.put(name, octets, (201, 204), **(tag if self.conditional else {}))
        if "ETag" in answer.headers:
            assert calendar.fetch(name).octets == octets
        world.forget_cancelled(sender, calendar.gateway)


@dataclass(frozen=True)
class Edit:
    """A calendar program's change of a member of which it holds the last state."""

    user: int
    which: int
    what: str  # rename, move, cancel, confirm, override
    time: int
    conditional: bool

    def do(self, world):
        sender = world.senders[self.user]
        place = world.pick_member(sender, self.which)
        if place is None:
            return
        calendar, name = place
        held = calendar.held[name]
        octets = self._edited(world, held.octets)
        calendar.put(name, octets, (201, 204), **({"If_Match": held.etag} if self.conditional else {}))
        if self.what == "rename":
            told = {r: one for r, one in world.standing[sender.code].items() if one.gateway == calendar.gateway}
            after = {r: seen_in(sender.program.ask("GET", f"/api/v1/closures/{r}").json()) for r in told}
            assert differences("API after a renaming", after, told) == []
        else:
            world.forget_cancelled(sender, calendar.gateway)

    def _edited(self, world, octets):
        whole = not events.values_of(octets, "RECURRENCE-ID")
        if self.what == "move" and whole:
            return events.moved(octets, *window(world, self.time))
        if self.what == "override" and whole and events.is_plain_series(octets):
            return events.with_override(octets, 1, timedelta(hours=2))
        if self.what in {"cancel", "confirm"}:
            return events.marked(octets, {"cancel": "CANCELLED", "confirm": "CONFIRMED"}[self.what])
        return events.renamed(octets, f"Renamed for the {world.next_sequence()}. time")


@dataclass(frozen=True)
class Remove:
    """A member deleted by a calendar program."""

    user: int
    which: int

    def do(self, world):
        sender = world.senders[self.user]
        place = world.pick_member(sender, self.which)
        if place is not None:
            calendar, name = place
            calendar.delete(name, 204)
            world.forget_cancelled(sender, calendar.gateway)


@dataclass(frozen=True)
class Transfer:
    """A member moved or copied to the calendar of the User's other gateway, where its UID may stand already."""

    user: int
    which: int
    method: str  # MOVE, COPY

    def do(self, world):
        sender = world.senders[self.user]
        place = world.pick_member(sender, self.which)
        if place is None:
            return
        calendar, name = place
        target = world.calendar(sender, _other(sender, calendar.gateway))
        (uid, *_) = events.values_of(calendar.held[name].octets, "UID")
        taken = target.names_of(uid)
        answer = calendar.transfer(self.method, name, target)
        if taken and taken != [name]:
            # Where no program put what stands there, it gives way to the name that a program chose.
            assert answer.status_code in {201, 403}, f"{uid} stands there as {taken}"
            target.sync()
            assert target.names_of(uid) == (taken if answer.status_code == 403 else [name])
        elif self.method == "MOVE" and not taken:
            assert answer.status_code == 201, answer.text
            world.forget_cancelled(sender, calendar.gateway)
            new = {r for r in api_list(sender.program, sender.code) if r not in world.standing[sender.code]}
            assert new == set(), f"a MOVE made new closures: {new}"


@dataclass(frozen=True)
class Pull:
    """A User's own calendar shows an event, and is read."""

    user: int
    gateway: int
    time: int
    uid: int

    def do(self, world):
        sender = world.senders[self.user]
        gateway = sender.gateways[self.gateway]
        path = f"/{sender.code}/{gateway}.ics"
        lines = events.write_event(f"pulled-{self.uid}", *window(world, self.time), sequence=world.next_sequence())
        world.site.files[path] = events.write_calendar(lines)
        if path not in world.sources:
            words = ("--user", sender.code, "--gateway", gateway, "--url", world.site.base + path)
            world.sources[path] = world.running.run("source", "add", *words, "--json")["id"]
        return world.running.run("source", "poll", world.sources[path], "--json")


@dataclass(frozen=True)
class Tell:
    """What is told of a closure as it happens, by API, page or command: closed, re-opened, still closed, taken back."""

    user: int
    which: int
    kind: str
    door: str  # api, page, command
    dcc: bool

    def do(self, world):
        sender = world.senders[self.user]
        begun = sorted(r for r, one in world.standing[sender.code].items() if one.starts < world.began)
        if not begun:
            return None
        one = world.standing[sender.code][begun[self.which % len(begun)]]
        at = {
            "closed": one.starts + timedelta(minutes=10),
            "re-opened": min(one.starts + _HOUR, world.began),
            "still closed": world.began + 6 * _HOUR,
            "taken back": None,
        }[self.kind]
        return getattr(self, f"_by_{self.door}")(world, sender, one.reference, at)

    def _by_api(self, world, sender, reference, at):
        name = {"closed": "closed_at", "re-opened": "reopened_at", "still closed": "still_closed_until"}.get(self.kind)
        body = {"taken_back": True} if at is None else {name: events.iso(at)}
        asker = world.running.dcc_program if self.dcc else sender.program
        answer = asker.ask("POST", f"/api/v1/closures/{reference}/facts", json.dumps(body), (200, 409))
        return {"accepted": [answer.json()]} if answer.status_code == 200 else None

    def _by_page(self, world, sender, reference, at):
        browser = world.running.dcc_browser if self.dcc else sender.browser
        page = browser.ask("GET", f"/closures/{reference}")
        if f'action="/closures/{reference}/facts"' in page.text:
            typed = {"told": self.kind, "at": "" if at is None else events.iso(at)}
            browser.submit(page, f"/closures/{reference}/facts", status=(200, 409), **typed)

    def _by_command(self, world, sender, reference, at):
        verb = {"re-opened": "reopened", "still closed": "still-closed", "taken back": "take-back"}
        when = () if at is None else ("--at", events.iso(at))
        world.running.try_to_run("closure", verb.get(self.kind, self.kind), reference, *when, "--json")


@dataclass(frozen=True)
class Sweep:
    """The scheduler's work, once."""

    def do(self, world):
        world.running.run("sweep", "--json")


BY_CALENDAR = (Put, Edit, Remove, Transfer)


def draw(chance, count):
    """Return a sequence of acts by a seeded ``random.Random``; at first something is told."""
    return [_draw(chance, is_first=place < _FIRST) for place in range(count)]


def _draw(chance, *, is_first):
    user, gateway, which, uid = chance.randrange(2), chance.randrange(2), chance.randrange(12), chance.randrange(3)
    time = chance.choice([*AHEAD, *AHEAD, 0, 1])
    rarely, dcc, either = chance.random() < 0.3, chance.random() < 0.3, chance.random() < 0.5
    what = chance.choice(["rename", "rename", "move", "move", "cancel", "confirm", "override"])
    kind = chance.choice(["closed", "re-opened", "still closed", "taken back"])
    door = chance.choice(["api", "page", "command"])
    told = [
        Form(user, gateway, time, rarely, dcc),
        Upload(user, gateway, time, uid, rarely),
        Api(user, gateway, time, uid, chance.choice(["ics", "json", "csv", "mail"]), rarely, dcc),
        Put(user, gateway, time, uid, rarely, either),
        Pull(user, gateway, time, uid),
    ]
    changed = [
        Withdraw(user, which, either, dcc),
        Change(user, which, time, rarely, dcc),
        Edit(user, which, what, time, either),
        Edit(user, which, what, time, either),
        Remove(user, which),
        Transfer(user, which, chance.choice(["MOVE", "MOVE", "COPY"])),
        Sweep(),
        Tell(user, which, kind, door, dcc),
        Tell(user, which, kind, door, dcc),
    ]
    return chance.choice(told if is_first else [*told, *changed])


def _calendar(world, act):
    """Return the object that an act states: a series and a single event never share a UID."""
    starts, ends = window(world, act.time)
    uid, rule = (f"series-{act.uid}", ("RRULE:FREQ=WEEKLY;COUNT=3",)) if act.weekly else (f"single-{act.uid}", ())
    return events.write_calendar(events.write_event(uid, starts, ends, *rule, sequence=world.next_sequence()))


def _mail(octets):
    """Return a calendar as the invitation in a mail."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "anna@alpha.example", "notices@closures.example", "Gateway closed"
    mail.set_content("See below.")
    mail.add_alternative(octets, maintype="text", subtype="calendar")
    return mail.as_bytes()


def _record(browser, preview, status=200):
    """Press the button of a preview; tell whether there was one, and whether it was carried out."""
    if 'action="/notices"' not in preview.text:
        return False
    return browser.submit(preview, "/notices", status=status).status_code == 200


def _other(sender, gateway):
    return sender.gateways[1 - sender.gateways.index(gateway)]
