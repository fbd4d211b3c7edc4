"""What is shown once, and what answers after it, stays in no cache: not of a browser that goes back either."""

import re

import pytest
from flask import request

from app.domain.access import Role
from tests.web.signin.person import code_of, hidden
from tests.web.test_forms import feed_form, fields_of

# Tokens, the address of a feed or a link, an authenticator's secret, recovery codes.
SECRET = re.compile(r"gwf[fpr]_[0-9A-Z]{20}|whsec_|value=\"[A-Z2-7]{32}\"|<code>[0-9a-z]{5}-[0-9a-z]{5}</code>")


@pytest.fixture
def seen(web):
    """Every answer that the application gives: (path, whether a secret is in it, who may keep it)."""
    found = []

    @web.after_request
    def _see(response):
        text = "" if response.is_streamed or response.direct_passthrough else response.get_data(as_text=True)
        found.append((request.path, SECRET.search(text) is not None, response))
        return response

    return found


def kept_by(seen):
    return [(path, response.headers["Cache-Control"]) for path, secret, response in seen if secret]


def put_away(client, csrf, path):
    answer = client.post(path, data={"csrf_token": csrf(client.get(path))})
    return [(one.status_code, one.headers["Cache-Control"]) for one in (answer, client.get(path))]


GONE = [(303, "no-store"), (410, "no-store")]


def test_a_feed_with_a_secret_address_an_app_password_a_link_and_a_webhook(web, sign_in, alpha, seen, csrf):
    admin = sign_in("admin@example.org", Role.ADMIN)
    forms = {
        "/subscriptions": feed_form(admin, secret_url="yes"),
        "/connect": fields_of(admin.get("/connect")) | {"holder": "user:ALPHA", "label": "x"},
        "/service/accounts": fields_of(admin.get("/service/accounts/new")) | {"email": "a@example.org", "role": "dcc"},
        "/service/messages/recipients/new": fields_of(admin.get("/service/messages/recipients/new"))
        | {
            "carrier": "webhook",
            "address": "https://example.org/x",
            "label": "x",
            "kinds": "new",
            "user": "DCC",
            "when": "at once",
        },
    }
    seen.clear()
    shown = [admin.post(path, data=form).location for path, form in forms.items()]
    for path in shown:
        admin.get(path)
    assert kept_by(seen) == [(path, "no-store") for path in shown]
    assert [put_away(admin, csrf, path) for path in shown] == [GONE] * 4


def test_the_page_of_a_link_an_authenticator_and_recovery_codes(web, add_account, add_link, seen, csrf, clock):
    browser, path = web.test_client(), f"/sign-in/{add_link(add_account('a@example.org', Role.DCC))}"
    browser.post(path, data={"csrf_token": csrf(browser.get(path))})
    form = {"csrf_token": csrf(browser.get("/set-up/password"))}
    form |= dict.fromkeys(("password", "password_again"), "correct horse battery staple")
    browser.post("/set-up/password", data=form)
    page = browser.get("/set-up/second-factor")
    wrong = browser.post("/set-up/second-factor", data=fields_of(page) | {"one_time_code": "000000"})
    code = code_of(hidden(wrong, "authenticator"), clock)
    codes = browser.post("/set-up/second-factor", data=fields_of(wrong) | {"one_time_code": code}).location
    browser.get(codes)
    factor = "/set-up/second-factor"
    assert kept_by(seen) == [(one, "no-store") for one in (path, factor, factor, codes)]
    assert put_away(browser, csrf, codes) == GONE
    assert browser.get(path).headers["Cache-Control"] == "no-store"


def test_other_pages_may_be_gone_back_to(alpha_client):
    assert alpha_client.get("/closures").headers["Cache-Control"] == "private, no-cache"
