"""A database that another writer holds for too long: 503 with the advice to try again, and nothing recorded."""

import pytest
import sqlalchemy as sa

from app.domain.refusal import StoreBusy


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
