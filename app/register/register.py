"""The register of a process: the store, the key that signs receipts, the rules in force, the record in memory."""

from dataclasses import dataclass, replace

from app.register.history_cache import HistoryCache
from app.register.log_tree import LogTree
from app.register.planned_limit import MOST_PLANNED, PlannedLimit
from app.register.rulebook import Rulebook, RulebookCache
from app.register.senders import SenderCache
from app.security.signing import PublicKey, SigningKey
from app.store.engine import Connection, Head, Store, read_head


@dataclass(frozen=True, slots=True)
class Register:
    """What every use case of the register needs. ``origin`` names this record in checkpoints."""

    store: Store
    rules: RulebookCache
    history: HistoryCache
    senders: SenderCache
    origin: str
    tree: LogTree
    planned: PlannedLimit

    @property
    def signing_key(self) -> SigningKey:
        """The key that receipts and checkpoints are signed by from now on."""
        return self.store.keyring.signing_key

    @property
    def public_keys(self) -> tuple[PublicKey, ...]:
        """The keys that receipts and checkpoints of this record may be signed by, the newest first."""
        return self.store.keyring.public_keys

    def within(self, connection: Connection) -> "Register":
        """Return this register inside a transaction; what is held in memory goes on following what is committed."""
        return replace(self, store=self.store.within(connection))

    def lock(self, connection: Connection) -> tuple[Head, Rulebook]:
        """Take the place of the one writer; return the head and the rules in force."""
        head = read_head(connection, lock=True)
        return head, self.rules.at(head.rules, connection)

    def rulebook(self) -> Rulebook:
        """Return the rules in force, for a reader."""
        with self.store.reading() as connection:
            return self.rules.at(read_head(connection).rules, connection)


def open_register(store: Store, origin: str, most_planned: int = MOST_PLANNED) -> Register:
    """Return the register over an open store; ``origin`` is the UID domain, which outlives any address.

    ``most_planned`` is how many closures each User may hold planned.
    """
    return Register(
        store=store,
        rules=RulebookCache(store),
        history=HistoryCache(store),
        senders=SenderCache(store),
        origin=origin,
        tree=LogTree(),
        planned=PlannedLimit(most_planned),
    )
