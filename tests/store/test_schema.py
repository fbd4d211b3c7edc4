"""The database's shape: migrations make exactly the tables that the code writes to."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from app.domain.refusal import StoreUnfit
from app.store import schema
from app.store.engine import make_engine
from app.store.instants import from_micros, to_micros
from app.store.tables import metadata


@pytest.fixture
def engine(database_url):
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def test_migrations_make_the_tables_of_the_code(engine):
    assert schema.upgrade(engine) == schema.NEWEST
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, metadata) == []


def test_the_newest_migration_is_the_last_file():
    files = sorted(Path(schema.__file__).with_name("migrations").glob("versions/[0-9]*.py"))
    assert files[-1].name.startswith(schema.NEWEST)


def test_sources_stay_as_they_are_when_one_may_be_without_a_user(engine):
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).with_name("migrations")))
    user = {"id": b"u" * 16, "code_index": b"c" * 16, "row_version": 1, "sealed": b"name"}
    facts = {"created_at": 1, "due_at": 2, "polled_at": None, "failures": 3, "outcome": "answer 500", "row_version": 4}
    held = [
        {"id": bytes([n]) * 16, "user_id": user["id"], "address": bytes([n + 9]) * 16, **facts, "sealed": b"facts",
         "sealed_state": b"state"}
        for n in (1, 2)
    ]  # fmt: skip

    def insert(connection, table, rows):
        columns = rows[0].keys()
        names = ", ".join(columns)
        values = ", ".join(f":{name}" for name in columns)
        connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({values})"), rows)

    with engine.connect() as connection:
        connection.execution_options(writes=True)
        with connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "0007")
            insert(connection, "users", [user])
            insert(connection, "sources", held)
    assert schema.upgrade(engine) == schema.NEWEST
    with engine.connect() as connection:
        found = connection.execute(sa.text("SELECT * FROM sources ORDER BY id")).mappings().all()
    assert [{name: bytes(value) if isinstance(value, memoryview) else value for name, value in row.items()} for row in found] == held  # fmt: skip
    dccs = held[0] | {"id": b"d" * 16, "user_id": None, "address": b"e" * 16}
    with engine.connect() as connection:
        connection.execution_options(writes=True)
        with connection.begin():
            insert(connection, "sources", [dccs])
        for wrong in ({"id": b"f" * 16}, {"id": b"f" * 16, "address": b"g" * 16, "user_id": b"n" * 16}):
            with pytest.raises(sa.exc.IntegrityError), connection.begin():
                insert(connection, "sources", [dccs | wrong])


def test_an_upgrade_twice_is_one(engine):
    assert (schema.upgrade(engine), schema.upgrade(engine)) == (schema.NEWEST, schema.NEWEST)


def test_an_empty_database_is_not_served(engine):
    with pytest.raises(StoreUnfit, match="is empty"):
        schema.require_current(engine)


def test_a_database_of_something_else_is_left_alone(engine):
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE others (id INTEGER)"))
    with pytest.raises(StoreUnfit, match="something else"):
        schema.upgrade(engine)


def test_a_newer_database_is_not_touched(engine):
    schema.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreUnfit, match="newer"):
        schema.upgrade(engine)
    with pytest.raises(StoreUnfit, match="9999"):
        schema.require_current(engine)


@pytest.mark.parametrize("url", ["", "mysql://x", "nonsense"])
def test_an_address_that_cannot_be_used_is_refused(url):
    with pytest.raises(StoreUnfit):
        make_engine(url)


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "broken.sqlite3"
    path.write_bytes(b"not a database" * 100)
    engine = make_engine(f"sqlite:///{path}")
    with pytest.raises(StoreUnfit, match="cannot be read"):
        schema.require_current(engine)
    engine.dispose()


def test_sqlite_is_durable_and_strict(service, request):
    if request.config.getoption("--database") != "sqlite":
        assert service.store.engine.dialect.name == "postgresql"
        return
    with service.store.reading() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "temp_store")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1, "temp_store": 2}


def test_naive_instants_are_refused():
    from datetime import UTC, datetime, timedelta, timezone

    instant = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)
    assert from_micros(to_micros(instant)) == instant
    for other in (datetime(2026, 3, 29), instant.astimezone(timezone(timedelta(hours=1)))):
        with pytest.raises(ValueError, match="aware UTC"):
            to_micros(other)
