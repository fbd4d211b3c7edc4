"""Signing in by password and second factor: every step, and one answer for everybody who is not let in."""

import re

import pytest

from app.domain.access import Role
from app.register.people import accounts
from tests.web.signin.person import PASSWORD, code_of, hidden


def test_a_newcomer_of_a_user_is_in_by_the_link_and_led_through_password_second_factor_and_codes(invited, alpha):
    newcomer = invited("a@example.org", Role.USER, "ALPHA")
    assert "Set up my sign-in" in newcomer.client.get("/").text
    answer = newcomer.choose_password()
    assert (answer.status_code, answer.location) == (303, "/set-up/second-factor")
    answer = newcomer.add_factor()
    assert answer.status_code == 303
    assert len(set(newcomer.codes)) == 10
    page = newcomer.client.get("/")
    assert page.status_code == 200
    assert "Set up my sign-in" not in page.text


def test_password_then_code_then_in(ann):
    ann.sign_out()
    assert ann.client.get("/").status_code == 303
    answer = ann.sign_in()
    assert (answer.status_code, answer.location) == (303, "/sign-in/second-factor")
    assert ann.client.get("/set-up/password").location == "/sign-in"
    assert ann.client.get("/").location == "/sign-in"
    assert ann.client.get("/sign-in").location == "/sign-in/second-factor"
    assert ann.give_code().location == "/"
    assert ann.client.get("/").status_code == 200


def test_who_has_a_password_alone_reaches_the_set_up_pages_and_nothing_else(invited, alpha):
    newcomer = invited("a@example.org", Role.USER, "ALPHA")
    newcomer.choose_password()
    newcomer.sign_out()
    assert newcomer.sign_in().location == "/set-up/password"
    assert newcomer.client.get("/set-up/password").location == "/set-up/second-factor"
    for path in ("/", "/account", "/subscriptions", "/connect", "/notices/new", "/api/v1/closures"):
        assert newcomer.client.get(path).status_code in (303, 401), path
    assert newcomer.add_factor().status_code == 303
    assert newcomer.client.get("/").status_code == 200


def test_each_code_works_once(ann, person, clock):
    ann.sign_out()
    ann.sign_in()
    code = code_of(ann.secret, clock)
    assert ann.give_code(code).status_code == 303
    thief = person(ann.email)
    thief.sign_in()
    assert thief.give_code(code).status_code == 422
    clock.forward(seconds=30)
    assert thief.give_code(code_of(ann.secret, clock)).status_code == 303


def test_a_recovery_code_works_once_and_new_ones_end_those_before(ann, read):
    ann.sign_out()
    ann.sign_in()
    assert ann.give_code(ann.codes[0].upper().replace("-", " ")).status_code == 303
    assert "9 left." in read(ann.client.get("/account"))
    ann.sign_out()
    ann.sign_in()
    assert ann.give_code(ann.codes[0]).status_code == 422
    assert ann.give_code(ann.codes[1]).status_code == 303
    page = ann.client.get("/account")
    fields = {"csrf_token": ann.csrf(page), "form_id": hidden(page, "form_id")}
    wrong = ann.client.post("/set-up/recovery-codes", data={**fields, "present_password": "wrong"})
    assert wrong.location == "/account"
    assert "E-mail or password is wrong" in ann.client.get("/account").text
    answer = ann.client.post("/set-up/recovery-codes", data={**fields, "present_password": PASSWORD})
    assert len(re.findall(r"<code>[0-9a-z]{5}-", ann.client.get(answer.location).text)) == 10
    ann.sign_out()
    ann.sign_in()
    assert ann.give_code(ann.codes[2]).status_code == 422


def test_unknown_closed_without_password_and_wrong_get_one_answer(ann, person, clock, store, add_account):
    add_account("fresh@example.org", Role.DCC)
    closed = add_account("closed@example.org", Role.DCC)
    accounts.close_account(store, closed, clock())
    answers = {}
    for email in ("dcc@example.org", "nobody@example.org", "fresh@example.org", "closed@example.org"):
        stranger = person(email)
        page = stranger.sign_in("wrong horse battery staple")
        answers[email] = (page.status_code, re.sub(r'value="[^"]*"', "", page.text))
    assert {status for status, _ in answers.values()} == {422}
    assert len(set(answers.values())) == 1


def test_a_new_password_needs_the_old_one_and_ends_other_sessions(ann, person):
    other = person(ann.email)
    other.secret = ann.secret
    other.sign_in()
    assert other.give_code().location == "/"
    refused = ann.post("/set-up/password", password="another horse entirely", password_again="another horse entirely")
    assert refused.status_code == 422
    changed = ann.post(
        "/set-up/password",
        present_password=PASSWORD,
        password="another horse entirely",
        password_again="another horse entirely",
    )
    assert changed.location == "/account"
    assert other.client.get("/").status_code == 303
    assert ann.client.get("/").status_code == 200
    ann.sign_out()
    assert ann.sign_in().status_code == 422
    assert ann.sign_in("another horse entirely").status_code == 303


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("short", "short", "too short"),
        (PASSWORD, PASSWORD + "s", "The two passwords differ."),
        ("dcc@example.org", "dcc@example.org", "e-mail address"),
        ("qwertyuiopasdfgh", "qwertyuiopasdfgh", "Too common: use several unrelated words."),
    ],
)
def test_a_password_that_will_not_do_is_said_kindly(newcomer, first, second, words):
    page = newcomer.post("/set-up/password", password=first, password_again=second)
    assert page.status_code == 422
    assert words in page.text


def test_a_wrong_code_keeps_the_same_secret_and_a_second_sending_changes_nothing(newcomer, clock):
    newcomer.choose_password()
    page = newcomer.client.get("/set-up/second-factor")
    fields = {name: hidden(page, name) for name in ("form_id", "authenticator", "csrf_token")}
    wrong = newcomer.client.post("/set-up/second-factor", data={**fields, "one_time_code": "000000"})
    assert (wrong.status_code, hidden(wrong, "authenticator")) == (422, fields["authenticator"])
    right = {**fields, "one_time_code": code_of(fields["authenticator"], clock), "csrf_token": newcomer.csrf(wrong)}
    first = newcomer.client.post("/set-up/second-factor", data=right)
    second = newcomer.client.post("/set-up/second-factor", data=right)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.location == second.location
    garbled = newcomer.client.post("/set-up/second-factor", data={**right, "authenticator": "short"})
    assert garbled.location == "/set-up/second-factor"


def test_every_step_gives_a_new_id(ann):
    ann.sign_out()
    ids = []
    ann.sign_in()
    ids.append(ann.client.get_cookie("closures").value)
    ann.give_code()
    ids.append(ann.client.get_cookie("closures").value)
    stolen = ann.client.application.test_client()
    stolen.set_cookie("closures", ids[0])
    assert stolen.get("/").status_code == 303


def test_a_half_session_ends_like_any_other(ann, clock):
    ann.sign_out()
    ann.sign_in()
    page = ann.client.get("/sign-in/second-factor")
    clock.forward(minutes=31)
    late = ann.client.post(
        "/sign-in/second-factor",
        data={"csrf_token": ann.csrf(page), "one_time_code": code_of(ann.secret, clock)},
    )
    assert (late.status_code, late.location) == (303, "/sign-in")
    assert ann.client.get("/").status_code == 303
