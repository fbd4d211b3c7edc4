"""A restore puts a database in place whole, or leaves everything as it was, and never takes one away unasked."""

import fcntl
import os
import re
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from app.domain.refusal import Refusal, StoreBusy, StoreFull, StoreUnfit
from app.factory import open_keyring, open_service, prepare, utc_now
from app.register.people.enrolment import enrol_user
from app.register.reading import read_everything
from app.settings import read_settings
from app.store import schema
from app.store.archive import load_database, write_backup
from app.store.engine import make_engine
from app.store.high_water import adopt
from app.store.restoring import restoring
from tests.conftest import copy_keys, enrol

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def is_a_file(request):
    return request.config.getoption("--database") == "sqlite"


@pytest.fixture
def backup(service, alpha, announce, give):
    """A backup of a register with ten closures of ALPHA; BETA came later and is not in it."""
    give(alpha, *(announce(f"u{n}", "2027-02-07T02:00") for n in range(10)))
    out = BytesIO()
    write_backup(service.store, out, lambda _: None)
    enrol(service, "BETA", "GW-B")
    service.store.close()
    return out.getvalue()


@pytest.fixture
def anew(settings, databases, tmp_path):
    """The settings of another machine with the same keys, but for the mark, and no database yet."""
    copy_keys(settings, tmp_path / "anew/keys")
    (tmp_path / "anew/data").mkdir()
    return read_settings(
        {
            "CLOSURES_KEY_DIR": str(tmp_path / "anew/keys"),
            "CLOSURES_DATABASE_URL": databases.new(tmp_path / "anew/data"),
        }
    )


def restore(settings, octets, *, replace=False):
    with restoring(settings.database, open_keyring(settings), utc_now, replace=replace) as store:
        load_database(store, BytesIO(octets), lambda _: None)
        adopt(store, NOW)


def users(settings, dcc):
    service = open_service(settings)
    try:
        with service.store.reading() as connection:
            there = len(connection.execute(sa.text("SELECT id FROM users")).all())
        return there, len(read_everything(service.register, dcc))
    finally:
        service.close()


def version(settings):
    engine = make_engine(settings.database)
    try:
        return schema.found_version(engine)
    finally:
        engine.dispose()


def files_of(settings):
    """Return what is beside the database: nothing on PostgreSQL."""
    name = sa.make_url(settings.database).database
    return sorted(path.name for path in Path(name).parent.iterdir()) if name.startswith("/") else []


def test_what_fails_on_the_way_leaves_nothing(backup, anew, dcc):
    keyring = open_keyring(anew)
    with pytest.raises(ZeroDivisionError), restoring(anew.database, keyring, utc_now, replace=False) as store:
        load_database(store, BytesIO(backup), lambda _: 1 // 0)
    with pytest.raises(StoreUnfit, match="cut off"):
        restore(anew, backup[:-20])
    assert (version(anew), files_of(anew)) == (None, [])
    restore(anew, backup)
    assert users(anew, dcc) == (1, 10)


def test_a_database_that_holds_anything_is_not_taken_away_unasked(backup, settings, dcc):
    with pytest.raises(StoreUnfit, match="not empty") as refused:
        restore(settings, backup)
    assert "--replace" in refused.value.remedy
    assert users(settings, dcc) == (2, 10)


def test_a_database_is_replaced_when_that_is_asked_for_and_a_file_is_kept(backup, settings, dcc, is_a_file):
    with pytest.raises(StoreUnfit, match="cut off"):
        restore(settings, backup[:-20], replace=True)
    assert users(settings, dcc) == (2, 10)
    restore(settings, backup, replace=True)
    assert users(settings, dcc) == (1, 10)
    if is_a_file:
        (kept,) = (name for name in files_of(settings) if ".replaced-" in name)
        assert re.fullmatch(r"closures\.sqlite3\.replaced-\d{8}T\d{6}Z", kept)
        place = Path(sa.make_url(settings.database).database)
        place.unlink()
        place.with_name(kept).rename(place)
        adopted = open_service(settings, check=False)
        adopt(adopted.store, NOW)
        adopted.close()
        assert users(settings, dcc) == (2, 10)


def test_a_database_in_use_is_not_replaced(request, backup, settings, dcc):
    if request.config.getoption("--pooler"):
        pytest.skip("NOT RUN: who is connected to a pooler, the database does not know (docs/operating.md)")
    running = open_service(settings)
    with running.store.reading() as connection:
        connection.execute(sa.text("SELECT 1"))
    with pytest.raises(StoreBusy, match="in use") as refused:
        restore(settings, backup, replace=True)
    assert refused.value.remedy.startswith("Stop the service")
    enrol_user(running.store, "GAMMA", "Gamma Energy")
    running.close()
    assert users(settings, dcc) == (3, 10)


def test_keys_of_other_data_restore_nothing(backup, anew, tmp_path):
    other = anew.model_copy(update={"key_dir": tmp_path / "other"})
    open_keyring(other, create=True)
    with pytest.raises(StoreUnfit, match="that of other data"):
        restore(other, backup)
    assert (version(anew), files_of(anew)) == (None, [])


def test_tables_of_something_else_are_left_alone(backup, anew):
    engine = make_engine(anew.database, create=True)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE others (id INTEGER)"))
    engine.dispose()
    with pytest.raises(StoreUnfit, match="something else"):
        restore(anew, backup)


class TestFiles:
    """What stands beside the place of a SQLite database; the backup is of either kind."""

    @pytest.fixture
    def place(self, tmp_path, anew):
        return tmp_path / "anew/data/closures.sqlite3"

    @pytest.fixture
    def anew(self, anew, tmp_path):
        return anew.model_copy(update={"database_url": SecretStr(f"sqlite:///{tmp_path}/anew/data/closures.sqlite3")})

    def test_what_a_killed_restore_left_is_not_served(self, backup, anew, place, dcc):
        left = Path(f"{place}.restoring")
        left.mkdir()
        (left / "closures.sqlite3").write_bytes(b"half of it")
        for start in (open_service, lambda settings: prepare(settings, NOW)):
            with pytest.raises(Refusal) as refused:
                start(anew)
            assert refused.value.text == "A restore of this database is not finished: nothing of it counts yet."
            assert "closures restore FILE" in refused.value.remedy
        restore(anew, backup)
        assert (users(anew, dcc), left.exists()) == ((1, 10), False)

    def test_a_log_that_outlived_its_database_is_not_read_into_the_new_one(self, backup, anew, place, dcc):
        older = make_engine(f"sqlite:///{place}", create=True)
        with older.begin() as connection:
            connection.execute(sa.text("CREATE TABLE older (id INTEGER)"))
        log = Path(f"{place}-wal").read_bytes()
        older.dispose()
        place.unlink()
        Path(f"{place}-wal").write_bytes(log)
        restore(anew, backup)
        assert users(anew, dcc) == (1, 10)
        engine = make_engine(anew.database)
        assert "older" not in sa.inspect(engine).get_table_names()
        engine.dispose()
        assert Path(f"{place}-wal-left").read_bytes() == log

    def test_a_damaged_file_is_replaced_and_kept(self, backup, anew, place, dcc):
        place.write_bytes(b"not a database" * 100)
        with pytest.raises(StoreUnfit, match="cannot be read") as refused:
            restore(anew, backup)
        assert "--replace" in refused.value.remedy
        restore(anew, backup, replace=True)
        assert users(anew, dcc) == (1, 10)
        (kept,) = place.parent.glob("*.replaced-*")
        assert kept.read_bytes() == b"not a database" * 100

    def test_one_restore_at_a_time(self, backup, anew, place):
        handle = os.open(place.parent, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(StoreBusy, match="Another restore"):
            restore(anew, backup)
        os.close(handle)
        restore(anew, backup)

    def test_what_the_system_refuses_is_said(self, backup, anew, place):
        place.parent.rmdir()
        place.parent.write_bytes(b"a file in the place of the folder")
        with pytest.raises(StoreFull, match="cannot be put in its place") as refused:
            restore(anew, backup)
        assert "nothing was restored" in refused.value.remedy
