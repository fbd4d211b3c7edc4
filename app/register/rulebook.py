"""The rules in force: notice policies, holiday tables and retention, read from the database with their versions."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import structlog

from app.domain.london import london_date
from app.domain.notice_policy import FIRST_POLICY, Counting, NoticePolicy, policy_in_force
from app.domain.refusal import PolicyRefused
from app.domain.retention import RetentionPolicy
from app.domain.working_days import REGIONS, WorkingDayCalendar
from app.register import holiday_tables
from app.store import rules
from app.store.engine import Connection, Store

_LOG = structlog.get_logger()
_NOTICE, _RETENTION, _EXTRA_DAYS = "notice", "retention", "extra-days"


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Every version of the rules, and which apply when. ``change`` is the head's number that it was read at."""

    change: int
    policies: tuple[NoticePolicy, ...]
    calendars: dict[str, WorkingDayCalendar]
    retention: RetentionPolicy

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

    def at(self, rules_change: int) -> Rulebook:
        """Return the rulebook as of the head's ``rules`` number."""
        held = self._held
        if held is None or held.change != rules_change:
            with self._store.reading() as connection:
                held = _read(rules_change, connection)
            self._held = held
        return held


def _read(rules_change: int, connection: Connection) -> Rulebook:
    policies = tuple(_policy(version, body) for version, _, body in rules.read_policies(connection, _NOTICE))
    kept = rules.read_policies(connection, _RETENTION)
    retention = RetentionPolicy(version=kept[-1][0], **json.loads(kept[-1][2])) if kept else RetentionPolicy(version=1)
    tables = [holiday_tables.from_text(body) for body in rules.read_holiday_tables(connection)]
    return Rulebook(rules_change, policies, {table.region: table for table in tables}, retention)


def _policy(version: int, body: str) -> NoticePolicy:
    facts = json.loads(body)
    return NoticePolicy(
        version=version,
        recommended_days=facts["recommended_days"],
        valid_from=date.fromisoformat(facts["valid_from"]),
        holiday_region=facts["holiday_region"],
        counting=Counting(facts["counting"]),
    )


def set_notice_policy(
    store: Store, *, recommended_days: int, holiday_region: str, valid_from: date, now: datetime
) -> NoticePolicy:
    """Add a version of the notice policy, in force for notices received from ``valid_from`` on.

    It may not reach back: what was already assessed under another rule stays as it was. Raise ``PolicyRefused``.
    """
    proposed = NoticePolicy(0, recommended_days, valid_from, holiday_region)
    with store.writing() as connection:
        if rules.read_policies(connection, _NOTICE) and valid_from < london_date(now):
            raise PolicyRefused("A policy cannot begin in the past.", "Give today or a later day.")
        version = rules.append_policy(connection, _NOTICE, _policy_body(proposed), now)
    return NoticePolicy(version, recommended_days, valid_from, holiday_region)


def set_retention(store: Store, proposed: RetentionPolicy, now: datetime) -> int:
    """Add a version of the retention rule; return its number."""
    facts = {
        "details_days": proposed.details_days,
        "facts_days": proposed.facts_days,
        "withdrawn_days": proposed.withdrawn_days,
    }
    with store.writing() as connection:
        return rules.append_policy(connection, _RETENTION, json.dumps(facts), now)


def add_extra_days(store: Store, days: Iterable[date], now: datetime) -> None:
    """Add days proclaimed at short notice to every region's table; earlier assessments keep the table they used."""
    with store.writing() as connection:
        kept = rules.read_policies(connection, _EXTRA_DAYS)
        known = set(json.loads(kept[-1][2])) if kept else set()
        rules.append_policy(connection, _EXTRA_DAYS, json.dumps(sorted(known | {day.isoformat() for day in days})), now)
    refresh_rules(store, now)


def refresh_rules(store: Store, now: datetime) -> None:
    """Make sure that a first policy and the holiday tables of this release are kept. Run once at each start."""
    with store.writing() as connection:
        if not rules.read_policies(connection, _NOTICE):
            rules.append_policy(connection, _NOTICE, _policy_body(FIRST_POLICY), now)
        kept = rules.read_policies(connection, _EXTRA_DAYS)
        extra = [date.fromisoformat(day) for day in json.loads(kept[-1][2])] if kept else []
        for region in REGIONS:
            table = holiday_tables.build_table(region, extra)
            rules.add_holiday_table(connection, table.version, region, holiday_tables.to_text(table), now)
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
            "counting": policy.counting.value,
        }
    )


def policy_history(store: Store) -> list[tuple[NoticePolicy, datetime]]:
    """Return every version of the notice policy and when it was set, oldest first."""
    with store.reading() as connection:
        return [(_policy(version, body), set_at) for version, set_at, body in rules.read_policies(connection, _NOTICE)]
