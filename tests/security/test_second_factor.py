"""Codes of an authenticator against the vectors of RFC 6238, and recovery codes."""

import base64
from datetime import UTC, datetime

import pytest

from app.security.second_factor import (
    enrolment_address,
    new_recovery_codes,
    new_secret,
    recovery_digest,
    step_of,
)

# RFC 6238, Appendix B, SHA-1: the last six of its eight digits.
RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
VECTORS = [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037")]


def at(seconds):
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_the_vectors_of_the_rfc(seconds, code):
    assert step_of(RFC_SECRET, code, at(seconds)) == seconds // 30


@pytest.mark.parametrize(("late", "found"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_code_counts_one_step_before_and_after(late, found):
    begins = 1111111109 // 30 * 30
    assert (step_of(RFC_SECRET, "081804", at(begins + late)) is not None) is found


@pytest.mark.parametrize("code", ["", "28708", "287083", "2870820", "²87082", "abcdef"])
def test_anything_else_is_no_code(code):
    assert step_of(RFC_SECRET, code, at(59)) is None


def test_people_type_spaces():
    assert step_of(RFC_SECRET, " 287 082 ", at(59)) == 1


def test_the_address_of_the_qr_code_names_account_and_service():
    secret = new_secret()
    assert len(secret) == 32
    assert enrolment_address(secret, "a@b.example", "Closures") == (
        f"otpauth://totp/Closures:a%40b.example?secret={secret}&issuer=Closures"
    )


def test_ten_recovery_codes_that_differ():
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    assert {len(code) for code in codes} == {11}
    assert new_recovery_codes() != codes


def test_a_recovery_code_is_read_as_people_write_it_and_belongs_to_one_account():
    digest = recovery_digest(b"k", b"a", "0k11p-9xw4t")
    assert recovery_digest(b"k", b"a", " OKIL P9XW4T ".replace(" P", "P")) == digest
    assert recovery_digest(b"k", b"b", "0k11p-9xw4t") != digest
    assert recovery_digest(b"j", b"a", "0k11p-9xw4t") != digest
