"""A source that answers badly, in whatever way, changes nothing in the register and says why; then it recovers."""

import gzip
import threading

import pytest

from app.pulling import http_client as outbound_module
from app.pulling.fetch_failure import words_of
from app.store.sources import OK


def page(_method, _headers):
    return 200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><html><body>Sign in</body></html>"


def page_in_disguise(_method, _headers):
    return 200, {"Content-Type": "text/calendar"}, b"<html><body>Sign in</body></html>"


def nothing(_method, _headers):
    return 200, {"Content-Type": "text/calendar"}, b""


def an_empty_calendar(_method, _headers):
    return 200, {"Content-Type": "text/calendar"}, b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"


def fault(_method, _headers):
    return 500, {}, b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"


def to_loopback(_method, _headers):
    return 302, {"Location": "http://127.0.0.1:1/changes.ics"}, b""


def to_the_inside(_method, _headers):
    return 301, {"Location": "http://10.0.0.1/changes.ics"}, b""


def to_metadata(_method, _headers):
    return 307, {"Location": "http://169.254.169.254/latest/"}, b""


def fifty_megabytes(_method, _headers):
    def send(out):
        out.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/calendar\r\n\r\n")
        for _ in range(50):
            out.write(b"X" * 1_000_000)

    return send


BOMB = gzip.compress(b"BEGIN:VCALENDAR\r\n" + b"X" * 50_000_000)


def bomb(_method, _headers):
    return 200, {"Content-Type": "text/calendar", "Content-Encoding": "gzip"}, BOMB


def drip(_method, _headers):
    def send(out):
        out.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/calendar\r\n\r\n")
        while True:
            out.write(b"B")
            threading.Event().wait(0.02)

    return send


def hang(_method, _headers):
    return lambda _out: threading.Event().wait(2)


BAD = [
    (page, "not-calendar"),
    (page_in_disguise, "not-calendar"),
    (nothing, "not-calendar"),
    (an_empty_calendar, "no-events"),
    (fault, "answer 500"),
    (to_loopback, "redirected"),
    (to_the_inside, "redirected"),
    (to_metadata, "redirected"),
    (fifty_megabytes, "too-large"),
    (bomb, "too-large"),
    (drip, "too-slow"),
    (hang, "too-slow"),
]


@pytest.mark.parametrize(("bad", "outcome"), BAD, ids=lambda part: getattr(part, "__name__", part))
def test_nothing_changes_and_the_reason_is_kept(
    watch_either, site, near, written, an_event, a_calendar, bad, outcome, monkeypatch
):
    good = a_calendar(*(an_event(f"u{day}", f"202612{day:02}T020000Z") for day in (6, 7, 8)))
    site.show(good)
    watched = watch_either(site.url, near)
    assert watched.poll().standing.outcome == OK
    before, closures, dates = written(), watched.closures(), watched.dates()
    assert len(closures + dates) == 3
    if outcome == "too-slow":
        monkeypatch.setattr(outbound_module, "_SECONDS", 0.3)
    site.answer = bad
    reports = [watched.poll() for _ in range(3)]
    assert [(one.standing.outcome, one.standing.failures) for one in reports] == [(outcome, n) for n in (1, 2, 3)]
    assert (written(), watched.closures(), watched.dates()) == (before, closures, dates)
    assert all(words_of(outcome))
    site.show(good)
    assert (watched.poll().standing.outcome, written()) == (OK, before)


@pytest.mark.parametrize("octets", [10, 60, 200, 300, -3, -20], ids=lambda n: f"cut at {n}")
def test_a_calendar_that_breaks_off_changes_nothing(watch_either, site, near, written, an_event, a_calendar, octets):
    good = a_calendar(an_event("u1", "20261206T020000Z"), an_event("u2", "20261207T020000Z"))
    site.show(good)
    watched = watch_either(site.url, near)
    watched.poll()
    before = written()
    site.show(good[:octets])
    assert [watched.poll().standing.outcome for _ in range(3)][-1] in {"broken-off", "not-calendar"}
    assert written() == before


@pytest.mark.parametrize("bad", [page, nothing, an_empty_calendar, fault, to_loopback, fifty_megabytes, bomb])
def test_a_source_that_is_bad_from_the_start_brings_nothing(watch_either, site, near, written, bad):
    watched = watch_either(site.url, near)
    before = written()
    site.answer = bad
    assert (watched.poll().standing.outcome != OK, written()) == (True, before)


def test_a_source_inside_is_not_reached_unless_the_site_allows_it(watch_either, site, near, written):
    from app.pulling.http_client import Outbound

    watched = watch_either(site.url.replace("http:", "https:"), Outbound())
    assert (watched.poll().standing.outcome, site.asked) == ("address", [])
