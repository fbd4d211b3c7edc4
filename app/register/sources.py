"""Sources are let in, listed and ended here: calendars that we read ourselves, of Users and of DCC."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.access import Action
from app.domain.maintenance import MaintenanceKind
from app.domain.party import read_code
from app.domain.refusal import Refusal, Unknown
from app.security.tokens import new_row_id
from app.store import parties, sources
from app.store.engine import Store
from app.store.listing import altered_ids
from app.store.sources import BY_MAIL, GatewayOf, Source, Standing

SHORTEST_MINUTES, LONGEST_MINUTES = 5, 1_440  # from one poll to the next
_LONGEST_TEXT = 1_000
_LONGEST_AGENT = 200
_MAIL_ADDRESS = re.compile(r"[!-?A-~]{1,64}@[a-z0-9][a-z0-9.-]*\.[a-z0-9-]+")


class SourceRefused(Refusal):
    """A source whose credentials or filter cannot be kept as they are."""

    code = "source"


@dataclass(frozen=True, slots=True)
class Topic:
    """What calendars are read for. ``action`` lets a role keep such sources; ``event`` words what an event of one is.

    ``counts`` are the counts that a look leaves behind, ``results`` what a look tells, in order. ``what_stays`` is said
    when a source is removed.
    """

    action: Action
    event: str
    counts: tuple[str, ...]
    results: tuple[str, ...]
    what_stays: str


_OUTCOMES = ("accepted", "unchanged", "superseded", "withdrawn")
CLOSURES = Topic(
    Action.KEEP_SOURCES, "a closure", _OUTCOMES, _OUTCOMES, "The closures that it announced stay as they are."
)
DCC_DATES = Topic(
    Action.KEEP_MAINTENANCE,
    "one of DCC's own dates",
    ("accepted", "unchanged", "withdrawn"),
    ("added", "moved", "withdrawn", "unchanged"),
    "The dates that it brought stay as they are.",
)


@dataclass(frozen=True, slots=True)
class ListedSource:
    """A source as listed, with the code of the User whose it is; None where it is DCC's own."""

    source: Source
    standing: Standing
    user: str | None

    @property
    def about(self) -> Topic:
        """What it is read for."""
        return DCC_DATES if self.user is None else CLOSURES


def gateway_of(store: Store, user_code: str, gateway: str) -> GatewayOf:
    """Return the gateway of a User that a source may close. Raise ``Unknown``."""
    with store.reading() as connection:
        user = parties.find_user(store, connection, read_code(user_code))
        held = {entry.code for entry in parties.gateways_of(store, connection, user.id)}
    code = read_code(gateway)
    if code not in held:
        raise Unknown("That User has no such gateway.", "Check the code; `closures gateway list` shows them.")
    return GatewayOf(user.id, code)


def make_source(
    topic: GatewayOf | MaintenanceKind,
    *,
    url: str,
    username: str,
    password: str,
    word: str,
    category: str,
    every_minutes: int,
    now: datetime,
    agent: str = "",
) -> Source:
    """Return a source, checked and not kept yet; ``url`` was checked by whoever fetches it. Raise ``SourceRefused``."""
    for text in (url, username, password, word, category):
        if len(text) > _LONGEST_TEXT or not text.isprintable():
            raise SourceRefused(
                "That cannot be part of a source.",
                f"Give at most {_LONGEST_TEXT} characters on one line, without control characters.",
            )
    if word.strip() and category.strip():
        raise SourceRefused("A word and a category do not go together.", "Leave one of them empty.")
    _check_agent(agent)
    if is_mail_address(url):
        url = _mail_address(url)
        if username or word.strip() or category.strip() or agent.strip() or not isinstance(topic, GatewayOf):
            raise SourceRefused(
                "Only a User names an address of mail, and that alone.", "Leave the other fields empty."
            )
    if not SHORTEST_MINUTES <= every_minutes <= LONGEST_MINUTES:
        raise SourceRefused(
            "That is too often or too seldom.", f"Give {SHORTEST_MINUTES} to {LONGEST_MINUTES} minutes."
        )
    return Source(
        id=new_row_id(),
        topic=topic,
        url=url,
        username=username,
        password=password,
        word=word.strip(),
        category=category.strip(),
        every_minutes=every_minutes,
        created_at=now,
        agent=agent.strip(),
    )


def is_mail_address(url: str) -> bool:
    """Tell whether an address is one that mails come from: nothing is fetched there."""
    return url.lower().startswith(BY_MAIL)


def _mail_address(url: str) -> str:
    """Return ``mailto:name@example.org`` as it is kept. Raise ``SourceRefused``."""
    address = url[len(BY_MAIL) :].lower()
    if not _MAIL_ADDRESS.fullmatch(address):
        raise SourceRefused("That is no address of mail.", "Write it as mailto:name@example.org.")
    return BY_MAIL + address


def named_by(store: Store, address: str) -> list[Source]:
    """Return the sources by which Users named an address of mail, in lower case, as their own."""
    with store.reading() as connection:
        found = sources.list_sources(store, connection).whole
    return [source for source, _ in found if source.url == BY_MAIL + address]


def require_polled(source: Source) -> None:
    """Raise ``SourceRefused`` for a source that is never polled."""
    if source.is_by_mail:
        raise SourceRefused("Notices come by mail from that address: there is nothing to read.", "Send one from it.")


def _check_agent(agent: str) -> None:
    if len(agent) > _LONGEST_AGENT or not (agent.isascii() and agent.isprintable()):
        raise SourceRefused(
            "That cannot be the agent.", f"Give at most {_LONGEST_AGENT} letters, digits and signs of ASCII."
        )


def change_agent(store: Store, held: ListedSource, agent: str) -> None:
    """Have a source asked as another agent from now on, as our own with "". Raise ``SourceRefused`` or ``Unknown``."""
    _check_agent(agent)
    with store.writing() as connection:
        source, _ = sources.read_source(store, connection, held.source.id)
        sources.update_source(store, connection, replace(source, agent=agent.strip()))


def add_source(store: Store, made: Source) -> None:
    """Keep a source, due at once. Raise ``AlreadyThere``."""
    with store.writing() as connection:
        sources.insert_source(store, connection, made)


def list_sources(store: Store) -> Sequence[ListedSource]:
    """Return every source, oldest first."""
    with store.reading() as connection:
        users = parties.read_parties(store, connection).users
        found = sources.list_sources(store, connection).whole
    codes: dict[bytes | None, str | None] = {None: None} | {user_id: user.code for user_id, user in users.items()}
    return [
        ListedSource(source, standing, codes[source.user_id]) for source, standing in found if source.user_id in codes
    ]


def find_source_id(store: Store, topic: Topic, source_id: str) -> bytes:
    """Return the row id of a source of a topic that is to be removed; an altered one is of any. Raise ``Unknown``."""
    wanted = source_id.strip().lower()
    if wanted in altered_ids(store, sources.list_sources):
        return bytes.fromhex(wanted)
    return find_source(sources_about(store, topic), wanted).source.id


def sources_about(store: Store, topic: Topic) -> Sequence[ListedSource]:
    """Return the sources that are read for a topic, oldest first."""
    return [held for held in list_sources(store) if held.about is topic]


def find_source(found: Sequence[ListedSource], source_id: str) -> ListedSource:
    """Return the one of a list that a hexadecimal id means. Raise ``Unknown``: what one may not see is not there."""
    for source in found:
        if source.source.id.hex() == source_id.strip().lower():
            return source
    raise Unknown("There is no such source.", "Look at the list.")


def remove_source(store: Store, source_id: bytes) -> None:
    """Forget a source and its credentials; what it announced stays as it is."""
    with store.writing() as connection:
        sources.delete_source(store, connection, source_id)
