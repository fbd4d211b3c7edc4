"""The ring as a value: it opens under its own KEK only, and no altered bit of it is taken."""

import base64
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.refusal import StoreUnfit
from app.security.ring import KEPT, Ring, derived, new_ring, prove, read_ring, write_ring
from app.security.signing import SigningKey, raw_public_key

KEK, OTHER = bytes(range(32)), bytes(32)
RING = new_ring(KEK, "kek").with_new_keys(KEK, [b"u1", b"u2"]).with_new_keys(KEK, [b"u1"]).without_keys(b"u2")
ROOT = RING.open_root(KEK)
WRITTEN = write_ring(RING, ROOT)


def opened(octets: bytes) -> Ring:
    ring = read_ring(octets)
    prove(ring, ring.open_root(KEK), octets)
    return ring


def test_what_is_written_reads_back():
    assert opened(WRITTEN) == RING
    assert {owner: list(keys) for owner, keys in RING.owners.items()} == {b"u1": [1, 2], b"u2": []}


def test_no_flipped_bit_is_taken():
    for at in range(len(WRITTEN)):
        for bit in range(8):
            altered = bytearray(WRITTEN)
            altered[at] ^= 1 << bit
            with pytest.raises(StoreUnfit):
                opened(bytes(altered))


@given(st.integers(0, len(WRITTEN) - 1))
def test_no_ring_that_was_cut_off_is_taken(length):
    with pytest.raises(StoreUnfit):
        opened(WRITTEN[:length])


@pytest.mark.parametrize("name", ["../kek", "/etc/passwd", "kek-1", "kek\n", ""])
def test_a_kek_of_a_strange_name_is_never_looked_for(name):
    with pytest.raises(StoreUnfit, match="damaged"):
        read_ring(json.dumps({**json.loads(WRITTEN), "kek": name}).encode())


@pytest.mark.parametrize("octets", [b"[]", b"{}", b'{"kek": 1, "root": "", "owners": {}}', b"[" * 100_000, b"\xff"])
def test_what_is_no_ring_is_damaged(octets):
    with pytest.raises(StoreUnfit, match="damaged"):
        read_ring(octets)


def test_another_kek_opens_nothing():
    with pytest.raises(StoreUnfit, match="does not belong"):
        RING.open_root(OTHER)
    with pytest.raises(StoreUnfit, match="damaged"):
        RING.open_keys(OTHER, b"u1")


def test_a_wrap_cut_to_nothing_does_not_open():
    with pytest.raises(StoreUnfit):
        Ring("kek", b"", {}).open_root(KEK)


def test_a_key_given_to_another_owner_or_version_does_not_open():
    keys = RING.owners[b"u1"]
    for owners in ({b"u3": keys}, {b"u1": {1: keys[2]}}, {b"u1": {3: keys[1]}}):
        with pytest.raises(StoreUnfit):
            Ring("kek", RING.root, owners).open_keys(KEK, next(iter(owners)))


def test_an_owner_shredded_by_hand_is_noticed():
    with pytest.raises(StoreUnfit, match="damaged"):
        prove(RING.without_keys(b"u1"), ROOT, WRITTEN)


def test_rewrapping_keeps_every_key_and_every_shred():
    again = RING.rewrapped(KEK, OTHER, "environment")
    assert (again.open_root(OTHER), again.open_keys(OTHER, b"u1")) == (ROOT, RING.open_keys(KEK, b"u1"))
    assert (again.kek, again.owners[b"u2"]) == ("environment", {})
    with pytest.raises(StoreUnfit):
        again.open_root(KEK)


def test_each_purpose_has_its_own_key():
    # HKDF-SHA256 of 32 zero octets without salt, reckoned by hand from RFC 5869: extract, then one step of expand.
    import hmac

    extracted = hmac.digest(bytes(32), bytes(32), "sha256")
    assert derived(bytes(32), "index") == hmac.digest(extracted, b"closures index\x01", "sha256")
    assert derived(ROOT, "index") != derived(ROOT, "token")


def test_a_new_root_keeps_of_the_old_one_what_opens_nothing():
    after = RING.with_new_root(KEK)
    again = read_ring(write_ring(after, after.open_root(KEK)))
    assert (again, again.epoch, again.first, again.is_settled) == (after, 2, 3, False)
    assert after.open_root(KEK) != ROOT
    assert after.open_past(KEK, 1) == {purpose: derived(ROOT, purpose) for purpose in KEPT}
    assert after.past[0].public == raw_public_key(SigningKey(derived(ROOT, "signing")).public)
    assert ROOT not in [base64.b64decode(word) for word in re.findall(rb'"([^"]{20,})"', write_ring(after, ROOT))]
    grown = after.with_new_keys(KEK, [b"u1", b"u3"])
    assert {owner: list(keys) for owner, keys in grown.owners.items()} == {b"u1": [1, 2, 3], b"u2": [], b"u3": [3]}
    with pytest.raises(StoreUnfit, match="damaged"):
        after.open_past(OTHER, 1)
    rewrapped = after.with_new_root(KEK).rewrapped(KEK, OTHER, "environment")
    assert rewrapped.open_past(OTHER, 1) == after.open_past(KEK, 1)
    assert (rewrapped.epoch, rewrapped.open_past(OTHER, 2)) == (
        3,
        {purpose: derived(after.open_root(KEK), purpose) for purpose in KEPT},
    )


def test_no_flipped_bit_of_an_epoch_is_taken():
    written = write_ring(after := RING.with_new_root(KEK), after.open_root(KEK))
    start = written.index(b'"past"')
    for at in range(start - 40, written.index(b'"proof": "', start)):
        for bit in range(8):
            altered = bytearray(written)
            altered[at] ^= 1 << bit
            with pytest.raises(StoreUnfit):
                opened(bytes(altered))
