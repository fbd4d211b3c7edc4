"""The database's shape: migrations make exactly the tables that the code writes to."""

from operator import itemgetter
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.domain.refusal import StoreUnfit
from app.store import schema
from app.store.deciding import BOUND
from app.store.engine import make_engine
from app.store.instants import from_micros, to_micros
from app.store.metadata import Sealed
from app.store.proven import PROVEN
from app.store.tables import metadata


@pytest.fixture
def engine(database_url):
    engine = make_engine(database_url, create=True)
    yield engine
    engine.dispose()


def shape(engine):
    """What a database tells of its tables: SQLite the statements that made them, PostgreSQL its catalogue."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE tbl_name <> 'alembic_version'")
            return {name: sql and " ".join(sql.split()) for name, sql in rows}
        found = sa.inspect(connection)
        return {
            table: (
                [column | {"type": str(column["type"])} for column in found.get_columns(table)],
                found.get_pk_constraint(table),
                sorted(found.get_foreign_keys(table), key=itemgetter("name")),
                sorted(found.get_unique_constraints(table), key=itemgetter("name")),
                sorted(found.get_indexes(table), key=itemgetter("name")),
            )
            for table in found.get_table_names()
            if table != "alembic_version"
        }


def test_migrations_make_exactly_the_tables_of_the_code(engine):
    assert schema.upgrade(engine) == schema.NEWEST
    migrated = shape(engine)
    with engine.begin() as connection:
        metadata.drop_all(connection)
    assert shape(engine) == {}
    with engine.begin() as connection:
        metadata.create_all(connection)
    assert shape(engine) == migrated


def test_the_newest_migration_is_the_last_file():
    files = sorted(Path(schema.__file__).with_name("migrations").glob("versions/*.py"))
    assert files[-1].name.startswith(schema.NEWEST)


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


@pytest.mark.parametrize("found", ["0001", "0008"])
def test_a_database_of_before_the_first_release_is_refused_and_left_as_it_is(engine, found):
    schema.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :found"), {"found": found})
    before = shape(engine)
    for open_it in (schema.found_version, schema.require_current, schema.upgrade):
        with pytest.raises(StoreUnfit) as refused:
            open_it(engine)
        assert refused.value.text == (
            f"The database was made before the first release (it is at {found}), and this release does not read it."
        )
        assert refused.value.remedy == (
            "Keep it for the version that made it. Start with an empty database and an empty key folder "
            "(CLOSURES_DATA_DIR or CLOSURES_DATABASE_URL, and CLOSURES_KEY_DIR), and give the notices again."
        )
    assert shape(engine) == before


def test_a_newer_database_is_not_touched(engine):
    schema.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'r9999'"))
    with pytest.raises(StoreUnfit, match="newer"):
        schema.upgrade(engine)
    with pytest.raises(StoreUnfit, match="r9999"):
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


def test_what_is_sealed_has_the_type_that_takes_the_outer_layer_off():
    columns = [column for table in metadata.sorted_tables for column in table.columns]
    named = [str(column) for column in columns if column.name.startswith("sealed")]
    assert [str(column) for column in columns if isinstance(column.type, Sealed)] == named


def test_the_clear_columns_of_a_table_are_bound_in_one_way():
    assert BOUND.keys() & PROVEN.keys() == set()
