"""A job that failed is counted where every machine sees it, if the database takes that; the log says why it failed."""

from contextlib import suppress
from datetime import datetime

from app.domain.refusal import Refusal
from app.domain.utc_day import day_of
from app.store.engine import Store
from app.store.runs import count_failure

# Jobs as they are named where their last run is noted; the others are named by what they do.
_NAMES = {
    "check": "integrity",
    "cover reads": "read log",
    "keep house": "housekeeping",
    "listen": "late-changes",
    "pull": "pulls",
    "read mail": "mailbox",
    "seal anew": "sealing anew",
}


def note_failure(store: Store, job: str, now: datetime) -> None:
    """Count a failure of a job, given by the name of its function."""
    words = job.strip("_").replace("_", " ")
    with suppress(Refusal), store.writing() as connection:  # else the log alone has it, as what failed may be this
        count_failure(connection, _NAMES.get(words, words), day_of(now))
