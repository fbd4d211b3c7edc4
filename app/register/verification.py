"""Whether the record is what it was: every entry against its leaf, the tree against its head, old checkpoints too."""

from dataclasses import dataclass

from app.register.checks.closures import check_closures, check_owners
from app.register.checks.entries import check_assessments, check_bringers, check_notices, check_revisions
from app.register.checks.evidence import Evidence
from app.register.checks.fold import check_acts, fold_acts
from app.register.checks.log import check_claims, check_log
from app.register.checks.members import check_members
from app.register.checks.proofs import check_proofs
from app.register.checks.reads import check_reads
from app.register.register import Register
from app.security.merkle import Frontier
from app.security.notes import open_checkpoint, sign_checkpoint
from app.store.engine import read_head
from app.store.raw import missing_tables

_MOST_FAULTS = 100


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found: how many entries were looked at, and the faults in words, the earliest first.

    ``uncovered_reads`` are the newest of the read log, which no act covers yet.
    """

    size: int
    faults: tuple[str, ...]
    uncovered_reads: int = 0

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
    with register.store.reading() as connection:
        evidence = Evidence(register.store, connection, missing_tables(connection))
        for text in evidence.missing.values():
            evidence.add(text)
        tree = check_log(evidence, earlier)
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
    return Verification(tree.size, tuple(text for _, text in sorted(evidence.faults)[:_MOST_FAULTS]), uncovered)
