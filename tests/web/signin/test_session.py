"""Signing in by a one-time link: looking does not use it up, pressing does, once."""

from datetime import timedelta

import pytest

from app.domain.access import Role
from app.security.tokens import TokenKind, mint

SPENT = "This sign-in link does not work: it was used already, has expired, or is not complete."


@pytest.fixture
def account(add_account):
    return add_account("staff@example.org", Role.OPS)


def test_a_stranger_is_sent_to_the_sign_in_page_which_says_how(web):
    answer = web.test_client().get("/")
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    page = web.test_client().get("/sign-in")
    assert page.status_code == 200
    assert "closures account add" in page.text


def test_looking_at_the_link_does_not_use_it_up_and_pressing_does(web, account, add_link, csrf):
    path = f"/sign-in/{add_link(account)}"
    for _ in range(3):
        assert web.test_client().get(path).status_code == 200
    browser = web.test_client()
    answer = browser.post(path, data={"csrf_token": csrf(browser.get(path))})
    assert (answer.status_code, answer.location) == (303, "/")
    assert browser.get("/").status_code == 200
    again = browser.get("/sign-in")
    assert (again.status_code, again.location) == (303, "/")
    stranger = web.test_client()
    assert stranger.get(path).status_code == 403
    assert stranger.get("/").status_code == 303


def test_a_link_opens_one_session_even_where_two_pages_of_it_were_open(web, account, add_link, csrf):
    path = f"/sign-in/{add_link(account)}"
    first, second = web.test_client(), web.test_client()
    tokens = csrf(first.get(path)), csrf(second.get(path))
    assert first.post(path, data={"csrf_token": tokens[0]}).status_code == 303
    assert second.post(path, data={"csrf_token": tokens[1]}).status_code == 403
    assert second.get("/").status_code == 303


def test_wrong_used_expired_and_garbled_links_get_one_answer(web, clock, account, add_link, csrf):
    used, expired = add_link(account), add_link(account, timedelta(minutes=5))
    browser = web.test_client()
    browser.post(f"/sign-in/{used}", data={"csrf_token": csrf(browser.get(f"/sign-in/{used}"))})
    clock.forward(minutes=5)
    stranger = web.test_client()
    answers = [
        stranger.get(f"/sign-in/{token}")
        for token in (used, expired, mint(TokenKind.SIGN_IN), add_link(account, kind=TokenKind.FEED), "x", "x" * 500)
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.data for answer in answers}) == 1
    assert SPENT in answers[0].text


def test_an_app_password_opens_no_session_though_it_is_live(web, account, add_link):
    assert web.test_client().get(f"/sign-in/{add_link(account, kind=TokenKind.APP_PASSWORD)}").status_code == 403


def test_using_a_link_needs_the_form_of_its_page(web, account, add_link):
    path = f"/sign-in/{add_link(account)}"
    assert web.test_client().post(path).status_code == 400
    assert web.test_client().get(path).status_code == 200


def test_signing_out_ends_the_session_on_our_side(dcc_client, csrf):
    cookie = dcc_client.get_cookie("closures").value
    answer = dcc_client.post("/sign-out", data={"csrf_token": csrf(dcc_client.get("/"))})
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    dcc_client.set_cookie("closures", cookie)
    assert dcc_client.get("/").status_code == 303


def test_signing_in_anew_gives_a_new_id_and_ends_the_session_before(web, dcc_client, account, use_link):
    old = dcc_client.get_cookie("closures").value
    use_link(dcc_client, account)
    assert dcc_client.get("/").status_code == 200
    other = web.test_client()
    other.set_cookie("closures", old)
    assert other.get("/").status_code == 303


def test_a_session_ends_half_an_hour_after_its_last_use(clock, dcc_client):
    for _ in range(3):
        clock.forward(minutes=20)
        assert dcc_client.get("/").status_code == 200
    clock.forward(minutes=31)
    assert dcc_client.get("/").status_code == 303
