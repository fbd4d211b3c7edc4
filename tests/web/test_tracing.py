"""Spans as a collector receives them from a real server, and that no octet of a secret leaves with them."""

import gzip
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest
import structlog

from app.domain.access import Role
from app.factory import configure_log, utc_now
from app.register.people.enrolment import issue_token
from app.security.tokens import TokenKind, mint
from app.web import tracing
from tests.architecture.test_watching import Server
from tests.faults.test_canary import WORDS

_SECONDS = 30


@pytest.fixture
def collector():
    """An OTLP receiver on loopback: (its address, the requests that came: path, headers, body)."""
    received = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
            received.append((self.path, str(self.headers), body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    server.server_close()


@pytest.fixture
def serve(environ, register, tmp_path):
    """Return a function that starts the real server with its two processes, told where a collector is."""
    pytest.importorskip("opentelemetry.sdk", reason="NOT RUN: the extra otel is not installed (pip install '.[test]')")
    running = []

    def start(address, **more):
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_SERVICE_NAME": "ours"}
        running.append(Server(environ | told | more, tmp_path / "log.jsonl"))
        return running[-1]

    yield start
    for server in running:
        server.process.terminate()
        # Less than a collector is waited for that does not answer.
        assert server.process.wait(15) == 0


@pytest.fixture
def traced(serve, collector):
    return serve(collector[0])


def spans_of(received):
    """Every span that came, with the attributes of who sent it."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    def plain(attributes):
        return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}

    for path, _, body in list(received):
        assert path == "/v1/traces"
        for sent in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in sent.scope_spans:
                yield from ((plain(sent.resource.attributes), span, plain(span.attributes)) for span in scope.spans)


def named(received, request_id):
    """Wait for the span of a request, by the id that its answer had."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        for resource, span, attributes in spans_of(received):
            if attributes["http.request.id"] == request_id:
                return resource, span, attributes
        time.sleep(0.05)
    raise AssertionError(f"no span of {request_id} came")


def test_a_span_says_what_a_line_of_the_log_says(traced, collector, store):
    _, token = issue_token(store, label="x", now=utc_now(), role=Role.DCC)
    traced.ask(
        "/api/v1/closures/CN-0000000000?user=ALPHA",
        Authorization=f"Bearer {token}",
        traceparent=f"00-{'a' * 32}-{'b' * 16}-01",
    )
    lines = [json.loads(line) for line in traced.log.read_text().splitlines()]
    (line,) = [one for one in lines if one.get("http.route") == "/api/v1/closures/<reference>"]
    resource, span, attributes = named(collector[1], line["http.request.id"])
    assert (span.name, span.kind, span.status.code) == ("GET /api/v1/closures/<reference>", 2, 0)
    names = (
        "http.request.id",
        "http.route",
        "http.request.method",
        "http.response.status_code",
        "http.response.body.bytes",
    )
    assert attributes == {name: line[name] for name in names}
    assert abs(span.end_time_unix_nano - span.start_time_unix_nano - line["event.duration"]) < 1_000
    assert (span.trace_id == b"\xaa" * 16, span.parent_span_id, len(span.events), len(span.links)) == (False, b"", 0, 0)
    assert (resource["service.name"], resource["service.version"]) == ("ours", "0.1.0")


def test_no_octet_of_a_secret_leaves(traced, collector):
    """Every place of a request that a client can write into, with the canary's words and with tokens of each kind."""
    secrets = [*WORDS, *(mint(kind) for kind in TokenKind)]
    for secret in secrets:
        typed = quote(secret)
        headers = {"Authorization": f"Bearer {secret}", "Cookie": f"closures={secret}", "User-Agent": secret}
        headers |= {"X-Request-Id": secret, "X-Forwarded-For": secret, "Referer": f"https://x/{secret}"}
        headers |= {"tracestate": f"x={secret}", "baggage": f"x={secret}"}
        for path in (
            f"/feeds/s/{typed}/closures.ics", f"/feeds/{typed}.ics", f"/sign-in/{typed}", f"/{typed}",
            f"/dav/calendars/{typed}/{typed}/{typed}.ics", f"/api/v1/closures?user={typed}&token={typed}",
        ):  # fmt: skip
            traced.ask(path, **headers)
    traced.ask("/livez")
    lines = [json.loads(line) for line in traced.log.read_text().splitlines()]
    ids = [line["http.request.id"] for line in lines if line.get("event") == "request"]
    assert len(ids) > len(secrets) * 6
    named(collector[1], ids[-1])
    deadline = time.monotonic() + _SECONDS
    while {attributes["http.request.id"] for _, _, attributes in spans_of(collector[1])} < set(ids):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    octets = b"".join(path.encode() + headers.encode() + body for path, headers, body in collector[1])
    written = {form for secret in secrets for form in (secret, quote(secret))}
    assert [form for form in written if form.encode() in octets] == []
    routes = {attributes["http.route"] for _, _, attributes in spans_of(collector[1])}
    assert routes >= {"/feeds/s/<token>/closures.ics", "/sign-in/<token>", "unmatched"}


def test_where_the_collector_is_away_requests_go_on_and_the_end_waits_for_nothing(serve):
    server = serve("http://127.0.0.1:9", OTEL_BSP_MAX_EXPORT_BATCH_SIZE="1")
    for _ in range(50):
        assert json.loads(server.ask("/livez")) == {"status": "ok"}
    deadline = time.monotonic() + _SECONDS
    while "Transient error" not in server.log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert json.loads(server.ask("/livez")) == {"status": "ok"}


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
        {"OTEL_TRACES_EXPORTER": "console"},
    ],
)
def test_nothing_is_sent_where_nobody_asked_for_it(variables, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert tracing.open_tracing() is None


@pytest.mark.parametrize("variables", [{"OTEL_TRACES_EXPORTER": "otlp"}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}])
def test_without_the_extra_one_sentence_says_so_and_the_service_goes_on(variables, monkeypatch, capsys):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)  # as where it is not installed
    configure_log("json")
    assert tracing.open_tracing() is None
    structlog.reset_defaults()
    (line,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert line["event"] == "spans are asked for and not sent: install the extra, pip install '.[otel]'"
