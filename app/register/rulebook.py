"""What DCC set: notice policies, holiday tables, retention, thresholds, desk sessions, its own dates; with versions."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time

import structlog

from app.domain.desk import DeskPolicy
from app.domain.london import london_date
from app.domain.maintenance import Maintenance
from app.domain.notice_policy import COUNTING, FIRST_POLICY, NoticePolicy, policy_in_force, read_cut_off
from app.domain.refusal import PolicyRefused
from app.domain.retention import RetentionPolicy
from app.domain.thresholds import Thresholds
from app.domain.working_days import REGIONS, WorkingDayCalendar
from app.register import holiday_tables
from app.store import rules
from app.store.desks import end_desks
from app.store.engine import Connection, Store, read_head
from app.store.maintenance import read_maintenance

_LOG = structlog.get_logger()
_NOTICE, _RETENTION, _EXTRA_DAYS, _THRESHOLDS = "notice", "retention", "extra-days", "thresholds"
_PUBLISHER, _DESKS = "publisher", "desks"


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Every version of the rules, and which apply when. ``change`` is the head's number that it was read at.

    ``threshold_versions`` are those that DCC set and when, oldest first. ``maintenance`` holds every entry of DCC's own
    windows in order of receipt, each as the window stood after it.
    """

    change: int
    policies: tuple[NoticePolicy, ...]
    calendars: dict[str, WorkingDayCalendar]
    retention: RetentionPolicy
    threshold_versions: tuple[tuple[Thresholds, datetime], ...]
    maintenance: tuple[Maintenance, ...]
    desk: DeskPolicy

    @property
    def thresholds(self) -> Thresholds:
        """The thresholds in force."""
        return self.thresholds_at(None)

    def thresholds_at(self, instant: datetime | None) -> Thresholds:
        """Return the thresholds in force at an instant; None asks for now."""
        kept = [thresholds for thresholds, set_at in self.threshold_versions if instant is None or set_at <= instant]
        return kept[-1] if kept else Thresholds(version=1)

    def maintenance_at(self, instant: datetime | None) -> list[Maintenance]:
        """Return DCC's own windows as they stood at an instant, withdrawn ones too; None asks for now."""
        return list(
            {
                maintenance.id: maintenance
                for maintenance in self.maintenance
                if instant is None or maintenance.received_at <= instant
            }.values()
        )

    def policy_for(self, received_at: datetime) -> NoticePolicy:
        """Return the policy in force for what is received at this instant."""
        return policy_in_force(self.policies, london_date(received_at))

    def calendar_for(self, policy: NoticePolicy) -> WorkingDayCalendar:
        """Return the Working Days of the policy's region."""
        return self.calendars[policy.holiday_region]


class RulebookCache:
    """The rulebook of a process, read again only when the head says that a rule changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: Rulebook | None = None

    def at(self, rules_change: int, connection: Connection | None = None) -> Rulebook:
        """Return the rulebook as of the head's ``rules`` number.

        A writer names its own transaction: were it to wait for another connection, behind it might wait who has that.
        """
        held = self._held
        if held is None or held.change != rules_change:
            store = self._store if connection is None else self._store.within(connection)
            with store.reading() as reader:
                self._held = held = _read(store, reader, rules_change)
        return held


def _read(store: Store, connection: Connection, rules_change: int) -> Rulebook:
    policies = tuple(_policy(version, body) for version, _, body in rules.read_policies(store, connection, _NOTICE))
    retentions = _retentions(store, connection)
    retention = retentions[-1][0] if retentions else RetentionPolicy(version=1)
    tables = [holiday_tables.from_text(body) for body in rules.read_holiday_tables(store, connection)]
    return Rulebook(
        rules_change,
        policies,
        {table.region: table for table in tables},
        retention,
        tuple(_thresholds(store, connection)),
        tuple(read_maintenance(store, connection)),
        desk_policy(store, connection),
    )


def _retentions(store: Store, connection: Connection) -> list[tuple[RetentionPolicy, datetime]]:
    return [
        (RetentionPolicy(version=version, **json.loads(body)), set_at)
        for version, set_at, body in rules.read_policies(store, connection, _RETENTION)
    ]


def _thresholds(store: Store, connection: Connection) -> list[tuple[Thresholds, datetime]]:
    return [
        (Thresholds(version=version, **json.loads(body)), set_at)
        for version, set_at, body in rules.read_policies(store, connection, _THRESHOLDS)
    ]


def _policy(version: int, body: str) -> NoticePolicy:
    facts = json.loads(body)
    cut_off = facts.get("cut_off")  # a version of before there was one has none
    return NoticePolicy(
        version=version,
        recommended_days=facts["recommended_days"],
        valid_from=date.fromisoformat(facts["valid_from"]),
        holiday_region=facts["holiday_region"],
        cut_off=None if cut_off is None else read_cut_off(cut_off),
    )


def set_notice_policy(
    store: Store,
    *,
    recommended_days: int,
    holiday_region: str,
    valid_from: date,
    now: datetime,
    cut_off: time | None = None,
) -> NoticePolicy:
    """Add a version of the notice policy, in force for notices received from ``valid_from`` on.

    It may not reach back: what was already assessed under another rule stays as it was. Raise ``PolicyRefused``.
    """
    proposed = NoticePolicy(0, recommended_days, valid_from, holiday_region, cut_off)
    with store.writing() as connection:
        if rules.read_policies(store, connection, _NOTICE) and valid_from < london_date(now):
            raise PolicyRefused("A policy cannot begin in the past.", "Give today or a later day.")
        version = rules.append_policy(store, connection, _NOTICE, _policy_body(proposed), now)
    return replace(proposed, version=version)


def set_retention(store: Store, proposed: RetentionPolicy, now: datetime) -> int:
    """Add a version of the retention rule; return its number."""
    facts = {
        "details_days": proposed.details_days,
        "facts_days": proposed.facts_days,
        "withdrawn_days": proposed.withdrawn_days,
        "keeps_details": proposed.keeps_details,
    }
    with store.writing() as connection:
        return rules.append_policy(store, connection, _RETENTION, json.dumps(facts), now)


def retention_history(store: Store) -> list[tuple[RetentionPolicy, datetime]]:
    """Return every version of the retention rule that DCC set and when, oldest first."""
    with store.reading() as connection:
        return _retentions(store, connection)


def set_thresholds(store: Store, proposed: Thresholds, now: datetime) -> int:
    """Add a version of the thresholds; return its number."""
    facts = {"closed": proposed.closed, "reopening": proposed.reopening, "release_days": proposed.release_days}
    with store.writing() as connection:
        return rules.append_policy(store, connection, _THRESHOLDS, json.dumps(facts), now)


def threshold_history(store: Store) -> list[tuple[Thresholds, datetime]]:
    """Return every version of the thresholds that DCC set and when, oldest first."""
    with store.reading() as connection:
        return _thresholds(store, connection)


def set_desk_policy(store: Store, *, allowed: bool, now: datetime) -> int:
    """Allow desk sessions, or forbid them and end those that live; return the number of the version."""
    with store.writing() as connection:
        version = rules.append_policy(store, connection, _DESKS, json.dumps({"allowed": allowed}), now)
        if not allowed:
            end_desks(store, connection, now)
    return version


def desk_policy(store: Store, connection: Connection) -> DeskPolicy:
    """Return the rule on desk sessions that is in force."""
    kept = _desk_policies(store, connection)
    return kept[-1][0] if kept else DeskPolicy(version=0)


def desk_history(store: Store) -> list[tuple[DeskPolicy, datetime]]:
    """Return every version of the rule on desk sessions that DCC set and when, oldest first."""
    with store.reading() as connection:
        return _desk_policies(store, connection)


def _desk_policies(store: Store, connection: Connection) -> list[tuple[DeskPolicy, datetime]]:
    return [
        (DeskPolicy(version=version, **json.loads(body)), set_at)
        for version, set_at, body in rules.read_policies(store, connection, _DESKS)
    ]


def add_extra_days(store: Store, days: Iterable[date], now: datetime) -> None:
    """Add days proclaimed at short notice to every region's table; earlier assessments keep the table they used."""
    _set_extra_days(store, now, added=frozenset(days))


def remove_extra_days(store: Store, days: Iterable[date], now: datetime) -> None:
    """Take days that an admin added out of every region's table; earlier assessments keep the table they used."""
    _set_extra_days(store, now, removed=frozenset(days))


def _set_extra_days(
    store: Store, now: datetime, *, added: frozenset[date] = frozenset(), removed: frozenset[date] = frozenset()
) -> None:
    with store.writing() as connection:
        known = {*_extra_days(store, connection), *added} - removed
        rules.append_policy(store, connection, _EXTRA_DAYS, json.dumps([day.isoformat() for day in sorted(known)]), now)
    refresh_rules(store, now)


def extra_days(store: Store) -> list[date]:
    """Return the days that an admin added, in order."""
    with store.reading() as connection:
        return _extra_days(store, connection)


def _extra_days(store: Store, connection: Connection) -> list[date]:
    kept = rules.read_policies(store, connection, _EXTRA_DAYS)
    return [date.fromisoformat(day) for day in json.loads(kept[-1][2])] if kept else []


def note_publisher(store: Store, publisher: dict[str, str], now: datetime) -> None:
    """Keep who feeds say publishes them, by which release: another one changes their octets, and so their date."""
    body = json.dumps(publisher, sort_keys=True)
    with store.reading() as connection:
        kept = rules.read_policies(store, connection, _PUBLISHER)
    if not kept or kept[-1][2] != body:
        with store.writing() as connection:
            rules.append_policy(store, connection, _PUBLISHER, body, now)


def refresh_rules(store: Store, now: datetime) -> None:
    """Make sure that a first policy and the holiday tables of this release are kept. Run once at each start."""
    with store.writing() as connection:
        read_head(connection, lock=True)  # two machines may start at once
        if not rules.read_policies(store, connection, _NOTICE):
            rules.append_policy(store, connection, _NOTICE, _policy_body(FIRST_POLICY), now)
        extra = _extra_days(store, connection)
        for region in REGIONS:
            table = holiday_tables.build_table(region, extra)
            rules.put_holiday_table(store, connection, table.version, region, holiday_tables.to_text(table), now)
            if table.ends_soon(london_date(now)):
                _LOG.warning(
                    "holiday table ends within twelve months: update the holidays package",
                    region=region,
                    confirmed_through=table.confirmed_through.isoformat(),
                )


def _policy_body(policy: NoticePolicy) -> str:
    return json.dumps(
        {
            "recommended_days": policy.recommended_days,
            "valid_from": policy.valid_from.isoformat(),
            "holiday_region": policy.holiday_region,
            "counting": COUNTING,
            "cut_off": None if policy.cut_off is None else policy.cut_off.isoformat("minutes"),
        }
    )


def policy_history(store: Store) -> list[tuple[NoticePolicy, datetime]]:
    """Return every version of the notice policy and when it was set, oldest first."""
    with store.reading() as connection:
        return [
            (_policy(version, body), set_at)
            for version, set_at, body in rules.read_policies(store, connection, _NOTICE)
        ]
