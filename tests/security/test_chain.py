"""A digest goes through every key but the first, which made it, and keeps its length."""

import hmac

from app.security.blind import BlindIndex
from app.security.chain import Chain

KEYS = [bytes([number]) * 32 for number in (1, 2, 3)]


def test_a_chain_without_later_keys_changes_nothing():
    assert Chain()(b"digest") == b"digest"


def test_each_later_key_makes_it_anew_from_what_it_was():
    digest = BlindIndex(KEYS[0]).week(b"user", "2026-W49")
    second = hmac.digest(KEYS[1], digest, "sha256")[:8]
    third = hmac.digest(KEYS[2], second, "sha256")[:8]
    assert (Chain(KEYS[1:2])(digest), Chain(KEYS[1:])(digest), Chain(KEYS[2:])(second)) == (second, third, third)
