"""Sources are let in, listed and ended here: calendars of a User that we read ourselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.party import read_code
from app.domain.refusal import Refusal, Unknown
from app.security.tokens import new_row_id
from app.store import parties, sources
from app.store.engine import Store
from app.store.sources import Source, Standing

SHORTEST_MINUTES, LONGEST_MINUTES = 5, 1_440  # from one poll to the next
_LONGEST_TEXT = 1_000


class SourceRefused(Refusal):
    """A source whose credentials or filter cannot be kept as they are."""

    code = "source"


@dataclass(frozen=True, slots=True)
class OwnedSource:
    """A source as listed, with its owner's code."""

    source: Source
    standing: Standing
    owner: str


def make_source(
    store: Store,
    *,
    user_code: str,
    gateway: str,
    url: str,
    username: str,
    password: str,
    word: str,
    category: str,
    every_minutes: int,
    now: datetime,
) -> Source:
    """Return a source, checked and not kept yet; ``url`` was checked by whoever fetches it.

    Raise ``Unknown`` or ``SourceRefused``.
    """
    for text in (url, username, password, word, category):
        if len(text) > _LONGEST_TEXT or not text.isprintable():
            raise SourceRefused(
                "That cannot be part of a source.",
                f"Give at most {_LONGEST_TEXT} characters on one line, without control characters.",
            )
    with store.reading() as connection:
        user = parties.find_user(store, connection, read_code(user_code))
        held = {one.code for one in parties.gateways_of(store, connection, user.id)}
    code = read_code(gateway)
    if code not in held:
        raise Unknown("That User has no such gateway.", "Check the code; `closures gateway list` shows them.")
    if not SHORTEST_MINUTES <= every_minutes <= LONGEST_MINUTES:
        raise SourceRefused(
            "That is too often or too seldom.", f"Give {SHORTEST_MINUTES} to {LONGEST_MINUTES} minutes."
        )
    return Source(
        id=new_row_id(),
        user_id=user.id,
        gateway=code,
        url=url,
        username=username,
        password=password,
        word=word.strip(),
        category=category.strip(),
        every_minutes=every_minutes,
        created_at=now,
    )


def add_source(store: Store, made: Source) -> None:
    """Keep a source, due at once. Raise ``AlreadyThere``."""
    with store.writing() as connection:
        sources.insert_source(store, connection, made)


def list_sources(store: Store) -> Sequence[OwnedSource]:
    """Return every source, oldest first."""
    with store.reading() as connection:
        users = parties.read_parties(store, connection).users
        found = sources.list_sources(store, connection)
    return [OwnedSource(one, standing, users[one.user_id].code) for one, standing in found if one.user_id in users]


def find_source(store: Store, source_id: str) -> bytes:
    """Return the row id that the hexadecimal id of the list means; raise ``Unknown``."""
    wanted = [one.source.id for one in list_sources(store) if one.source.id.hex() == source_id.strip().lower()]
    if not wanted:
        raise Unknown("There is no such source.", "See `closures source list`.")
    return wanted[0]


def remove_source(store: Store, source_id: str) -> None:
    """Forget a source and its credentials; what it announced stays as it is. Raise ``Unknown``."""
    found = find_source(store, source_id)
    with store.writing() as connection:
        sources.delete_source(connection, found)
