"""At each start and each hour: hold what is stored against the record, and raise an alarm where it was altered."""

from datetime import datetime

import structlog

from app.register.register import Register
from app.register.verification import verify_onward
from app.store import runs
from app.store.runs import JobRun

_LOG = structlog.get_logger()


def check_integrity(register: Register, now: datetime) -> int:
    """Verify what came since, and a part of what was verified before; note and return how many faults were found."""
    found = verify_onward(register)
    for fault in found.faults:
        _LOG.error("the record does not hold", fault=fault)
    looked = f"looked into {found.looked_into} of {found.size} entries"
    outcome = "all rows are as they were written" if found.is_sound else f"{len(found.faults)} faults"
    with register.store.writing() as connection:
        runs.write_run(connection, JobRun(runs.INTEGRITY, len(found.faults), now, f"{looked}: {outcome}"))
    return len(found.faults)
