"""argon2id with the parameters that were decided; nobody costs as much as somebody; what is tried first is known."""

import pytest

from app.security.passwords import hash_password, is_soon_guessed, verify_password


def test_the_parameters_are_those_of_the_decision():
    assert hash_password("correct horse battery").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_password_fits_its_own_hash_alone():
    stored = hash_password("correct horse battery")
    assert verify_password(stored, "correct horse battery") is True
    assert verify_password(stored, "correct horse batterz") is False
    assert hash_password("correct horse battery") != stored


def test_nobody_is_let_in_and_a_broken_hash_lets_nobody_in():
    assert verify_password(None, "") is False
    assert verify_password("$argon2id$broken", "") is False


@pytest.mark.parametrize(
    ("password", "soon"),
    [
        ("passwordpassword", True), ("qwertyuiopasdfgh", True), ("123456789012345", True), ("zzzzzzzzzzzzzzz", True),
        ("mondaymondaymonday", True), ("abcdefghijklmnop", True), ("ann.miller@acme.example1", True),
        ("plum tractor seven window", False), ("correct horse battery staple", False), ("пятнадцать букв", False),
        ("x7$kQ!p2#Lm9zR4" * 17, False),
    ],
)  # fmt: skip
def test_what_is_tried_first(password, soon):
    assert is_soon_guessed(password, "ann.miller@acme.example") is soon
