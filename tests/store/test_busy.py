"""A database that another writer holds for too long: 503 with the advice to try again, and nothing recorded."""

from contextlib import closing

import pytest
import sqlalchemy as sa
from pysqlite3 import dbapi2

from app.domain.refusal import StoreBusy, StoreUnfit
from app.store.engine import begin_writing, make_engine


def test_a_writer_that_waits_too_long_is_told_so(store, request):
    if store.engine.dialect.name == "sqlite":
        patience, statement = "PRAGMA busy_timeout=50", "SELECT 1"
    else:
        patience, statement = "SET lock_timeout = '50ms'", "SELECT * FROM head FOR UPDATE"
    with store.writing() as first:
        first.execute(sa.text(statement))
        if store.engine.dialect.name == "sqlite":
            with store.engine.connect() as second:
                second.exec_driver_sql(patience)
        with pytest.raises(StoreBusy, match="busy"):
            write(store, patience, statement)


def write(store, *statements):
    with store.writing() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def test_a_writer_that_could_not_begin_leaves_its_connection_to_readers(tmp_path):
    file = tmp_path / "closures.db"
    engine = make_engine(f"sqlite:///{file}", create=True)
    with engine.connect() as connection, begin_writing(connection):
        pass
    away = file.rename(tmp_path / "away")
    with engine.connect() as connection, pytest.raises(StoreUnfit):
        begin_writing(connection)
    away.rename(file)
    with closing(dbapi2.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with engine.connect() as connection:
            assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1
    engine.dispose()
