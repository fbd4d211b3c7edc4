"""argon2id with the parameters that were decided; nobody costs as much as somebody and is never let in."""

from app.security.passwords import hash_password, verify_password


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
