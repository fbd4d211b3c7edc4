"""What the CalDAV door costs over HTTP, beside how many members are held: ``python tests/bench/caldav.py [N ...]``.

One connection; every figure is a median in milliseconds; every answer is checked. Nothing here is a test.
"""

import argparse
import http.client
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.caldav.backend import Condition
from app.caldav.listings import Listings
from app.caldav.noticeboard import Noticeboard
from app.caldav.read_members import ReadMembers
from app.factory import prepare
from app.register import enrolment
from app.settings import read_settings
from app.store import parties

NOW = datetime.now(UTC)
HOME = "/dav/calendars/ALPHA/GW-1/"
LIST = '<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>'
SYNC = (
    '<D:sync-collection xmlns:D="DAV:"><D:sync-token>{}</D:sync-token><D:sync-level>1</D:sync-level>'
    "<D:prop><D:getetag/></D:prop></D:sync-collection>"
)
QUERY = (
    '<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><D:getetag/><C:calendar-data/>'
    '</D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="{}" end="{}"/>'
    "</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
)
MULTIGET = (
    '<C:calendar-multiget xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><D:getetag/><C:calendar-data/>'
    "</D:prop>{}</C:calendar-multiget>"
)


def octets_of(number, hours=0):
    starts = NOW.replace(minute=0, second=0, microsecond=0) + timedelta(days=30, hours=number % 8000 + hours)
    rule = "RRULE:FREQ=WEEKLY;COUNT=5\r\n" if number % 20 == 0 else ""
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//bench//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:bench-{number}@example.com\r\nDTSTAMP:20261101T090000Z\r\nDTSTART:{starts:%Y%m%dT%H%M%SZ}\r\n"
        f"DTEND:{starts + timedelta(hours=4):%Y%m%dT%H%M%SZ}\r\n{rule}SEQUENCE:0\r\nSUMMARY:Closed for work {number}\r\n"
        f"DESCRIPTION:{'Words about the change. ' * 12}\r\nLOCATION:GW-1\r\nCLASS:PUBLIC\r\nSTATUS:CONFIRMED\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


class Client:
    def __init__(self, port, password):
        self.connection = http.client.HTTPConnection("127.0.0.1", port)
        self.headers = {"Authorization": "Basic " + b64encode(f"ALPHA:{password}".encode()).decode()}

    def ask(self, method, path, body=b"", expected=207, **headers):
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        began = time.perf_counter()
        self.connection.request(method, path, body, self.headers | given)
        answer = self.connection.getresponse()
        found = answer.read()
        spent = (time.perf_counter() - began) * 1000
        assert answer.status == expected, (method, path, answer.status, found[:300])
        return spent, found, answer


def median_of(work, times):
    return statistics.median(work(number) for number in range(times))


def measure(count):
    with tempfile.TemporaryDirectory() as folder:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environ = {
            "CLOSURES_DATA_DIR": f"{folder}/data", "CLOSURES_KEY_DIR": f"{folder}/keys", "CLOSURES_PORT": str(port),
            "CLOSURES_BASE_URL": f"http://127.0.0.1:{port}",
        }  # fmt: skip
        password, filled = fill(read_settings(environ), count)
        server = subprocess.Popen([sys.executable, "-m", "app.wsgi"], env=os.environ | environ)
        try:
            wait_for(port)
            figures = exercise(Client(port, password), count)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)
        size = sum(file.stat().st_size for file in Path(folder, "data").iterdir())
        return {"held": count, "put here": filled, **figures, "octets each": size / max(count, 1)}


def fill(settings, count):
    service = prepare(settings, NOW)
    try:
        store = service.store
        user = enrolment.enrol_user(store, "ALPHA", "Alpha Energy")
        enrolment.enrol_gateway(store, "ALPHA", "GW-1")
        _, password = enrolment.issue_token(store, label="bench", now=NOW, user_code="ALPHA")
        with store.reading() as connection:
            gateways = parties.gateways_of(store, connection, user.id)
        board = Noticeboard(service.register, Listings(), ReadMembers(), user, gateways, "bench", NOW)
        collection = board.collection("ALPHA", "GW-1")
        spent = []
        for number in range(count):
            began = time.perf_counter()
            board.put(collection, f"{number}.ics", octets_of(number), Condition())
            spent.append((time.perf_counter() - began) * 1000)
    finally:
        service.close()
    return password, statistics.median(spent) if spent else 0.0


def wait_for(port):
    for _ in range(1_200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


def exercise(client, count):
    first = max(count, 1)

    def put_new(number):
        name = f"{HOME}new-{number}.ics"
        return client.ask("PUT", name, octets_of(first + number), 201, Content_Type="text/calendar", If_None_Match="*")[
            0
        ]

    def put_again(number):
        body = octets_of(first + number, hours=24)
        return client.ask("PUT", f"{HOME}new-{number}.ics", body, 204, Content_Type="text/calendar")[0]

    token = []

    def sync_one(number):
        if not token:
            token.append(token_of(client.ask("REPORT", HOME, SYNC.format(""))[1]))
        client.ask(
            "PUT", f"{HOME}new-{number}.ics", octets_of(first + number, hours=48), 204, Content_Type="text/calendar"
        )
        spent, found, _ = client.ask("REPORT", HOME, SYNC.format(token[0]))
        assert found.count(b"<D:response>") == 1, found
        token[0] = token_of(found)
        return spent

    def query(number):
        day = NOW + timedelta(days=60 + number)
        body = QUERY.format(f"{day:%Y%m%dT000000Z}", f"{day + timedelta(days=7):%Y%m%dT000000Z}")
        return client.ask("REPORT", HOME, body, Depth="1")[0]

    def multiget(_):
        hrefs = "".join(f"<D:href>{HOME}new-{number}.ics</D:href>" for number in range(100))
        spent, found, _ = client.ask("REPORT", HOME, MULTIGET.format(hrefs), Depth="1")
        assert found.count(b"BEGIN:VEVENT") == 100
        return spent

    def delete(number):
        return client.ask("DELETE", f"{HOME}new-{number}.ics", expected=204)[0]

    def listing(_):
        spent, found, _ = client.ask("PROPFIND", HOME, LIST, Depth="1")
        assert found.count(b"<D:response>") == count + 101
        return spent

    return {
        "PUT new": median_of(put_new, 100),
        "PUT update": median_of(put_again, 100),
        "sync 1 change": median_of(sync_one, 50),
        "first sync": median_of(lambda _: client.ask("REPORT", HOME, SYNC.format(""))[0], 5),
        "PROPFIND Depth 1": median_of(listing, 5),
        "query 7 days": median_of(query, 20),
        "multiget 100": median_of(multiget, 10),
        "DELETE": median_of(delete, 100),
    }


def token_of(found):
    return found.partition(b"<D:sync-token>")[2].partition(b"</D:sync-token>")[0].decode()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", nargs="*", type=int, default=[100, 10_000])
    for count in parser.parse_args().counts:
        for name, figure in measure(count).items():
            print(f"{name:>18} {figure:10,.2f}")


if __name__ == "__main__":
    main()
