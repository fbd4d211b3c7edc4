"""Sources on disk: a calendar with its credentials, sealed for the User whose it is, and where the last look ended."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from app.domain.maintenance import MaintenanceKind
from app.domain.refusal import AlreadyThere, Unknown
from app.security.keyring import SERVICE_OWNER
from app.store.acts import Deed, change_rows, insert_row, remove_rows
from app.store.chains import chains_of
from app.store.deciding import open_row
from app.store.engine import Connection, Store
from app.store.listing import Listing, list_rows
from app.store.tables import sources

BY_MAIL = "mailto:"
"""How the address of a source begins whose notices come by mail, and which is never polled."""
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)
OK = "ok"
"""The outcome of a poll that read the source, whatever it found."""


@dataclass(frozen=True, slots=True)
class GatewayOf:
    """The gateway of a User that the events of a source close."""

    user_id: bytes
    gateway: str


@dataclass(frozen=True, slots=True)
class Source:
    """A calendar that is read every so many minutes: the events that its filter takes.

    ``topic`` is what they are about: the gateway that they close, or the kind of DCC's own dates that they are.
    ``agent`` is the User-Agent (RFC 9110 10.1.5) that it is asked as; "" for our own.
    """

    id: bytes
    topic: GatewayOf | MaintenanceKind
    url: str
    username: str
    password: str
    word: str
    category: str
    every_minutes: int
    created_at: datetime
    agent: str = ""

    @property
    def is_by_mail(self) -> bool:
        """Tell whether its notices come by mail from its address."""
        return self.url.startswith(BY_MAIL)

    @property
    def user_id(self) -> bytes | None:
        """The User whose calendar it is; None for DCC's own."""
        return self.topic.user_id if isinstance(self.topic, GatewayOf) else None


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

    @property
    def is_silent(self) -> bool:
        """Tell whether it could not be read at the last poll."""
        return self.outcome not in {"", OK}


def insert_source(store: Store, connection: Connection, new: Source) -> None:
    """Write a new source, due at once unless it is never polled. Raise ``AlreadyThere``."""
    owner, topic = new.user_id or SERVICE_OWNER, _topic_text(new)
    address = chains_of(connection).index(store.blind.source(owner, topic, new.url))
    if connection.execute(sa.select(sources.c.id).where(sources.c.address == address)).first():
        raise AlreadyThere("That calendar is read for the same already.", "Remove it first; the list shows it.")
    values = {
        "id": new.id,
        "user_id": new.user_id,
        "address": address,
        "created_at": new.created_at,
        "due_at": _NEVER if new.is_by_mail else new.created_at,
        "failures": 0,
        "outcome": "",
        "row_version": 1,
        "sealed_state": store.keyring.seal(owner, "sources", "sealed_state", new.id, 1, b"{}"),
    }
    insert_row(store, connection, Deed.SOURCE_ADDED, sources, values, _facts(new))


def list_sources(store: Store, connection: Connection) -> Listing[tuple[Source, Standing]]:
    """Return every source, oldest first, but those of a shredded User, which are never polled again."""
    query = sa.select(sources).order_by(sources.c.created_at, sources.c.id)
    return list_rows(connection, sources, query, lambda row: None if _is_shredded(store, row) else _open(store, row))


def read_source(store: Store, connection: Connection, source_id: bytes) -> tuple[Source, Standing]:
    """Return one source; raise ``Unknown``."""
    row = connection.execute(sa.select(sources).where(sources.c.id == source_id)).first()
    if row is None or _is_shredded(store, row):
        raise Unknown("There is no such source.", "Look at the list.")
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
            source.user_id or SERVICE_OWNER,
            "sources",
            "sealed_state",
            source.id,
            after.row_version,
            after.state.encode(),
        )
    query = sa.update(sources).where(sources.c.id == source.id, sources.c.due_at == taken_until).values(values)
    return connection.execute(query).rowcount == 1


def update_source(store: Store, connection: Connection, changed: Source) -> None:
    """Write what is sealed of a source anew; its address and its topic are as they were."""
    which = [sources.c.id == changed.id]
    change_rows(store, connection, Deed.SOURCE_CHANGED, sources, which, {}, _facts(changed))


def delete_source(store: Store, connection: Connection, source_id: bytes) -> bool:
    """Forget a source and its credentials; tell whether there was one."""
    return remove_rows(store, connection, Deed.SOURCE_REMOVED, {sources: sources.c.id == source_id}) == 1


def _facts(source: Source) -> bytes:
    """Return what is sealed of a source, as JSON."""
    who = [source.url, source.username, source.password]
    what = [source.word, source.category, source.every_minutes, source.agent]
    return json.dumps([_topic_text(source), *who, *what]).encode()


def _topic_text(source: Source) -> str:
    return source.topic.gateway if isinstance(source.topic, GatewayOf) else source.topic.value


def _is_shredded(store: Store, row: Any) -> bool:
    return row.user_id is not None and store.keyring.is_shredded(row.user_id)


def _open(store: Store, row: Any) -> tuple[Source, Standing]:
    owner, unseal = row.user_id or SERVICE_OWNER, store.keyring.unseal
    facts = open_row(store, sources, row._asdict())
    # A source that was added before agents were chosen names none.
    topic, url, username, password, word, category, every_minutes, *agent = json.loads(facts)
    state = unseal(owner, "sources", "sealed_state", row.id, row.row_version, row.sealed_state)
    return (
        Source(
            id=row.id,
            topic=MaintenanceKind(topic) if row.user_id is None else GatewayOf(row.user_id, topic),
            url=url,
            username=username,
            password=password,
            word=word,
            category=category,
            every_minutes=every_minutes,
            created_at=row.created_at,
            agent="".join(agent),
        ),
        Standing(row.due_at, row.polled_at, row.failures, row.outcome, row.row_version, state.decode()),
    )
