import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.party import PARTY_CATEGORIES, SEC_USER_ROLES, Gateway, User, read_code
from app.domain.refusal import CodeRefused


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ACME", "ACME"),
        ("acme", "ACME"),
        ("  acme-gw_1\r\n", "ACME-GW_1"),
        ("0", "0"),
        ("9a", "9A"),
        ("z" * 32, "Z" * 32),
        ("A" + "_-" * 15 + "9", "A" + "_-" * 15 + "9"),
    ],
)
def test_codes_are_read_in_any_case(text, code):
    assert read_code(text) == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-A",
        "_A",
        "A" * 33,
        "A B",
        "A.B",
        "A/B",
        "A\nB",
        "É",
        "１",
        "ſ",
        "stra\u00dfe",
        "\ufb01",
        "\u212a",
        "A\x00",
    ],
)
def test_anything_else_is_no_code(text):
    with pytest.raises(CodeRefused) as refused:
        read_code(text)
    assert (refused.value.text, refused.value.remedy) == (
        "That is not a code.",
        "A code starts with a letter or digit and has at most 32 letters, digits, hyphens and underscores.",
    )


@given(st.text(max_size=40))
def test_what_is_read_as_a_code_differs_from_what_was_written_only_in_case_and_blanks(text):
    try:
        code = read_code(text)
    except CodeRefused:
        return
    assert code.lower() == text.strip().lower()
    assert read_code(code) == code


def test_a_user_needs_no_category_or_roles():
    assert User(b"1", "ACME", "Acme Energy") == User(b"1", "ACME", "Acme Energy", "Other", ())
    assert Gateway(b"2", "GW1", "Main").code == "GW1"


def test_the_secs_lists():
    assert PARTY_CATEGORIES == ("Large Supplier", "Small Supplier", "Electricity Network", "Gas Network", "Other")
    assert SEC_USER_ROLES == (
        "Import Supplier",
        "Export Supplier",
        "Gas Supplier",
        "Electricity Distributor",
        "Gas Transporter",
        "Registered Supplier Agent",
        "Other User",
    )
