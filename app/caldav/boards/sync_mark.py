"""What tells a place in the record from the same place on another timeline: the mark that each sync token holds."""

from hashlib import sha256

from app.caldav.backend import TokenUnknown


def mark_of(collection: bytes, leaf: bytes) -> str:
    """Return twelve digits for what the record holds at a place, seen from one collection."""
    return sha256(collection + leaf).hexdigest()[:12]


def check_mark(mark: str, collection: bytes, leaf: bytes | None) -> None:
    """Raise ``TokenUnknown`` where the record holds another leaf at the place of a token, or none.

    So it is where an older backup was restored, while the tokens given before that backup go on. A token of another
    collection is none of this one's.
    """
    if leaf is None or mark_of(collection, leaf) != mark:
        raise TokenUnknown
