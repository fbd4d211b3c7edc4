"""Whether the record is what it was: every entry against its leaf, the tree against its head, old checkpoints too."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.register.checks.closures import check_closures, check_owners
from app.register.checks.entries import check_assessments, check_bringers, check_notices, check_revisions
from app.register.checks.evidence import Evidence, Part
from app.register.checks.fold import check_acts, fold_acts
from app.register.checks.log import check_claims, check_log
from app.register.checks.members import check_members
from app.register.checks.proofs import check_proofs
from app.register.checks.reads import check_reads
from app.register.register import Register
from app.security.merkle import Frontier, Tree
from app.security.notes import Checkpoint, open_checkpoint, sign_checkpoint
from app.security.verified import VerifiedMark
from app.store.engine import read_head
from app.store.raw import missing_tables

_MOST_FAULTS = 100
ROLLING = 23
"""In so many parts all that was sound before is looked into again: one an hour, and a shorter one ends each round."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found: how many entries were looked at, and the faults in words, the earliest first.

    ``uncovered_reads`` are the newest of the read log, which no act covers yet. ``looked_into`` is of how many entries
    what they say was opened.
    """

    size: int
    faults: tuple[str, ...]
    uncovered_reads: int
    looked_into: int

    @property
    def is_sound(self) -> bool:
        """Tell whether nothing was altered, lost or added."""
        return not self.faults


def make_checkpoint(register: Register) -> str:
    """Return the head of the record as it stands, signed (C2SP tlog-checkpoint)."""
    with register.store.reading() as connection:
        head = read_head(connection)
    root = Frontier.from_bytes(head.log_size, head.log_edge).root()
    return sign_checkpoint(register.signing_key, register.origin, head.log_size, root)


def verify_record(register: Register, checkpoint: str | None = None) -> Verification:
    """Check the whole record; with a ``checkpoint`` kept from before, also that it only grew since.

    Whatever a row holds is found and named: no value stops a check. Raise ``CheckpointBroken`` for a checkpoint that is
    not ours.
    """
    earlier = None if checkpoint is None else open_checkpoint(checkpoint, register.public_keys)
    return _verify(register, earlier, VerifiedMark())[0]


def verify_onward(register: Register) -> Verification:
    """Check what came since the last such check, and look again into a ``ROLLING``-th of what was sound before.

    Every row is there, stands in its place, and what decides is as the log left it: this is checked of all. What an
    older notice, revision or assessment says is opened when its part comes by. Where something is wrong, or nothing
    was checked before, all is looked into, then and the next time. Raise ``StoreFull``.
    """
    verified = register.store.keyring.verified
    found, mark = _verify(register, None, verified.read())
    verified.write(mark if found.is_sound else VerifiedMark())
    return found


def _verify(register: Register, earlier: Checkpoint | None, since: VerifiedMark) -> tuple[Verification, VerifiedMark]:
    """Check all that came after a mark, and the next part before it; return what was found, and the mark after it."""
    with _uncollected(), register.store.reading() as connection:
        evidence = Evidence(register.store, connection, missing_tables(connection))
        for text in evidence.missing.values():
            evidence.add(text)
        tree = check_log(evidence, earlier)
        database = next((row[0] for row in evidence.rows("head", "database_id")), b"")
        part = evidence.part = _part_after(since, database, tree)
        acts = fold_acts(evidence)
        check_acts(evidence, acts)
        received_at = check_notices(evidence, acts, tree)
        owners = check_owners(evidence, acts)
        histories = check_revisions(evidence, acts, owners)
        check_bringers(evidence)
        check_assessments(evidence, acts, owners)
        ahead = check_closures(evidence, acts, histories, received_at)
        check_members(evidence, acts, ahead)
        uncovered = check_reads(evidence, acts)
        check_claims(evidence)
        check_proofs(evidence)
    faults = tuple(text for _, text in sorted(evidence.faults)[:_MOST_FAULTS])
    mark = VerifiedMark(database, tree.size, tree.root(tree.size), part.end)
    return Verification(tree.size, faults, uncovered, tree.size - part.since + part.end - part.start), mark


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep Python from looking for cycles meanwhile: with a million rows held it would take a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _part_after(mark: VerifiedMark, database: bytes, tree: Tree) -> Part:
    """Return what is to be looked into after a mark: everything, unless it is of the beginning of this record."""
    if not mark.size or mark.database != database or mark.size > tree.size or tree.root(mark.size) != mark.root:
        return Part()
    start = mark.goes_on if mark.goes_on < mark.size else 0
    return Part(mark.size, start, min(mark.size, start + -(-mark.size // ROLLING)))
