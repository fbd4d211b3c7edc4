"""What the spine costs beside what it cannot do without, in one run: ``python tests/bench/feeds_and_intake.py [N]``.

Every figure is a median; what counts is the ratio. Nothing here is a test.
"""

import argparse
import http.client
import json
import os
import shutil
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

import icalendar

from app.domain.notice import Announcement, Channel, Notice, NoticeContent
from app.domain.window import ClosureWindow
from app.factory import create_app, prepare
from app.ical.limits import Limits
from app.intake.media import read_notice
from app.intake.read_request import ReadRequest
from app.register.people import enrolment
from app.register.receive import receive_notice
from app.settings import read_settings
from app.store.engine import read_head
from feeds.scope import FeedScope, ScopeKind

NOW = datetime.now(UTC)
BARE = """
import sys, hashlib
from flask import Flask, Response, request
body = open(sys.argv[1], 'rb').read()
app = Flask('bare')
@app.get('/304')
def fresh(): return Response(status=304, headers={'ETag': '"x"'})
def wsgi(environ, start):
    if environ['PATH_INFO'] == '/304': return app(environ, start)
    start('200 OK', [('Content-Type', 'text/calendar'), ('Content-Length', str(len(body)))]); return [body]
from gunicorn.app.base import BaseApplication
class Server(BaseApplication):
    def load_config(self):
        for name, value in dict(bind='127.0.0.1:' + sys.argv[2], workers=2, worker_class='gthread', threads=4, keepalive=15, loglevel='warning', control_socket_disable=True).items():
            if name in self.cfg.settings: self.cfg.set(name, value)
    def load(self): return wsgi
Server().run()
"""
NGINX = """
user root; worker_processes 2; daemon off; error_log stderr crit; pid {folder}/nginx.pid;
events {{}}
http {{
  access_log off;
  server {{ listen 127.0.0.1:{port}; keepalive_requests 1000000; root {folder}/static; }}
}}
"""


def median_ms(work, times):
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent)


def event(number, start):
    return (
        f"BEGIN:VEVENT\r\nUID:bench-{number}@example.com\r\nDTSTAMP:20261101T090000Z\r\n"
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}\r\nDTEND:{start + timedelta(hours=4):%Y%m%dT%H%M%SZ}\r\nSEQUENCE:0\r\n"
        f"SUMMARY:Gateway closed for work {number}\r\nDESCRIPTION:{'Words about the change. ' * 12}\r\n"
        "LOCATION:GW-1\r\nCLASS:PUBLIC\r\nTRANSP:OPAQUE\r\nPRIORITY:5\r\nSTATUS:CONFIRMED\r\nEND:VEVENT\r\n"
    )


def calendar(count, first=0, starts=None):
    starts = starts or NOW.replace(microsecond=0) + timedelta(days=30)
    events = (event(first + number, starts + timedelta(hours=number)) for number in range(count))
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//bench//EN\r\n" + "".join(events) + "END:VCALENDAR\r\n"
    ).encode()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(connection, path, headers=None, body=None):
    connection.request("POST" if body else "GET", path, body=body, headers=headers or {})
    answer = connection.getresponse()
    return answer.status, answer.read(), answer


def memory_of(pid):
    import psutil

    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    full = [one.memory_full_info() for one in family]
    return sum(one.rss for one in full) / 1e6, sum(one.pss for one in full) / 1e6, len(family)


def wait_for(port):
    for _ in range(4_000):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("a server did not come up")


def start_nginx(folder):
    """Start nginx over the same octets as a file; (None, 0) where it is not installed."""
    program = shutil.which("nginx")
    if program is None:
        return None, 0
    port, static = free_port(), folder / "static"
    static.mkdir()
    folder.chmod(0o755)
    shutil.copy(folder / "body", static / "feed.ics")
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    process = subprocess.Popen([program, "-p", str(folder), "-c", str(folder / "nginx.conf")])
    wait_for(port)
    return process, port


def beside_nginx(to_us, path, credential, port):
    """The same feed, and a 304 of it, by us and by nginx, in turn."""
    to_nginx = http.client.HTTPConnection("127.0.0.1", port)
    (_, _, ours), (_, _, theirs) = get(to_us, path, credential), get(to_nginx, "/feed.ics")

    def compare(name, expected, ours, theirs, times):
        asked = (lambda: get(to_us, path, ours), lambda: get(to_nginx, "/feed.ics", theirs))
        assert [ask()[0] for ask in asked] == [expected, expected]
        pairs = [[median_ms(ask, times) for ask in asked] for _ in range(6)]
        mine, others = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"{name}: {mine:.2f} ms; nginx with the same octets {others:.2f} ms; ratio {mine / others:.1f}")

    compare("warm GET of the whole feed", 200, credential, {}, 10)
    known = credential | {"If-None-Match": ours.headers["ETag"]}
    compare("304", 304, known, {"If-None-Match": theirs.headers["ETag"]}, 100)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("count", nargs="?", type=int, default=10_000)
    count = parser.parse_args().count
    folder = Path(tempfile.mkdtemp())
    environ = {"CLOSURES_DATA_DIR": str(folder / "data"), "CLOSURES_KEY_DIR": str(folder / "keys")}
    settings = read_settings(environ)
    service = prepare(settings, NOW)
    user = enrolment.enrol_user(service.store, "BENCH", "Bench Energy")
    enrolment.enrol_gateway(service.store, "BENCH", "GW-1")
    _, password = enrolment.issue_token(service.store, label="bench", now=NOW, user_code="BENCH")
    feed = enrolment.add_subscription(
        service.store, scope_text="full", label="bench", secret_url=False, past_days=30, horizon_days=548, now=NOW
    )
    limits = Limits(octets=100_000_000, events=100_000)
    asking = ReadRequest(now=NOW, gateways=("GW-1",), limits=limits)

    print("== upload of 1,000 events, in process")
    octets = calendar(1_000, 1_000_000)
    parse = median_ms(lambda: icalendar.Calendar.from_ical(octets), 3)
    read = median_ms(lambda: read_notice(octets, "text/calendar", asking), 3)
    began = time.perf_counter()
    reading = read_notice(octets, "text/calendar", asking)
    receive_notice(service.register, user, Notice("BENCH", Channel.UPLOAD, NOW, "text/calendar", octets), reading)
    whole = (time.perf_counter() - began) * 1000
    print(
        f"icalendar's own parse {parse:.0f} ms; our reading {read:.0f} ms ({read / parse:.2f} x); read and recorded {whole:.0f} ms ({whole / parse:.2f} x)"
    )

    print(f"== import of {count:,}")
    octets = calendar(count)
    began = time.perf_counter()
    reading = read_notice(octets, "text/calendar", asking)
    receive_notice(service.register, user, Notice("BENCH", Channel.UPLOAD, NOW, "text/calendar", octets), reading)
    spent = time.perf_counter() - began
    enrolment.issue_token(
        service.store, label="next", now=NOW, user_code="BENCH"
    )  # the next write: only then does the WAL begin again
    held = sum(file.stat().st_size for file in (folder / "data").iterdir())
    print(
        f"{spent:.2f} s for {len(reading.announcements):,} events; on disk {held / (count + 1000):.0f} octets an event"
    )

    print("== publishing, in process")
    app = create_app(settings)
    publishing = app.extensions["closures"].publishing
    scope = FeedScope(ScopeKind.FULL)

    def publish():
        with service.store.reading() as connection:
            head = read_head(connection)
        return publishing.feed(scope, head, NOW)

    began = time.perf_counter()
    body = publish().calendar
    print(
        f"first rendering of {body.count(b'BEGIN:VEVENT'):,}: {(time.perf_counter() - began) * 1000:.0f} ms, {len(body) / 1e6:.1f} MB"
    )
    spent = []
    for number in range(5):
        start = NOW.replace(microsecond=0) + timedelta(days=40, minutes=number)
        announcement = Announcement(
            uid=f"one-{number}", gateway="GW-1", window=ClosureWindow(start, start + timedelta(hours=1))
        )
        receive_notice(
            service.register,
            user,
            Notice("BENCH", Channel.API, NOW, "text/calendar", b""),
            NoticeContent((announcement,), ()),
        )
        began = time.perf_counter()
        publish()
        spent.append((time.perf_counter() - began) * 1000)
    print(f"after one change: {statistics.median(spent):.0f} ms")

    print("== over HTTP")
    port, bare_port = free_port(), free_port()
    (folder / "body").write_bytes(publish().calendar)
    (folder / "bare.py").write_text(BARE)
    full = os.environ | environ | {"CLOSURES_PORT": str(port), "CLOSURES_BASE_URL": f"http://127.0.0.1:{port}"}
    ours = subprocess.Popen(
        [sys.executable, "-c", "from app.cli import main; main()", "up"], env=full, stdout=subprocess.DEVNULL
    )
    bare = subprocess.Popen([sys.executable, str(folder / "bare.py"), str(folder / "body"), str(bare_port)])
    nginx, nginx_port = start_nginx(folder)
    try:
        wait_for(port)
        wait_for(bare_port)
        to_us, to_bare = (http.client.HTTPConnection("127.0.0.1", one) for one in (port, bare_port))
        credential = {"Authorization": "Basic " + b64encode(f"{feed.subscription.id}:{feed.token}".encode()).decode()}
        path = f"/feeds/{feed.subscription.id}.ics"
        for _ in range(8):
            status, _, answer = get(to_us, path, credential)
            assert status == 200, status
            get(to_bare, "/")
        conditional = credential | {"If-None-Match": answer.headers["ETag"]}
        assert get(to_us, path, conditional)[0] == 304
        pairs = [
            (median_ms(lambda: get(to_us, path, credential), 5), median_ms(lambda: get(to_bare, "/"), 5))
            for _ in range(6)
        ]
        mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(
            f"warm GET of the whole feed: {mine:.2f} ms; bare WSGI with the same octets {theirs:.2f} ms; ratio {mine / theirs:.2f}"
        )
        if nginx is None:
            print("nginx is not here: nothing is set beside it")
        else:
            beside_nginx(to_us, path, credential, nginx_port)
        pairs = [
            (median_ms(lambda: get(to_us, path, conditional), 100), median_ms(lambda: get(to_bare, "/304"), 100))
            for _ in range(6)
        ]
        mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"304: {mine:.2f} ms; bare Flask 304 {theirs:.2f} ms; ratio {mine / theirs:.2f}")
        sender = {
            "Authorization": "Basic " + b64encode(f"BENCH:{password}".encode()).decode(),
            "Content-Type": "text/calendar",
        }
        # Each at hours of its own: what overlaps is named in the answer, and that is not what is asked here.
        later = NOW.replace(microsecond=0) + timedelta(days=400)
        single = [calendar(1, 2_000_000 + number, later + timedelta(hours=5 * number)) for number in range(200)]
        waiting = iter(single)
        mine = median_ms(lambda: get(to_us, "/api/v1/notices", sender, next(waiting)), 200)
        parse = median_ms(lambda: icalendar.Calendar.from_ical(single[0]), 50)
        from pysqlite3 import dbapi2

        plain = dbapi2.connect(str(folder / "plain.sqlite3"), isolation_level=None)
        plain.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t (a BLOB)")
        commit = median_ms(lambda: plain.execute("INSERT INTO t VALUES (?)", (b"x" * 800,)), 200)
        plain.close()
        print(
            f"durable notice: {mine:.2f} ms; icalendar parse {parse:.2f} + bare FULL commit {commit:.2f} ms; ratio {mine / (parse + commit):.2f}"
        )
        rss, pss, processes = memory_of(ours.pid)
        print(
            f"memory of {processes} processes with {count:,} closures: RSS {rss:.0f} MB (shared pages counted in each), PSS {pss:.0f} MB"
        )
    finally:
        for process in filter(None, (ours, bare, nginx)):
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        service.close()
    print(json.dumps({"python": sys.version.split()[0], "cores": os.cpu_count()}))


if __name__ == "__main__":
    main()
