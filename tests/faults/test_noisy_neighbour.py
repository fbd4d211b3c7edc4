"""One User asks for all that it can, of the running service: its neighbour is answered, it is refused with words.

What it costs the neighbour in time is measured by ``make neighbour``.
"""

import http.client
import json
import os
import threading
from base64 import b64encode
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from app.register.people.enrolment import enrol_gateway, enrol_user, issue_token
from tests.faults.test_crash import Service, free_port

pytestmark = pytest.mark.slow

CONNECTIONS, RULES, INSTANCES = 8, 10, 200
LIMITS = {"CLOSURES_PLANNED_PER_USER": "1500", "CLOSURES_REPORT_OCTETS": "1000000", "CLOSURES_REPORT_INSTANCES": "1000"}
NOISY, CALM = "/dav/calendars/NOISY/GW-N1/", "/dav/calendars/CALM/GW-C1/"
PROPFIND = '<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>'


class Asker:
    """One connection of one User."""

    def __init__(self, port, code, token):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.headers = {"Authorization": "Basic " + b64encode(f"{code}:{token}".encode()).decode()}

    def ask(self, method, path, body="", **headers):
        self.connection.request(method, path, body.encode(), {**self.headers, **headers})
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()

    def close(self):
        self.connection.close()

    def put(self, number, now):
        return self.ask("PUT", f"{NOISY}{number}.ics", rule(number, now), **{"Content-Type": "text/calendar"})


def rule(number, now):
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:noise-{number}\r\nDTSTAMP:{now:%Y%m%dT%H%M%SZ}\r\nDTSTART:{now + timedelta(days=2):%Y%m%d}T020000Z\r\n"
        f"DURATION:PT1H\r\nRRULE:FREQ=DAILY;COUNT={INSTANCES}\r\nDESCRIPTION:{'noise ' * 1500}\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )


def reports(now):
    span = f'start="{now:%Y%m%dT%H%M%SZ}" end="{now + timedelta(days=800):%Y%m%dT%H%M%SZ}"'
    names = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
    expand = f"<D:prop><C:calendar-data><C:expand {span}/></C:calendar-data></D:prop>"
    return {
        "expand": f'<C:calendar-query {names}>{expand}<C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>',
        "busy": f"<C:free-busy-query {names}><C:time-range {span}/></C:free-busy-query>",
    }


@pytest.fixture
def running(service, environ):
    """The service over two Users; returns a function that opens a connection of one."""
    now, tokens = datetime.now(UTC), {}
    for code, gateway in (("NOISY", "GW-N1"), ("CALM", "GW-C1")):
        enrol_user(service.store, code, f"{code.title()} Energy")
        enrol_gateway(service.store, code, gateway)
        tokens[code] = issue_token(service.store, label="test", now=now, user_code=code)[1]
    port = free_port()
    started = Service(os.environ | environ | LIMITS | {"CLOSURES_PORT": str(port)}, port)
    try:
        started.wait()
        with ExitStack() as connections:
            yield lambda code: connections.enter_context(closing(Asker(port, code, tokens[code])))
    finally:
        started.kill()


def make_noise(asker, rules, answers, now, all_put):
    """PUT what is left of the rules, then ask for everything."""
    while rules:
        answers.append(("put", *asker.put(rules.pop(), now)))
    all_put.wait(300)
    for _ in range(3):
        answers.extend((kind, *asker.ask("REPORT", NOISY, body, Depth="1")) for kind, body in reports(now).items())


def live_beside(asker, noise, now):
    """Give notices, and read, for as long as there is noise; return what was answered, by kind."""
    answers = set()
    number = 0
    while any(thread.is_alive() for thread in noise):
        number += 1
        starts = now + timedelta(days=3 + number % 50)
        closure = {
            "starts": f"{starts:%FT%TZ}",
            "ends": f"{starts + timedelta(hours=1):%FT%TZ}",
            "reference": str(number % 50),
        }
        notice = json.dumps({"closures": [closure]})
        answers.add(("notice", asker.ask("POST", "/api/v1/notices", notice, **{"Content-Type": "application/json"})[0]))
        answers.add(("closures", asker.ask("GET", "/api/v1/closures")[0]))
        answers.add(("calendar", asker.ask("PROPFIND", CALM, PROPFIND, Depth="1")[0]))
        answers.add(("livez", asker.ask("GET", "/livez")[0]))
    return answers


def conditions(text):
    """Return the names of the conditions in a DAV:error, and what it says."""
    error = etree.fromstring(text.encode())
    return [etree.QName(one).localname for one in error], error.findtext(".//{DAV:}responsedescription")


def test_a_noisy_user_is_refused_and_its_neighbour_served(running):
    now, answers, rules = datetime.now(UTC), [], list(range(RULES))
    noisy, all_put = [running("NOISY") for _ in range(CONNECTIONS)], threading.Barrier(CONNECTIONS)
    noise = [threading.Thread(target=make_noise, args=(asker, rules, answers, now, all_put)) for asker in noisy]
    for thread in noise:
        thread.start()
    beside = live_beside(running("CALM"), noise, now)
    assert beside == {("notice", 200), ("closures", 200), ("calendar", 207), ("livez", 200)}
    kinds = {(kind, status) for kind, status, _, _ in answers} - {("expand", 503), ("busy", 503)}
    assert kinds == {("put", 201), ("put", 507), ("expand", 507), ("busy", 507)}
    said = {(kind, *map(str, conditions(text))) for kind, status, _, text in answers if status == 507}
    assert said == {
        ("put", "['quota-not-exceeded']",
         (f"NOISY has 1,400 closures planned and may have 1,500; this notice holds {INSTANCES} new ones. Nothing of it was "
         "recorded. Withdraw what is planned no more, give series an earlier end, or ask the operator for more.")),
        ("expand", "['number-of-matches-within-limits']",
         ("The answer would be larger than 1,000,000 octets, the most that one report returns; ask for a shorter "
         "time-range, for fewer members, or for less of each.")),
        ("busy", "['number-of-matches-within-limits']",
         ("More than 1,000 members and instances would be in the answer, the most that one report returns; ask for a "
         "shorter time-range.")),
    }  # fmt: skip
    later = {(bool(headers["Retry-After"]), "one at a time" in text)
             for _, status, headers, text in answers if status == 503}  # fmt: skip
    assert later <= {(True, True)}
