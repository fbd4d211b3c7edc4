"""Which writes need a form's token is decided by what lets them in, and by nothing that a request merely says."""

import pytest

from app.web.routes import Route

HEADERS = ("Basic eDp5", "Bearer x", "Negotiate x")
GOOD = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//b//EN\r\nEND:VCALENDAR\r\n"


def signing_in(web):
    """The addresses that take a form from people who have not signed in wholly."""
    rules = [rule for rule in web.url_map.iter_rules() if isinstance(rule, Route) and "POST" in rule.methods]
    return [rule.rule.replace("<token>", "gwfr_0") for rule in rules if rule.action == "sign in"]


def test_a_header_takes_no_token_away_from_the_steps_of_signing_in(web, alpha_client, credentials):
    stated = [*({"Authorization": one} for one in HEADERS), *credentials]
    paths = signing_in(web)
    assert {"/sign-in", "/sign-out", "/set-up/password", "/set-up/second-factor"} <= set(paths)
    for client in (web.test_client(), alpha_client):
        for headers in stated:
            assert {path: client.post(path, headers=headers).status_code for path in paths} == dict.fromkeys(paths, 400)
    assert alpha_client.get("/account").status_code == 200


def test_a_header_beside_a_session_takes_no_token_away(alpha_client, credentials):
    for path in ("/account/sessions/end-others", "/subscriptions", "/connect", "/api/v1/notices"):
        for headers in credentials:
            assert alpha_client.post(path, headers=headers, data=GOOD).status_code == 400, path


@pytest.mark.parametrize("path", ["/api/v1/notices?gateway=GW-A1&dry_run=1", "/closures/CN-0000000000/withdraw"])
def test_a_header_that_lets_a_program_in_needs_no_token_and_one_that_does_not_is_told_so(web, credentials, path):
    statuses = [
        web.test_client().post(path, headers=headers, data=GOOD, content_type="text/calendar").status_code
        for headers in (credentials[0], {"Authorization": "Bearer x"}, {"Authorization": "Negotiate x"})
    ]
    assert statuses == [422 if path.startswith("/api") else 404, 401, 401]


def test_a_cookie_that_holds_no_session_is_none(web, credentials):
    browser = web.test_client()
    browser.get("/sign-in")  # leaves a cookie with the token of its form
    answer = browser.post("/api/v1/notices?dry_run=1&gateway=GW-A1", headers=credentials[0], data=GOOD)
    assert answer.status_code == 422
