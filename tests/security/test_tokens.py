"""Tokens: recognisable, mistypes caught, any reasonable spelling read."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.security.tokens import (
    TokenKind,
    canonical,
    digest,
    kind_of,
    mint,
    new_reference,
    new_row_id,
    new_session_id,
    new_subscription_id,
    redact,
)

KINDS = st.sampled_from(TokenKind)


@given(KINDS)
def test_a_minted_token_says_its_kind(kind):
    token = mint(kind)
    assert (kind_of(token), token[:5], len(token)) == (kind, f"{kind}_", 64)


@given(KINDS, st.data())
def test_a_mistyped_token_is_none(kind, data):
    token = mint(kind)
    at = data.draw(st.integers(5, len(token) - 1))
    wrong = data.draw(st.sampled_from([c for c in "0123456789ABCDEFGHJKMNPQRSTVWXYZ" if c != token[at]]))
    assert kind_of(token[:at] + wrong + token[at + 1 :]) is None


@given(KINDS)
def test_case_and_look_alikes_do_not_matter(kind):
    token = mint(kind)
    spelled = token.lower().replace("0", "o").replace("1", "l")
    assert (canonical(f" {spelled}\n"), digest(b"pepper", spelled)) == (token, digest(b"pepper", token))


@pytest.mark.parametrize("text", ["", "gwff_", "gwfx_" + "0" * 59, "gwff_" + "U" * 59, "gwff_" + "0" * 58, "gwffé"])
def test_what_is_no_token_is_none(text):
    assert (canonical(text), kind_of(text)) == (None, None)


def test_a_prefix_of_another_kind_does_not_pass():
    assert kind_of(mint(TokenKind.FEED).replace("gwff", "gwfp")) is None


def test_a_digest_depends_on_the_pepper():
    token = mint(TokenKind.FEED)
    assert (len(digest(b"a", token)), digest(b"a", token) == digest(b"b", token)) == (32, False)


def test_a_log_line_keeps_no_token():
    token = mint(TokenKind.APP_PASSWORD)
    assert redact(f"GET /feeds/s/{token}/closures.ics by {token.lower()}") == (
        "GET /feeds/s/gwfp_…/closures.ics by gwfp_…"
    )


@pytest.mark.parametrize("around", ["%2F{}", "x{}x", "_{}", "https://o.example/{}?", "{}"])
@pytest.mark.parametrize(
    "spelling", [str, str.lower, lambda token: token.replace("_", "%5f"), lambda token: token[:9] + "-" + token[9:]]
)
def test_no_spelling_of_a_token_stays_in_a_log(around, spelling):
    token = mint(TokenKind.FEED)
    said = redact(around.format(spelling(token)))
    assert [part for part in (token[5:9], token[-8:]) if part.lower() in said.lower()] == []


def test_a_line_without_a_token_stays_as_it_is():
    assert redact("GET /feeds/AB12.ics gwff, gwfx_0") == "GET /feeds/AB12.ics gwff, gwfx_0"


def test_hyphens_are_passed_over_and_nothing_endless_is_read():
    token = mint(TokenKind.APP_PASSWORD)
    assert kind_of("-".join([token[:9], token[9:20], token[20:]])) is TokenKind.APP_PASSWORD
    assert kind_of(token + "-" * 100) is None


def test_anything_has_a_digest():
    assert len(digest(b"pepper", "\ud800")) == 32


def test_random_names_have_their_shapes_and_do_not_repeat():
    references = {new_reference() for _ in range(500)}
    assert {(reference[:3], len(reference)) for reference in references} == {("CN-", 13)}
    assert len(references) == 500
    assert len({new_row_id() for _ in range(500)}) == 500
    assert {len(new_row_id()), len(new_subscription_id())} == {16}
    assert re.fullmatch(r"[0-9a-hjkmnp-tv-z]{16}", new_subscription_id())
    assert len({new_session_id() for _ in range(500)}) == 500
