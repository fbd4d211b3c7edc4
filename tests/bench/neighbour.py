"""One User asks for all that it can while another goes about its day: ``python tests/bench/neighbour.py [SECONDS]``.

The noisy User PUTs forty daily rules of 9 kB by eight connections and then asks for everything, expanded and as busy
times, over and over. Its neighbour gives small notices, reads its closures, its calendar and /livez, alone at first and
then beside it. Printed are both, and how many times slower the second is (docs/targets.md: p99 at most three times).
Nothing here is a test.
"""

import argparse
import collections
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from feeds_and_intake import free_port, wait_for
from load import basic

from app.factory import prepare
from app.register.people import enrolment
from app.settings import read_settings

RULES, CONNECTIONS = 40, 8
KINDS = ("notice", "closures", "calendar", "livez")
PAUSE_SECONDS = 0.05


def daily_rule(number, now):
    """Return a rule of 400 days, as a calendar program would send it with a long description: 9 kB."""
    words = "".join(f"\r\n {'noise ' * 11}" for _ in range(130))
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//bench//neighbour//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:noise-{number}\r\nDTSTAMP:{now:%Y%m%dT%H%M%SZ}\r\nDTSTART:{now + timedelta(days=2):%Y%m%d}T020000Z\r\n"
        f"DURATION:PT1H\r\nRRULE:FREQ=DAILY;COUNT=400\r\nSUMMARY:Noise\r\nDESCRIPTION:{words}\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


def reports(now):
    """Return the bodies of what the noisy User asks for: everything expanded, and everything as busy times."""
    span = f'start="{now:%Y%m%dT%H%M%SZ}" end="{now + timedelta(days=800):%Y%m%dT%H%M%SZ}"'
    dav, caldav = 'xmlns:D="DAV:"', 'xmlns:C="urn:ietf:params:xml:ns:caldav"'
    expand = (
        f"<C:calendar-query {dav} {caldav}><D:prop><C:calendar-data><C:expand {span}/></C:calendar-data></D:prop>"
        '<C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>'
    )
    return [expand.encode(), f"<C:free-busy-query {caldav}><C:time-range {span}/></C:free-busy-query>".encode()]


class Answers:
    """How long each kind of request took, and what was answered, from every thread."""

    def __init__(self):
        self.lock, self.spent, self.statuses = threading.Lock(), collections.defaultdict(list), collections.Counter()

    def ask(self, connection, kind, method, path, headers, body=None):
        began, status = time.perf_counter(), "none"
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, HTTPException):
            connection.close()
        with self.lock:
            self.spent[kind].append((time.perf_counter() - began) * 1000)
            self.statuses[kind, status] += 1


def neighbour(port, secret, answers, until, now):
    """Give a notice, read closures and the calendar, ask whether it lives; with pauses, until the time is up."""
    connection, chance = HTTPConnection("127.0.0.1", port, timeout=60), random.Random(1)
    headers = basic("CALM", secret)
    listing = b'<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>'
    while time.monotonic() < until:
        starts = now + timedelta(days=3 + chance.randrange(300), hours=chance.randrange(20))
        ends, number = starts + timedelta(hours=2), chance.randrange(50)
        notice = f'{{"closures":[{{"starts":"{starts:%FT%TZ}","ends":"{ends:%FT%TZ}","reference":"calm-{number}"}}]}}'
        json = headers | {"Content-Type": "application/json"}
        answers.ask(connection, "notice", "POST", "/api/v1/notices", json, notice)
        answers.ask(connection, "closures", "GET", "/api/v1/closures?limit=20", headers)
        answers.ask(connection, "calendar", "PROPFIND", "/dav/calendars/CALM/GW-C1/", headers | {"Depth": "1"}, listing)
        answers.ask(connection, "livez", "GET", "/livez", {})
        time.sleep(PAUSE_SECONDS)


def noise(port, secret, answers, until, rules, now):
    """PUT what is left of the rules, then ask for everything until the time is up."""
    connection, headers = HTTPConnection("127.0.0.1", port, timeout=120), basic("NOISY", secret)
    place, bodies = "/dav/calendars/NOISY/GW-N1/", reports(now)
    while rules:
        number, calendar = rules.pop(), headers | {"Content-Type": "text/calendar"}
        answers.ask(connection, "put", "PUT", f"{place}{number}.ics", calendar, daily_rule(number, now))
    while time.monotonic() < until:
        for name, body in zip(("expand", "free-busy"), bodies, strict=True):
            answers.ask(connection, name, "REPORT", place, headers | {"Depth": "1"}, body)


def set_up(settings, now):
    """Enrol both Users; return their app passwords."""
    service, secrets = prepare(settings, now), []
    for code, gateway in (("NOISY", "GW-N1"), ("CALM", "GW-C1")):
        enrolment.enrol_user(service.store, code, f"{code.title()} Energy")
        enrolment.enrol_gateway(service.store, code, gateway)
        secrets.append(enrolment.issue_token(service.store, label="bench", now=now, user_code=code)[1])
    service.close()
    return secrets


def percentiles(spent):
    ranks = statistics.quantiles(spent, n=100) if len(spent) > 1 else spent * 99
    return ranks[49], ranks[98], max(spent)


def run(port, secrets, seconds, now):
    """Return the neighbour's answers alone and beside the noise, and the noisy User's own."""
    noisy, calm = secrets
    alone, beside, loud = Answers(), Answers(), Answers()
    neighbour(port, calm, Answers(), time.monotonic() + 2, now)  # both processes have opened what they need
    neighbour(port, calm, alone, time.monotonic() + seconds, now)
    until, rules = time.monotonic() + seconds, list(range(RULES))
    threads = [threading.Thread(target=noise, args=(port, noisy, loud, until, rules, now)) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    neighbour(port, calm, beside, until, now)
    for thread in threads:
        thread.join()
    return alone, beside, loud


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", nargs="?", type=float, default=30.0)
    seconds, now = parser.parse_args().seconds, datetime.now(UTC)
    folder, port = Path(tempfile.mkdtemp()), free_port()
    environ = {
        "CLOSURES_DATA_DIR": str(folder / "data"), "CLOSURES_KEY_DIR": str(folder / "keys"), "CLOSURES_PORT": str(port),
    }  # fmt: skip
    secrets = set_up(read_settings(environ), now)
    program = [sys.executable, "-c", "from app.cli import main; main()", "up"]
    server = subprocess.Popen(program, env=os.environ | environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        alone, beside, loud = run(port, secrets, seconds, now)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
    for kind in KINDS:
        (quiet_50, quiet_99, _), (noisy_50, noisy_99, worst) = map(percentiles, (alone.spent[kind], beside.spent[kind]))
        print(
            f"{kind:<9} quiet p50 {quiet_50:7.1f} p99 {quiet_99:7.1f}   noisy p50 {noisy_50:7.1f} p99 {noisy_99:7.1f} "
            f"worst {worst:8.1f} ms   p99 x {noisy_99 / quiet_99:.1f}"
        )
    print(f"answers to the neighbour: {sorted(map(str, beside.statuses.items()))}")
    print(f"answers to the noisy User: {sorted(map(str, loud.statuses.items()))}")


if __name__ == "__main__":
    main()
