"""The API and its document agree: every route, every status, every shape; held by questions of all sorts.

How many questions a route is asked in the slow suite is CLOSURES_API_EXAMPLES (make api N=200).
"""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    allow_header_conformance,
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from app.register.people.enrolment import issue_token
from app.web.api.contract import OPERATIONS
from tests.conftest import NOW

# Left out: "positive data is accepted", since a span that ends before it begins is well formed and refused all the
# same; and for notices "negative data is refused", since one unreadable row of several is named and the rest recorded.
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance, ignored_auth, unsupported_method, allow_header_conformance, missing_required_header,
    negative_data_rejection,
]  # fmt: skip
OPERATION_PATHS = {
    "give_notice": ("/notices", "POST"),
    "list_closures": ("/closures", "GET"),
    "show_closure": ("/closures/{reference}", "GET"),
    "show_revisions": ("/closures/{reference}/revisions", "GET"),
    "show_evidence": ("/closures/{reference}/evidence", "GET"),
    "withdraw_closure": ("/closures/{reference}", "DELETE"),
    "tell_of_closure": ("/closures/{reference}/facts", "POST"),
    "changes_between": ("/changes", "GET"),
    "list_clashes": ("/clashes", "GET"),
    "closed_gateways": ("/closed", "GET"),
    "free_slots": ("/free-slots", "GET"),
    "busiest_hours": ("/busiest-hours", "GET"),
    "silent_users": ("/silent-users", "GET"),
    "moved_often": ("/moved", "GET"),
    "list_maintenance": ("/maintenance", "GET"),
    "list_reads": ("/reads", "GET"),
    "list_acts": ("/acts", "GET"),
    "late_changes": ("/late-changes", "GET"),
    "report": ("/late-report", "GET"),
    "insights": ("/insights", "GET"),
    "notice_period": ("/notice-period", "GET"),
}


@pytest.fixture
def document(web):
    return web.test_client().get("/api/v1/openapi.json").json


@pytest.fixture
def held(give, alpha, announce, clock):
    """References of closures to ask for: one planned, one withdrawn, one late."""
    told = [
        give(alpha, announce(uid, starts)) for uid, starts in (("a", "2027-02-07T02:00"), ("b", "2026-11-30T02:00"))
    ]
    give(alpha, announce("a", "2027-02-07T02:00", withdrawn=True), at=clock.forward(seconds=1))
    return [outcome.accepted[0].closure.reference for outcome in told]


def test_every_route_of_the_api_is_in_the_document_and_no_other(web, document):
    routes = {rule.endpoint for rule in web.url_map.iter_rules() if rule.rule.startswith("/api/v1/")}
    assert routes - {"openapi.document", "openapi.docs"} == set(OPERATIONS)
    stated = {
        operation["operationId"]: (path, method.upper())
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert stated == OPERATION_PATHS
    assert (document["openapi"], document["servers"]) == ("3.1.0", [{"url": "http://127.0.0.1:8000/api/v1"}])


def ask_all_sorts(web, credentials, held, name, examples):
    path, method = OPERATION_PATHS[name]
    operation = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", web)[path][method]
    checks = [one for one in CHECKS if (name, one) != ("give_notice", negative_data_rejection)]

    def ask(case):
        turn = len(str(case.query)) + len(str(case.headers))
        if case.path_parameters and turn % 3:
            case.path_parameters["reference"] = held[turn % len(held)]
        case.call_and_validate(headers=credentials[turn % len(credentials)], checks=checks)

    bounds = settings(max_examples=examples, suppress_health_check=list(HealthCheck), database=None)
    for mode in GenerationMode:
        bounds(given(operation.as_strategy(generation_mode=mode))(ask))()


@pytest.mark.parametrize("name", list(OPERATION_PATHS))
def test_schemathesis_finds_no_fault(web, credentials, held, name):
    ask_all_sorts(web, credentials, held, name, examples=12)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(OPERATION_PATHS))
def test_schemathesis_finds_no_fault_for_long(web, credentials, held, name):
    ask_all_sorts(web, credentials, held, name, examples=int(os.environ.get("CLOSURES_API_EXAMPLES", "75")))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("PUT", "/api/v1/closures", 405),
        ("POST", "/api/v1/closures/CN-0000000000", 405),
        ("GET", "/api/v1/closures/CN-0000000000", 404),
        ("GET", "/api/v1/closures?limit=0", 400),
        ("GET", "/api/v1/closures?limit=1001", 400),
        ("GET", "/api/v1/closures?limit=%D9%A1", 400),  # a digit, but not of ASCII
        ("GET", "/api/v1/closures?cursor=!", 400),
        ("GET", "/api/v1/closures?cursor=WyJhIl0", 400),  # ["a"]: too short
        ("GET", "/api/v1/closures?cursor=W1tdLFtdXQ", 400),  # [[],[]]
        ("GET", "/api/v1/closures?cursor=OQ", 400),  # 9
        ("GET", "/api/v1/closures?state=", 400),
        ("GET", "/api/v1/closed?limit=0", 400),
        ("GET", "/api/v1/moved?times=", 400),
        ("GET", "/api/v1/clashes?release_days=", 400),
        ("GET", "/api/v1/late-changes?format=", 400),
        ("GET", "/api/v1/late-changes?format=csv&limit=1", 400),
        ("POST", "/api/v1/notices", 422),
    ],
)
def test_every_refusal_is_problem_json(web, credentials, method, path, status):
    answer = web.test_client().open(path, method=method, headers=credentials[0])
    assert (answer.status_code, answer.mimetype, answer.json["status"]) == (status, "application/problem+json", status)
    assert set(answer.json) == {"type", "title", "status", "detail", "code", "remedy", "problems"}


def test_an_answer_that_is_known_is_not_sent_again(web, credentials, held, give, alpha, announce, clock):
    client = web.test_client()
    paths = (
        "/api/v1/openapi.json", "/api/v1/closures?from=2027-01-01&to=2027-03-01", f"/api/v1/closures/{held[0]}",
        f"/api/v1/closures/{held[0]}/revisions", "/api/v1/late-changes?from=2026-11-01&to=2026-12-01",
        "/api/v1/notice-period?start=2027-02-07T02:00", "/api/v1/closed?at=2026-11-24T09:00",
        "/api/v1/clashes?from=2026-11-01&to=2026-12-01", "/api/v1/free-slots?from=2026-11-01&to=2026-11-20",
        "/api/v1/busiest-hours?from=2026-11-01&to=2026-11-20", "/api/v1/late-report?period=2026-Q1",
        "/api/v1/late-changes?from=2026-11-01&to=2026-11-02&format=csv",
    )  # fmt: skip
    tags = {}
    for path in paths:
        tags[path] = client.get(path, headers=credentials[0]).headers["ETag"]
        again = client.get(path, headers={**credentials[0], "If-None-Match": tags[path]})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tags[path])
        assert client.get(path, headers={**credentials[0], "If-None-Match": '"other"'}).status_code == 200
    give(alpha, announce("a", "2027-02-07T02:00"), at=clock.forward(seconds=5))
    changed = {path for path in paths if client.get(path, headers=credentials[0]).headers["ETag"] != tags[path]}
    assert changed == set(paths[1:4])


ROWS = {"closures": [{"gateway": "GW-A1", "starts": "2027-02-07T02:00", "ends": "2027-02-07T04:00", "reference": "c1"}]}


def test_a_notice_sent_twice_under_one_key_is_taken_once(web, credentials, alpha, enrolled, store, register, clock):
    from app.register.verification import verify_record

    client = web.test_client()

    def send(rows=ROWS, key="k1", who=credentials[0], query=""):
        return client.post(f"/api/v1/notices{query}", json=rows, headers={**who, "Idempotency-Key": key})

    first = send()
    size = verify_record(register).size
    clock.forward(hours=1)
    again = send()
    assert (first.status_code, again.status_code, again.data, again.mimetype) == (200, 200, first.data, first.mimetype)
    assert verify_record(register).size == size
    other = {"closures": [{**ROWS["closures"][0], "ends": "2027-02-07T05:00"}]}
    for refused in (send(other), send(query="?dry_run=1")):
        assert (refused.status_code, refused.json["code"]) == (422, "idempotency-key-reused")
    assert verify_record(register).size == size
    assert send(key="k2").json["unchanged"][0]["reference"] == first.json["accepted"][0]["reference"]
    enrolled("BETA", "GW-B1")
    beta = {"Authorization": f"Bearer {issue_token(store, label='b', now=NOW, user_code='BETA')[1]}"}
    assert send(who=beta).status_code == 422  # BETA's key k1 is another one, and GW-A1 is none of its gateways
    clock.forward(hours=23)
    assert send(other).json["accepted"][0]["revision"] == 2  # a day later the key is free


@pytest.mark.parametrize("key", ["", "a b", "é", "k" * 201])
def test_a_key_that_is_none_is_refused(web, credentials, key):
    answer = web.test_client().post("/api/v1/notices", json=ROWS, headers={**credentials[0], "Idempotency-Key": key})
    assert (answer.status_code, answer.json["code"]) == (400, "idempotency-key")


def test_a_refusal_is_not_kept(web, credentials):
    client = web.test_client()
    headers = {**credentials[0], "Idempotency-Key": "k1"}
    assert (
        client.post("/api/v1/notices", data=b"hello", headers=headers, content_type="text/calendar").status_code == 422
    )
    assert client.post("/api/v1/notices", json=ROWS, headers=headers).status_code == 200


def test_what_is_kept_is_sealed_and_forgotten_after_a_day(web, credentials, register, store, clock):
    import sqlalchemy as sa

    from app.jobs.housekeeping import keep_house
    from app.store.outbox_tables import kept_answers

    web.test_client().post("/api/v1/notices", json=ROWS, headers={**credentials[0], "Idempotency-Key": "k1"})
    with store.reading() as connection:
        (row,) = connection.execute(sa.select(kept_answers))
    assert b"GW-A1" not in row.sealed
    keep_house(register, clock.forward(hours=25))
    with store.reading() as connection:
        assert connection.execute(sa.select(kept_answers)).all() == []


def test_people_read_the_same_document(web, document, read):
    page = web.test_client().get("/api/v1/docs")
    words = read(page)
    assert (page.status_code, page.mimetype) == (200, "text/html")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert f"{method.upper()} {path} {operation['summary']}." in words
    assert "http" not in "".join(part for part in page.text.split('"') if part.endswith((".js", ".css")))
