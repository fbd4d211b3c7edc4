"""Once a day, and at each start: read everything that is stored, and raise an alarm where something was altered."""

from datetime import datetime

import structlog

from app.register.register import Register
from app.register.verification import verify_record
from app.store import runs
from app.store.runs import JobRun

_LOG = structlog.get_logger()


def check_integrity(register: Register, now: datetime) -> int:
    """Verify the record and every row beside it; note and return how many faults were found."""
    found = verify_record(register)
    for fault in found.faults:
        _LOG.error("the record does not hold", fault=fault)
    outcome = "all rows are as they were written" if found.is_sound else f"{len(found.faults)} faults"
    with register.store.writing() as connection:
        runs.write_run(connection, JobRun(runs.INTEGRITY, len(found.faults), now, outcome))
    return len(found.faults)
