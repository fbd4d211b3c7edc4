"""When each job runs: APScheduler with its memory store, jobs named in code, one at a time."""

import threading
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from app.domain.refusal import Refusal, StoreAway
from app.jobs.backup import Backups, back_up_on_time
from app.jobs.failures import note_failure
from app.jobs.housekeeping import keep_house_on_time
from app.jobs.integrity import check_integrity
from app.jobs.notify import deliver
from app.jobs.outage import Outage
from app.jobs.post_office import PostOffice
from app.jobs.pulls import poll_due
from app.jobs.sealing_anew import SealingAnew
from app.jobs.silences import Silencer
from app.jobs.sweep import sweep_on_time
from app.jobs.witness import ask_witness
from app.pulling.http_client import Outbound
from app.register.late_changes import record_late_changes
from app.register.move_index import move_index
from app.register.register import Register
from app.register.witnesses import Witness, Witnesses
from app.store import runs
from app.store.acts import ACTOR
from app.store.clock import read_clocks, since_boot
from app.store.engine import read_head
from app.store.high_water import raise_mark
from app.store.read_spans import cover_reads

if TYPE_CHECKING:
    from app.jobs.mailbox import MailReader

_LOG = structlog.get_logger()
_LISTEN_SECONDS = 1
_DELIVER_SECONDS = 1
_SILENCE_SECONDS = 1
_MARK_SECONDS = 5
_SEAL_SECONDS = 1
_SWEEP_SECONDS = 45  # what is over time is told within a minute
_PULL_SECONDS = 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INDEX_SECONDS = 5
_MAIL_SECONDS = 2
_WITNESS_SECONDS = 60
_BACKUP_SECONDS = 60  # between two looks whether one is due
_BACKUPS = "backups"
_KEYS = "keys"
_SILENCES = "silences"
_LETTERS = "letters"
_MAILBOX = "mailbox"
_PULLS = "pulls"
_CHECKS = "checks"
_WITNESSES = "witnesses"
_OWN = (_PULLS, _LETTERS, _MAILBOX, _SILENCES, _CHECKS, _KEYS, _BACKUPS)
_GRACE_SECONDS = 3600  # a job that was due while the machine slept still runs, once
_WATCH_SECONDS = 1.0
_STEP = timedelta(seconds=5)  # of the clock, after which the times at which jobs run next are made anew


class Timetable:
    """The jobs of one scheduler process over one register. ``now`` is its clock, ``outbound`` fetches sources.

    ``outage`` is whether the database answers: a job may find that it does not, and what renews the lead finds that
    it does again. While it does not, jobs try ever less often. ``require_lead`` raises where another one leads by now.
    ``mail_reader`` reads the mailbox that notices come to, where one is named.
    """

    def __init__(
        self,
        register: Register,
        now: Callable[[], datetime],
        outbound: Outbound,
        office: PostOffice,
        witnesses: Witnesses,
        *,
        backups: Backups | None = None,
        require_lead: Callable[[], None] = lambda: None,
        mail_reader: "MailReader | None" = None,
    ) -> None:
        self._register = register
        self._witnesses = witnesses
        self._backups = backups
        self._mail_reader = mail_reader
        self._office = office
        self._now = now
        self._outbound = outbound
        self._heard = -1
        self.outage = Outage()
        self._stopping = threading.Event()
        self._silencer = Silencer(register, outbound, now, require_lead)
        self._sealing = SealingAnew(register.store, self._stopping)
        self._watch = threading.Thread(target=self._watch_steps, name="clock")
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            # Sources, letters and the mailbox have a thread each: a slow server of somebody else must not hold up the
            # record. Nor must the reading of all that is stored. Witnesses have one each: one that is slow holds up no
            # other.
            executors={
                **{name: ThreadPoolExecutor(1) for name in (*_OWN, "default")},
                _WITNESSES: ThreadPoolExecutor(max(1, len(witnesses.each))),
            },
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": _GRACE_SECONDS},
        )

    def start(self) -> None:
        """Start; the sweep runs at once, so that whatever passed while nobody looked is caught up."""
        if self._mail_reader is None:
            self._guarded(self._forget_mailbox)()
        self._set_times()
        self._scheduler.start()
        self._watch.start()

    def stop(self) -> None:
        """Finish the job that runs, and stop."""
        self._stopping.set()
        self._watch.join()
        self._scheduler.shutdown(wait=True)
        self._silencer.stop()
        if self._mail_reader is not None:
            self._mail_reader.close()
        self._guarded(self._raise_mark)()

    def _watch_steps(self) -> None:
        """Make the times of all jobs anew when the clock was set: after a day back, none would run for a day."""
        offset = self._now() - _EPOCH - since_boot()
        while not self._stopping.wait(_WATCH_SECONDS):
            found = self._now() - _EPOCH - since_boot()
            if abs(found - offset) > _STEP:
                _LOG.warning("the clock was set", seconds=round((found - offset).total_seconds()))
                self._set_times()
                offset = found

    def _set_times(self) -> None:
        soon = self._now()
        add = partial(self._scheduler.add_job, replace_existing=True)
        add(self._guarded(self._sweep), "interval", seconds=_SWEEP_SECONDS, next_run_time=soon, id="sweep")
        add(self._guarded(self._listen), "interval", seconds=_LISTEN_SECONDS, id="listen")
        add(self._guarded(self._raise_mark), "interval", seconds=_MARK_SECONDS, next_run_time=soon, id="mark")
        add(self._guarded(self._move_index), "interval", seconds=_INDEX_SECONDS, next_run_time=soon, id="index")
        add(self._guarded(self._forget_keys), "interval", seconds=_INDEX_SECONDS, next_run_time=soon, id="ring")
        pull = self._guarded(self._pull)
        add(pull, "interval", seconds=_PULL_SECONDS, next_run_time=soon, id="pulls", executor=_PULLS)
        add(self._guarded(self._deliver), "interval", seconds=_DELIVER_SECONDS, id="deliver", executor=_LETTERS)
        add(self._guarded(self._silence), "interval", seconds=_SILENCE_SECONDS, id="silences", executor=_SILENCES)
        if self._mail_reader is not None:
            mail = self._guarded(self._reading_mail(self._mail_reader))
            add(mail, "interval", seconds=_MAIL_SECONDS, next_run_time=soon, id="mailbox", executor=_MAILBOX)
        add(self._guarded(self._seal_anew), "interval", seconds=_SEAL_SECONDS, id="keys", executor=_KEYS)
        for number, witness in enumerate(self._witnesses.each):
            ask = self._guarded(self._asking(witness))
            add(
                ask,
                "interval",
                seconds=_WITNESS_SECONDS,
                next_run_time=soon,
                id=f"witness {number}",
                executor=_WITNESSES,
            )
        if self._backups is not None:
            back_up = self._guarded(self._backing_up(self._backups))
            add(back_up, "interval", seconds=_BACKUP_SECONDS, next_run_time=soon, id="backup", executor=_BACKUPS)
        later = soon + timedelta(minutes=2)
        reading = self._guarded(self._check)
        later_still = soon + timedelta(minutes=3)
        add(reading, "interval", hours=1, next_run_time=later_still, id="integrity", executor=_CHECKS)
        add(self._guarded(self._cover_reads), "interval", hours=1, next_run_time=later, id="read log")
        add(self._guarded(self._keep_house), "interval", days=1, next_run_time=later, id="housekeeping")

    def _sweep(self) -> None:
        report = sweep_on_time(self._register, read_clocks(self._register.store, self._now))
        if report.expired or report.late_changes or report.reinstated:
            _LOG.info("swept", **asdict(report))

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

    def _seal_anew(self) -> None:
        """After a rotation of the root, seal anew what is stored; else look at the ring, which is next to nothing."""
        self._sealing.go_on(self._now())

    def _move_index(self) -> None:
        """Leave the key of before behind as soon as the root secret was rotated: a small select where it was not."""
        if move_index(self._register.store):
            _LOG.info("moved the blind index to the newest key")

    def _forget_keys(self) -> None:
        """Let no ring linger that was replaced, with keys that were shredded: a small select where there is none."""
        self._register.store.keyring.forget_replaced()

    def _pull(self) -> None:
        report = poll_due(self._register, self._outbound, self._now)
        if report.polled:
            _LOG.info("polled sources", polled=report.polled, without_result=report.unread)

    def _deliver(self) -> None:
        """Send what waits in the outbox: one small select or two where nothing does.

        No line says that something was sent: it may be sent as a window starts or ends.
        """
        sent = deliver(self._register, self._office, self._now)
        if sent.failed:
            _LOG.warning("not delivered", failed=sent.failed)

    def _silence(self) -> None:
        """Keep every Alertmanager in step with what stands, as soon as a notice came in."""
        self._silencer.look()

    def _reading_mail(self, reader: "MailReader") -> Callable[[], None]:
        def read_mail() -> None:
            reader.look(self._register, self._now)

        return read_mail

    def _forget_mailbox(self) -> None:
        """Where no mailbox is named any more, nobody waits for its next look.

        This is no job: one that runs once is taken out by APScheduler's own thread, which fails while it is stopped.
        """
        with self._register.store.writing() as connection:
            runs.forget_runs(connection, (runs.MAILBOX, runs.MAILBOX_FAILED))

    def _check(self) -> None:
        _LOG.info("read all that is stored", faults=check_integrity(self._register, self._now()))

    def _cover_reads(self) -> None:
        """Write the act that covers what was read since the last one."""
        cover_reads(self._register.store)

    def _backing_up(self, backups: Backups) -> Callable[[], None]:
        def backup() -> None:
            if outcome := back_up_on_time(self._register.store, backups, self._now()):
                _LOG.info("took a backup", outcome=outcome)

        return backup

    def _asking(self, witness: Witness) -> Callable[[], None]:
        def ask() -> None:
            ask_witness(self._register, self._outbound, witness, self._now)

        return ask

    def _keep_house(self) -> None:
        outcome = keep_house_on_time(self._register, read_clocks(self._register.store, self._now))
        _LOG.info("kept house", outcome=outcome)

    def _guarded(self, job: Callable[[], None]) -> Callable[[], None]:
        """Let a job that fails be tried again at its next time, and say why it failed."""

        def run() -> None:
            if not self.outage.lets_try:
                return
            ACTOR.set("scheduler")
            began = monotonic()
            try:
                job()  # that it ended well says nothing of the database: it may not have asked
            except StoreAway as problem:
                self.outage.failed(problem, began)
            except Refusal as problem:
                _LOG.warning("a job was put off", job=job.__name__, reason=problem.text)
                note_failure(self._register.store, job.__name__, self._now())
            except Exception:  # noqa: BLE001 - a job that fails must not end the timetable; it is logged with its trace
                _LOG.exception("a job failed", job=job.__name__)
                note_failure(self._register.store, job.__name__, self._now())

        return run
