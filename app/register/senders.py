"""Who gives notice: a User with its gateways, kept as long as the head says that no name or link has changed."""

from dataclasses import dataclass

from app.domain.party import Gateway, Names, User
from app.store import parties
from app.store.engine import Connection, Head, Store


@dataclass(frozen=True, slots=True)
class Sender:
    """A User that gives notice, and its gateways."""

    user: User
    gateways: tuple[Gateway, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """Return the codes of its gateways."""
        return tuple(gateway.code for gateway in self.gateways)

    @property
    def names(self) -> Names:
        """Return what the User and its gateways are called."""
        return Names({self.user.code: self.user.name}, {gateway.code: gateway.name for gateway in self.gateways})


class SenderCache:
    """The senders that this process read, of one state of Users and gateways. Safe to ask from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: tuple[int, dict[str | bytes, Sender]] = (-1, {})

    def at(self, connection: Connection, head: Head, code: str) -> Sender:
        """Return the sender of a User's code at a head that the same transaction read. Raise ``Unknown``."""
        found = self._known(head).get(code)
        return found or self._read(connection, head, parties.find_user(self._store, connection, code))

    def of_id(self, connection: Connection, head: Head, user_id: bytes) -> Sender:
        """Return the sender of a User's row id at a head that the same transaction read. Raise ``Shredded``."""
        # Its key goes before the head tells.
        found = None if self._store.keyring.is_shredded(user_id) else self._known(head).get(user_id)
        return found or self._read(connection, head, parties.user_by_id(self._store, connection, user_id))

    def _known(self, head: Head) -> dict[str | bytes, Sender]:
        parties_change, known = self._held
        return known if parties_change == head.parties else {}

    def _read(self, connection: Connection, head: Head, user: User) -> Sender:
        sender = Sender(user, parties.gateways_of(self._store, connection, user.id))
        self._held = head.parties, {**self._known(head), user.code: sender, user.id: sender}
        return sender
