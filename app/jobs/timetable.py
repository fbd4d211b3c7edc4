"""When each job runs: APScheduler with its memory store, jobs named in code, one at a time."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from app.domain.refusal import Refusal
from app.jobs.horizon import extend_horizon
from app.jobs.housekeeping import keep_house
from app.jobs.integrity import check_integrity
from app.jobs.notify import deliver
from app.jobs.post_office import PostOffice
from app.jobs.pulls import poll_due
from app.jobs.sweep import sweep
from app.pulling.http_client import Outbound
from app.register.late_changes import record_late_changes
from app.register.register import Register
from app.store.engine import read_head
from app.store.high_water import raise_mark

_LOG = structlog.get_logger()
_LISTEN_SECONDS = 1
_DELIVER_SECONDS = 1
_MARK_SECONDS = 5
_SWEEP_SECONDS = 60
_PULL_SECONDS = 60
_LETTERS = "letters"
_PULLS = "pulls"
_CHECKS = "checks"
_GRACE_SECONDS = 3600  # a job that was due while the machine slept still runs, once


class Timetable:
    """The jobs of one scheduler process over one register. ``now`` is its clock, ``outbound`` fetches sources."""

    def __init__(self, register: Register, now: Callable[[], datetime], outbound: Outbound, office: PostOffice) -> None:
        self._register = register
        self._office = office
        self._now = now
        self._outbound = outbound
        self._heard = -1
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            # Sources and letters have a thread each: a slow server of somebody else must not hold up the record. Nor
            # must the reading of all that is stored.
            executors={name: ThreadPoolExecutor(1) for name in ("default", _PULLS, _LETTERS, _CHECKS)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": _GRACE_SECONDS},
        )

    def start(self) -> None:
        """Start; the sweep runs at once, so that whatever passed while nobody looked is caught up."""
        soon = self._now()
        add = self._scheduler.add_job
        add(self._guarded(self._sweep), "interval", seconds=_SWEEP_SECONDS, next_run_time=soon, id="sweep")
        add(self._guarded(self._listen), "interval", seconds=_LISTEN_SECONDS, id="listen")
        add(self._guarded(self._raise_mark), "interval", seconds=_MARK_SECONDS, next_run_time=soon, id="mark")
        pull = self._guarded(self._pull)
        add(pull, "interval", seconds=_PULL_SECONDS, next_run_time=soon, id="pulls", executor=_PULLS)
        add(self._guarded(self._deliver), "interval", seconds=_DELIVER_SECONDS, id="deliver", executor=_LETTERS)
        later = soon + timedelta(minutes=2)
        reading = self._guarded(self._check)
        later_still = soon + timedelta(minutes=3)
        add(reading, "interval", days=1, next_run_time=later_still, id="integrity", executor=_CHECKS)
        add(self._guarded(self._keep_house), "interval", days=1, next_run_time=later, id="housekeeping")
        self._scheduler.start()

    def stop(self) -> None:
        """Finish the job that runs, and stop."""
        self._scheduler.shutdown(wait=True)
        self._guarded(self._raise_mark)()

    def _sweep(self) -> None:
        report = sweep(self._register, self._now())
        if report.expired or report.late_changes:
            _LOG.info("swept", expired=report.expired, late_changes=report.late_changes)

    def _listen(self) -> None:
        """Record late changes as soon as a notice came in: one small select a second where nothing did."""
        with self._register.store.reading() as connection:
            size = read_head(connection).log_size
        if size != self._heard:
            record_late_changes(self._register, self._now())
            self._heard = size

    def _raise_mark(self) -> None:
        """Write beside the keys how far the record has come: what was lost or put back later shows against it."""
        raise_mark(self._register.store, self._now())

    def _pull(self) -> None:
        report = poll_due(self._register, self._outbound, self._now)
        if report.polled:
            _LOG.info("polled sources", polled=report.polled, without_result=report.unread)

    def _deliver(self) -> None:
        """Send what waits in the outbox: one small select or two where nothing does."""
        sent = deliver(self._register, self._office, self._now)
        if sent.arrived or sent.failed:
            _LOG.info("delivered", arrived=sent.arrived, failed=sent.failed)

    def _check(self) -> None:
        _LOG.info("read all that is stored", faults=check_integrity(self._register, self._now()))

    def _keep_house(self) -> None:
        added = extend_horizon(self._register, self._now())
        _LOG.info("kept house", outcome=keep_house(self._register, self._now()), occurrences_added=added)

    def _guarded(self, job: Callable[[], None]) -> Callable[[], None]:
        """Let a job that fails be tried again at its next time, and say why it failed."""

        def run() -> None:
            try:
                job()
            except Refusal as problem:
                _LOG.warning("a job was put off", job=job.__name__, reason=problem.text)
            except Exception:  # noqa: BLE001 - a job that fails must not end the timetable; it is logged with its trace
                _LOG.exception("a job failed", job=job.__name__)

        return run
