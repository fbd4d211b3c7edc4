"""The one scoped door for reading closures: everything that anybody sees comes through here (SECURITY.md 6)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.access import Principal
from app.domain.closure import PlannedClosure, State
from app.domain.refusal import Shredded, Unknown
from app.domain.window import ClosureWindow, weeks_touched
from app.register.register import Register
from app.store import closures as rows
from app.store import log, parties
from app.store.bodies import Revision, Standing
from app.store.engine import Connection, Head, read_head
from app.store.parties import Parties


@dataclass(frozen=True, slots=True)
class Question:
    """Which closures somebody asks for: those whose window shares an instant with the span, and match the filters.

    ``as_of`` asks what was known at that instant; None asks what is known now.
    """

    span: ClosureWindow
    user: str | None = None
    gateway: str | None = None
    state: State | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A closure as it was known at an instant, rebuilt from its revisions."""

    reference: str
    user: str
    revision: Revision
    first_received_at: datetime


def visible_users(principal: Principal, everyone: Parties) -> dict[bytes, str]:
    """Return the Users, id to code, whose closures the principal may see."""
    return {
        user.id: user.code
        for user in everyone.users.values()
        if principal.sees_everyone or user.code in principal.users
    }


def find_closure(register: Register, principal: Principal, reference: str) -> Standing:
    """Return one closure; raise ``Unknown`` where there is none, or none that the principal may see."""
    with register.store.reading() as connection:
        return _find(register, connection, principal, reference)[0]


def find_history(register: Register, principal: Principal, reference: str) -> tuple[Standing, list[Revision]]:
    """Return one closure with every entry of its history, oldest first; raise ``Unknown``."""
    with register.store.reading() as connection:
        standing, _ = _find(register, connection, principal, reference)
        written = rows.history(register.store, connection, standing.closure.id)
    return standing, [one.revision for one in written]


def find_closures(register: Register, principal: Principal, question: Question) -> list[Standing]:
    """Return the closures that a question asks for, as they stand now, by start and reference."""
    with register.store.reading() as connection:
        codes = _asked_users(register, connection, principal, question)
        weeks = _week_keys(register, question.span)
        found = [held.standing for held in rows.touching(register.store, connection, weeks, codes)]
    wanted = [one for one in found if _answers(question, one.closure)]
    return sorted(wanted, key=lambda one: (one.closure.window.starts, one.closure.reference))


def find_known(register: Register, principal: Principal, question: Question) -> list[Known]:
    """Return the closures that a question asks for, as they were known at ``question.as_of``."""
    assert question.as_of is not None
    with register.store.reading() as connection:
        codes = _asked_users(register, connection, principal, question)
        weeks = _week_keys(register, question.span)
        last: dict[bytes, tuple[bytes, Revision, datetime]] = {}
        for user_id, closure_id, revision in rows.known_at(
            register.store, connection, question.as_of, weeks, set(codes)
        ):
            first = last[closure_id][2] if closure_id in last else revision.received_at
            # A superseded notice was known but never applied: what stood before it still stood.
            if revision.assessment is not None or revision.state is State.EXPIRED:
                last[closure_id] = (user_id, revision, first)
        names = rows.references(connection, last)
    known = [
        Known(names[closure_id], codes[user_id], revision, first)
        for closure_id, (user_id, revision, first) in last.items()
        if question.span.overlaps(revision.window)
        and question.gateway in (None, revision.gateway)
        and question.state in (None, revision.state)
    ]
    return sorted(known, key=lambda one: (one.revision.window.starts, one.reference))


def read_changes(register: Register, since: int) -> tuple[Head, Parties, list[tuple[int, Standing]]]:
    """Return the head, the names, and every closure changed after change number ``since``, for publishing.

    Each closure comes with the change number of its last applied revision.
    """
    with register.store.reading() as connection:
        head = read_head(connection)
        everyone = parties.read_parties(register.store, connection)
        codes = {user.id: user.code for user in everyone.users.values()}
        return head, everyone, list(_readable(rows.changed_since(register.store, connection, since, codes)))


def place_in_log(register: Register, reference: str) -> tuple[int, bytes]:
    """Return where the log holds the last numbered revision of a closure, and its leaf."""
    with register.store.reading() as connection:
        position = rows.log_place(connection, reference)
        leaf = log.leaf_at(connection, position)
    assert leaf is not None
    return position, leaf


def _readable(found: Iterator[rows.Held]) -> Iterator[tuple[int, Standing]]:
    """Leave out closures whose key was shredded between two statements of one reader."""
    while True:
        try:
            held = next(found, None)
        except Shredded:
            continue
        if held is None:
            return
        yield held.change, held.standing


def _find(register: Register, connection: Connection, principal: Principal, reference: str) -> tuple[Standing, bytes]:
    everyone = parties.read_parties(register.store, connection)
    codes = visible_users(principal, everyone)
    held = rows.by_reference(register.store, connection, reference.strip().upper(), codes)
    if held is None:
        raise Unknown("There is no such closure.", "Check the reference; it looks like CN-0123456789.")
    return held.standing, held.user_id


def _asked_users(
    register: Register, connection: Connection, principal: Principal, question: Question
) -> dict[bytes, str]:
    codes = visible_users(principal, parties.read_parties(register.store, connection))
    return {key: code for key, code in codes.items() if question.user in (None, code)}


def _week_keys(register: Register, span: ClosureWindow) -> list[bytes]:
    return [register.store.blind.week(week) for week in weeks_touched(span.starts, span.ends)]


def _answers(question: Question, closure: PlannedClosure) -> bool:
    return (
        question.span.overlaps(closure.window)
        and question.gateway in (None, closure.gateway)
        and question.state in (None, closure.state)
    )


def without_sender_words(revision: Revision) -> Revision:
    """Return a revision as others than its own User may see it: date, time, gateway, who told us and when."""
    return replace(revision, remarks=(), left_out=())
