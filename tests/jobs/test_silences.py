"""Silences in a real Alertmanager follow what stands: planned, moved, withdrawn, told, and after it was away."""

import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.domain.access import Principal, Role
from app.domain.fact import FactKind, ToldFact
from app.domain.notice import Channel
from app.domain.refusal import Deposed, Unknown
from app.factory import utc_now
from app.jobs.silences import Silencer
from app.pulling.http_client import Outbound
from app.register.messages import recipients
from app.register.messages.recipients import RecipientRefused
from app.register.messages.silences import read_silencing
from app.register.people.enrolment import shred_user
from app.register.tell_fact import tell_fact
from app.store import runs
from app.store.recipients import Carrier, Silencing

DCC = Principal("dcc", Role.DCC)
NEAR = Outbound(allow_private=True)
HOUR = timedelta(hours=1)


@pytest.fixture
def silencer(register):
    running = Silencer(register, NEAR, utc_now, lambda: None)
    yield running
    running.stop()


@pytest.fixture
def silence_in(store):
    """Return a function that adds an Alertmanager as a recipient."""

    def add(url, matchers='gateway="{gateway}"', *gateways, user=None):
        address, silencing = read_silencing(url, matchers, gateways)
        return recipients.add_recipient(
            store, label="ops", carrier=Carrier.ALERTMANAGER, address=address, kinds=(), digest_hour=None,
            user_code=user, now=utc_now(), silencing=silencing,
        ).recipient  # fmt: skip

    return add


def soon(silencer, read, expected, seconds=30.0):
    """Let the scheduler look, until what is read is what is expected."""
    until = time.monotonic() + seconds
    while (found := read()) != expected and time.monotonic() < until:
        silencer.look()
        time.sleep(0.1)
    assert found == expected


def in_days(days, hours=0):
    """A time as a notice states it: whole minutes, so many days and hours from now."""
    return (utc_now() + timedelta(days=days, hours=hours)).replace(second=0, microsecond=0)


def at(announce, uid, starts, hours=4, gateway="GW-A1", **facts):
    return announce(uid, f"{starts:%Y-%m-%dT%H:%M}", hours, gateway, **facts)


def silence(recipient, closure, starts, ends, gateway="GW-A1", user="ALPHA", matchers=None):
    matchers = matchers or f'gateway="{gateway}"'
    return matchers, starts, ends, "closure notices", f"{closure} {gateway} {user} [{recipient.id}]"


def held_in(alertmanager):
    """What it silences; the start of what has begun is left out, as Alertmanager takes the time of its making."""
    now = datetime.now(UTC)
    return [
        (matchers, max(starts, now) if starts > now else None, *more)
        for matchers, starts, *more in alertmanager.silences()
    ]


def reference_of(given):
    (accepted,) = given.accepted
    return accepted.closure.reference


def test_a_silence_follows_its_closure_until_it_is_withdrawn(
    alertmanager, silencer, silence_in, register, alpha, announce, give
):
    starts, read = in_days(1), alertmanager.silences
    recipient = silence_in(alertmanager.url)
    one = reference_of(give(alpha, at(announce, "u1", starts), at=utc_now()))
    soon(silencer, read, [silence(recipient, one, starts, starts + 4 * HOUR)])
    later = starts + 2 * HOUR
    give(alpha, at(announce, "u1", later, 1), at=utc_now())
    soon(silencer, read, [silence(recipient, one, later, later + HOUR)])
    give(alpha, at(announce, "u1", later, 1, withdrawn=True), at=utc_now())
    soon(silencer, read, [])


def test_it_goes_by_what_is_told_of_a_closure_that_runs(
    alertmanager, silencer, silence_in, register, alpha, announce, give
):
    recipient, starts = silence_in(alertmanager.url), in_days(0, -1)
    one = reference_of(give(alpha, at(announce, "u1", starts), at=utc_now()))
    tell = partial(tell_fact, register, DCC, one, channel=Channel.API, now=utc_now())
    read = partial(held_in, alertmanager)
    soon(silencer, read, [silence(recipient, one, None, starts + 4 * HOUR)])
    tell(told=ToldFact(FactKind.STILL_CLOSED, starts + 6 * HOUR))
    soon(silencer, read, [silence(recipient, one, None, starts + 6 * HOUR)])
    tell(told=ToldFact(FactKind.REOPENED, utc_now() - timedelta(minutes=1)))
    soon(silencer, read, [])
    tell(told=ToldFact(FactKind.TAKEN_BACK))
    soon(silencer, read, [silence(recipient, one, None, starts + 6 * HOUR)])


def test_what_was_told_closed_early_is_silent_from_then_on(
    alertmanager, silencer, silence_in, register, alpha, announce, give
):
    recipient, starts = silence_in(alertmanager.url), in_days(0) + timedelta(minutes=10)
    one = reference_of(give(alpha, at(announce, "u1", starts), at=utc_now()))
    soon(silencer, alertmanager.silences, [silence(recipient, one, starts, starts + 4 * HOUR)])
    tell_fact(register, DCC, one, ToldFact(FactKind.CLOSED, utc_now()), channel=Channel.API, now=utc_now())
    soon(silencer, partial(held_in, alertmanager), [silence(recipient, one, None, starts + 4 * HOUR)])
    alertmanager.fire({"alertname": "Down", "gateway": "GW-A1"}, {"alertname": "Down", "gateway": "GW-A2"})
    muted = {
        (("alertname", "Down"), ("gateway", "GW-A1")): (1, 0), (("alertname", "Down"), ("gateway", "GW-A2")): (0, 0),
    }  # fmt: skip
    soon(silencer, alertmanager.muted, muted)


def test_each_recipient_has_its_own_gateways_and_matchers(
    alertmanager, silencer, silence_in, store, enrolled, alpha, announce, give
):
    beta, starts = enrolled("BETA", "GW-B1"), in_days(3)
    ends = starts + 4 * HOUR
    one = reference_of(give(alpha, at(announce, "u1", starts), at=utc_now()))
    two = reference_of(give(alpha, at(announce, "u2", starts, gateway="GW-A2"), at=utc_now()))
    three = reference_of(give(beta, at(announce, "u3", starts, gateway="GW-B1"), at=utc_now()))
    asked = 'site=~"dcc-({gateway})", severity!="page"'
    everything, own, chosen = (
        silence_in(alertmanager.url), silence_in(alertmanager.url, asked, user="ALPHA"),
        silence_in(alertmanager.url, "instance={gateway}", "GW-A2", "GW-B1"),
    )  # fmt: skip
    expected = {
        everything: [silence(everything, one, starts, ends), silence(everything, two, starts, ends, "GW-A2"),
                     silence(everything, three, starts, ends, "GW-B1", "BETA")],
        own: [silence(own, one, starts, ends, "GW-A1", matchers='severity!="page",site=~"dcc-(GW-A1)"'),
              silence(own, two, starts, ends, "GW-A2", matchers='severity!="page",site=~"dcc-(GW-A2)"')],
        chosen: [silence(chosen, two, starts, ends, "GW-A2", matchers='instance="GW-A2"'),
                 silence(chosen, three, starts, ends, "GW-B1", "BETA", 'instance="GW-B1"')],
    }  # fmt: skip
    soon(silencer, alertmanager.silences, sorted(one for them in expected.values() for one in them))
    address, silencing = read_silencing(alertmanager.url, 'gateway="{gateway}"', ["GW-B1"])
    recipients.change_recipient(
        store, chosen.id, label="ops", address=address, kinds=(), digest_hour=None, now=utc_now(), silencing=silencing,
    )  # fmt: skip
    expected[chosen] = [silence(chosen, three, starts, ends, "GW-B1", "BETA")]
    recipients.remove_recipient(store, everything.id, utc_now())
    shred_user(store, "ALPHA", utc_now())
    soon(silencer, alertmanager.silences, expected[chosen])
    with store.reading() as connection:
        assert list(runs.read_bridges(connection)) == [chosen.id]


def test_told_to_re_open_early_and_not_told_re_opened_it_is_silent_to_the_end_of_its_plan(
    alertmanager, silencer, silence_in, register, alpha, announce, give
):
    recipient, starts, earlier = silence_in(alertmanager.url), in_days(0, -1), utc_now() - timedelta(minutes=30)
    one = reference_of(give(alpha, at(announce, "u1", starts), at=utc_now() - timedelta(hours=2)))
    told = ToldFact(FactKind.STILL_CLOSED, earlier + timedelta(minutes=20))
    tell_fact(register, DCC, one, told, channel=Channel.API, now=earlier)
    soon(silencer, partial(held_in, alertmanager), [silence(recipient, one, None, starts + 4 * HOUR)])


def test_what_others_made_there_stays(alertmanager, silencer, silence_in, alpha, announce, give):
    starts, recipient = in_days(1), silence_in(alertmanager.url)
    one = reference_of(give(alpha, at(announce, "u1", starts), at=utc_now()))
    ours = silence(recipient, one, starts, starts + 4 * HOUR)
    comments = ("CN-0123456789 by hand", ours[-1])  # the other is a copy of ours that somebody changed
    theirs = [('gateway="GW-A1"', starts, starts + HOUR, "somebody", comment) for comment in comments]
    for _, begins, ends, creator, comment in theirs:
        stated = {
            "matchers": [{"name": "gateway", "value": "GW-A1", "isRegex": False, "isEqual": True}],
            "startsAt": f"{begins:%Y-%m-%dT%H:%M:%SZ}", "endsAt": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
            "createdBy": creator, "comment": comment,
        }  # fmt: skip
        assert alertmanager.ask("POST", "/api/v2/silences", stated)[0] == 200
    soon(silencer, alertmanager.silences, sorted([*theirs, ours]))
    give(alpha, at(announce, "u1", starts, withdrawn=True), at=utc_now())
    soon(silencer, alertmanager.silences, sorted(theirs))


@pytest.mark.parametrize("forgets", [False, True])
def test_after_it_was_away_all_is_right_within_seconds(
    alertmanager, silencer, silence_in, alpha, announce, give, forgets
):
    starts = in_days(1)
    recipient = silence_in(alertmanager.url)
    one = reference_of(give(alpha, at(announce, "u1", starts), at=utc_now()))
    two = reference_of(give(alpha, at(announce, "u2", starts, gateway="GW-A2"), at=utc_now()))
    ends = starts + 4 * HOUR
    soon(
        silencer, alertmanager.silences,
        sorted([silence(recipient, one, starts, ends), silence(recipient, two, starts, ends, "GW-A2")]),
    )  # fmt: skip
    alertmanager.kill(forgets=forgets)
    give(alpha, at(announce, "u1", starts, withdrawn=True), at=utc_now())
    for _ in range(4):
        silencer.look()
        time.sleep(0.1)
    alertmanager.start()
    soon(silencer, alertmanager.silences, [silence(recipient, two, starts, ends, "GW-A2")])


class Answering(BaseHTTPRequestHandler):
    """Answers each request as its server says, keeps who asked; hangs where there is nothing to answer."""

    def do_GET(self):
        self.server.signed.append(self.headers["Authorization"])
        answer = self.server.answer if self.command == "GET" else self.server.written
        if answer is None:
            self.server.released.wait()
            return
        status, body = answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.do_GET()

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def faulty():
    """A server that is no Alertmanager: ``.answer`` is what it answers, ``.written`` to a POST; None: nothing."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.answer = server.written = (200, b"[]")
    server.signed, server.released = [], threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


def faults(store):
    with store.reading() as connection:
        return {name: fault for name, (_, fault) in runs.read_bridges(connection).items()}


UNREAD = "its list of silences could not be read"


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ((500, b"[]"), "it answered 500"), ((302, b""), "it answered 302"), ((200, b"<html>"), UNREAD),
        ((200, b"[1]"), UNREAD), ((200, b"[" * 100_000), UNREAD), ((200, b"\xff"), UNREAD),
        ((200, b'[{"createdBy":"closure notices","comment":"[%s]","status":{"state":"active"}}]'), UNREAD),
        (None, "it could not be reached"),
    ],
)  # fmt: skip
def test_what_is_no_alertmanager_is_said_and_holds_up_no_other(
    faulty, alertmanager, silencer, silence_in, store, alpha, announce, give, answer, fault
):
    starts, broken, sound = in_days(1), silence_in(faulty.url), silence_in(alertmanager.url)
    faulty.answer = answer and (answer[0], answer[1].replace(b"%s", broken.id.encode()))
    one = reference_of(give(alpha, at(announce, "u1", starts), at=utc_now()))
    soon(silencer, alertmanager.silences, [silence(sound, one, starts, starts + 4 * HOUR)])
    soon(silencer, partial(faults, store), {broken.id: fault, sound.id: ""})
    faulty.answer = (200, b"[]")
    faulty.released.set()
    soon(silencer, partial(faults, store), {broken.id: "", sound.id: ""})


def test_a_refusal_is_not_over_because_the_last_window_is(faulty, silencer, silence_in, store, alpha, announce, give):
    """Health is told to anybody: what is wrong with an Alertmanager must not tell when a closure ends."""
    starts, recipient, read = in_days(1), silence_in(faulty.url), partial(faults, store)
    soon(silencer, read, {recipient.id: ""})
    faulty.written = (403, b"")
    give(alpha, at(announce, "u1", starts), at=utc_now())
    soon(silencer, read, {recipient.id: "it answered 403"})
    give(alpha, at(announce, "u1", starts, withdrawn=True), at=utc_now())
    before = len(faulty.signed)
    soon(silencer, lambda: len(faulty.signed) > before + 3, True)
    assert read() == {recipient.id: "it answered 403"}
    faulty.written = (200, b"")
    give(alpha, at(announce, "u1", starts), at=utc_now())
    soon(silencer, read, {recipient.id: ""})
    faulty.written = (500, b"")
    give(alpha, at(announce, "u1", starts, 2), at=utc_now())
    soon(silencer, read, {recipient.id: "it answered 500"})
    recipients.remove_recipient(store, recipient.id, utc_now())
    soon(silencer, read, {})


def test_one_that_asks_for_a_sign_in_gets_it(faulty, silencer, silence_in, store):
    plain, named, token = (
        silence_in(faulty.url.replace("//", f"//{sign_in}")) for sign_in in ("", "ops:p%40ss@", "t%2Fken@")
    )
    assert plain.address == named.address == token.address == faulty.url
    soon(silencer, lambda: set(faulty.signed), {None, "Basic b3BzOnBAc3M=", "Bearer t/ken"})


def test_nothing_is_asked_where_another_scheduler_leads(faulty, register, silence_in):
    def deposed():
        raise Deposed("Another one leads.")

    silence_in(faulty.url)
    cut_off = Silencer(register, NEAR, utc_now, deposed)
    cut_off.look()
    time.sleep(0.2)
    with pytest.raises(Deposed):
        cut_off.look()
    cut_off.stop()
    assert faulty.signed == []


def test_a_restarted_scheduler_ends_what_a_removed_recipient_has_left(
    alertmanager, silencer, silence_in, register, store, alpha, announce, give
):
    starts, recipient = in_days(1), silence_in(alertmanager.url)
    one = reference_of(give(alpha, at(announce, "u1", starts), at=utc_now()))
    soon(silencer, alertmanager.silences, [silence(recipient, one, starts, starts + 4 * HOUR)])
    silencer.stop()
    recipients.remove_recipient(store, recipient.id, utc_now())
    following = Silencer(register, NEAR, utc_now, lambda: None)
    soon(following, alertmanager.silences, [])
    soon(following, partial(faults, store), {})
    following.stop()


def test_one_that_was_removed_and_never_answers_is_let_go_of_when_its_windows_are_over(
    faulty, silencer, silence_in, register, store
):
    recipient, read = silence_in(faulty.url), partial(faults, store)
    faulty.answer = (500, b"")
    soon(silencer, read, {recipient.id: "it answered 500"})
    recipients.remove_recipient(store, recipient.id, utc_now())
    before = len(faulty.signed)
    soon(silencer, lambda: len(faulty.signed) > before + 1, True)
    assert read() == {recipient.id: "it answered 500"}
    later = Silencer(register, NEAR, lambda: utc_now() + timedelta(weeks=8, seconds=1), lambda: None)
    soon(later, read, {})
    later.stop()


def test_the_scheduler_process_keeps_them_where_private_addresses_may_be_asked(
    alertmanager, environ, silence_in, store, alpha, announce, give
):
    starts, recipient = in_days(1), silence_in(alertmanager.url)
    one = reference_of(give(alpha, at(announce, "u1", starts), at=utc_now()))

    def run(until, **settings):
        process = subprocess.Popen(
            [sys.executable, "-c", "from app.cli import main; main()", "work"], env=os.environ | environ | settings
        )
        ends = time.monotonic() + 30
        while not until() and time.monotonic() < ends:
            time.sleep(0.1)
        process.terminate()
        assert process.wait(30) == 0

    run(lambda: faults(store) == {recipient.id: "it could not be reached"})
    assert (alertmanager.silences(), faults(store)) == ([], {recipient.id: "it could not be reached"})
    run(lambda: faults(store) == {recipient.id: ""}, CLOSURES_ALLOW_PRIVATE_SOURCES="true")
    assert alertmanager.silences() == [silence(recipient, one, starts, starts + 4 * HOUR)]


def test_what_was_begun_before_a_stop_is_known_to_whoever_comes_after(
    faulty, silencer, silence_in, store, alpha, announce, give
):
    recipient = silence_in(faulty.url)
    give(alpha, at(announce, "u1", in_days(1)), at=utc_now())
    faulty.written = None
    silencer.look()
    while len(faulty.signed) < 2:
        time.sleep(0.01)
    stopping = threading.Thread(target=silencer.stop)
    stopping.start()
    time.sleep(0.1)
    faulty.released.set()
    stopping.join()
    assert faults(store) == {recipient.id: ""}


def test_an_address_stays_and_a_gateway_that_is_not_there_is_refused(silence_in, store, alpha):
    held = silence_in("https://ops:one@am.example", 'gateway="{gateway}"', "GW-A1")

    def change(address, *gateways):
        stated, silencing = read_silencing(address, 'gateway="{gateway}"', gateways)
        recipients.change_recipient(
            store, held.id, label="x", address=stated, kinds=(), digest_hour=None, now=utc_now(), silencing=silencing
        )
        return recipients.find_recipient(store, held.id).recipient.silencing

    with pytest.raises(RecipientRefused):
        change("https://other.example")
    with pytest.raises(Unknown):
        change("https://am.example", "GW-A9")
    with pytest.raises(Unknown):
        silence_in("https://am.example", 'gateway="{gateway}"', "GW-A9")
    assert recipients.find_recipient(store, held.id).recipient == held
    assert change("https://ops:two@am.example/") == Silencing('gateway="{gateway}"', frozenset(), "ops:two")
