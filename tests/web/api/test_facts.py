"""The API of what is told as it happens: the closure with plan, fact and difference, or a question back."""

from datetime import datetime

import pytest

from app.register.people.enrolment import issue_token
from tests.conftest import NOW


def at(text):
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.fixture
def told(alpha, give, announce, clock):
    """The reference of a closure that runs from 02:00 to 06:00; it is 02:10."""
    reference = give(alpha, announce("one", "2027-02-07T02:00")).accepted[0].closure.reference
    clock.now = at("2027-02-07T02:10")
    return reference


@pytest.fixture
def tell(web, credentials, told):
    """Return a function that tells of the closure as its User's program; it gives the answer."""
    own, _ = credentials
    return lambda body, **headers: web.test_client().post(
        f"/api/v1/closures/{told}/facts", json=body, headers={**own, **headers}
    )


PLAN = {
    "starts": "2027-02-07T02:00:00Z",
    "ends": "2027-02-07T06:00:00Z",
    "starts_london": "Sun 7 Feb 2027 02:00 GMT",
    "ends_london": "Sun 7 Feb 2027 06:00 GMT",
}


def said(answer):
    body = answer.json
    return answer.status_code, body["plan"], body["fact"], body["difference"], body["revision"], body["ends"][11:16]


def test_closed_still_closed_re_opened_and_taken_back(tell, clock):
    fact = {"closed_at": "2027-02-07T02:03:00Z", "reopened_at": None, "still_closed_until": None}
    assert said(tell({"closed_at": "2027-02-07T02:03Z"})) == (200, PLAN, fact, None, 1, "06:00")
    later = fact | {"still_closed_until": "2027-02-07T07:00:00Z"}
    assert said(tell({"still_closed_until": "2027-02-07T07:00"})) == (200, PLAN, later, "over time", 2, "07:00")
    clock.now = at("2027-02-07T06:40")
    over = fact | {"reopened_at": "2027-02-07T06:40:00Z"}
    assert said(tell({"reopened_at": "now"})) == (200, PLAN, over, "over time", 3, "06:40")
    assert said(tell({"taken_back": True})) == (200, PLAN, later, "over time", 4, "07:00")


def test_what_is_told_has_a_receipt_that_holds(tell, alpha_client, csrf, read):
    receipt = tell({"closed_at": "now"}).data.decode()
    page = alpha_client.get("/receipts")
    answer = alpha_client.post("/receipts", data={"csrf_token": csrf(page), "receipt": receipt})
    assert "It is about the gateway and window that the record has for this revision." in read(answer)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"closed_at": "2027-02-07T03:00Z"}, 409, "fact-doubted"),
        ({"taken_back": True}, 409, "fact-doubted"),
        ({"taken_back": False}, 400, "fact-unreadable"),
        ({"closed_at": 5}, 400, "fact-unreadable"),
        ({"closed_at": "soon"}, 400, "time"),
        ({"closed_at": "now", "reopened_at": "now"}, 400, "fact-unreadable"),
        ({}, 400, "fact-unreadable"),
        ([], 400, "fact-unreadable"),
    ],
)
def test_what_cannot_be_taken_is_said(tell, body, status, code):
    answer = tell(body)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_twice_is_asked_back_unless_it_is_the_same_request(tell):
    key = {"Idempotency-Key": "monitor-1"}
    first, second = (tell({"closed_at": "2027-02-07T02:03Z"}, **key) for _ in range(2))
    assert (first.status_code, second.data) == (200, first.data)
    again = tell({"closed_at": "2027-02-07T02:03Z"})
    assert (again.status_code, again.json["detail"]) == (
        409,
        again.json["title"] + " If that was wrong, take it back first.",
    )


def test_another_users_closure_is_not_there(web, told, enrolled, store):
    enrolled("BETA", "GW-B1")
    token = issue_token(store, label="x", now=NOW, user_code="BETA")[1]
    answer = web.test_client().post(
        f"/api/v1/closures/{told}/facts", json={"closed_at": "now"}, headers={"Authorization": f"Bearer {token}"}
    )
    assert (answer.status_code, answer.json["code"]) == (404, "unknown")
