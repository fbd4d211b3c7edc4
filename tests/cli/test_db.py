import pytest
import sqlalchemy as sa
from sqlalchemy import make_url

from app.store import schema
from app.store.engine import make_engine


def test_upgrade_makes_database_and_keys_and_may_be_repeated(bare):
    assert bare("db", "upgrade", "--json").json == {"migration": schema.NEWEST}
    again = bare("db", "upgrade")
    assert (again.exit_code, again.lines) == (0, [f"The database is at migration {schema.NEWEST}, the newest."])


def test_check_tells_an_empty_database_from_a_current_one(bare):
    assert bare("db", "check").exit_code == 1
    bare("db", "upgrade")
    said = bare("db", "check", "--json")
    assert (said.exit_code, said.json) == (0, {"migration": schema.NEWEST, "current": True, "policy_version": 1})


def test_check_refuses_a_database_whose_keys_are_elsewhere(closures, database_url, tmp_path):
    nowhere = tmp_path / "nowhere"
    said = closures("db", "check", CLOSURES_KEY_DIR=str(nowhere))
    assert said.exit_code == 1
    # Where PostgreSQL keeps the ring a machine may come with an empty key folder, but not without the KEK.
    is_shared = make_url(database_url).get_backend_name() == "postgresql"
    missing = "The key file kek is missing or cannot be read." if is_shared else f"There is no key folder {nowhere}."
    assert said.stderr.splitlines()[0] == missing


@pytest.fixture
def old_database(closures, database_url):
    """A database as the versions before the first release left it."""
    engine = make_engine(database_url, create=True)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0008'"))
    engine.dispose()


@pytest.mark.parametrize("words", [("db", "check"), ("db", "upgrade"), ("up",), ("serve",), ("work",), ("schedule",)])
def test_a_database_of_before_the_first_release_is_refused_in_words(old_database, script, words):
    said = script(*words)
    assert (said.exit_code, said.stdout) == (1, "")
    assert said.stderr.splitlines() == [
        "The database was made before the first release (it is at 0008), and this release does not read it.",
        (
            "Keep it for the version that made it. Start with an empty database and an empty key folder "
            "(CLOSURES_DATA_DIR or CLOSURES_DATABASE_URL, and CLOSURES_KEY_DIR), and give the notices again."
        ),
    ]
