"""The high-water mark: what it finds at a start and while a process writes, and what an operator may do about it."""

import shutil
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.domain.refusal import StoreFull, StoreUnfit
from app.factory import open_service, prepare
from app.register.people.enrolment import enrol_user
from app.settings import read_settings
from app.store.engine import read_head
from app.store.high_water import adopt, raise_mark, require_no_loss

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
GONE_BACK = "The database is in an earlier state than it was, or lost its write-ahead log."


@pytest.fixture
def recorded(service, alpha, announce, give):
    """A service whose mark was raised over a few notices."""
    for number in range(3):
        give(alpha, announce(f"u{number}", "2027-02-07T02:00"))
    raise_mark(service.store, NOW)
    return service


def mark_of(service):
    return service.store.keyring.high_water.read()


def size_of(service):
    with service.store.reading() as connection:
        return read_head(connection).log_size


@contextmanager
def as_before(service):
    """Give a connection that puts rows back, as whoever copies an old file over the newer one does."""
    with service.store.engine.connect() as connection:
        connection.execution_options(writes=True)
        with connection.begin():
            yield connection


@pytest.fixture
def gone_back(recorded, alpha, announce, give):
    """The same, put back whole to the state that it had three notices before."""
    tables = ("head", "log")  # by which the state of a record is known
    with as_before(recorded) as connection:
        for table in tables:
            connection.execute(sa.text(f"CREATE TABLE old_{table} AS SELECT * FROM {table}"))
    for number in range(3):
        give(alpha, announce(f"later{number}", "2027-03-07T02:00"))
    raise_mark(recorded.store, NOW + timedelta(minutes=1))
    with as_before(recorded) as connection:
        for table in tables:
            connection.execute(sa.text(f"DELETE FROM {table}"))
            connection.execute(sa.text(f"INSERT INTO {table} SELECT * FROM old_{table}"))
            connection.execute(sa.text(f"DROP TABLE old_{table}"))
    return recorded


def test_a_first_start_makes_a_mark_and_it_rises(service, alpha, announce, give):
    assert mark_of(service).size == 0
    give(alpha, announce("u", "2027-02-07T02:00"))
    raise_mark(service.store, NOW)
    mark = mark_of(service)
    assert (mark.size, mark.at, mark.losses) == (size_of(service), NOW, ())
    raise_mark(service.store, NOW + timedelta(minutes=1))
    assert mark_of(service) == mark  # nothing new, nothing written


def test_a_later_mark_of_another_process_stands(recorded):
    held, water = mark_of(recorded), recorded.store.keyring.high_water
    water.raise_to(replace(held, size=held.size - 1))
    assert mark_of(recorded) == held


def test_a_database_that_went_back_is_not_served(gone_back, settings):
    with pytest.raises(StoreUnfit, match=GONE_BACK):
        open_service(settings)
    with pytest.raises(StoreUnfit, match=GONE_BACK):
        prepare(settings, NOW)
    looking = open_service(settings, check=False)  # a command may look at it, and not write
    assert size_of(looking) < mark_of(looking).size
    with pytest.raises(StoreUnfit, match=GONE_BACK):
        enrol_user(looking.store, "BETA", "Beta Energy")
    looking.close()


def test_it_is_found_while_the_service_runs(web, gone_back):
    client = web.test_client()
    assert [client.get(path).status_code for path in ("/livez", "/readyz", "/healthz")] == [200, 503, 503]
    assert client.get("/readyz").json["database"] == GONE_BACK
    assert b"closures_store_fits 0.0" in client.get("/metrics").data
    with pytest.raises(StoreUnfit, match=GONE_BACK):
        raise_mark(gone_back.store, NOW)


def test_the_loss_is_borne_by_a_word_and_remembered(gone_back, settings):
    had, has = mark_of(gone_back).size, size_of(gone_back)
    loss = adopt(gone_back.store, NOW + timedelta(hours=1))
    assert (loss.had, loss.has, loss.at) == (had, has, NOW + timedelta(hours=1))
    assert mark_of(gone_back).losses == (loss,)
    open_service(settings).close()
    assert adopt(gone_back.store, NOW) is None


def test_as_many_other_entries_are_no_growth(recorded, settings):
    """A history that was written anew is as long, and is not the one that was seen."""
    water, held = recorded.store.keyring.high_water, mark_of(recorded)
    water.accept(replace(held, edge=bytes(len(held.edge))))
    with pytest.raises(StoreUnfit, match="earlier state"):
        open_service(settings)


def test_another_database_is_not_served(tmp_path):
    """Two databases were made for one ring before either held a User."""
    settings = [
        read_settings({"CLOSURES_DATA_DIR": str(tmp_path / name), "CLOSURES_KEY_DIR": str(tmp_path / name / "keys")})
        for name in ("one", "two")
    ]
    prepare(settings[0], NOW).close()
    shutil.copytree(tmp_path / "one/keys", tmp_path / "two/keys")
    mark = tmp_path / "two/keys/high-water.json"
    octets = mark.read_bytes()
    mark.unlink()
    prepare(settings[1], NOW).close()
    mark.write_bytes(octets)
    with pytest.raises(StoreUnfit, match="another database"):
        open_service(settings[1])
    two = open_service(settings[1], check=False)
    assert adopt(two.store, NOW) is not None
    two.close()
    open_service(settings[1]).close()


def test_keys_in_use_get_no_new_database(recorded, environ, databases, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    settings = read_settings(environ | {"CLOSURES_DATABASE_URL": databases.new(empty)})
    with pytest.raises(StoreUnfit, match="missing or empty") as refused:
        prepare(settings, NOW)
    assert "closures restore FILE" in refused.value.remedy
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize(
    "spoil", [lambda octets: octets[:-1], lambda _: b"", lambda octets: octets.replace(b"1", b"2")]
)
def test_a_damaged_mark_is_named(recorded, settings, spoil):
    path = settings.key_dir / "high-water.json"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(StoreUnfit, match=r"high-water\.json in the key folder is damaged"):
        require_no_loss(recorded.store)


def test_a_mark_that_cannot_be_written_stops_nothing_else(recorded, alpha, announce, give, settings):
    give(alpha, announce("more", "2027-02-07T02:00"))
    (settings.key_dir / "high-water.json.part").mkdir()
    with pytest.raises(StoreFull):
        raise_mark(recorded.store, NOW)
    give(alpha, announce("still", "2027-02-07T02:00"))
