"""Checkpoints and receipts: signed by us, checked by anybody, broken by any change."""

import base64
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st

from app.security.signing import (
    Checkpoint,
    CheckpointBroken,
    SigningKey,
    open_checkpoint,
    public_key_pem,
    sign_checkpoint,
    sign_receipt,
    verify_receipt,
)

KEY, OTHER = SigningKey(bytes(range(32))), SigningKey(bytes(32))
AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
TEXT = sign_checkpoint(KEY, "gateway-closures", 3, bytes(32), AT)


def test_a_checkpoint_reads_back():
    assert open_checkpoint(TEXT, KEY.public) == Checkpoint("gateway-closures", 3, bytes(32), AT)


def test_a_checkpoint_is_a_signed_note():
    assert TEXT.split("\n")[:5] == ["gateway-closures", "3", "A" * 43 + "=", "2026-11-24T09:00:00+00:00", ""]
    assert TEXT.split("\n")[5].startswith("— gateway-closures ")


@given(st.integers(0, len(TEXT) - 1), st.sampled_from("0aZ+\n"))
def test_no_altered_checkpoint_opens(at, character):
    altered = TEXT[:at] + character + TEXT[at + 1 :]
    if altered != TEXT:
        with pytest.raises(CheckpointBroken):
            open_checkpoint(altered, KEY.public)


def test_a_checkpoint_of_another_service_does_not_open():
    with pytest.raises(CheckpointBroken, match="another key"):
        open_checkpoint(TEXT, OTHER.public)


def test_a_receipt_holds_until_anything_in_it_changes():
    receipt = sign_receipt(KEY, {"reference": "CN-0000000000", "leaf_index": 4})
    assert verify_receipt(KEY.public, receipt)
    assert not verify_receipt(OTHER.public, receipt)
    for name in receipt:
        assert not verify_receipt(KEY.public, {**receipt, name: "x"})
        assert not verify_receipt(KEY.public, {key: value for key, value in receipt.items() if key != name})
    assert not verify_receipt(KEY.public, {**receipt, "signature": 5})


@pytest.mark.parametrize("size", ["9" * 5000, "٣", "007", "-1", ""])
def test_a_size_has_one_spelling(size):
    body = f"o\n{size}\n{'A' * 43}=\n2026-11-24T09:00:00+00:00\n"
    whole = sign_checkpoint(KEY, "o", 1, bytes(32), AT)
    mark = base64.b64decode(whole.split()[-1])[:4]
    line = base64.b64encode(mark + KEY.sign(body.encode())).decode()
    with pytest.raises(CheckpointBroken):
        open_checkpoint(f"{body}\n— o {line}\n", KEY.public)


def test_a_checkpoint_names_its_key_as_signed_notes_do():
    # C2SP signed-note: the first 4 octets of SHA-256(name, newline, 0x01, public key).
    raw = KEY.public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    mark = sha256(b"gateway-closures\n\x01" + raw).digest()[:4]
    signature = base64.b64decode(TEXT.split()[-1])
    assert (signature[:4], len(signature)) == (mark, 68)
    KEY.public.verify(signature[4:], TEXT.partition("\n\n")[0].encode() + b"\n")


@pytest.mark.parametrize("text", [TEXT, sign_receipt(KEY, {"a": 1})["signature"]], ids=["checkpoint", "receipt"])
def test_no_flipped_bit_of_a_signed_text_holds(text):
    octets = text.encode()
    for at in range(len(octets)):
        for bit in range(8):
            altered = bytearray(octets)
            altered[at] ^= 1 << bit
            said = altered.decode(errors="surrogateescape")
            if text is not TEXT:
                assert not verify_receipt(KEY.public, {**sign_receipt(KEY, {"a": 1}), "signature": said})
                continue
            with pytest.raises(CheckpointBroken):
                open_checkpoint(said, KEY.public)


def test_a_receipt_is_signed_over_the_rest_of_its_canonical_json():
    receipt = sign_receipt(KEY, {"b": "é", "a": 1})
    KEY.public.verify(base64.b64decode(receipt["signature"]), f'{{"a":1,"b":"é","key":"{receipt["key"]}"}}'.encode())


def test_a_receipt_of_nested_or_broken_values_does_not_hold():
    endless = []
    for _ in range(100_000):
        endless = [endless]
    receipt = sign_receipt(KEY, {"a": 1})
    for value in (endless, "\ud800", None, 1.0, True):
        assert not verify_receipt(KEY.public, {**receipt, "a": value})


def test_the_public_key_leaves_as_pem():
    assert load_pem_public_key(public_key_pem(KEY.public).encode()) == KEY.public
