"""Who leads: one at a time, for a while, by the database's clock; who was deposed writes nothing."""

import pytest
import sqlalchemy as sa

from app.domain.refusal import Deposed
from app.register.late_changes import record_late_changes
from app.store import runs
from app.store.leadership import LEASE_SECONDS, Leadership
from tests.conftest import NOW


def ends(store, seconds):
    """Set the end of the lead: so many seconds from the end that it has."""
    with store.writing_apart() as connection:
        connection.execute(sa.text("UPDATE lead SET ends = ends + :by"), {"by": int(seconds * 1_000_000)})


def note(store):
    with store.writing() as connection:
        runs.write_run(connection, runs.JobRun("a job", 0, NOW, "done"))


def noted(store):
    with store.reading() as connection:
        return runs.read_run(connection, "a job") is not None


@pytest.fixture
def leaders(store):
    return Leadership(store), Leadership(store)


def test_one_leads_until_its_time_is_over_and_each_take_over_raises_the_epoch(store, leaders):
    first, second = leaders
    assert (first.take(), second.take(), first.epoch, second.epoch) == (True, False, 1, None)
    ends(store, -LEASE_SECONDS)
    assert (second.take(), second.epoch) == (True, 2)
    with pytest.raises(Deposed):
        first.renew()
    assert first.take() is False


def test_a_leader_that_is_heard_of_stays(store, leaders):
    first, second = leaders
    first.take()
    ends(store, -LEASE_SECONDS)
    first.renew()
    assert (second.take(), first.epoch) == (False, 1)


def test_a_leader_that_gives_up_lets_the_next_one_in_at_once(leaders):
    first, second = leaders
    first.take()
    first.give_up()
    assert (second.take(), second.epoch) == (True, 2)


def test_a_clock_that_was_set_far_back_keeps_nobody_waiting(store, leaders):
    first, second = leaders
    first.take()
    ends(store, 86_400)
    assert second.take() is True


def test_a_deposed_leader_writes_nothing_and_sends_nothing(store, leaders):
    first, second = leaders
    first.take()
    fenced = first.fenced()
    ends(store, -LEASE_SECONDS)
    second.take()
    for refused in (lambda: note(fenced), first.require):
        with pytest.raises(Deposed):
            refused()
    assert noted(store) is False
    second.require()
    note(second.fenced())
    assert noted(store) is True


def test_one_of_another_holder_at_the_same_epoch_is_another(store, leaders):
    """As after the database was put back to an earlier state: epochs begin anew from there."""
    first, second = leaders
    first.take()
    fenced = first.fenced()
    with store.writing() as connection:
        connection.execute(sa.text("UPDATE lead SET epoch = 0, ends = 0"))
    assert (second.take(), second.epoch) == (True, first.epoch)
    with pytest.raises(Deposed):
        note(fenced)


def test_who_takes_over_waits_for_what_the_one_before_has_open(store, leaders):
    """PostgreSQL: what the old leader began under its epoch ends before the next epoch begins; renewals go on."""
    if store.engine.dialect.name == "sqlite":
        return
    first, second = leaders
    first.take()
    with first.fenced().writing():
        first.renew()
        ends(store, -LEASE_SECONDS)
        with store.engine.connect() as connection:
            connection.exec_driver_sql("SET LOCAL lock_timeout = '100ms'")
            with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
                connection.exec_driver_sql("UPDATE lead SET epoch = epoch + 1")
    assert second.take() is True


def test_a_use_case_of_a_deposed_leader_is_refused_whole(register, alpha, announce, give, leaders):
    from dataclasses import replace

    first, second = leaders
    first.take()
    give(alpha, announce("u1", "2026-12-01T02:00"))
    old = replace(register, store=first.fenced())
    ends(register.store, -LEASE_SECONDS)
    second.take()
    with pytest.raises(Deposed):
        record_late_changes(old, NOW)
    assert record_late_changes(replace(register, store=second.fenced()), NOW) == 1
