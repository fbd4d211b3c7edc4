"""Whether the record is what it was: every entry against its leaf, the tree against its head, old checkpoints too."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.domain.refusal import Refusal
from app.register.member_check import member_faults
from app.register.register import Register
from app.security.merkle import Frontier, leaf_hash, root_of
from app.security.signing import Checkpoint, open_checkpoint, sign_checkpoint
from app.store import assessments, log, notices, parties
from app.store import closures as rows
from app.store.bodies import load_revision
from app.store.closures import FORGOTTEN
from app.store.engine import Connection, read_head, stated_head
from app.store.proven import altered_rows

_MOST_FAULTS = 100


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found: how many entries were looked at, and the faults in words, the earliest first."""

    size: int
    faults: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Tell whether nothing was altered, lost or added."""
        return not self.faults


def make_checkpoint(register: Register, now: datetime) -> str:
    """Return the signed head of the record."""
    with register.store.reading() as connection:
        head = read_head(connection)
    root = Frontier.from_bytes(head.log_size, head.log_edge).root()
    return sign_checkpoint(register.signing_key, register.origin, head.log_size, root, now.astimezone(UTC))


def verify_record(register: Register, checkpoint: str | None = None) -> Verification:
    """Check the whole record; with a ``checkpoint`` kept from before, also that it only grew since.

    Raise ``CheckpointBroken`` for a checkpoint that is not ours.
    """
    earlier = None if checkpoint is None else open_checkpoint(checkpoint, register.signing_key.public)
    with register.store.reading() as connection:
        altered = [f"A row of {table} is not as it was written." for table in altered_rows(connection)]
        try:
            size, faults = _verify(register, connection, earlier)
        except Exception as problem:  # noqa: BLE001 - whatever stands in a row, it is named and stops nothing
            size, faults = 0, [f"The record cannot be read to its end: {type(problem).__name__}."]
    return Verification(size, tuple((faults + altered)[:_MOST_FAULTS]))


def _verify(register: Register, connection: Connection, earlier: Checkpoint | None) -> tuple[int, list[str]]:
    head = stated_head(connection)
    entries = list(log.iterate_log(connection))
    faults = list(_log_faults(entries))
    leaves = [entry.leaf for entry in entries]
    if len(entries) != head.log_size:
        faults.append(f"The head counts {head.log_size} entries; the log holds {len(entries)}.")
    try:
        stated = Frontier.from_bytes(head.log_size, head.log_edge).root()
    except Refusal as problem:
        faults.append(problem.text)
    else:
        if root_of(leaves) != stated:
            faults.append("The tree over the log does not have the root that the head states.")
    if earlier is not None:
        if earlier.size > len(leaves):
            faults.append(f"The checkpoint counts {earlier.size} entries; the log holds only {len(leaves)}.")
        elif root_of(leaves[: earlier.size]) != earlier.root:
            faults.append(f"The first {earlier.size} entries are not those that the checkpoint was signed over.")
    held = {entry.position: entry.leaf for entry in entries}
    faults += _content_faults(register, connection, held)
    faults += member_faults(register.store, connection)
    return len(entries), faults


def _log_faults(entries: list[Any]) -> Iterator[str]:
    for expected, entry in enumerate(entries):
        if entry.position != expected:
            yield f"Entry {expected} of the log is missing."
            return


def _content_faults(register: Register, connection: Connection, held: dict[int, bytes]) -> list[str]:
    """Hold every stored row against its leaf, and every leaf against a stored row."""
    found = []
    claimed: set[int] = set()
    last: dict[bytes, tuple[int, int]] = {}  # closure -> (entries, last number)
    for position, content, name in _stored(register, connection, last):
        claimed.add(position)
        if position not in held:
            found.append((position, f"{name} names entry {position}, which the log does not hold."))
        elif content is not None and leaf_hash(content) != held[position]:
            found.append((position, f"{name} (entry {position} of the log) was altered."))
    found += [(position, f"What entry {position} of the log recorded is gone.") for position in held.keys() - claimed]
    return [text for _, text in sorted(found)] + _standing_faults(register, connection, last)


def _stored(
    register: Register, connection: Connection, last: dict[bytes, tuple[int, int]]
) -> Iterator[tuple[int, bytes | None, str]]:
    """Yield (log position, what its leaf was made of, a name) of every stored row; None for what was purged."""
    for row in notices.all_notices(connection):
        content = row.sealed and b"notice\0" + notices.notice_content(row.id, row.received_at, row.sealed)
        yield row.log_index, content, f"A notice received {row.received_at:%Y-%m-%d %H:%M:%S}Z"
    for row in rows.all_revisions(connection):
        content = row.sealed and b"revision\0" + rows.revision_content(row.closure_id, row.sealed)
        entries, number = last.get(row.closure_id, (0, 0))
        last[row.closure_id] = (max(entries, row.entry), max(number, row.number or 0))
        yield row.log_index, content, f"A revision received {row.received_at:%Y-%m-%d %H:%M:%S}Z"
        if row.sealed and not register.store.keyring.is_shredded(row.user_id):
            yield from _revision_row_faults(register, row)
    for row in assessments.all_assessments(connection):
        content = row.sealed and b"assessment\0" + assessments.assessment_content(row.closure_id, row.entry, row.sealed)
        yield row.log_index, content, f"An assessment made {row.assessed_at:%Y-%m-%d %H:%M:%S}Z"


def _revision_row_faults(register: Register, row: Any) -> Iterator[tuple[int, bytes | None, str]]:
    """Yield a fault where the columns beside a sealed revision do not say what it says."""
    try:
        body = register.store.keyring.unseal(row.user_id, "revisions", "sealed", row.closure_id, row.entry, row.sealed)
        revision = load_revision(body)
        agrees = (revision.number, revision.received_at) == (row.number, row.received_at)
    except Refusal:
        agrees = False
    if not agrees:
        yield row.log_index, b"", f"The row of a revision received {row.received_at:%Y-%m-%d %H:%M:%S}Z"


def _standing_faults(register: Register, connection: Connection, last: dict[bytes, tuple[int, int]]) -> list[str]:
    """Hold what stands of each closure against its history: a row rolled back to an earlier state shows here."""
    codes = {user.id: user.code for user in parties.read_parties(register.store, connection).users.values()}
    faults = []
    found = rows.weeks_by_closure(connection)
    for row in rows.all_closures(connection):
        if row.user_id not in codes or row.state == FORGOTTEN:
            last.pop(row.id, None)
            continue
        try:
            closure = rows.open_row(register.store, row, codes[row.user_id]).closure
        except Refusal:
            faults.append(f"What stands of {row.reference} does not open.")
            last.pop(row.id, None)
            continue
        if (closure.entries, closure.number) != last.pop(row.id, None) or closure.reference != row.reference:
            faults.append(f"What stands of {row.reference} is not its last revision.")
        elif {register.store.blind.week(week) for week in closure.window.weeks()} != found.get(row.id, set()):
            faults.append(f"{row.reference} is not found in the weeks that it touches.")
    faults += ["A closure whose history is recorded is gone." for _ in last]
    return faults
