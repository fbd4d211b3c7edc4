"""One scheduler at a time, by a row that says who leads, in which epoch, and until when (ADR 36).

It works alike in both databases, through poolers too, and where the leader lost its connection or was stopped.
"""

from dataclasses import replace

import sqlalchemy as sa

from app.domain.refusal import Deposed
from app.security.tokens import new_row_id
from app.store.act_tables import lead
from app.store.engine import Connection, Store

LEASE_SECONDS = 6.0
"""How long nobody else takes over from a leader that was heard of."""
RENEW_SECONDS = 2.0
"""How often a leader lets itself be heard of, and who waits in line looks."""

_MICROSECONDS = 1_000_000
_LEASE = int(LEASE_SECONDS * _MICROSECONDS)
_CLOCKS = {
    "postgresql": sa.cast(sa.extract("epoch", sa.func.clock_timestamp()) * _MICROSECONDS, sa.BigInteger),
    "sqlite": sa.cast(sa.func.unixepoch("subsec") * _MICROSECONDS, sa.BigInteger),
}
# A stopped leader must not hold what it locked: PostgreSQL ends a transaction of which nothing is heard.
_NOT_FOR_LONG = "SET LOCAL idle_in_transaction_session_timeout = '5s'"
_EPOCH: sa.BindParameter[int] = sa.bindparam("mine")
_HOLDER: sa.BindParameter[bytes] = sa.bindparam("me")
_IS_MINE = sa.and_(lead.c.epoch == _EPOCH, lead.c.holder == _HOLDER)
_ASK = sa.select(lead.c.epoch).where(_IS_MINE)
# Shared with all that the leader writes and with its renewals; who takes over waits until they have ended.
_ASK_AND_KEEP = _ASK.with_for_update(read=True, key_share=True)


def _is_over(now: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    # One that ends much later than any could was written before the clock was set back.
    return sa.or_(lead.c.ends <= now, lead.c.ends > now + 2 * _LEASE)


class Leadership:
    """The lead of one scheduler over one database, while it has it. ``epoch`` is None while another one may lead."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._me = new_row_id()
        now = _CLOCKS[store.engine.dialect.name]
        self._take = (
            sa.update(lead).where(_is_over(now)).values(epoch=lead.c.epoch + 1, holder=_HOLDER, ends=now + _LEASE)
        )
        self._renew = sa.update(lead).where(_IS_MINE).values(ends=now + _LEASE)
        self.epoch: int | None = None

    def fenced(self) -> Store:
        """Return the store for what the leader of this epoch writes: it raises ``Deposed`` once another one leads."""
        epoch = self.epoch

        def fence(connection: Connection) -> None:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(_NOT_FOR_LONG)
            self._require(connection, _ASK_AND_KEEP, epoch)

        return replace(self._store, fence=fence)

    def take(self) -> bool:
        """Take the lead if nobody has it; tell whether it was taken. Raise ``StoreAway`` and as ``Store.writing``."""
        with self._store.writing_apart() as connection:
            if connection.execute(self._take, {"me": self._me}).rowcount == 0:
                return False
            epoch = connection.execute(sa.select(lead.c.epoch)).scalar_one()
            # It may have waited for what the one before had open: its time begins now.
            connection.execute(self._renew, {"mine": epoch, "me": self._me})
        self.epoch = epoch
        return True

    def renew(self) -> None:
        """Put off the end. Raise ``Deposed`` where another one took over, ``StoreAway`` and as ``Store.writing``."""
        with self._store.writing_apart() as connection:
            if connection.execute(self._renew, {"mine": self.epoch, "me": self._me}).rowcount == 0:
                raise _deposed()

    def require(self) -> None:
        """Raise ``Deposed`` unless it leads at this moment: asked before what cannot be called back leaves."""
        with self._store.reading() as connection:
            self._require(connection, _ASK, self.epoch)

    def give_up(self) -> None:
        """Let another one take over at once, if this one leads still."""
        with self._store.writing_apart() as connection:
            connection.execute(sa.update(lead).where(_IS_MINE).values(ends=0), {"mine": self.epoch, "me": self._me})
        self.epoch = None

    def _require(self, connection: Connection, query: sa.Select[tuple[int]], epoch: int | None) -> None:
        if connection.execute(query, {"mine": epoch, "me": self._me}).first() is None:
            raise _deposed()


def read_lead(connection: Connection) -> tuple[int, bool]:
    """Return how often a scheduler took the lead since the set-up, and whether one has it now."""
    query = sa.select(lead.c.epoch, sa.not_(_is_over(_CLOCKS[connection.dialect.name])))
    epoch, is_held = connection.execute(query).one()
    return epoch, bool(is_held)


def _deposed() -> Deposed:
    return Deposed("Another scheduler leads by now; nothing was written or sent.", "It does the work.")
