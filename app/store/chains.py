"""How keyed digests stand in the database: which keys they went through by now, as each transaction sees it (ADR 2).

``BlindIndex`` and the pepper of tokens make a digest by the first key, for good, so that it may be kept in memory and
carried from one transaction into the next. What stands in a ``Blind`` or ``TokenDigest`` column is what the chain made
of it: only where a statement is given its values, or its rows are compared with something, is that asked for.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from app.domain.refusal import StoreUnfit
from app.security.chain import Chain, Chains
from app.security.keyring import Keyring

DIGESTS = "stored_digests"
"""The execution option under which a connection carries how digests stand in its database."""
DIGESTS_LOCK = 0x626C6E64  # "blnd"
"""The number of PostgreSQL's advisory lock that every writer shares, and who moves all digests has alone."""
_SEEN = "chains"
_EPOCH = "SELECT index_epoch FROM head"

_Found = TypeVar("_Found")


class StoredDigests:
    """The chains of each epoch that the ring holds keys of. Threads share it.

    ``last`` are those of the transaction that asked last: a guess of how digests stand, and no more.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self.last = self.between(1, 1)

    def at(self, epoch: int) -> Chains:
        """Return the chains of a database whose index is at this epoch. Raise ``StoreUnfit``."""
        found = self.last
        if epoch != found.epoch:
            self.last = found = self.between(1, epoch)
        return found

    def between(self, epoch: int, until: int) -> Chains:
        """Return what leads from one epoch to a later one. Raise ``StoreUnfit`` where the ring has no such key."""
        if until > self.newest:
            self._keyring.require_there()  # which looks at once: another process may have rotated the root secret
        if not 1 <= epoch <= until <= self.newest:
            raise StoreUnfit(
                "The database is found by a key that the key ring does not hold.",
                "Restore the newest copy of the key folder.",
            )
        index, token = (Chain(self._keyring.derived(purpose)[epoch:until]) for purpose in ("index", "token"))
        return Chains(until, index, token)

    @property
    def newest(self) -> int:
        """The newest epoch of the ring."""
        return len(self._keyring.derived("index"))


def stored_digests(connection: sa.Connection) -> StoredDigests:
    """Return how digests stand in this database, by epoch."""
    found: StoredDigests = connection.get_execution_options()[DIGESTS]
    return found


def index_epoch(connection: sa.Connection) -> int:
    """Return the epoch that the index of the database is at, as this transaction sees it."""
    pooled: Any = connection.connection
    try:
        # Straight to the driver: SQLAlchemy's way would cost who fetches a member of a calendar a twentieth more.
        row = pooled.driver_connection.execute(_EPOCH).fetchone()
    except connection.dialect.loaded_dbapi.Error:
        row = connection.exec_driver_sql(_EPOCH).one()  # which fails as every statement does
    epoch: int = row[0]
    return epoch


def chains_of(connection: sa.Connection) -> Chains:
    """Return what digests have become in the database as this transaction sees it. Raise ``StoreUnfit``.

    The first that asks in a transaction reads it; who never asks pays nothing.
    """
    found: Chains | None = connection.get_execution_options().get(_SEEN)
    if found is None:
        found = stored_digests(connection).at(index_epoch(connection))
        connection.execution_options(**{_SEEN: found})
    return found


def find_by_token(connection: sa.Connection, digest: bytes, find: Callable[[bytes], _Found | None]) -> _Found | None:
    """Return what ``find`` finds by the digest of a token, as it stands.

    It is tried as digests stood for this process last: where that finds a row it is the right one, and nothing was
    asked. Only where it does not, the transaction is asked how they stand.
    """
    guess = stored_digests(connection).last
    found = find(guess.token(digest))
    if found is None and (stands := chains_of(connection)).epoch != guess.epoch:
        return find(stands.token(digest))
    return found
