"""Finding sealed values without opening them: keyed digests of what is looked up, and of nothing else."""

import hmac
from functools import lru_cache

from app.security.keyed_digest import KeyedDigest


class BlindIndex:
    """HMAC-SHA256 under the index key. Without the key, an entry says nothing but whether two are equal."""

    def __init__(self, key: bytes) -> None:
        self._keyed = KeyedDigest(key)
        # What one notice asks for again and again.
        self.week = lru_cache(maxsize=4096)(self._week)
        self.series = lru_cache(maxsize=4096)(self._series)
        self.member_uid = lru_cache(maxsize=4096)(self._member_uid)

    def _week(self, user_id: bytes, iso_week: str) -> bytes:
        """Return the 8 octets that stand for an ISO week such as ``2026-W49`` among the closures of one User (ADR 2).

        Whoever knows in which weeks its own closures are learns nothing of another User's.
        """
        return self._digest("wk", user_id, iso_week.encode())[:8]

    def code(self, kind: str, code: str) -> bytes:
        """Return the 16 octets that stand for a User's or gateway's code, or an account's address."""
        return self._digest(kind, _octets(code.casefold()))[:16]

    def subject(self, kind: str, text: str) -> bytes:
        """Return the 16 octets that stand for a person's identity elsewhere or a network: case counts."""
        return self._digest(kind, _octets(text))[:16]

    def is_subject(self, stated: str, kind: str, text: str) -> bool:
        """Tell whether ``stated`` is in hexadecimal what stands for it; the time taken does not say how nearly."""
        return hmac.compare_digest(_octets(stated), self.subject(kind, text).hex().encode())

    def identity(self, user_id: bytes, gateway: str, uid: str, recurrence_id: str) -> bytes:
        """Return the 16 octets that stand for a closure's identity: (User, gateway, UID, RECURRENCE-ID)."""
        return self._digest("id", user_id, gateway.encode(), _octets(uid), _octets(recurrence_id))[:16]

    def _series(self, user_id: bytes, uid: str) -> bytes:
        """Return the 16 octets that stand for everything a User announced under one UID."""
        return self._digest("uid", user_id, _octets(uid))[:16]

    def rule(self, user_id: bytes, gateway: str, uid: str) -> bytes:
        """Return the 16 octets that stand for the repeating rule of one event at one gateway."""
        return self._digest("rule", user_id, gateway.encode(), _octets(uid))[:16]

    def source(self, owner: bytes, topic: str, url: str) -> bytes:
        """Return the 16 octets that stand for a calendar that is read for a User's gateway, or for DCC's own dates."""
        return self._digest("source", owner, _octets(topic), _octets(url))[:16]

    def summary(self, source_id: bytes, text: str) -> str:
        """Return what stands for the title of an event that a source shows: 16 hexadecimal digits."""
        return self._digest("summary", source_id, _octets(text))[:8].hex()

    def notification(self, recipient_id: str, kind: str, closure_id: bytes, number: int) -> bytes:
        """Return the 16 octets that stand for one thing told to one recipient about one revision of a closure."""
        return self._digest("tell", recipient_id.encode(), kind.encode(), closure_id, number.to_bytes(4, "big"))[:16]

    def answer(self, asker: str, key: str) -> bytes:
        """Return the 16 octets that stand for an Idempotency-Key of one asker."""
        return self._digest("answer", _octets(asker), _octets(key))[:16]

    def digest(self, octets: bytes) -> bytes:
        """Return 16 octets that stand for a notice: a plain digest of guessable text would confirm a guess."""
        return self._digest("notice", octets)[:16]

    def collection(self, user_id: bytes, gateway: str) -> bytes:
        """Return the 16 octets that stand for a User's calendar collection, which is one gateway's."""
        return self._digest("collection", user_id, gateway.encode())[:16]

    def member(self, collection: bytes, name: str) -> bytes:
        """Return the 16 octets that stand for a name in a collection."""
        return self._digest("member", collection, _octets(name))[:16]

    def _member_uid(self, collection: bytes, uid: str) -> bytes:
        """Return the 16 octets that stand for a UID in a collection."""
        return self._digest("member uid", collection, _octets(uid))[:16]

    def member_week(self, collection: bytes, iso_week: str) -> bytes:
        """Return the 8 octets that stand for an ISO week in a collection."""
        return self._digest("member wk", collection, iso_week.encode())[:8]

    def etag(self, octets: bytes) -> str:
        """Return the entity tag of a member: 32 hexadecimal digits."""
        return self._digest("etag", octets)[:16].hex()

    def place(self, principal: str, path: str, name: str = "") -> bytes:
        """Return the 16 octets that stand for a principal's place, or for one property there."""
        return self._digest("place", _octets(principal), _octets(path), _octets(name))[:16]

    def seen(self, item: str) -> bytes:
        """Return the 16 octets that stand for something that DCC's staff have seen."""
        return self._digest("seen", _octets(item))[:16]

    def _digest(self, kind: str, *parts: bytes) -> bytes:
        framed = b"".join([len(part).to_bytes(4, "big") + part for part in (kind.encode(), *parts)])
        return self._keyed.of(framed)


def _octets(text: str) -> bytes:
    # JSON can carry half of a surrogate pair, which UTF-8 has no octets for: it is still a text to look up.
    return text.encode(errors="surrogatepass")
