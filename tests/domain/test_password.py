import pytest

from app.domain.password import LONGEST, PasswordRefused, read_password, require_password

ADDRESS = "ann.miller@acme-energy.example"


@pytest.mark.parametrize(
    "password",
    [
        "a" * 14 + "b",
        "correct horse battery staple",
        "x" + "y" * (LONGEST - 1),
        "пятнадцать букв",
        "miller and fourteen geese",
        "               b",
        "example plus8888",
    ],
)
def test_a_long_password_is_taken_as_it_is(password):
    assert require_password(password, ADDRESS) == password


@pytest.mark.parametrize(
    ("password", "text"),
    [
        ("b" * 13 + "a", "That password is too short."),
        ("x" + "y" * LONGEST, "That password is too long."),
        ("ann.miller@acme-energy.example", "That password is little more than your own e-mail address."),
        ("ANN miller acme ENERGY example!", "That password is little more than your own e-mail address."),
        ("millermiller1234567", "That password is little more than your own e-mail address."),
        ("acme-energy example", "That password is little more than your own e-mail address."),
    ],
)
def test_a_short_or_telling_one_is_not(password, text):
    with pytest.raises(PasswordRefused) as refused:
        require_password(password, ADDRESS)
    assert refused.value.text == text
    assert refused.value.remedy


def test_parts_of_two_letters_prove_nothing():
    assert require_password("ab cd ab cd ab cd", "ab@cd.ef") == "ab cd ab cd ab cd"


def test_two_keyboards_that_compose_differently_give_one_password():
    assert read_password("Cafe\u0301 \ufb01n") == read_password("Café fin") == "Café fin"
    assert require_password("e\u0301" * 15 + "x", "a@b.example") == "é" * 15 + "x"
