"""What a User told us and what became of it: every notice of its own, the latest first, with its receipts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.access import Principal
from app.domain.closure import Step
from app.register.reading import open_entries, visible_users
from app.register.recorded_change import RecordedChange
from app.register.register import Register
from app.store import notices, parties
from app.store.engine import Connection

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class OwnNotice:
    """One notice: its place in the log, when and through which door it came, and what it changed, in its order.

    ``purged`` are the closures that it changed and of which retention has let the facts go. ``channel`` is "" where
    neither the notice nor anything that it changed is kept.
    """

    position: int
    user: str
    received_at: datetime
    channel: str
    changes: tuple[RecordedChange, ...]
    purged: int

    @property
    def counts(self) -> list[tuple[Step, int]]:
        """Return how often each step was taken, in the order of steps."""
        found = Counter(change.step for change in self.changes)
        return [(step, found[step]) for step in Step if found[step]]


@dataclass(frozen=True, slots=True)
class NoticePage:
    """``older`` is the place in the log to ask before for the next page, None at the end."""

    notices: Sequence[OwnNotice]
    older: int | None


def own_notices(register: Register, principal: Principal, before: int | None, most: int | None) -> NoticePage:
    """Return at most ``most`` notices of the principal's Users before a place in the log; None is all."""
    with register.store.reading() as connection:
        own = visible_users(principal, parties.read_parties(register.store, connection))
        found = notices.notices_before(connection, list(own), before, None if most is None else most + 1)
        shown = found[:most]
        changed = notices.entries_of(connection, [held.id for held in shown])
        kept = {held.id: _channel(register, connection, held, own) for held in shown if held.id not in changed}
    places = [place for entries in changed.values() for place in entries]
    recorded = {(one.closure_id, one.entry): one for one in open_entries(register, principal, places)}
    told = [_told(held, own[held.user_id], recorded, changed.get(held.id, []), kept.get(held.id, "")) for held in shown]
    return NoticePage(told, shown[-1].log_index if len(found) > len(shown) else None)


def _told(
    held: notices.HeldNotice,
    user: str,
    recorded: dict[tuple[bytes, int], RecordedChange],
    entries: Sequence[tuple[bytes, int]],
    channel: str,
) -> OwnNotice:
    changes = tuple(recorded[entry] for entry in entries if entry in recorded)
    purged = len(entries) - len(changes)
    return OwnNotice(
        held.log_index, user, held.received_at, changes[0].channel if changes else channel, changes, purged
    )


def _channel(register: Register, connection: Connection, held: notices.HeldNotice, own: dict[bytes, str]) -> str:
    kept = notices.read_notice(register.store, connection, held.id, own[held.user_id])
    return "" if kept is None else kept.channel.value
