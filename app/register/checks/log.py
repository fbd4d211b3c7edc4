"""The log itself: no entry is missing, and the tree over it has the roots that the head and a checkpoint state."""

from app.register.checks.evidence import UNREADABLE, Evidence
from app.security.merkle import Frontier, Tree
from app.security.notes import Checkpoint

_LEAF_OCTETS = 32


def check_log(evidence: Evidence, earlier: Checkpoint | None) -> Tree:
    """Read the log, and hold it against the head and an earlier checkpoint; return the tree over it."""
    leaves, kinds = evidence.leaves, evidence.kinds
    log = evidence.rows("log", "position", "kind", "leaf", order=("position",))
    for expected, (position, kind, leaf) in enumerate(log):
        if position != expected:
            evidence.add(f"Entry {expected} of the log is missing.", expected)
            break
        if not isinstance(leaf, bytes) or len(leaf) != _LEAF_OCTETS:
            evidence.add(f"The leaf of entry {position} is none.", position)
            leaf = bytes(_LEAF_OCTETS)  # noqa: PLW2901 - it stands in for what cannot be hashed
        leaves.append(leaf)
        kinds.append(kind)
    evidence.claimed = bytearray(len(evidence.leaves))
    tree = Tree(evidence.leaves)
    _check_head(evidence, tree)
    if earlier is not None:
        if earlier.size > tree.size:
            evidence.add(f"The checkpoint counts {earlier.size} entries; the log holds only {tree.size}.")
        elif tree.root(earlier.size) != earlier.root:
            evidence.add(f"The first {earlier.size} entries are not those that the checkpoint was signed over.")
    return tree


def _check_head(evidence: Evidence, tree: Tree) -> None:
    heads = list(evidence.rows("head", "log_size", "log_edge"))
    if len(heads) != 1:
        evidence.add(f"The record has {len(heads)} heads.")
        return
    size, edge = heads[0]
    if size != tree.size:
        evidence.add(f"The head counts {size} entries; the log holds {tree.size}.")
    try:
        stated = Frontier.from_bytes(size, edge).root()
    except UNREADABLE:
        evidence.add("The head of the record is damaged.")
    else:
        if stated != tree.root(tree.size):
            evidence.add("The tree over the log does not have the root that the head states.")


def check_claims(evidence: Evidence) -> None:
    """Name the entries for which no row was found. Comes after every check that finds rows."""
    at = evidence.claimed.find(0)
    while at >= 0:
        evidence.add(f"What entry {at} of the log recorded is gone.", at)
        at = evidence.claimed.find(0, at + 1)
