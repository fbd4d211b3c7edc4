"""The record shows every kind of tampering, and nothing where there was none (docs/targets.md, 9)."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.jobs.sweep import sweep
from app.register.verification import make_checkpoint, verify_record
from app.security.notes import CheckpointBroken
from app.store import tables

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def recorded(register, alpha, announce, give):
    """Seven closures, one of them moved; the log begins with the acts of the first start and of the User."""
    for day in range(1, 8):
        give(alpha, announce(f"u{day}", f"2027-02-0{day}T02:00"), at=NOW + timedelta(minutes=day))
    give(alpha, announce("u1", "2027-03-01T02:00"), at=NOW + timedelta(hours=1))
    sweep(register, NOW + timedelta(hours=2))
    return register


def change(register, statement):
    with register.store.writing() as connection:
        connection.execute(statement)


def one_id(register, table):
    with register.store.reading() as connection:
        return connection.execute(sa.select(table.c.closure_id).order_by(table.c.log_index).limit(1)).scalar_one()


def test_an_untouched_record_is_sound(recorded):
    found = verify_record(recorded, make_checkpoint(recorded))
    with recorded.store.reading() as connection:
        acts = connection.execute(sa.select(sa.func.count()).select_from(tables.metadata.tables["acts"])).scalar_one()
    assert (found.faults, found.size) == ((), acts + 8 + 8 + 8)


def test_an_old_checkpoint_still_holds_after_more_was_recorded(recorded, alpha, announce, give):
    kept = make_checkpoint(recorded)
    give(alpha, announce("u9", "2027-02-09T02:00"))
    assert verify_record(recorded, kept).faults == ()


def test_a_checkpoint_that_is_not_ours_is_refused(recorded):
    with pytest.raises(CheckpointBroken):
        verify_record(recorded, make_checkpoint(recorded).replace("gateway-closures", "others"))


def place_of(register, table):
    """The place in the log of the first row of a table."""
    with register.store.reading() as connection:
        return connection.execute(sa.select(sa.func.min(table.c.log_index))).scalar_one()


def edited(register):
    first = place_of(register, tables.notices)
    change(register, sa.update(tables.notices).values(sealed=b"x").where(tables.notices.c.log_index == first))


def number_changed(register):
    first = place_of(register, tables.revisions)
    change(register, sa.update(tables.revisions).values(number=9).where(tables.revisions.c.log_index == first))


def deleted(register):
    target = one_id(register, tables.assessments)
    change(register, sa.delete(tables.assessments).where(tables.assessments.c.closure_id == target))


def inserted(register):
    change(register, sa.insert(tables.log).values(position=verify_record(register).size, kind="notice", leaf=bytes(32)))


def reordered(register):
    with register.store.writing() as connection:
        rows = dict(
            connection.execute(
                sa.select(tables.log.c.position, tables.log.c.leaf).where(tables.log.c.position < 2)
            ).all()
        )
        for position in (0, 1):
            connection.execute(
                sa.update(tables.log).values(leaf=rows[1 - position]).where(tables.log.c.position == position)
            )


def tail_cut(register):
    change(register, sa.delete(tables.log).where(tables.log.c.position >= 20))


def leaf_rewritten(register):
    change(register, sa.update(tables.log).values(leaf=bytes(32)).where(tables.log.c.position == 3))


def head_rewritten(register):
    change(register, sa.update(tables.head).values(log_edge=bytes(64)))


def closure_altered(register):
    target = one_id(register, tables.revisions)
    change(
        register, sa.update(tables.closures).values(sealed=b"\x01" + bytes(60)).where(tables.closures.c.id == target)
    )


def history_deleted(register):
    first = place_of(register, tables.revisions)
    change(register, sa.delete(tables.revisions).where(tables.revisions.c.log_index == first))


@pytest.mark.parametrize(
    "tamper",
    [
        edited,
        number_changed,
        deleted,
        inserted,
        reordered,
        tail_cut,
        leaf_rewritten,
        head_rewritten,
        closure_altered,
        history_deleted,
    ],
)
def test_tampering_is_found(recorded, tamper):
    tamper(recorded)
    assert verify_record(recorded).faults != ()


def test_a_row_rolled_back_to_what_stood_before_is_found(register, alpha, announce, give):
    (ack,) = give(alpha, announce("u1", "2027-02-01T02:00")).accepted
    with register.store.reading() as connection:
        old = dict(connection.execute(sa.select(tables.closures)).one()._mapping)
    give(alpha, announce("u1", "2027-03-01T02:00"))
    change(register, sa.update(tables.closures).values(old))
    assert verify_record(register).faults == (f"What stands of {ack.closure.reference} is not its last revision.",)


def test_a_rewritten_history_does_not_fit_an_old_checkpoint(recorded):
    kept = make_checkpoint(recorded)
    tail_cut(recorded)
    assert any("checkpoint" in fault for fault in verify_record(recorded, kept).faults)
