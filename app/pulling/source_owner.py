"""For whom a source is read, and what becomes of what it says: a User's notice, or an import of DCC's own dates."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from app.domain.maintenance import MaintenanceKind
from app.domain.notice import Channel, Notice, NoticeContent
from app.domain.party import User
from app.domain.refusal import NoticeTooLarge, NoticeUnreadable
from app.ical.limits import Limits
from app.intake.ical import read_ical
from app.intake.read_request import ReadRequest
from app.pulling.fetch_failure import SourceUnread
from app.pulling.http_client import LARGEST
from app.register.maintenance import Imported, asking_for_dates, import_maintenance, preview_maintenance
from app.register.receipts import Outcome
from app.register.receive import preview_notice, receive_notice
from app.register.register import Register
from app.store.sources import Source

Answer: TypeAlias = Outcome | Imported
"""What the register said to a notice of a User, or to an import of DCC's own dates."""

# What intake adds around the pieces of one visit stays far below twice its size.
_LIMITS = Limits(octets=2 * LARGEST, events=5_000, all_occurrences=20_000)


@dataclass(frozen=True, slots=True)
class Closer:
    """A User, the one of its gateways that a source's events close, and the codes of all of them."""

    user: User
    gateway: str
    gateways: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """A source, and for whom it is read: a User, or DCC for its own dates of a kind.

    ``elsewhere`` are the register's UIDs of what other sources for the same gateway, or kind of dates, show.
    """

    source: Source
    reader: Closer | MaintenanceKind
    elsewhere: Collection[str]
    dry_run: bool


def read_pieces(subject: Subject, octets: bytes, now: datetime) -> NoticeContent:
    """Read what was taken from a source. Raise ``SourceUnread``."""
    try:
        return read_ical(octets, _asking(subject.reader, now))
    except NoticeTooLarge as refusal:
        raise SourceUnread("too-many") from refusal
    except NoticeUnreadable as refusal:
        raise SourceUnread("not-calendar") from refusal


def _asking(reader: Closer | MaintenanceKind, now: datetime) -> ReadRequest:
    if isinstance(reader, Closer):
        return ReadRequest(now=now, gateways=reader.gateways, gateway=reader.gateway, limits=_LIMITS)
    return asking_for_dates(now, _LIMITS)


def without_the_past(subject: Subject, reading: NoticeContent, known: Collection[str]) -> NoticeContent:
    """Return what is told of a reading. What was over before a User's source was added is nobody's late notice.

    DCC's own dates are told as a file with them would be: nobody gives notice of them, and nobody is late.
    """
    if not isinstance(subject.reader, Closer):
        return reading
    added = subject.source.created_at
    told = (
        announcement
        for announcement in reading.announcements
        if announcement.uid in known or announcement.window is None or announcement.window.ends > added
    )
    return replace(reading, announcements=tuple(told))


def take_reading(register: Register, subject: Subject, octets: bytes, at: datetime, reading: NoticeContent) -> Answer:
    """Have a reading recorded, or with ``subject.dry_run`` only say what would be."""
    reader = subject.reader
    if not isinstance(reader, Closer):
        return (preview_maintenance if subject.dry_run else import_maintenance)(register, reader, reading, at)
    given_by = f"source {subject.source.id.hex()}"
    notice = Notice(reader.user.code, Channel.PULL, at, "text/calendar", octets, given_by)
    if subject.dry_run:
        return preview_notice(register, reader.user, notice, reading)
    return receive_notice(register, reader.user, notice, reading)
