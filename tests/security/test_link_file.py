"""The file of the first link: for its owner alone, replaced whole, gone with the link that it holds."""

import stat

import pytest

from app.domain.refusal import StoreUnfit
from app.security.link_file import drop_link, read_token, write_link
from app.security.tokens import TokenKind, mint


def test_it_holds_one_link_for_its_owner_alone(tmp_path):
    first, second = mint(TokenKind.SIGN_IN), mint(TokenKind.SIGN_IN)
    assert read_token(tmp_path) == ""
    file = write_link(tmp_path, f"http://127.0.0.1:8000/sign-in/{first}")
    assert (file.is_absolute(), stat.S_IMODE(file.stat().st_mode), read_token(tmp_path)) == (True, 0o600, first)
    assert write_link(tmp_path, f"http://127.0.0.1:8000/sign-in/{second}") == file
    assert read_token(tmp_path) == second
    drop_link(tmp_path, first)
    assert read_token(tmp_path) == second
    drop_link(tmp_path, second.lower())
    assert not file.exists()
    drop_link(tmp_path, second)


def test_without_a_key_folder_it_says_so(tmp_path):
    with pytest.raises(StoreUnfit):
        write_link(tmp_path / "nowhere", "http://127.0.0.1:8000/sign-in/x")
