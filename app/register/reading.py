"""The one scoped door for reading closures: all that anybody sees comes through here (docs/threat-model.md#access)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from app.domain.access import Principal
from app.domain.closure import PlannedClosure, Revision, State, fold
from app.domain.party import Names
from app.domain.refusal import Unknown
from app.domain.told_fact import CLOSES_EARLY
from app.domain.window import ClosureWindow
from app.register.recorded_change import EVERY_KIND, LATE_KINDS, RecordedChange
from app.register.register import Register
from app.store import closures as rows
from app.store import log, parties
from app.store.engine import Connection, Head, read_head
from app.store.parties import Parties
from app.store.receipt_order import Passage, received_in


@dataclass(frozen=True, slots=True)
class Question:
    """Which closures somebody asks for: those whose window shares an instant with the span, and match the filters.

    ``as_of`` asks what was known at that instant; None asks what is known now. ``state`` is told by the clock, at
    ``as_of`` or else at ``now``: whoever asks for a state says one of the two.
    """

    span: ClosureWindow
    user: str | None = None
    gateway: str | None = None
    state: State | None = None
    as_of: datetime | None = None
    now: datetime | None = None

    def takes(self, closure: PlannedClosure) -> bool:
        """Tell whether a closure in the span matches the filters."""
        if self.state is not None:
            at = self.as_of or self.now
            assert at is not None
            if closure.state_at(at) is not self.state:
                return False
        return self.gateway in (None, closure.gateway)


def visible_users(principal: Principal, everyone: Parties) -> dict[bytes, str]:
    """Return the Users, id to code, whose closures the principal may see."""
    return {
        user.id: user.code
        for user in everyone.users.values()
        if principal.sees_everyone or user.code in principal.users
    }


def read_names(register: Register) -> Names:
    """Return what Users and gateways are called, for a reader that has not the whole record at hand."""
    with register.store.reading() as connection:
        return parties.read_parties(register.store, connection).names


def find_held(register: Register, principal: Principal, reference: str) -> rows.Held:
    """Return one closure as it is held; raise ``Unknown`` where there is none, or none that the principal may see."""
    with register.store.reading() as connection:
        return _find(register, connection, principal, reference)


def find_history(
    register: Register, principal: Principal, reference: str, as_of: datetime | None = None
) -> list[tuple[Revision, PlannedClosure]]:
    """Return every revision of one closure that was received by ``as_of``, oldest first, with what stood after it.

    Raise ``Unknown``, also where nothing of it was known then.
    """
    held, written = find_written(register, principal, reference)
    known = [entry for entry in written if as_of is None or entry.revision.received_at <= as_of]
    if not known:
        raise Unknown("That closure was not known then.", "Give a later time.")
    return history_of(held, known)


def history_of(held: rows.Held, written: Iterable[rows.Written]) -> list[tuple[Revision, PlannedClosure]]:
    """Return the revisions of a closure's first entries, as ``written``, each with what stood after it."""
    closure, history = held.closure, [entry.revision for entry in written]
    stood = fold(history, closure_id=closure.id, reference=closure.reference, user=closure.user)
    return list(zip(history, stood, strict=True))


def find_written(register: Register, principal: Principal, reference: str) -> tuple[rows.Held, list[rows.Written]]:
    """Return one closure with its history as it was written: with notices and places in the log. Raise ``Unknown``."""
    with register.store.reading() as connection:
        held = _find(register, connection, principal, reference)
        return held, rows.history(register.store, connection, held.closure)


def read_schedule(register: Register, principal: Principal, question: Question) -> list[PlannedClosure]:
    """Return the closures that a question asks for, as they stood at ``question.as_of``, by start and reference."""
    visible = partial(_asked_keys, principal, question.user)
    found = [
        closure
        for closure in register.history.closures(question.span, question.as_of, visible)
        if question.takes(closure)
    ]
    return sorted(found, key=lambda closure: (closure.window.starts, closure.reference))


def read_watched(register: Register, principal: Principal, as_of: datetime | None = None) -> list[PlannedClosure]:
    """Return the closures that were told closed and are not told re-opened, whenever they were to be."""
    return register.history.watched(as_of, partial(_asked_keys, principal, None))


def read_over_time(
    register: Register, principal: Principal, at: datetime, as_of: datetime | None = None
) -> list[PlannedClosure]:
    """Return the closures that were told closed, were to re-open by ``at``, and of which nothing is heard since."""
    over = [closure for closure in read_watched(register, principal, as_of) if closure.is_over_time(at)]
    return sorted(over, key=lambda closure: (closure.window.starts, closure.reference))


def read_lasting(register: Register, principal: Principal, question: Question, at: datetime) -> list[PlannedClosure]:
    """Return what ``read_schedule`` does, and what is over time at ``at`` where it lasts into the span until then."""
    over = [
        closure
        for closure in read_over_time(register, principal, at, question.as_of)
        if question.user in {None, closure.user} and question.takes(closure)
    ]
    found = [closure for closure in over if closure.lasting(at).window.overlaps(question.span)]
    found = list(dict.fromkeys([*found, *read_schedule(register, principal, question)]))
    return sorted(found, key=lambda closure: (closure.window.starts, closure.reference))


def read_closed(
    register: Register, principal: Principal, at: datetime, as_of: datetime | None = None
) -> list[PlannedClosure]:
    """Return the closures by which a gateway is closed at ``at``: by what was told of it, else by its plan."""
    around = Question(ClosureWindow(at, at + CLOSES_EARLY), as_of=as_of)
    found = [*read_over_time(register, principal, at, as_of), *read_schedule(register, principal, around)]
    return [closure for closure in dict.fromkeys(found) if closure.is_open(at)]


def read_everything(register: Register, principal: Principal, as_of: datetime | None = None) -> list[PlannedClosure]:
    """Return every closure that the principal may see, whenever its window is, as it stood at ``as_of``."""
    found = register.history.closures(None, as_of, partial(_asked_keys, principal, None))
    return sorted(found, key=lambda closure: (closure.window.starts, closure.reference))


def read_of_gateways(
    register: Register, principal: Principal, gateways: Collection[str], as_of: datetime | None = None
) -> list[PlannedClosure]:
    """Return every closure at these gateways that the principal may see, whenever its window is.

    A closure is of a User that has its gateway: links between the two are never taken away.
    """
    with register.store.reading() as connection:
        links = parties.gateway_links(register.store, connection)

    def visible(everyone: Parties) -> set[bytes]:
        meant = {gateway.id for gateway in everyone.gateways.values() if gateway.code in gateways}
        owners = {user_id for user_id, gateway_id in links if gateway_id in meant}
        return owners & _asked_keys(principal, None, everyone)

    found = (one for one in register.history.closures(None, as_of, visible) if one.gateway in gateways)
    return sorted(found, key=lambda closure: (closure.window.starts, closure.reference))


def read_referred(register: Register, principal: Principal, words: Collection[str]) -> list[PlannedClosure]:
    """Return the closures that the principal may see and of whose reference any word is part, in any case."""
    found = register.history.referred(words, partial(_asked_keys, principal, None))
    return sorted(found, key=lambda closure: (closure.window.starts, closure.reference))


def read_moved(
    register: Register, principal: Principal, times: int, as_of: datetime | None = None
) -> list[PlannedClosure]:
    """Return the closures that were moved ``times`` or more by ``as_of``, whenever their windows are."""
    found = register.history.moved(times, as_of, partial(_asked_keys, principal, None))
    return sorted(found, key=lambda closure: (closure.window.starts, closure.reference))


def read_page(
    register: Register, principal: Principal, passage: Passage, kinds: Collection[int], most: int | None
) -> tuple[list[RecordedChange], Passage | None]:
    """Return the entries of some kinds in a passage that the principal may see, ``most`` at most (None: all).

    With what of the passage is yet to be read, None if nothing. A page may be short, and others come after it: of what
    is of another kind it passes over so much at most (``history_cache.LOOKED_THROUGH``).
    """
    received = register.history.received(passage, partial(_asked_keys, principal, None), kinds, most)
    return list(received.entries), received.left


def open_entries(
    register: Register, principal: Principal, entries: Sequence[tuple[bytes, int]]
) -> list[RecordedChange]:
    """Return these entries, each by its closure and its number there, that the principal may see, in their order."""
    return register.history.changes(entries, partial(_asked_keys, principal, None))


def read_recorded(register: Register, principal: Principal, since: datetime, until: datetime) -> list[RecordedChange]:
    """Return the entries received at ``since`` <= t < ``until`` that the principal may see, in order of receipt."""
    return read_page(register, principal, received_in(since, until), EVERY_KIND, None)[0]


def read_late(register: Register, principal: Principal, since: datetime, until: datetime) -> list[RecordedChange]:
    """Return those of them that are late changes."""
    return read_page(register, principal, received_in(since, until), LATE_KINDS, None)[0]


def require_gateway(register: Register, principal: Principal, code: str) -> None:
    """Raise ``Unknown`` unless there is such a gateway and it is one of a User whom the principal may see."""
    everyone = register.history.parties()
    gateway = everyone.gateways.get(code)
    with register.store.reading() as connection:
        links = parties.gateway_links(register.store, connection)
    if gateway is None or not any((key, gateway.id) in links for key in visible_users(principal, everyone)):
        raise Unknown("There is no such gateway.", "Check the code.")


def find_closure(
    register: Register, principal: Principal, reference: str, as_of: datetime | None = None
) -> PlannedClosure:
    """Return one closure as it stood at ``as_of``; raise ``Unknown``, also where it was not known then."""
    if as_of is None:
        return find_held(register, principal, reference).closure
    return find_history(register, principal, reference, as_of)[-1][1]


def read_changes(register: Register, since: int) -> tuple[Head, Parties, list[tuple[int, PlannedClosure]]]:
    """Return the head, the names, and every closure changed after change number ``since``, for publishing.

    Each closure comes with the change number of its last applied revision.
    """
    with register.store.reading() as connection:
        head = read_head(connection)
        everyone = parties.read_parties(register.store, connection)
        codes = {user.id: user.code for user in everyone.users.values()}
        changed = rows.changed_since(register.store, connection, since, codes)
        return head, everyone, [(held.change, held.closure) for held in changed]


def place_in_log(register: Register, reference: str) -> tuple[int, bytes]:
    """Return where the log holds the last numbered revision of a closure, and its leaf."""
    with register.store.reading() as connection:
        position = rows.log_place(connection, reference)
        leaf = log.leaf_at(connection, position)
    assert leaf is not None
    return position, leaf


def _find(register: Register, connection: Connection, principal: Principal, reference: str) -> rows.Held:
    everyone = parties.read_parties(register.store, connection)
    codes = visible_users(principal, everyone)
    held = rows.by_reference(register.store, connection, reference.strip().upper(), codes)
    if held is None:
        raise Unknown("There is no such closure.", "Check the reference; it looks like CN-0123456789.")
    return held


def _asked_keys(principal: Principal, user: str | None, everyone: Parties) -> set[bytes]:
    """Return the row ids of the Users whose closures are asked for and may be seen."""
    return {key for key, code in visible_users(principal, everyone).items() if user in {None, code}}


def without_sender_words(revision: Revision) -> Revision:
    """Return a revision as others than its own User may see it: date, time, gateway, who told us and when."""
    return replace(revision, remarks=(), left_out=())
