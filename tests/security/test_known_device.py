"""The mark of a known device: of one account, made under our key, and nothing that can be put together from others."""

from app.security.known_device import is_mark_of, new_mark

KEY, OTHER = b"k" * 32, b"o" * 32


def test_a_mark_is_of_its_account_and_key_alone():
    mark = new_mark(KEY, "a@example.org")
    assert is_mark_of(KEY, "a@example.org", mark)
    assert not is_mark_of(KEY, "b@example.org", mark)
    assert not is_mark_of(OTHER, "a@example.org", mark)


def test_no_two_marks_are_alike_and_none_can_be_put_together():
    first, second = (new_mark(KEY, "a@example.org") for _ in range(2))
    assert first != second
    mixed = first.partition(".")[0] + "." + second.partition(".")[2]
    nonce, _, seal = first.partition(".")
    for mark in ("", ".", mixed, f"{nonce}|a.{seal}", nonce, f"\udc80.{seal}", f"{nonce}.\udc80"):
        assert not is_mark_of(KEY, "a@example.org", mark)
    # What was moved from the one part into the other is another text.
    assert not is_mark_of(KEY, "x|a@example.org", f"{nonce}|x.{seal}")
