"""What a request by CalDAV costs inside the process: ``python tests/bench/profile_request.py [--held N] [--profile WORK]``.

The real application over a real file, written durably, without a server before it. For each kind of request: the median
of CPU milliseconds, how many instructions Python carries out (which no neighbour changes), the SQL statements and the
transactions of one; with ``--profile``, what one kind spends its time on and which statements it runs. Every answer is
checked. Nothing here is a test.
"""

import argparse
import cProfile
import importlib.util
import io
import pstats
import re
import statistics
import sys
import tempfile
import time
from base64 import b64encode
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import event

from app.factory import open_service, utc_now
from app.register.people import enrolment
from app.settings import read_settings
from app.web.site import EXTENSION
from app.wsgi import WebServer

_SPEC = importlib.util.spec_from_file_location("bench_caldav", Path(__file__).with_name("caldav.py"))
over_http = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = over_http
_SPEC.loader.exec_module(over_http)

TIMES = 200  # requests of each kind
TIMED, COUNTED = 130, 150  # those up to which they are timed, and then those up to which instructions are counted
MANY = over_http.MANY  # members that are asked for together
TOP = 60  # functions that a profile names


class Meter:
    """What is spent between ``begin`` and ``end``; while it counts, in instructions of Python too.

    While it listens, what is sent to the database, with a profile if that is wanted. Both cost time of their own, so that
    what is timed is neither counted nor listened to.
    """

    def __init__(self, engine):
        self.engine = engine
        self.profile = None
        self.spent, self.statements, self.transactions = [], Counter(), Counter()
        self.began = None
        self.instructions, self.traces = 0, False

    def begin(self):
        if self.profile:
            self.profile.enable()
        if self.traces:
            sys.settrace(self._trace)
        self.began = time.process_time()

    def end(self):
        sys.settrace(None)
        self.spent.append((time.process_time() - self.began) * 1000)
        if self.profile:
            self.profile.disable()
        self.began = None

    @contextmanager
    def listening(self, *, profiled):
        self.profile = cProfile.Profile() if profiled else None
        had_listeners = self.engine._has_events
        listeners = {"before_cursor_execute": self._note, "commit": self._note_commit}
        for name, listener in listeners.items():
            event.listen(self.engine, name, listener)
        yield self.profile
        for name, listener in listeners.items():
            event.remove(self.engine, name, listener)
        self.engine._has_events = had_listeners  # which SQLAlchemy would go on looking for
        self.profile = None

    @contextmanager
    def counting(self):
        self.traces = True
        yield
        self.traces = False

    def _trace(self, frame, happened, _fact):
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        self.instructions += happened == "opcode"
        return self._trace

    def _note(self, _connection, _cursor, statement, parameters, _context, many):
        if self.began is not None and not statement.startswith("BEGIN"):
            text = re.sub(r"^SELECT .*? FROM", "SELECT ... FROM", re.sub(r"\s+", " ", statement))
            self.statements[text[:110] + (f"  x {len(parameters)}" if many else "")] += 1

    def _note_commit(self, connection):
        if self.began is not None:
            self.transactions["written" if connection.get_execution_options().get("writes") else "read"] += 1


class InProcess:
    """The application as a server calls it, in this thread; ``meter`` sees what is asked."""

    def __init__(self, app, meter, user, password):
        self.app, self.meter = app, meter
        self.credential = "Basic " + b64encode(f"{user}:{password}".encode()).decode()

    def ask(self, method, path, body=b"", expected=(207,), *, metered=True, **headers):
        body = body.encode() if isinstance(body, str) else body
        environ = {
            "REQUEST_METHOD": method, "PATH_INFO": path, "RAW_URI": path, "QUERY_STRING": "", "SERVER_NAME": "localhost",
            "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True, "wsgi.errors": sys.stderr,
            "CONTENT_LENGTH": str(len(body)), "HTTP_HOST": "localhost:8000", "HTTP_USER_AGENT": "bench",
            "HTTP_AUTHORIZATION": self.credential,
        }  # fmt: skip
        for name, value in headers.items():
            environ[name.upper() if name == "Content_Type" else f"HTTP_{name.upper()}"] = value
        answered = []
        if metered:
            self.meter.begin()
        answer = self.app(environ, lambda status, given, *_: answered.append((int(status[:3]), dict(given))))
        found = b"".join(answer)
        if metered:
            self.meter.end()
        assert answered[-1][0] in expected, (method, path, answered, found[:300])
        return found, answered[-1][1]


def work(client, subscriber, feed, held):
    """Return the kinds of requests by name, each as a function of a number."""
    home, ics, xml = over_http.HOME, {"Content_Type": over_http.ICS}, over_http.XML
    token, tag = [], []

    def put(number, hours, expected, **headers):
        body = over_http.octets_of(held + number, hours)
        client.ask("PUT", f"{home}new-{number}.ics", body, expected, **ics, **headers)

    def sync(number):
        if not token:
            found, _ = client.ask("REPORT", home, over_http.SYNC.format(""), metered=False, **xml)
            token.append(over_http.token_of(found))
        put(number, 48, (201, 204), metered=False)
        found, _ = client.ask("REPORT", home, over_http.SYNC.format(token[0]), **xml)
        assert found.count(b"new-") == 1, found[:300]
        token[0] = over_http.token_of(found)

    def multiget(_):
        hrefs = "".join(f"<D:href>{home}new-{number}.ics</D:href>" for number in range(MANY))
        found, _ = client.ask("REPORT", home, over_http.MULTIGET.format(hrefs), Depth="1", **xml)
        assert found.count(b"BEGIN:VEVENT") == MANY

    def unchanged(_):
        if not tag:
            tag.append(subscriber.ask("GET", feed, b"", (200,), metered=False)[1]["ETag"])
        subscriber.ask("GET", feed, b"", (304,), If_None_Match=tag[0])

    return {
        "PUT new": lambda number: put(number, 0, (201,), If_None_Match="*"),
        "PUT update": lambda number: put(number, 24, (201, 204)),
        "GET": lambda number: client.ask("GET", f"{home}new-{number}.ics", b"", (200,)),
        "sync 1 change": sync,
        f"multiget {MANY}": multiget,
        "feed 304": unchanged,
        "DELETE": lambda number: client.ask("DELETE", f"{home}new-{number}.ics", b"", (200, 204)),
    }


def tell(name, ask, meter, *, profiled):
    """Print what one kind of request costs; what the first one sets up is not counted."""
    ask(0)
    meter.spent.clear()
    for number in range(1, TIMED):
        ask(number)
    spent = statistics.median(meter.spent)
    meter.statements.clear()
    meter.transactions.clear()
    meter.instructions = 0
    with meter.counting():
        for number in range(TIMED, COUNTED):
            ask(number)
    instructions = meter.instructions / (COUNTED - TIMED)
    with meter.listening(profiled=profiled) as profile:
        for number in range(COUNTED, TIMES):
            ask(number)
    each = TIMES - COUNTED
    sent, written, read = meter.statements.total(), meter.transactions["written"], meter.transactions["read"]
    print(
        f"{name:<14}{spent:8.2f} ms of CPU{instructions:9.0f} instructions{sent / each:7.2f} statements"
        f"{written / each:6.2f} commits{read / each:6.2f} readings",
        flush=True,
    )
    if profiled:
        for text, count in meter.statements.most_common():
            print(f"{count / each:8.2f}  {text}")
        figures = pstats.Stats(profile).strip_dirs()
        figures.sort_stats("tottime").print_stats(TOP)
        figures.sort_stats("cumulative").print_stats(TOP * 3)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--held", type=int, default=10_000)
    parser.add_argument("--profile", metavar="WORK", default="", help="a kind of request, as the table names it")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = read_settings({"CLOSURES_DATA_DIR": f"{folder}/data", "CLOSURES_KEY_DIR": f"{folder}/keys"})
        password = over_http.fill(settings, asked.held)
        service = open_service(settings)
        made = enrolment.add_subscription(
            service.store, scope_text="all", label="bench", secret_url=False, past_days=30, horizon_days=400,
            now=utc_now(),
        )  # fmt: skip
        service.close()
        app = WebServer(settings).load()  # as a web process has it
        engine = app.extensions[EXTENSION].register.store.engine
        meter = Meter(engine)
        client = InProcess(app, meter, "ALPHA", password)
        subscriber = InProcess(app, meter, made.subscription.id, made.token)
        print(f"{asked.held} held; medians of {TIMED - 1}")
        for name, ask in work(client, subscriber, f"/feeds/{made.subscription.id}.ics", asked.held).items():
            tell(name, ask, meter, profiled=name == asked.profile)


if __name__ == "__main__":
    main()
