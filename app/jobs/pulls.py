"""The sources that are due are polled, each by one poller at a time and on its own: none waits for another's fault."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from app.domain.refusal import Refusal, Unknown
from app.pulling.http_client import Outbound
from app.pulling.look import poll_source
from app.register.register import Register
from app.store import runs, sources
from app.store.runs import JobRun
from app.store.sources import OK

JOB = "pulls"
_LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PullReport:
    """How many sources were polled, and of how many of them nothing could be taken."""

    polled: int
    unread: int


def poll_due(register: Register, outbound: Outbound, now: Callable[[], datetime]) -> PullReport:
    """Poll every source that is due; note that it was done where there was one."""
    with register.store.reading() as connection:
        due = sources.due_sources(connection, now())
    outcomes = [_poll_apart(register, outbound, source_id, now) for source_id in due]
    report = PullReport(len(outcomes) - outcomes.count(""), len(outcomes) - outcomes.count("") - outcomes.count(OK))
    if report.polled:
        with register.store.writing() as connection:
            said = f"{report.polled} polled, {report.unread} of them without result"
            runs.write_run(connection, JobRun(JOB, 0, now(), said))
    return report


def _poll_apart(register: Register, outbound: Outbound, source_id: bytes, now: Callable[[], datetime]) -> str:
    """Poll one source, whatever becomes of it; return its outcome, "" where it was not polled."""
    try:
        report = poll_source(register, outbound, source_id, now)
    except Unknown:
        return ""  # removed since, or its User was shredded
    except Refusal as problem:
        _LOG.warning("a source was put off", source=source_id.hex(), reason=problem.text)
        return problem.code
    except Exception:  # noqa: BLE001 - one source must not keep the others waiting; it is logged with its trace
        _LOG.exception("a source failed", source=source_id.hex())
        return "fault"
    return "" if report is None else report.standing.outcome
