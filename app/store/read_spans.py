"""The read log under acts (ADR 30): one act for all the reads since the last such, and one for each purge of old ones.

A subscriber polls by the minute: an act for each read would outgrow the record of notices many times. An act covers a
**span** of the read log, its ids in order, by their number and one digest over the rows as they stand.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import chain
from typing import Any

import sqlalchemy as sa

from app.security.sealing import SealBroken
from app.store.act_tables import acts
from app.store.acts import Deed, open_act, record_act
from app.store.deciding import digest_of
from app.store.engine import Store
from app.store.raw import raw_batches
from app.store.runs import READ_LOG, JobRun, read_run, write_run
from app.store.tables import reads

READ_COLUMNS = tuple(column.name for column in reads.columns)
COVERED_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ReadSpan:
    """The reads with ids above ``after`` and up to ``through``: how many there were, and the digest over them."""

    after: int
    through: int
    count: int
    digest: bytes

    def note(self) -> str:
        """Return what its act says of it."""
        return json.dumps([self.after, self.through, self.count, self.digest.hex()])


def span_of(note: str) -> ReadSpan:
    """Return the span that an act covers."""
    after, through, count, digest = json.loads(note)
    return ReadSpan(after, through, count, bytes.fromhex(digest))


def fold_reads(rows: Iterable[tuple[Any, ...]]) -> tuple[int, bytes]:
    """Return how many rows there are, of ``READ_COLUMNS`` in the order of their ids, and the digest over them."""
    count, digest = 0, sha256()
    for row in rows:
        count += 1
        digest.update(digest_of(row))
    return count, digest.digest()


def in_span(after: int, through: int) -> str:
    """Return SQL that says which rows of the read log stand in a span."""
    return f"id > {after} AND id <= {through}"


def cover_reads(store: Store) -> int:
    """Cover by one act what was read since the last one; return how many reads."""
    with store.writing() as connection:
        if connection.dialect.name == "postgresql":
            # Whoever writes reads has a number before it is seen: none below ours may come to be seen later.
            connection.execute(sa.text("LOCK TABLE reads IN SHARE ROW EXCLUSIVE MODE"))
        last = read_run(connection, READ_LOG)
        after = 0 if last is None else last.position
        through = connection.execute(sa.select(sa.func.max(reads.c.id))).scalar() or 0
        count = 0
        if through > after:
            batches = raw_batches(connection, "reads", *READ_COLUMNS, order=("id",), only=in_span(after, through))
            count, digest = fold_reads(chain.from_iterable(batches))
            note = ReadSpan(after, through, count, digest).note()
            record_act(store, connection, Deed.READS_COVERED, [], note=note)
        write_run(connection, JobRun(READ_LOG, max(after, through), store.now(), f"covered {count} reads"))
    return count


def is_coverage_due(store: Store, connection: sa.Connection) -> bool:
    """Tell whether nobody covered reads lately, as where no scheduler runs."""
    last = read_run(connection, READ_LOG)
    return last is None or abs(store.now() - last.ran_at) > COVERED_EVERY


def purge_reads(store: Store, connection: sa.Connection, before: datetime) -> int:
    """Delete the spans that were covered before an instant, with an act; return how many reads.

    The last span stays: SQLite would give its numbers again.
    """
    first = connection.execute(sa.select(reads.c.read_at).order_by(reads.c.id).limit(1)).scalar()
    if first is None or first >= before:
        return 0
    last = read_run(connection, READ_LOG)
    covered = 0 if last is None else last.position
    spans = (span for span in _spans_before(store, connection, before) if span.through < covered)
    newest = next(spans, None)
    if newest is None:
        return 0
    gone = connection.execute(sa.delete(reads).where(reads.c.id <= newest.through)).rowcount
    if gone:
        record_act(store, connection, Deed.READS_PURGED, [], note=str(newest.through))
    return gone


def _spans_before(store: Store, connection: sa.Connection, before: datetime) -> Iterator[ReadSpan]:
    """Yield the spans that were covered before an instant, the latest first, but for acts that are broken."""
    query = sa.select(acts).where(acts.c.made_at < before).order_by(acts.c.position.desc())
    for row in connection.execute(query):
        with suppress(SealBroken):
            act = open_act(store, *row)
            if act.deed is Deed.READS_COVERED:
                yield span_of(act.note)
