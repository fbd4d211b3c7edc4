"""The rows that carry a proof of their clear columns, each against its own."""

from app.register.checks.evidence import Evidence
from app.store.proven import PROVEN, is_as_written


def check_proofs(evidence: Evidence) -> None:
    """Hold every row that has a proof against it. A row that another check names too was altered all the same."""
    for table, columns in PROVEN.items():
        for held in evidence.rows(table, *columns, "proof"):
            if not is_as_written(evidence.connection, table, held):
                evidence.add(f"A row of {table} is not as it was written.")
