"""The acts folded: how each row that decides stood after the last act about it, and what purges and shreds name."""

from dataclasses import dataclass, field
from typing import Any

from app.register.checks.evidence import UNREADABLE, Evidence
from app.security.merkle import leaf_hash
from app.store.acts import Act, Deed, act_content, open_act
from app.store.deciding import BOUND, DECIDING, PURGED, Deciding, Key, digest_of, open_row
from app.store.instants import from_micros
from app.store.parties import owned_digest
from app.store.read_spans import ReadSpan, span_of


@dataclass(slots=True)
class Acts:
    """The last act about each row, by table and key, with the digest after it; None of a row that it took away.

    ``read_spans`` are those of the read log, each with the position of its act; up to the id ``reads_purged`` it is
    purged.
    """

    last: dict[tuple[str, Key], tuple[bytes | None, Act]] = field(default_factory=dict)
    shredded: dict[Any, Act] = field(default_factory=dict)
    read_spans: list[tuple[ReadSpan, int]] = field(default_factory=list)
    reads_purged: int = 0

    def is_purged(self, table: str, row_id: Any) -> bool:
        """Tell whether a purge names a closure or a notice."""
        return (table, (row_id,)) in self.last

    def is_shredded(self, user_id: Any) -> bool:
        """Tell whether an act names the end of a User's keys."""
        return user_id in self.shredded


def fold_acts(evidence: Evidence) -> Acts:
    """Read every act in order, each against its leaf."""
    found = Acts()
    for position, made_at, sealed in evidence.rows("acts", "position", "made_at", "sealed", order=("position",)):
        leaf = evidence.claim("act", position)
        try:
            act = open_act(evidence.store, position, from_micros(made_at), sealed)
            agrees = leaf in {None, leaf_hash(b"act\0" + act_content(act.made_at, sealed))}
        except UNREADABLE:
            agrees = False
        if not agrees:
            evidence.add(f"The act of entry {position} of the log was altered.", position)
            continue
        if act.deed is Deed.READS_COVERED:
            found.read_spans.append((span_of(act.note), position))
        elif act.deed is Deed.READS_PURGED:
            found.reads_purged = int(act.note)
        for table, key, digest in act.rows:
            found.last[table, key] = (digest, act)
            if act.deed is Deed.USER_SHREDDED:
                found.shredded[key[0]] = act
    return found


def check_acts(evidence: Evidence, acts: Acts) -> None:
    """Hold every row that decides against the last act about it, and open it; what acts left standing is there."""
    there: set[tuple[str, Key]] = set()
    for one in (*DECIDING.values(), *PURGED.values()):
        name, parts = one.table.name, len(one.key)
        for row in evidence.rows(name, *one.key, *one.columns, only=one.only):
            key = tuple(row[:parts])
            there.add((name, key))
            _check_row(evidence, acts, one, key, tuple(row[parts:]))
    for (table, key), (digest, act) in acts.last.items():
        if digest is not None and (table, key) not in there and table not in evidence.missing:
            noun = (DECIDING | PURGED)[table].noun
            evidence.add(
                f"A {noun} ({_words(key)}) is gone; by entry {act.position} of the log it stands.", act.position
            )
    _check_shreds(evidence, acts)


def is_as_left(acts: Acts, one: Deciding, key: Key, values: tuple[Any, ...]) -> bool:
    """Tell whether a row stands as the last act about it left it."""
    digest, _ = acts.last.get((one.table.name, key), (None, None))
    try:
        return digest is not None and digest == digest_of(values)
    except UNREADABLE:
        return False


def _check_row(evidence: Evidence, acts: Acts, one: Deciding, key: Key, values: tuple[Any, ...]) -> None:
    digest, act = acts.last.get((one.table.name, key), (None, None))
    name = f"A {one.noun} ({_words(key)})"
    if act is None:
        if one.table.name in DECIDING:
            evidence.add(f"{name} is there, and no entry of the log says so.")
        return
    if digest is None:
        evidence.add(f"{name} is there; by entry {act.position} of the log ({act.deed}) it is gone.", act.position)
    elif not is_as_left(acts, one, key, values):
        evidence.add(f"{name} is not as entry {act.position} of the log ({act.deed}) left it.", act.position)
    elif one.table.name in BOUND and "sealed" in one.columns:
        _open(evidence, acts, one, dict(zip(one.columns, values, strict=True)), name)


def _open(evidence: Evidence, acts: Acts, one: Deciding, values: dict[str, Any], name: str) -> None:
    if acts.is_shredded(values.get("id" if one.table.name == "users" else "user_id")):
        return
    try:
        open_row(evidence.store, one.table, values)
    except UNREADABLE:
        evidence.add(f"{name} does not open.")


def _check_shreds(evidence: Evidence, acts: Acts) -> None:
    """Hold what a shredded User owns against what it owned: nothing comes to it and nothing leaves it after that."""
    held: dict[Any, list[Any]] = {user_id: [] for user_id in acts.shredded}
    for table in ("closures", "notices") if held else ():
        for row_id, user_id in evidence.rows(table, "id", "user_id"):
            if user_id in held:
                held[user_id].append(row_id)
    for user_id, act in acts.shredded.items():
        if owned_digest(held[user_id]) != act.note:
            evidence.add(f"A shredded User has not what it had by entry {act.position} of the log.", act.position)


def _words(key: Key) -> str:
    return " ".join(part.hex() if isinstance(part, bytes) else str(part) for part in key)
