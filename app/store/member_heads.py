"""A member of a calendar collection as it is kept: its light head, sealed, and which state of it was read."""

import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from app.store.engine import Connection, Store
from app.store.instants import from_micros, to_micros
from app.store.member_tables import members
from app.store.proven import altered, require_proven

# change, gone, entity tag, length, created, changed, day on which it leaves, SEQUENCE that we wrote, length of the name
_FACTS = struct.Struct(">q?16sIqqIIH")


@dataclass(frozen=True, slots=True)
class Place:
    """A collection: whose it is, and the octets that stand for it, by the first key of the blind index.

    Clients see these as its resource-id. Its rows hold what the chain made of them.
    """

    user_id: bytes
    collection: bytes


@dataclass(frozen=True, slots=True)
class MemberHead:
    """What a listing shows of a member. ``etag`` is in hexadecimal; ``length`` counts octets.

    ``leaves_on`` is the first day (an ordinal, UTC) on which it is there no more by the clock alone, 0 for none.
    ``written_sequence`` is the SEQUENCE that we wrote into it last, 0 where we wrote none.
    """

    name: str
    uid: str
    etag: str
    length: int
    created_at: datetime
    changed_at: datetime
    leaves_on: int = 0
    written_sequence: int = 0


@dataclass(frozen=True, slots=True)
class HeldMember:
    """A member's row as it was read, its digests as they stand. ``change`` is the place in the log of the last change.

    ``is_rendered`` says that no client put it: it has no body, and its octets are made of its closures.
    """

    id: bytes
    user_id: bytes
    collection: bytes
    name_index: bytes
    change: int
    gone: bool
    row_version: int
    is_rendered: bool
    head: MemberHead

    def stands(self, today: int) -> bool:
        """Tell whether the member is there on a day (an ordinal, UTC)."""
        return not self.gone and not 0 < self.head.leaves_on <= today


class Version(NamedTuple):
    """Which member, and which state of its two rows: what was read of one version stays true of it."""

    id: bytes
    row_version: int
    body_version: int
    leaves_on: int


@dataclass(frozen=True, slots=True)
class NewMember:
    """A member to be written: ``body`` is its heavy part, opaque here, None for one that is rendered.

    The ISO weeks that it touches find it; ``is_whole`` tells that it has no occurrence in any other week. One that is
    rendered is found by its closures.
    """

    head: MemberHead
    change: int
    body: bytes | None = None
    weeks: frozenset[str] = frozenset()
    is_whole: bool = True


def dump_head(head: MemberHead, change: int, *, gone: bool) -> bytes:
    """Return the head as it is sealed, with what its row states in the clear."""
    stamps = to_micros(head.created_at), to_micros(head.changed_at)
    name = head.name.encode(errors="surrogatepass")
    marks = head.leaves_on, head.written_sequence, len(name)
    facts = _FACTS.pack(change, gone, bytes.fromhex(head.etag), head.length, *stamps, *marks)
    return facts + name + head.uid.encode(errors="surrogatepass")


def open_member(store: Store, connection: Connection, row: Any) -> HeldMember:
    """Open a member's row, read whole. Raise ``SealBroken`` where it is not as it was written."""
    require_proven(connection, members, row)
    return open_unproven(store, row)


def open_unproven(store: Store, row: Any) -> HeldMember:
    """Do the same with a row as the database holds it, for verification. Raise ``SealBroken``."""
    body = store.keyring.unseal(row.user_id, "members", "sealed", row.id, row.row_version, row.sealed)
    change, gone, etag, length, created, changed, leaves_on, written, named = _FACTS.unpack_from(body)
    if (change, gone, leaves_on) != (row.change, row.gone, row.leaves_on or 0):
        raise altered(members)
    text = body[_FACTS.size :]
    name, uid = (part.decode(errors="surrogatepass") for part in (text[:named], text[named:]))
    stamps = from_micros(created), from_micros(changed)
    head = MemberHead(name, uid, etag.hex(), length, *stamps, leaves_on, written)
    digests = row.collection, row.name_index
    return HeldMember(row.id, row.user_id, *digests, row.change, row.gone, row.row_version, row.is_rendered, head)
