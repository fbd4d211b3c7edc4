"""Guessing is slowed where it comes from: never the right password from elsewhere, whatever somebody else tries."""

import pytest

from app.domain.access import Role
from app.register.people.sign_in import TooManyTries
from app.security.throttle import network_of
from tests.conftest import NOW
from tests.web.signin.person import PASSWORD


@pytest.fixture
def guess(person, clock):
    """Return a function that tries a wrong password for an account from an address, in a new browser; it gives the status."""

    def try_one(email, address, every=0):
        clock.forward(seconds=every)
        return person(email, address).sign_in("wrong horse battery staple").status_code

    return try_one


def test_ten_tries_a_minute_of_a_network_whatever_the_accounts(guess):
    statuses = [guess(f"a{number}@example.org", f"192.0.2.{number}") for number in range(12)]
    assert statuses == [422] * 10 + [429] * 2
    assert guess("a@example.org", "192.0.3.1") == 422


def test_who_waits_is_told_how_long(person, clock):
    stranger = person("a@example.org")
    for _ in range(10):
        stranger.sign_in("wrong")
        clock.forward(seconds=1)
    answer = stranger.sign_in()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "50")
    assert "Wait 50 seconds, then try again." in answer.text
    clock.forward(seconds=50)
    assert stranger.sign_in().status_code == 422


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 seconds"), (120, "120 seconds"), (121, "3 minutes"), (7200, "120 minutes"), (7201, "3 hours")],
)
def test_how_long_is_said_in_a_unit_that_fits(clock, seconds, words):
    assert TooManyTries(clock.forward(seconds=seconds) - NOW).remedy == f"Wait {words}, then try again."


@pytest.mark.parametrize("every", [0, 30])
def test_120_wrong_passwords_from_one_network_lock_nobody_out_elsewhere(ann, guess, person, every):
    statuses = [guess(ann.email, f"192.0.2.{number}", every) for number in range(120)]
    # At once: ten. Over an hour: twenty; each that is free again is one that has become an hour old.
    assert statuses.count(422) == (20 if every else 10)
    assert person(ann.email, "198.51.100.7").sign_in().location == "/sign-in/second-factor"


@pytest.mark.parametrize("email", ["dcc@example.org", "nobody@example.org"])
def test_a_guess_from_everywhere_is_bounded_and_passes_a_known_device_by(ann, guess, person, clock, email):
    ann.sign_out()
    statuses = [guess(email, f"203.{number // 250}.{number % 250}.1") for number in range(101)]
    assert statuses == [422] * 100 + [429]
    assert person(email, "198.51.100.7").sign_in().status_code == 429
    assert ann.sign_in().location == "/sign-in/second-factor"
    clock.forward(hours=1)
    assert person(ann.email, "198.51.100.7").sign_in().location == "/sign-in/second-factor"


def test_a_known_device_has_a_limit_of_its_own(ann, clock):
    ann.sign_out()
    statuses = []
    for _ in range(22):
        statuses.append(ann.sign_in("wrong").status_code)
        clock.forward(seconds=10)
    assert statuses == [422] * 20 + [429] * 2
    clock.forward(hours=1)
    assert ann.sign_in().status_code == 303


def test_a_device_is_known_for_its_account_alone_and_not_by_a_mark_that_was_made_up(ann, invited, guess, person):
    for number in range(10):
        guess(ann.email, f"127.0.0.{number}")
    ann.sign_out()
    mark = ann.client.get_cookie("closures-device").value
    assert ann.sign_in().status_code == 303  # its network has to wait, and it has not
    for made_up in ("", "0", mark[:-1] + ("0" if mark[-1] != "0" else "1"), "0" + mark):
        stranger = person(ann.email)
        stranger.client.set_cookie("closures-device", made_up)
        assert stranger.sign_in().status_code == 429
    other = person("other@example.org")
    other.client.set_cookie("closures-device", mark)
    assert other.sign_in().status_code == 429


def test_the_mark_opens_nothing_and_scripts_cannot_read_it(ann):
    ann.sign_out()
    ann.sign_in()
    answer = ann.give_code()
    (cookie,) = (one for one in answer.headers.getlist("Set-Cookie") if one.startswith("closures-device="))
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=34560000"} <= set(cookie.split("; "))
    ann.client.delete_cookie("closures")
    assert ann.client.get("/").location == "/sign-in"


def test_a_right_password_is_not_counted(ann, person):
    for _ in range(12):
        assert person(ann.email).sign_in().status_code == 303


def test_thirty_wrong_codes_a_day_and_a_thief_does_not_use_up_those_of_a_known_device(ann, person, clock):
    ann.sign_out()
    thief = person(ann.email, "192.0.2.1")
    thief.sign_in()
    statuses = []
    for _ in range(31):
        statuses.append(thief.give_code("000000").status_code)
        clock.forward(seconds=30)
    assert statuses == [422] * 30 + [429]
    new_device = person(ann.email)
    new_device.secret = ann.secret
    new_device.sign_in()
    assert new_device.give_code().status_code == 429
    ann.sign_in()
    assert ann.give_code().status_code == 303
    clock.forward(hours=24)
    new_device.sign_in()
    assert new_device.give_code().status_code == 303


def test_a_known_device_has_thirty_codes_a_day(ann, clock):
    ann.sign_out()
    ann.sign_in()
    statuses = []
    for _ in range(31):
        statuses.append(ann.give_code("000000").status_code)
        clock.forward(seconds=20)
    assert statuses == [422] * 30 + [429]


def test_the_present_password_is_guessed_no_faster_from_within(ann):
    statuses = [
        ann.post("/set-up/password", present_password="wrong", password=PASSWORD, password_again=PASSWORD).status_code
        for _ in range(12)
    ]
    assert statuses == [422] * 10 + [429] * 2


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("", ""),
        ("not an address", "not an address"),
    ],
)
def test_a_site_counts_as_one_network(address, network):
    assert network_of(address) == network


def test_a_role_without_a_second_factor_first_is_known_once_it_has_one(invited, alpha):
    somebody = invited("a@example.org", Role.USER, "ALPHA")
    assert somebody.client.get_cookie("closures-device") is None
    somebody.choose_password()
    somebody.add_factor()
    assert somebody.client.get_cookie("closures-device") is not None
