"""What the CalDAV door costs over HTTP, beside how many members are held: ``python tests/bench/caldav.py [N ...]``.

One connection; every figure is a median in milliseconds, of the wall clock and of the CPU time of the server's process
tree; every answer is checked. With ``--beside`` Radicale and Xandikos do the same in the same run, from environments of
their own. Nothing here is a test.
"""

import argparse
import http.client
import importlib
import os
import re
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

import psutil

from app.caldav.backend import Condition
from app.caldav.boards.board import board_of_user
from app.caldav.boards.listing_cache import Listings
from app.caldav.boards.member_cache import ReadMembers
from app.factory import prepare
from app.ical.components import read_calendars
from app.register.give import find_sender
from app.register.people import enrolment
from app.settings import read_settings

NOW = datetime.now(UTC)
HOME = "/dav/calendars/ALPHA/GW-1/"
TESTS = Path(__file__).parents[1]
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


ICS = "text/calendar; charset=utf-8"
XML = {"Content_Type": "application/xml; charset=utf-8"}
MANY = 100  # members that are put, asked for together and deleted


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
    """One connection to a server whose calendar is at ``home``; ``tree`` is its process."""

    def __init__(self, connection, user, password, home, tree):
        self.connection, self.home, self.tree = connection, home, psutil.Process(tree)
        self.headers = {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}

    def ask(self, method, path, body=b"", expected=(207,), **headers):
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        cpu = self.cpu()  # looked up outside the time that is taken: it costs as much as a GET
        began = time.perf_counter()
        self.connection.request(method, path, body, self.headers | given)
        answer = self.connection.getresponse()
        found = answer.read()
        spent = (time.perf_counter() - began) * 1000, (self.cpu() - cpu) * 1000
        assert answer.status in expected, (method, path, answer.status, found[:300])
        return spent, found

    def cpu(self):
        times = [one.cpu_times() for one in (self.tree, *self.tree.children(recursive=True))]
        return sum(one.user + one.system for one in times)


def median_of(work, times):
    """The median of the wall clock; of CPU time the mean, since it is counted in hundredths of a second."""
    spent = [work(number) for number in range(times)]
    return statistics.median(wall for wall, _ in spent), statistics.mean(cpu for _, cpu in spent)


def measure(count):
    with tempfile.TemporaryDirectory() as folder:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environ = {
            "CLOSURES_DATA_DIR": f"{folder}/data", "CLOSURES_KEY_DIR": f"{folder}/keys", "CLOSURES_PORT": str(port),
            "CLOSURES_BASE_URL": f"http://127.0.0.1:{port}",
        }  # fmt: skip
        password = fill(read_settings(environ), count)
        server = subprocess.Popen(
            [sys.executable, "-c", "from app.cli import main; main()", "serve"], env=os.environ | environ
        )
        try:
            wait_for(port)
            connection = http.client.HTTPConnection("127.0.0.1", port)
            return exercise(Client(connection, "ALPHA", password, HOME, server.pid), count)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


def measure_peer(name, count):
    """The same of Radicale or Xandikos, started as the tests of sources start them."""
    sys.path.insert(0, str(TESTS.parent))
    tests, sources = (importlib.import_module(name) for name in ("tests.conftest", "tests.sources.conftest"))
    with tempfile.TemporaryDirectory() as folder:
        peer = getattr(sources, f"start_{name}")(Path(folder), tests.make_environment)
        try:
            kind = http.client.HTTPSConnection if peer.tls else http.client.HTTPConnection
            connection = kind(peer.host, peer.port, **({"context": peer.tls} if peer.tls else {}))
            client = Client(connection, sources.USERNAME, sources.PASSWORD, peer.path, peer.process.pid)
            client.ask("PUT", f"{peer.path}0.ics", octets_of(0), (201, 204), Content_Type=ICS)
            stock(next(Path(folder).rglob("0.ics")).parent, count)
            client.ask("PROPFIND", peer.path, LIST, Depth="1", **XML)  # it reads what it finds
            return exercise(client, count)
        finally:
            peer.process.terminate()
            peer.process.wait(30)


def stock(calendar, count):
    """Put the files of a calendar into its folder, which Xandikos keeps in Git: 10,000 PUTs take them six minutes."""
    for number in range(1, count):
        (calendar / f"{number}.ics").write_bytes(octets_of(number))
    if (calendar / ".git").is_dir():
        for words in (
            ("add", "."),
            ("-c", "user.name=bench", "-c", "user.email=b@example.org", "commit", "-qm", "All"),
        ):
            subprocess.run(["git", *words], cwd=calendar, check=True)


def fill(settings, count):
    service = prepare(settings, NOW)
    try:
        store = service.store
        enrolment.enrol_user(store, "ALPHA", "Alpha Energy")
        enrolment.enrol_gateway(store, "ALPHA", "GW-1")
        _, password = enrolment.issue_token(store, label="bench", now=NOW, user_code="ALPHA")
        kept_ready = {"listings": Listings(), "read_members": ReadMembers()}
        board = board_of_user(service.register, find_sender(service.register, "ALPHA"), "bench", NOW, **kept_ready)
        collection = board.collection("ALPHA", "GW-1")
        for number in range(count):
            board.put(collection, f"{number}.ics", read_calendars(octets_of(number)), Condition())
    finally:
        service.close()
    return password


def wait_for(port):
    for _ in range(1_200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


def exercise(client, count):
    first, home = max(count, 1), client.home

    def put(number, hours, expected, **headers):
        body = octets_of(first + number, hours)
        return client.ask("PUT", f"{home}new-{number}.ics", body, expected, Content_Type=ICS, **headers)[0]

    token = []

    def sync_one(number):
        if not token:
            token.append(token_of(client.ask("REPORT", home, SYNC.format(""), **XML)[1]))
        put(number, 48, (201, 204))
        spent, found = client.ask("REPORT", home, SYNC.format(token[0]), **XML)
        assert found.count(b"new-") == 1, found[:300]
        token[0] = token_of(found)
        return spent

    def query(number):
        day = NOW + timedelta(days=60 + number)
        span = f"{day:%Y%m%dT000000Z}", f"{day + timedelta(days=7):%Y%m%dT000000Z}"
        spent, found = client.ask("REPORT", home, QUERY.format(*span), Depth="1", **XML)
        assert b"BEGIN:VEVENT" in found or count < MANY
        return spent

    def multiget(_):
        hrefs = "".join(f"<D:href>{home}new-{number}.ics</D:href>" for number in range(MANY))
        spent, found = client.ask("REPORT", home, MULTIGET.format(hrefs), Depth="1", **XML)
        assert found.count(b"BEGIN:VEVENT") == MANY
        return spent

    def listing(_):
        spent, found = client.ask("PROPFIND", home, LIST, Depth="1", **XML)
        assert found.count(b".ics") == count + MANY
        return spent

    return {
        "PUT new": median_of(lambda number: put(number, 0, (201,), If_None_Match="*"), MANY),
        "PUT update": median_of(lambda number: put(number, 24, (201, 204)), MANY),
        "GET": median_of(lambda number: client.ask("GET", f"{home}new-{number}.ics", b"", (200,))[0], MANY),
        "sync 1 change": median_of(sync_one, 20),
        "first sync": median_of(lambda _: client.ask("REPORT", home, SYNC.format(""), **XML)[0], 4),
        "PROPFIND Depth 1": median_of(listing, 4),
        "query 7 days, first": median_of(query, 1),
        "query 7 days": median_of(query, 10),
        f"multiget {MANY}": median_of(multiget, 5),
        "DELETE": median_of(lambda number: client.ask("DELETE", f"{home}new-{number}.ics", b"", (200, 204))[0], MANY),
    }


def token_of(found):
    return re.search(rb"sync-token>([^<]*)<", found)[1].decode()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", nargs="*", type=int, default=[1_000, 10_000])
    parser.add_argument("--beside", action="store_true", help="run Radicale and Xandikos too")
    asked = parser.parse_args()
    for count in asked.counts:
        found = {"ours": measure(count)}
        if asked.beside:
            found |= {name: measure_peer(name, count) for name in ("radicale", "xandikos")}
        print(f"{count} held".rjust(20), *(name.rjust(24) for name in found), "   (wall ms / CPU ms)")
        for name, ours in found["ours"].items():
            ratios = [
                f"{wall:9.2f} /{cpu:7.2f}" + f"{wall / ours[0]:5.1f}x".rjust(7)
                for wall, cpu in (one[name] for one in found.values())
            ]
            print(name.rjust(20), *ratios, flush=True)


if __name__ == "__main__":
    main()
