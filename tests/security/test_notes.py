"""Checkpoints as signed notes: what a foreign witness takes, what it answers, and what of either does not hold."""

import base64
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from app.security.notes import (
    CheckpointBroken,
    CosignatureBroken,
    WitnessKeyBroken,
    open_checkpoint,
    read_cosignature,
    read_witness_key,
    sign_checkpoint,
    verifier_key,
)
from app.security.signing import SigningKey

KEY, OTHER, WITNESS = SigningKey(bytes(range(32))), SigningKey(bytes(32)), SigningKey(b"w" * 32)
BODY = f"gateway-closures\n3\n{'A' * 43}=\n"
TEXT = sign_checkpoint(KEY, "gateway-closures", 3, bytes(32))
NAME = "witness.example.org/w1"


def raw(key):
    return key.public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def line_of(key, name, body, kind=b"\x01", message=None, stamp=b""):
    """A signature line as C2SP signed-note has it, made without our code."""
    mark = sha256(name.encode() + b"\n" + kind + raw(key)).digest()[:4]
    signature = key.sign(body.encode() if message is None else message)
    return f"— {name} {base64.b64encode(mark + stamp + signature).decode()}"


def vkey_of(key=WITNESS, name=NAME, kind=b"\x04"):
    mark = sha256(name.encode() + b"\n" + kind + raw(key)).hexdigest()[:8]
    return f"{name}+{mark}+{base64.b64encode(kind + raw(key)).decode()}"


def cosigned(at=1_795_510_800, key=WITNESS, body=BODY):
    message = f"cosignature/v1\ntime {at}\n{body}".encode()
    return line_of(key, NAME, body, b"\x04", message, at.to_bytes(8))


def test_a_checkpoint_is_three_lines_and_a_signature():
    assert f"{BODY}\n{line_of(KEY, 'gateway-closures', BODY)}\n" == TEXT


def test_a_checkpoint_reads_back():
    found = open_checkpoint(TEXT, [OTHER.public, KEY.public])
    assert (found.origin, found.size, found.root, found.body) == ("gateway-closures", 3, bytes(32), BODY)


def test_a_checkpoint_kept_from_before_still_opens():
    body = f"{BODY}2026-11-24T09:00:00+00:00\n"
    found = open_checkpoint(f"{body}\n{line_of(KEY, 'gateway-closures', body)}\n", [KEY.public])
    assert (found.size, found.root) == (3, bytes(32))


def test_lines_of_others_are_left_alone():
    assert open_checkpoint(f"{TEXT}{cosigned()}\n", [KEY.public]) == open_checkpoint(TEXT, [KEY.public])
    first = f"{BODY}\n{cosigned()}\n{line_of(KEY, 'gateway-closures', BODY)}\n"
    assert open_checkpoint(first, [KEY.public]) == open_checkpoint(TEXT, [KEY.public])


@given(st.integers(0, len(TEXT) - 1), st.sampled_from("0aZ+\n"))
def test_no_altered_checkpoint_opens(at, character):
    altered = TEXT[:at] + character + TEXT[at + 1 :]
    if altered != TEXT:
        with pytest.raises(CheckpointBroken):
            open_checkpoint(altered, [KEY.public])


def test_no_flipped_bit_of_a_checkpoint_holds():
    octets = TEXT.encode()
    for at in range(len(octets)):
        for bit in range(8):
            altered = bytearray(octets)
            altered[at] ^= 1 << bit
            with pytest.raises(CheckpointBroken):
                open_checkpoint(altered.decode(errors="surrogateescape"), [KEY.public])


def test_a_checkpoint_of_another_service_does_not_open():
    with pytest.raises(CheckpointBroken, match="another key"):
        open_checkpoint(TEXT, [OTHER.public])


@pytest.mark.parametrize("size", ["9" * 5000, "٣", "007", "-1", ""])
def test_a_size_has_one_spelling(size):
    body = f"o\n{size}\n{'A' * 43}=\n"
    with pytest.raises(CheckpointBroken):
        open_checkpoint(f"{body}\n{line_of(KEY, 'o', body)}\n", [KEY.public])


def test_a_key_is_written_as_signed_notes_have_it():
    assert verifier_key("gateway-closures", KEY.public) == vkey_of(KEY, "gateway-closures", b"\x01")


def test_a_cosignature_is_over_its_time_and_the_checkpoint():
    key = read_witness_key(vkey_of())
    answer = f"{line_of(OTHER, 'someone.else', BODY)}\n{cosigned()}\n"
    assert read_cosignature(key, BODY, answer) == (datetime(2026, 11, 24, 9, 0, tzinfo=UTC), cosigned())


@pytest.mark.parametrize(
    "answer",
    [
        "", "nonsense", "— ", cosigned().replace("—", "-"), cosigned(key=OTHER), cosigned(body=f"{BODY}x\n"),
        cosigned().replace(NAME, "witness.example.org/w2"), line_of(WITNESS, NAME, BODY),
        cosigned(at=2**63), cosigned()[:-8], f"— {NAME} {'A' * 8}",
    ],
)  # fmt: skip
def test_nothing_else_is_a_cosignature(answer):
    with pytest.raises(CosignatureBroken):
        read_cosignature(read_witness_key(vkey_of()), BODY, f"{answer}\n")


def test_no_flipped_bit_of_a_cosignature_holds():
    key, octets = read_witness_key(vkey_of()), cosigned().encode()
    for at in range(len(octets)):
        for bit in range(8):
            altered = bytearray(octets)
            altered[at] ^= 1 << bit
            with pytest.raises(CosignatureBroken):
                read_cosignature(key, BODY, altered.decode(errors="surrogateescape"))


@pytest.mark.parametrize("text", ["", "x", NAME, f"{NAME}+00000000+AAAA", vkey_of(kind=b"\x01"), vkey_of()[:-1] + "_"])
def test_a_key_that_is_no_witness_key_is_refused(text):
    with pytest.raises(WitnessKeyBroken):
        read_witness_key(text)
