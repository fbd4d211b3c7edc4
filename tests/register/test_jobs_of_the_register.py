"""Expiry, late changes and retention: each once, caught up after a pause, and still verifiable."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from app.domain.closure import State, Step
from app.domain.retention import RetentionPolicy
from app.jobs.housekeeping import keep_house
from app.jobs.sweep import SweepReport, sweep
from app.register.reading import find_closure, find_history, read_recorded
from app.register.rulebook import set_notice_policy, set_retention
from app.register.verification import verify_record
from app.store import tables

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def late_changes(register, principal, since, until):
    return [one for one in read_recorded(register, principal, since, until) if one.is_late]


def test_a_window_that_has_passed_expires_once_and_without_a_number(register, alpha, announce, give, dcc):
    (ack,) = give(alpha, announce("u1", "2026-11-25T02:00")).accepted
    assert sweep(register, ack.closure.window.ends - timedelta(seconds=1)).expired == 0
    assert (sweep(register, ack.closure.window.ends).expired, sweep(register, ack.closure.window.ends).expired) == (
        1,
        0,
    )
    assert [(entry.number, entry.step) for entry, _ in find_history(register, dcc, ack.closure.reference)] == [
        (1, Step.FIRST),
        (None, Step.EXPIRED),
    ]
    standing = find_closure(register, dcc, ack.closure.reference)
    assert (standing.state, standing.number) == (State.EXPIRED, 1)


def test_what_passed_while_nobody_looked_is_caught_up(register, alpha, announce, give):
    give(alpha, announce("u1", "2026-11-25T02:00"), announce("u2", "2027-02-01T02:00"))
    sweep(register, NOW)
    assert sweep(register, NOW + 300 * DAY).expired == 2


def test_a_retrospective_notice_expires_at_the_next_sweep(register, alpha, announce, give):
    sweep(register, NOW)
    (ack,) = give(alpha, announce("u1", "2025-01-05T02:00")).accepted
    assert (ack.closure.verdict.current_date.band, sweep(register, NOW).expired) == ("after end", 1)


def test_a_withdrawn_window_does_not_expire(register, alpha, announce, give, dcc):
    (ack,) = give(alpha, announce("u1", "2026-11-25T02:00")).accepted
    give(alpha, replace(announce("u1", "2026-11-25T02:00"), withdrawn=True))
    assert sweep(register, NOW + 5 * DAY).expired == 0
    assert find_closure(register, dcc, ack.closure.reference).state is State.WITHDRAWN


def test_many_users_expire_in_one_sweep(register, alpha, enrolled, announce, give):
    beta = enrolled("BETA", "GW-B1")
    give(alpha, *(announce(f"u{n}", "2026-11-25T02:00") for n in range(7)))
    give(beta, announce("u1", "2026-11-25T02:00", gateway="GW-B1"))
    assert sweep(register, NOW + 5 * DAY).expired == 8
    assert verify_record(register).faults == ()


def test_each_revision_is_assessed_once(register, alpha, announce, give, dcc):
    give(alpha, announce("early", "2027-02-07T02:00"), announce("late", "2026-12-07T02:00"))
    assert sweep(register, NOW) == SweepReport(expired=0, late_changes=1, to_tell=0)
    assert sweep(register, NOW) == SweepReport(expired=0, late_changes=0, to_tell=0)
    give(alpha, announce("early", "2027-02-08T02:00"), at=NOW + 60 * DAY)
    sweep(register, NOW + 60 * DAY)
    found = late_changes(register, dcc, NOW - DAY, NOW + 90 * DAY)
    assert [(one.step, one.after.number, one.after.verdict.change.band) for one in found] == [
        (Step.FIRST, 1, "5-9"),
        (Step.MOVED, 2, "10-19"),
    ]
    with register.store.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tables.assessments)).scalar_one() == 3


def test_a_new_policy_counts_from_its_day_and_leaves_the_past_alone(register, store, alpha, announce, give, dcc):
    (before,) = give(alpha, announce("u1", "2026-12-17T02:00")).accepted
    set_notice_policy(store, recommended_days=10, holiday_region="scotland", valid_from=(NOW + DAY).date(), now=NOW)
    (same_day,) = give(alpha, announce("u2", "2026-12-17T02:00")).accepted
    (after,) = give(alpha, announce("u3", "2026-12-17T02:00"), at=NOW + DAY).accepted
    assert [(ack.closure.verdict.current_date.recommended_days, ack.closure.verdict.late_change) for ack in (before, same_day, after)] == [
        (20, True), (20, True), (10, False),
    ]  # fmt: skip
    # St Andrew's Day, 30 November, is a bank holiday in Scotland.
    assert (same_day.closure.verdict.current_date.working_days, after.closure.verdict.current_date.working_days) == (
        16,
        14,
    )
    sweep(register, NOW + 2 * DAY)
    found = late_changes(register, dcc, NOW - DAY, NOW + 2 * DAY)
    assert [one.after.verdict.change.policy_version for one in found] == [1, 1]


def test_retention_forgets_words_then_facts_and_the_record_still_verifies(register, store, alpha, announce, give, dcc):
    give(alpha, announce("old", "2026-11-25T02:00"), octets=b"said long ago")
    (ahead,) = give(alpha, announce("ahead", "2029-11-25T02:00"), octets=b"said of what is ahead").accepted
    set_retention(store, RetentionPolicy(0, details_days=90, facts_days=400), NOW)
    sweep(register, NOW + 5 * DAY)
    assert keep_house(register, NOW + 80 * DAY).startswith("purged 0 notices, 0 closures")
    assert keep_house(register, NOW + 100 * DAY).startswith("purged 1 notices, 0 closures")
    assert keep_house(register, NOW + 410 * DAY).startswith("purged 0 notices, 1 closures")
    assert verify_record(register).faults == ()
    assert find_closure(register, dcc, ahead.closure.reference).state is State.PLANNED
    (again,) = give(alpha, announce("old", "2028-11-25T02:00"), at=NOW + 411 * DAY).accepted
    assert again.closure.number == 1
