"""The rows that carry a proof of their clear columns, each against its own."""

from app.register.checks.evidence import Evidence, Part
from app.store.proven import PROVEN, count_altered

_PLACES = {"log": "position", "revisions": "log_index"}
"""By table: the column that names the entry of the log that a row belongs to, of those that only grow."""


def check_proofs(evidence: Evidence) -> None:
    """Hold every row that has a proof against it. A row that another check names too was altered all the same."""
    for table, columns in PROVEN.items():
        only = _meant(_PLACES[table], evidence.part) if table in _PLACES else ""
        rows = evidence.rows(table, *columns, "proof", only=only)
        for _ in range(count_altered(evidence.connection, table, rows)):
            evidence.add(f"A row of {table} is not as it was written.")


def _meant(place: str, part: Part) -> str:
    """Return SQL that says which rows are looked into; "" where all are."""
    if not part.since:
        return ""
    return f"{place} >= {part.since} OR ({place} >= {part.start} AND {place} < {part.end})"
