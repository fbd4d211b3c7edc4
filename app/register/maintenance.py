"""DCC's own windows come in and go: an import matches a calendar with what is held; nothing is ever overwritten."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from app.domain.london import utc_text
from app.domain.maintenance import Maintenance, MaintenanceKind
from app.domain.notice import Announcement, NoticeContent
from app.domain.refusal import IntakeProblem, Unknown
from app.domain.window import ClosureWindow
from app.ical.limits import Limits
from app.intake.read_request import ReadRequest
from app.register.closure_json import SpanJson, window_facts
from app.register.receipts import problem_facts
from app.register.register import Register
from app.security.tokens import new_reference, new_row_id
from app.store.maintenance import append_maintenance, read_maintenance
from feeds.closure_json import WindowJson

_SECOND = timedelta(seconds=1)

PLACE = "DCC"
"""What stands for the gateway when a calendar of DCC's own is read: it closes none."""


def asking_for_dates(now: datetime, limits: Limits | None = None) -> ReadRequest:
    """Return how a calendar of DCC's own is read."""
    # A maintenance weekend or a release week is longer than a closure may be without a word; DCC's own needs none.
    return ReadRequest(now=now, gateways=(PLACE,), gateway=PLACE, limits=limits or Limits(), allow_long=True)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import or a poll did: the entries that it made, by what they did, and what could not be read."""

    added: tuple[Maintenance, ...]
    moved: tuple[Maintenance, ...]
    withdrawn: tuple[Maintenance, ...]
    unchanged: int
    problems: tuple[IntakeProblem, ...]


def import_maintenance(register: Register, kind: MaintenanceKind, reading: NoticeContent, now: datetime) -> Imported:
    """Take what a calendar of DCC's own says. A window of a UID that it states whole and no longer has is withdrawn.

    The latest import counts: these are DCC's own dates, and DCC says which file is the newer one.
    """
    store = register.store
    with store.writing() as connection:
        register.lock(connection)
        held = {maintenance.id: maintenance for maintenance in read_maintenance(store, connection)}
        imported = _decide(
            kind, reading, [maintenance for maintenance in held.values() if maintenance.kind is kind], now
        )
        append_maintenance(store, connection, (*imported.added, *imported.moved, *imported.withdrawn))
    return imported


def preview_maintenance(register: Register, kind: MaintenanceKind, reading: NoticeContent, now: datetime) -> Imported:
    """Say what ``import_maintenance`` would do; nothing is written."""
    held = register.rulebook().maintenance_at(None)
    return _decide(kind, reading, [maintenance for maintenance in held if maintenance.kind is kind], now)


def remove_maintenance(register: Register, reference: str, now: datetime) -> Maintenance:
    """Withdraw one of DCC's own windows; its history stays. Raise ``Unknown``."""
    store = register.store
    with store.writing() as connection:
        register.lock(connection)
        held = {maintenance.id: maintenance for maintenance in read_maintenance(store, connection)}
        for entry in held.values():
            if entry.reference == reference.strip().upper() and not entry.withdrawn:
                gone = _next(entry, now, withdrawn=True)
                append_maintenance(store, connection, [gone])
                return gone
    raise Unknown("There is no such maintenance.", "`closures maintenance list` shows the references.")


def find_maintenance(register: Register, span: ClosureWindow, as_of: datetime | None = None) -> list[Maintenance]:
    """Return DCC's own windows that share an instant with ``span``, withdrawn ones left out, by start.

    Everybody may see them (docs/domain.md#who-sees-what).
    """
    found = register.rulebook().maintenance_at(as_of)
    return sorted(
        (maintenance for maintenance in found if not maintenance.withdrawn and maintenance.window.overlaps(span)),
        key=lambda maintenance: (maintenance.window.starts, maintenance.window.ends, maintenance.reference),
    )


class MaintenanceJson(WindowJson):
    """One of DCC's own windows."""

    reference: str
    kind: MaintenanceKind
    revision: int
    received_at: str


class MaintenanceListJson(SpanJson):
    """DCC's own windows in a span; the Link header leads to the next page."""

    maintenance: list[MaintenanceJson]


def maintenance_facts(one: Maintenance) -> MaintenanceJson:
    """Return one of DCC's own windows as JSON."""
    return {
        "reference": one.reference,
        "kind": one.kind,
        **window_facts(one.window),
        "revision": one.number,
        "received_at": utc_text(one.received_at),
    }


def imported_facts(done: Imported) -> dict[str, Any]:
    """Return what an import or a poll did as JSON."""
    return {
        "added": [maintenance_facts(maintenance) for maintenance in done.added],
        "moved": [maintenance_facts(maintenance) for maintenance in done.moved],
        "withdrawn": [maintenance_facts(maintenance) for maintenance in done.withdrawn],
        "unchanged": done.unchanged,
        "problems": [problem_facts(problem) for problem in done.problems],
    }


def _decide(kind: MaintenanceKind, reading: NoticeContent, held: Iterable[Maintenance], now: datetime) -> Imported:
    """Decide what each announcement makes of what is held of this kind."""
    known = {(maintenance.uid, maintenance.recurrence_id): maintenance for maintenance in held}
    added: list[Maintenance] = []
    moved: list[Maintenance] = []
    withdrawn: list[Maintenance] = []
    unchanged = 0
    stated = {(announcement.uid, announcement.recurrence_id): announcement for announcement in reading.announcements}
    for key, announced in stated.items():
        before = known.get(key)
        window = announced.window
        if announced.withdrawn:
            if before is not None and not before.withdrawn:
                withdrawn.append(_next(before, now, withdrawn=True))
            else:
                unchanged += 1
        elif before is None:
            added.append(_first(kind, announced, now))
        elif before.withdrawn or window != before.window:
            moved.append(_next(before, now, window=window))
        else:
            unchanged += 1
    withdrawn += [
        _next(maintenance, now, withdrawn=True)
        for key, maintenance in known.items()
        if maintenance.uid in reading.whole_uids
        and key not in stated
        and not maintenance.withdrawn
        and maintenance.window.starts > now
    ]
    return Imported(tuple(added), tuple(moved), tuple(withdrawn), unchanged, reading.problems)


def _first(kind: MaintenanceKind, announced: Announcement, now: datetime) -> Maintenance:
    assert announced.window is not None
    return Maintenance(
        id=new_row_id(),
        reference=new_reference("DM"),
        kind=kind,
        uid=announced.uid,
        recurrence_id=announced.recurrence_id,
        window=announced.window,
        withdrawn=False,
        number=1,
        first_received_at=now,
        received_at=now,
    )


def _next(
    before: Maintenance, now: datetime, *, window: ClosureWindow | None = None, withdrawn: bool = False
) -> Maintenance:
    # A new second for each entry, also where our clock was set back: what a feed states must rise (docs/feeds.md).
    received_at = max(now, before.received_at + _SECOND)
    return replace(
        before,
        window=window or before.window,
        withdrawn=withdrawn,
        number=before.number + 1,
        received_at=received_at,
    )
