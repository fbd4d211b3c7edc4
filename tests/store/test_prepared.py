"""What a prepared statement writes is what its columns' types make of it, on either database."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from app.store.instants import Instant
from app.store.metadata import Octets
from app.store.prepared import Prepared

THINGS = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("id", Octets, primary_key=True),
    sa.Column("noted_at", Instant),
    sa.Column("is_open", sa.Boolean, nullable=False),
    sa.Column("number", sa.BigInteger),
)
INSERT = Prepared(sa.insert(THINGS))
UPDATE = Prepared(
    sa.update(THINGS)
    .where(THINGS.c.number == sa.bindparam("b_number"))
    .values(noted_at=sa.bindparam("noted_at"), is_open=sa.bindparam("is_open"))
)
DELETE = Prepared(sa.delete(THINGS).where(THINGS.c.id == sa.bindparam("b_id")))
EARLY, LATE = datetime(2026, 11, 30, 9, tzinfo=UTC), datetime(2027, 2, 1, 2, 30, 0, 7, tzinfo=UTC)


def thing(name, noted_at=EARLY, number=1, *, is_open=True):
    return {"is_open": is_open, "id": name, "noted_at": noted_at, "number": number}


@pytest.fixture
def connection(store):
    with store.writing() as connection:
        THINGS.create(connection)
        yield connection
        THINGS.drop(connection)


def held(connection):
    return [tuple(row) for row in connection.execute(sa.select(THINGS).order_by(THINGS.c.id))]


def test_rows_are_written_changed_and_deleted(connection):
    assert INSERT.run(connection, [thing(b"a")]) == 1
    INSERT.run(connection, [thing(b"\x00\xff", None, None, is_open=False), thing(b"c", LATE, 2**40)])
    assert held(connection) == [(b"\x00\xff", None, False, None), (b"a", EARLY, True, 1), (b"c", LATE, True, 2**40)]
    assert UPDATE.run(connection, [{"b_number": 1, "noted_at": LATE, "is_open": False}]) == 1
    assert UPDATE.run(connection, [{"b_number": 3, "noted_at": LATE, "is_open": False}]) == 0
    assert DELETE.run(connection, [{"b_id": b"c"}]) == 1
    assert held(connection) == [(b"\x00\xff", None, False, None), (b"a", LATE, False, 1)]


def test_a_row_may_leave_columns_out(connection):
    INSERT.run(connection, [{"id": b"a", "is_open": True}])
    INSERT.run(connection, [thing(b"b")])
    assert held(connection) == [(b"a", None, True, None), (b"b", EARLY, True, 1)]


def test_a_value_that_its_column_refuses_is_refused(connection):
    with pytest.raises(ValueError, match="aware UTC"):
        INSERT.run(connection, [thing(b"a"), thing(b"b", datetime(2026, 11, 30, 9))])
    assert held(connection) == []
