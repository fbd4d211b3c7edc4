"""The blind index: equal for equal things, different for different ones, nothing without the key."""

from app.security.blind import BlindIndex

ONE, OTHER = BlindIndex(bytes(32)), BlindIndex(bytes(range(32)))


def test_lengths():
    assert [
        len(found)
        for found in (
            ONE.week(b"u", "2026-W49"),
            ONE.code("user", "A"),
            ONE.identity(b"u", "G", "i", ""),
            ONE.series(b"u", "i"),
            ONE.digest(b"x"),
        )
    ] == [8, 16, 16, 16, 16]


def test_equal_things_are_found():
    assert ONE.week(b"u", "2026-W49") == ONE.week(b"u", "2026-W49")
    assert ONE.code("user", "alpha") == ONE.code("user", "ALPHA")


def test_half_a_surrogate_pair_is_a_text_too():
    assert len({ONE.series(b"u", text) for text in ("\ud800", "\ud801", "?")}) == 3
    assert len({ONE.identity(b"u", "G", "i", "\ud800"), ONE.code("user", "\ud800")}) == 2


def test_different_things_differ():
    found = [
        ONE.week(b"u", "2026-W49"), ONE.week(b"u", "2026-W50"), OTHER.week(b"u", "2026-W49"),
        # Whoever knows its own weeks learns nothing of another User's.
        ONE.week(b"v", "2026-W49"),
        ONE.code("user", "A"), ONE.code("gateway", "A"), OTHER.code("user", "A"),
        ONE.identity(b"u", "G", "i", ""), ONE.identity(b"uG", "", "i", ""), ONE.identity(b"u", "Gi", "", ""),
        ONE.identity(b"u", "G", "", "i"), ONE.identity(b"u", "H", "i", ""), ONE.series(b"u", "i"),
        ONE.rule(b"u", "G", "i"), ONE.rule(b"u", "H", "i"),
        ONE.digest(b"x"),
    ]  # fmt: skip
    assert len(set(found)) == len(found)
