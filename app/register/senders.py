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
        self._held: tuple[int, dict[str, Sender]] = (-1, {})

    def at(self, connection: Connection, head: Head, code: str) -> Sender:
        """Return the sender of a User's code at a head that the same transaction read. Raise ``Unknown``."""
        parties_change, known = self._held
        if parties_change != head.parties:
            known = {}
        if code not in known:
            user = parties.find_user(self._store, connection, code)
            known = {**known, code: Sender(user, parties.gateways_of(self._store, connection, user.id))}
            self._held = head.parties, known
        return known[code]
