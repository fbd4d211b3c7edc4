"""The scheduler's process: it takes the lead, keeps the timetable, and finishes what it holds when told to stop."""

import os
from datetime import timedelta

import structlog

from app.factory import Service, configure_log, open_service, publisher_of, utc_now
from app.jobs.backup import Backups
from app.jobs.post_office import open_post_office
from app.jobs.timetable import Timetable
from app.pulling.http_client import Outbound
from app.register.witnesses import open_witnesses
from app.settings import Settings, read_settings
from app.store.leadership import leadership
from app.supervisor import StopSignal

_LOG = structlog.get_logger()
_TRY_AGAIN_SECONDS = 5.0


def run_worker(settings: Settings) -> None:
    """Run the scheduler until SIGTERM or SIGINT; wait in line while another one leads."""
    configure_log(settings.log, settings.security_log)
    stopping = StopSignal()
    service = open_service(settings)
    try:
        while not stopping.is_set():
            with leadership(service.store) as leads:
                if leads:
                    _lead(service, stopping)
                    return
            stopping.wait(_TRY_AGAIN_SECONDS)
    finally:
        service.close()


def _lead(service: Service, stopping: StopSignal) -> None:
    settings = service.settings
    outbound = Outbound(allow_private=settings.allow_private_sources)
    smtp_url = None if settings.smtp_url is None else settings.smtp_url.get_secret_value()
    office = open_post_office(publisher_of(settings), outbound, smtp_url)
    witnesses = open_witnesses(settings.witnesses, settings.quorum)
    timetable = Timetable(service.register, utc_now, outbound, office, witnesses, backups=backups_of(settings))
    timetable.start()
    _LOG.info("the scheduler runs")
    stopping.wait()
    timetable.stop()
    _LOG.info("the scheduler stopped")


def backups_of(settings: Settings) -> Backups | None:
    """Return which backups the scheduler takes by itself; None where no folder is named."""
    if settings.backup_dir is None:
        return None
    return Backups(settings.backup_dir, timedelta(hours=settings.backup_every_hours), settings.backup_keep)


if __name__ == "__main__":
    run_worker(read_settings(os.environ))
