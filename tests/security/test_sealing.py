"""What is sealed opens in its place and nowhere else."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from app.security.sealing import SealBroken, aad_for, seal, unseal, version_of

KEY = AESGCM(bytes(range(32)))
PLACE = ("closures", "sealed", b"owner", b"row", 1)


@given(st.binary(max_size=300), st.integers(0, 65535))
def test_what_is_sealed_opens_again(plaintext, version):
    record = seal(KEY, version, plaintext, aad_for(*PLACE))
    assert (version_of(record), unseal(KEY, record, aad_for(*PLACE))) == (version, plaintext)


@given(st.binary(max_size=40), st.data())
def test_no_flipped_bit_opens(plaintext, data):
    record = bytearray(seal(KEY, 1, plaintext, aad_for(*PLACE)))
    at = data.draw(st.integers(3, len(record) - 1))  # the first three octets choose the format and the key
    record[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SealBroken):
        unseal(KEY, bytes(record), aad_for(*PLACE))


@pytest.mark.parametrize(
    "elsewhere",
    [
        ("revisions", "sealed", b"owner", b"row", 1),
        ("closures", "other", b"owner", b"row", 1),
        ("closures", "sealed", b"other", b"row", 1),
        ("closures", "sealed", b"owner", b"other", 1),
        ("closures", "sealed", b"owner", b"row", 2),
        ("closuress", "ealed", b"owner", b"row", 1),
    ],
)
def test_a_value_moved_swapped_or_rolled_back_does_not_open(elsewhere):
    record = seal(KEY, 1, b"plain", aad_for(*PLACE))
    with pytest.raises(SealBroken):
        unseal(KEY, record, aad_for(*elsewhere))


@pytest.mark.parametrize("record", [b"", b"\x01\x00", b"\x02" + bytes(40)])
def test_what_is_no_record_is_broken(record):
    with pytest.raises(SealBroken):
        version_of(record)


def test_two_seals_of_one_text_differ():
    assert seal(KEY, 1, b"plain", b"") != seal(KEY, 1, b"plain", b"")


def test_another_key_does_not_open():
    record = seal(KEY, 1, b"plain", b"place")
    with pytest.raises(SealBroken):
        unseal(AESGCM(os.urandom(32)), record, b"place")
