"""Receipts: signed by us, checked by anybody, broken by any change."""

import base64

from cryptography.hazmat.primitives.serialization import load_pem_public_key

from app.security.signing import SigningKey, public_key_pem, sign_receipt, verify_receipt

KEY, OTHER = SigningKey(bytes(range(32))), SigningKey(bytes(32))


def test_a_receipt_holds_until_anything_in_it_changes():
    receipt = sign_receipt(KEY, {"reference": "CN-0000000000", "leaf_index": 4})
    assert verify_receipt([KEY.public], receipt)
    assert not verify_receipt([OTHER.public], receipt)
    for name in receipt:
        assert not verify_receipt([KEY.public], {**receipt, name: "x"})
        assert not verify_receipt([KEY.public], {key: value for key, value in receipt.items() if key != name})
    assert not verify_receipt([KEY.public], {**receipt, "signature": 5})


def test_a_receipt_is_signed_over_the_rest_of_its_canonical_json():
    receipt = sign_receipt(KEY, {"b": "é", "a": 1})
    KEY.public.verify(base64.b64decode(receipt["signature"]), f'{{"a":1,"b":"é","key":"{receipt["key"]}"}}'.encode())


def test_a_receipt_of_nested_or_broken_values_does_not_hold():
    endless = []
    for _ in range(100_000):
        endless = [endless]
    receipt = sign_receipt(KEY, {"a": 1})
    for value in (endless, "\ud800", None, 1.0, True):
        assert not verify_receipt([KEY.public], {**receipt, "a": value})


def test_the_public_key_leaves_as_pem():
    assert load_pem_public_key(public_key_pem(KEY.public).encode()) == KEY.public


def test_no_flipped_bit_of_a_signature_holds():
    receipt = sign_receipt(KEY, {"a": 1})
    octets = receipt["signature"].encode()
    for at in range(len(octets)):
        for bit in range(8):
            altered = bytearray(octets)
            altered[at] ^= 1 << bit
            said = altered.decode(errors="surrogateescape")
            assert not verify_receipt([KEY.public], {**receipt, "signature": said})


def test_a_receipt_is_checked_by_the_key_that_it_names():
    both = [OTHER.public, KEY.public]
    assert verify_receipt(both, sign_receipt(KEY, {"a": 1}))
    assert verify_receipt(both, sign_receipt(OTHER, {"a": 1}))
    assert not verify_receipt(both, {**sign_receipt(KEY, {"a": 1}), "key": OTHER.id})
