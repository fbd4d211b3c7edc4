"""What is said of requests: figures by route, one line of the log each, and nothing that a client sent in either."""

import json
import re

import pytest
import structlog

from app.factory import configure_log, create_app
from app.security.tokens import TokenKind, mint
from app.settings import read_settings
from tests.faults.test_canary import WORDS


def counted(client, name="closures_http_requests_total"):
    """Every sample of a metric: the values of its labels, by their names' order, and its own."""
    text = client.get("/metrics").text
    lines = [line for line in text.splitlines() if line.startswith(f"{name}{{")]
    return {
        tuple(pair[1] for pair in sorted(re.findall(r'(\w+)="([^"]*)"', line))): float(line.rpartition(" ")[2])
        for line in lines
    }


def test_requests_are_counted_by_route_method_and_status(web, credentials):
    client = web.test_client()
    whole = client.get("/api/v1/closures", headers=credentials[0])
    for headers in (credentials[0], {"If-None-Match": whole.headers["ETag"]} | credentials[0], {}):
        client.get("/api/v1/closures?user=quokka", headers=headers)
    client.get("/api/v1/closures/CN-quokka", headers=credentials[0])
    client.get("/quokka"), client.open("/livez", method="QUOKKA"), client.post("/livez")
    client.open("/dav/", method="PROPFIND")
    assert counted(client) == {
        ("GET", "/api/v1/closures", "2xx"): 2,
        ("GET", "/api/v1/closures", "304"): 1,
        ("GET", "/api/v1/closures", "4xx"): 1,
        ("GET", "/api/v1/closures/<reference>", "4xx"): 1,
        ("any", "unmatched", "4xx"): 3,
        ("PROPFIND", "/dav/<rest:rest>", "4xx"): 1,
    }


def test_durations_are_counted_once_each_and_add_up(web):
    client, figures = web.test_client(), web.extensions["request figures"]
    for seconds in (0.004, 0.005, 0.3, 99.0):
        figures.note("/livez", "GET", 200, seconds)
    assert counted(client, "closures_http_request_duration_seconds_bucket") == {
        ("0.005", "GET", "/livez"): 2, ("0.01", "GET", "/livez"): 2, ("0.025", "GET", "/livez"): 2,
        ("0.05", "GET", "/livez"): 2, ("0.1", "GET", "/livez"): 2, ("0.25", "GET", "/livez"): 2,
        ("0.5", "GET", "/livez"): 3, ("1.0", "GET", "/livez"): 3, ("2.5", "GET", "/livez"): 3,
        ("5.0", "GET", "/livez"): 3, ("10.0", "GET", "/livez"): 3, ("+Inf", "GET", "/livez"): 4,
    }  # fmt: skip


@pytest.fixture
def logging_web(environ, service, clock):
    """The web application that writes a line for each request, as JSON to standard error."""
    configure_log("json")
    app = create_app(read_settings(environ | {"CLOSURES_REQUEST_LOG": "true"}), now=clock)
    yield app
    app.extensions["closures"].read_log.flush()
    app.extensions["closures"].store.close()
    structlog.reset_defaults()


def test_a_line_says_what_was_asked_by_whom_and_how_it_ended(logging_web, credentials, capsys):
    client = logging_web.test_client()
    answer = client.get("/api/v1/closures/CN-0000000000", headers=credentials[0])
    (line,) = [one for one in map(json.loads, capsys.readouterr().err.splitlines()) if one.get("event") == "request"]
    assert re.fullmatch(r"[0-9a-f]{32}", line["http.request.id"])
    assert re.fullmatch(r"[0-9a-f]{32}", line.pop("closures.token.id"))
    assert line.pop("http.request.id") == answer.headers["X-Request-Id"]
    assert (type(line.pop("event.duration")), type(line.pop("timestamp"))) == (int, str)
    assert line == {
        "event": "request",
        "level": "info",
        "source.ip": "127.0.0.1",
        "http.route": "/api/v1/closures/<reference>",
        "http.request.method": "GET",
        "http.response.status_code": 404,
        "http.response.body.bytes": len(answer.data),
    }


def test_without_the_setting_there_is_no_line_but_the_id(web, capsys):
    configure_log("json")
    answers = [web.test_client().get("/livez") for _ in range(2)]
    structlog.reset_defaults()
    assert capsys.readouterr().err == ""
    assert len({answer.headers["X-Request-Id"] for answer in answers}) == 2


def test_what_a_client_calls_its_request_counts_for_nothing(logging_web, capsys):
    answer = logging_web.test_client().get("/livez", headers={"X-Request-Id": "quokka"})
    assert "quokka" not in answer.headers["X-Request-Id"] + capsys.readouterr().err


def test_nothing_that_a_client_sent_is_in_a_line_or_a_figure(logging_web, capsys):
    """Every place of a request that a client can write into, with the canary's words and with tokens of each kind."""
    client = logging_web.test_client()
    secrets = [*WORDS, *(mint(kind) for kind in TokenKind)]
    for secret in secrets:
        for path in (
            f"/feeds/s/{secret}/closures.ics", f"/feeds/{secret}.ics", f"/sign-in/{secret}", f"/{secret}",
            f"/dav/calendars/{secret}/{secret}/{secret}.ics", f"/api/v1/closures?user={secret}&token={secret}",
            f"/planned?q={secret}",
        ):  # fmt: skip
            for method in ("GET", "PUT", "POST", "PROPFIND", "QUOKKA"):
                headers = {"Authorization": f"Bearer {secret}", "Cookie": f"closures={secret}", "User-Agent": secret}
                headers |= {"X-Request-Id": secret, "X-Forwarded-For": secret, "Referer": f"https://x/{secret}"}
                client.open(path, method=method, headers=headers, data=secret)
    lines, figures = capsys.readouterr().err, client.get("/metrics").text
    assert len(lines.splitlines()) >= len(secrets) * 7 * 5
    assert [secret for secret in secrets if secret in lines or secret in figures] == []
    assert {line["http.route"] for line in map(json.loads, lines.splitlines()) if line.get("event") == "request"} >= {
        "/feeds/s/<token>/closures.ics", "/sign-in/<token>", "unmatched",
    }  # fmt: skip
