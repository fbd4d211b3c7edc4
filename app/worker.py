"""The scheduler's process: it takes the lead, keeps the timetable, and finishes what it holds when told to stop."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING

import structlog

from app.domain.refusal import Deposed, Refusal
from app.factory import Service, configure_log, open_service, publisher_of, utc_now
from app.jobs.backup import Backups
from app.jobs.outage import Outage
from app.jobs.post_office import asking_first, open_post_office
from app.jobs.timetable import Timetable
from app.pulling.http_client import Outbound
from app.register.witnesses import open_witnesses
from app.settings import Settings
from app.store.leadership import RENEW_SECONDS, Leadership
from app.supervisor import StopSignal, Systemd

if TYPE_CHECKING:
    from app.jobs.mailbox import MailReader

_LOG = structlog.get_logger()


def run_worker(settings: Settings) -> None:
    """Run the scheduler until SIGTERM or SIGINT: lead while nobody else does, else wait in line. Raise ``StoreUnfit``.

    That is for the start alone: later on a database that went away is waited for.
    """
    configure_log(settings.log, settings.security_log)
    stopping, systemd = StopSignal(), Systemd()
    service = open_service(settings)
    systemd.tell("READY=1")
    leadership, outage = Leadership(service.store), Outage()
    waits = False
    try:
        while not stopping.is_set():
            taken = _taken(leadership, outage)
            if taken:
                _lead(service, leadership, stopping, systemd)
            elif taken is False and not waits:
                _LOG.info("another scheduler leads: this one waits in line")
            waits = taken is False or (waits and not taken)
            systemd.tell("WATCHDOG=1")
            stopping.wait(RENEW_SECONDS)
    finally:
        service.close()


def _taken(leadership: Leadership, outage: Outage) -> bool | None:
    """Take the lead if nobody has it; tell whether it was taken, None where the database does not answer."""
    began = monotonic()
    try:
        taken = leadership.take()
    except Refusal as problem:
        outage.failed(problem, began)
        return None
    outage.answered(began)
    return taken


def _lead(service: Service, leadership: Leadership, stopping: StopSignal, systemd: Systemd) -> None:
    """Keep the timetable until told to stop, or until another one leads."""
    settings = service.settings
    outbound = Outbound(allow_private=settings.allow_private_sources)
    smtp_url = None if settings.smtp_url is None else settings.smtp_url.get_secret_value()
    office = asking_first(open_post_office(publisher_of(settings), outbound, smtp_url), leadership.require)
    witnesses = open_witnesses(settings.witnesses, settings.quorum)
    register = replace(service.register, store=leadership.fenced())
    timetable = Timetable(
        register, utc_now, outbound, office, witnesses,
        backups=backups_of(settings), require_lead=leadership.require, mail_reader=mail_reader_of(settings),
    )  # fmt: skip
    timetable.start()
    _LOG.info("the scheduler runs", epoch=leadership.epoch)
    is_told = _keep(leadership, timetable.outage, stopping, systemd)
    timetable.stop()
    if is_told:
        with suppress(Refusal):  # then it ends by itself
            leadership.give_up()
    _LOG.info("the scheduler stopped", told=is_told)


def _keep(leadership: Leadership, outage: Outage, stopping: StopSignal, systemd: Systemd) -> bool:
    """Let this leader be heard of until it is told to stop; return False where another one took over before."""
    while not stopping.wait(RENEW_SECONDS):
        began = monotonic()
        try:
            leadership.renew()
        except Deposed:
            outage.answered(began)
            return False
        except Refusal as problem:
            outage.failed(problem, began)
        else:
            outage.answered(began)
        systemd.tell("WATCHDOG=1")
    return True


def backups_of(settings: Settings) -> Backups | None:
    """Return which backups the scheduler takes by itself; None where no folder is named."""
    if settings.backup_dir is None:
        return None
    return Backups(settings.backup_dir, timedelta(hours=settings.backup_every_hours), settings.backup_keep)


def mail_reader_of(settings: Settings) -> "MailReader | None":
    """Return what reads the mailbox that notices come to; None where none is named."""
    if settings.imap_url is None:
        return None
    # Who has no mailbox loads nothing of it.
    from app.jobs.mailbox import MailReader, Post  # noqa: PLC0415 - see above
    from app.pulling.mail_origin import keys_from  # noqa: PLC0415 - see above
    from app.pulling.mailbox import Mailbox, read_mailbox_address  # noqa: PLC0415 - see above

    address = read_mailbox_address(settings.imap_url.get_secret_value(), settings.imap_token_file)
    return MailReader(Post(Mailbox(address), keys_from(settings.dns), publisher_of(settings)))
