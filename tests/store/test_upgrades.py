"""A database of each release comes to the newest one with its rows. A new release adds its line to ``RELEASED``."""

import tomllib
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from app.store import schema
from app.store.engine import make_engine

RELEASED = {"before 0.1.0": "r0001", "0.1.0": "r0011"}
"""The migration that each release was at, and what ran before the first one."""
MADE_ANEW = {"messages", "notifications"}
"""The outbox of before r0003, which takes keys to bring along: see test_standing."""
GONE = {"seen_items"}
"""Each account's own marks of before r0006: digests that name their account, which are nobody else's."""
ROOT = Path(__file__).parents[2]


@pytest.fixture
def engine(database_url):
    engine = make_engine(database_url, create=True)
    yield engine
    engine.dispose()


def migrate(engine, revision):
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).with_name("migrations")))
    with engine.connect() as connection:
        connection.execution_options(writes=True)
        with connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, revision)


def tables_of(engine):
    found = sa.MetaData()
    found.reflect(engine)
    found.remove(found.tables["alembic_version"])
    return found


def filled(column):
    """A value that fits a column; the same for a key and for what refers to it."""
    if isinstance(column.type, sa.LargeBinary):
        return b"octets of a row."
    return "text" if isinstance(column.type, sa.String) else isinstance(column.type, sa.Boolean) or 1


def rows_of(engine, tables):
    with engine.connect() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for table in tables.sorted_tables
        }


@pytest.mark.parametrize("release", RELEASED)
def test_a_database_of_a_release_is_upgraded_with_its_rows(engine, release):
    migrate(engine, RELEASED[release])
    then = tables_of(engine)
    with engine.connect() as connection:
        connection.execution_options(writes=True)
        with connection.begin():
            for table in then.sorted_tables:
                if connection.execute(sa.select(table)).first() is None:
                    connection.execute(sa.insert(table).values({column.name: filled(column) for column in table.c}))
    before = rows_of(engine, then)
    assert {name: len(rows) for name, rows in before.items()} == dict.fromkeys(before, 1)
    assert schema.upgrade(engine) == schema.NEWEST
    # Asked for by the columns of then: what a later release adds is its own, what it takes away is said in its changes.
    for table in (MADE_ANEW if RELEASED[release] < "r0003" else set()) | (GONE & set(before)):
        del before[table]
        then.remove(then.tables[table])
    assert rows_of(engine, then) == before


def test_this_release_is_among_them_at_the_newest_migration():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert list(RELEASED.items())[-1] == (version, schema.NEWEST)
