"""Sources on disk: a User's calendar with its credentials, sealed for that User, and where the last look ended."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.domain.refusal import AlreadyThere, Unknown
from app.store.engine import Connection, Store
from app.store.tables import sources

OK = "ok"
"""The outcome of a poll that read the source, whatever it found."""


@dataclass(frozen=True, slots=True)
class Source:
    """A calendar that is read for a gateway of a User: every so many minutes, the events that its filter takes."""

    id: bytes
    user_id: bytes
    gateway: str
    url: str
    username: str
    password: str
    word: str
    category: str
    every_minutes: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How a source stands. ``state`` is JSON that the poller alone reads; ``row_version`` is the state's.

    ``due_at`` is when it is polled next; who moves it from the value that it was read with has the source for now.
    ``outcome`` is "" before the first poll, ``OK``, or why the last one took nothing, ``failures`` times in a row.
    """

    due_at: datetime
    polled_at: datetime | None
    failures: int
    outcome: str
    row_version: int
    state: str


def insert_source(store: Store, connection: Connection, new: Source) -> None:
    """Write a new source, due at once. Raise ``AlreadyThere``."""
    address = store.blind.source(new.user_id, new.gateway, new.url)
    if connection.execute(sa.select(sources.c.id).where(sources.c.address == address)).first():
        raise AlreadyThere(
            "That calendar is a source of that gateway already.", "Remove it first; see `closures source list`."
        )
    facts = [new.gateway, new.url, new.username, new.password, new.word, new.category, new.every_minutes]
    seal = store.keyring.seal
    connection.execute(
        sa.insert(sources).values(
            id=new.id,
            user_id=new.user_id,
            address=address,
            created_at=new.created_at,
            due_at=new.created_at,
            failures=0,
            outcome="",
            row_version=1,
            sealed=seal(new.user_id, "sources", "sealed", new.id, 1, json.dumps(facts).encode()),
            sealed_state=seal(new.user_id, "sources", "sealed_state", new.id, 1, b"{}"),
        )
    )


def list_sources(store: Store, connection: Connection) -> Sequence[tuple[Source, Standing]]:
    """Return every source that can be read, oldest first; one of a shredded User cannot, and is never polled again."""
    query = sa.select(sources).order_by(sources.c.created_at, sources.c.id)
    return [_open(store, row) for row in connection.execute(query) if not store.keyring.is_shredded(row.user_id)]


def read_source(store: Store, connection: Connection, source_id: bytes) -> tuple[Source, Standing]:
    """Return one source; raise ``Unknown``."""
    row = connection.execute(sa.select(sources).where(sources.c.id == source_id)).first()
    if row is None or store.keyring.is_shredded(row.user_id):
        raise Unknown("There is no such source.", "See `closures source list`.")
    return _open(store, row)


def due_sources(connection: Connection, now: datetime) -> Sequence[bytes]:
    """Return the ids of the sources that are due, the longest due first."""
    query = sa.select(sources.c.id).where(sources.c.due_at <= now).order_by(sources.c.due_at, sources.c.id)
    return connection.execute(query).scalars().all()


def take_source(connection: Connection, source_id: bytes, seen: datetime, until: datetime) -> bool:
    """Take a source until an instant; tell whether it was still as ``seen``: else another one has it."""
    query = sa.update(sources).where(sources.c.id == source_id, sources.c.due_at == seen).values(due_at=until)
    return connection.execute(query).rowcount == 1


def finish_poll(
    store: Store, connection: Connection, held: tuple[Source, Standing], after: Standing, taken_until: datetime
) -> bool:
    """Write how a source stands ``after`` a poll; tell whether it was still ours.

    ``held`` is the source as it was read before. The state is written only where it has a new version.
    """
    source, before = held
    values: dict[str, object] = {
        "due_at": after.due_at,
        "polled_at": after.polled_at,
        "failures": after.failures,
        "outcome": after.outcome,
    }
    if after.row_version != before.row_version:
        values["row_version"] = after.row_version
        values["sealed_state"] = store.keyring.seal(
            source.user_id, "sources", "sealed_state", source.id, after.row_version, after.state.encode()
        )
    query = sa.update(sources).where(sources.c.id == source.id, sources.c.due_at == taken_until).values(values)
    return connection.execute(query).rowcount == 1


def delete_source(connection: Connection, source_id: bytes) -> bool:
    """Forget a source and its credentials; tell whether there was one."""
    return connection.execute(sa.delete(sources).where(sources.c.id == source_id)).rowcount == 1


def _open(store: Store, row: Any) -> tuple[Source, Standing]:
    unseal = store.keyring.unseal
    facts = unseal(row.user_id, "sources", "sealed", row.id, 1, row.sealed)
    gateway, url, username, password, word, category, every_minutes = json.loads(facts)
    state = unseal(row.user_id, "sources", "sealed_state", row.id, row.row_version, row.sealed_state)
    return (
        Source(
            id=row.id,
            user_id=row.user_id,
            gateway=gateway,
            url=url,
            username=username,
            password=password,
            word=word,
            category=category,
            every_minutes=every_minutes,
            created_at=row.created_at,
        ),
        Standing(row.due_at, row.polled_at, row.failures, row.outcome, row.row_version, state.decode()),
    )
