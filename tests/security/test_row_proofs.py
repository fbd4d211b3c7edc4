"""A row's proof is HMAC-SHA256, cut to 16 octets, over how its values are written in Python."""

import hmac
from datetime import UTC, datetime

import pytest

from app.security.proving_keys import ProvingKeys
from app.security.row_proofs import RowProofs

KEY = bytes(range(32))
KEYS = ProvingKeys(lambda: (KEY,), lambda: (KEY,))
ROW = (7, "notice", b"\x00octets", None, True, datetime(2026, 11, 24, 9, 0, tzinfo=UTC))


def expected(*values):
    return hmac.digest(KEY, repr(values).encode(), "sha256")[:16]


def test_it_is_hmac_sha256():
    assert RowProofs(KEYS).of("log", ROW) == expected("log", *ROW)


@pytest.mark.parametrize("proof", [b"", bytes(16), None, "text", 5, expected("log", *ROW)[:15]])
def test_of_many_rows_those_are_counted_whose_proof_is_another(proof):
    whole = (*ROW, expected("log", *ROW))
    assert RowProofs(KEYS).altered("log", [whole, (*ROW, proof), whole]) == 1
    assert RowProofs(KEYS).altered("head", [whole]) == 1
    assert not RowProofs(KEYS).fits("log", ROW, proof)
