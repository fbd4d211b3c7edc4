"""The hourly check: what is new, and a part of what was sound before, so that all is looked into within a day."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.jobs.integrity import check_integrity
from app.register.verification import ROLLING, verify_onward, verify_record
from app.store import runs, tables

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
A_DAY = 24


@pytest.fixture
def recorded(register, alpha, announce, give):
    """Thirty closures, each of a notice of its own."""
    for day in range(30):
        give(alpha, announce(f"u{day}", f"2027-02-{day % 28 + 1:02d}T02:00"), at=NOW + timedelta(minutes=day))
    return register


def change(register, statement):
    with register.store.writing() as connection:
        assert connection.execute(statement).rowcount == 1


def old_notice(register, **values):
    """Alter the first notice; return what stood there."""
    first = sa.select(sa.func.min(tables.notices.c.log_index)).scalar_subquery()
    with register.store.reading() as connection:
        held = connection.execute(sa.select(tables.notices).where(tables.notices.c.log_index == first)).one()._asdict()
    change(register, sa.update(tables.notices).values(**values).where(tables.notices.c.id == held["id"]))
    return held


def test_the_first_check_looks_into_all_and_the_next_into_what_is_new_and_a_part(recorded, alpha, announce, give):
    first = verify_onward(recorded)
    assert (first.faults, first.looked_into) == ((), first.size)
    part = -(-first.size // ROLLING)
    assert verify_onward(recorded).looked_into == part
    give(alpha, announce("new", "2027-03-01T02:00"))
    third = verify_onward(recorded)
    assert (third.faults, third.looked_into) == ((), third.size - first.size + part)


def test_all_that_was_sound_is_looked_into_again_within_a_day(recorded):
    verify_onward(recorded)
    old_notice(recorded, sealed=b"\x01" + bytes(60))
    assert verify_record(recorded).faults != ()
    found = [verify_onward(recorded).is_sound for _ in range(A_DAY)]
    assert False in found


@pytest.mark.parametrize(
    "statement",
    [
        sa.delete(tables.revisions).where(
            tables.revisions.c.log_index == sa.select(sa.func.min(tables.revisions.c.log_index)).scalar_subquery()),
        sa.update(tables.log).values(leaf=bytes(32)).where(tables.log.c.position == 2),
        sa.update(tables.closures).values(state="withdrawn").where(
            tables.closures.c.change == sa.select(sa.func.min(tables.closures.c.change)).scalar_subquery()),
        sa.update(tables.users).values(sealed=b"octets"),
    ],
    ids=["gone", "leaf", "closure", "User"],
)  # fmt: skip
def test_what_is_gone_or_decides_is_found_at_once(recorded, statement):
    verify_onward(recorded)
    change(recorded, statement)
    assert not verify_onward(recorded).is_sound


def test_after_a_fault_all_is_looked_into_until_it_is_mended(recorded):
    verify_onward(recorded)
    held = old_notice(recorded, sealed=b"octets")
    while verify_onward(recorded).is_sound:
        pass
    again = verify_onward(recorded)
    assert (again.is_sound, again.looked_into) == (False, again.size)
    old_notice(recorded, sealed=held["sealed"])
    mended = verify_onward(recorded)
    assert (mended.is_sound, mended.looked_into) == (True, mended.size)
    assert verify_onward(recorded).looked_into < mended.size


@pytest.mark.parametrize(("name", "value"), [("size", 1), ("root", "00" * 32), ("goes_on", 50), ("proof", "00" * 32)])
def test_a_mark_that_somebody_wrote_is_none(recorded, settings, name, value):
    verify_onward(recorded)
    path = settings.key_dir / "verified.json"
    stated = recorded.store.keyring.verified.read()
    assert stated.size == verify_record(recorded).size
    path.write_text(
        path.read_text().replace('"' + name + '"', '"' + name + '": ' + repr(value).replace("'", '"') + ', "x"')
    )
    found = verify_onward(recorded)
    assert found.looked_into == found.size


def test_the_job_notes_what_it_looked_into_and_the_faults_that_it_found(recorded):
    def outcome():
        count = check_integrity(recorded, NOW)
        with recorded.store.reading() as connection:
            return count, runs.read_run(connection, runs.INTEGRITY).outcome

    size = verify_record(recorded).size
    assert outcome() == (0, f"looked into {size} of {size} entries: all rows are as they were written")
    part = -(-size // ROLLING)
    assert outcome() == (0, f"looked into {part} of {size} entries: all rows are as they were written")
    change(recorded, sa.update(tables.users).values(sealed=b"octets"))
    count, words = outcome()
    assert (count > 0, words) == (True, f"looked into {part} of {size} entries: {count} faults")
