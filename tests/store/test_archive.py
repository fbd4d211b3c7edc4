"""A backup taken from a live database restores into an empty one, and its record verifies there."""

import gzip
import shutil
from datetime import UTC, datetime

import pytest

from app.domain.maintenance import MaintenanceKind
from app.domain.refusal import StoreUnfit
from app.factory import open_keyring, utc_now
from app.register.people.enrolment import add_subscription
from app.register.register import open_register
from app.register.sources import DCC_DATES, add_source, make_source, sources_about
from app.register.verification import make_checkpoint, verify_record
from app.settings import read_settings
from app.store import subscriptions
from app.store.archive import dump_database, load_database
from app.store.engine import open_empty_store

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def elsewhere(tmp_path, environ):
    """An empty database of another machine, with a copy of the keys."""
    shutil.copytree(tmp_path / "keys", tmp_path / "elsewhere/keys")
    settings = read_settings(
        environ
        | {
            "CLOSURES_KEY_DIR": str(tmp_path / "elsewhere/keys"),
            "CLOSURES_DATABASE_URL": f"sqlite:///{tmp_path / 'elsewhere/new.sqlite3'}",
        }
    )
    store = open_empty_store(settings.database, open_keyring(settings), utc_now)
    yield store
    store.close()


def test_a_backup_restores_and_verifies(register, store, alpha, announce, give, tmp_path, request):
    give(alpha, *(announce(f"u{n}", "2027-02-07T02:00") for n in range(30)))
    source = make_source(
        MaintenanceKind.RELEASE, url="https://dcc.example/", username="", password="", word="", category="",
        every_minutes=15, now=NOW,
    )  # fmt: skip
    add_source(store, source)
    seen = []
    written = dump_database(store, tmp_path / "b", seen.append)
    target = request.getfixturevalue("elsewhere")
    assert (sum(seen), load_database(target, tmp_path / "b", lambda _: None)) == (written, written)
    restored = open_register(target, "gateway-closures")
    assert verify_record(restored, make_checkpoint(register)).faults == ()
    assert [one.source for one in sources_about(target, DCC_DATES)] == [source]
    assert oct((tmp_path / "b").stat().st_mode & 0o777) == "0o600"
    with pytest.raises(StoreUnfit, match="not empty"):
        load_database(target, tmp_path / "b", lambda _: None)


def test_what_is_numbered_counts_on_after_a_restore(store, tmp_path, databases, settings):
    made = add_subscription(
        store, scope_text="all", label="a", secret_url=False, past_days=1, horizon_days=10, now=NOW
    ).subscription  # fmt: skip
    read = subscriptions.FeedRead(made.id, NOW, 200, 1, "a client")
    with store.writing() as connection:
        subscriptions.insert_reads(connection, [read, read])
    dump_database(store, tmp_path / "b", lambda _: None)
    (tmp_path / "new").mkdir()
    restored = open_empty_store(databases.new(tmp_path / "new"), open_keyring(settings), utc_now)
    load_database(restored, tmp_path / "b", lambda _: None)
    with restored.writing() as connection:
        subscriptions.insert_reads(connection, [read])
        assert subscriptions.last_reads(connection, made.id) == [read] * 3
    restored.close()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda octets: octets[:-40],
        lambda _: b"",
        lambda _: gzip.compress(b"[]\n"),
        lambda octets: gzip.compress(gzip.decompress(octets).rsplit(b"\n", 2)[0]),
    ],
)
def test_a_backup_that_is_not_whole_does_not_restore(store, alpha, tmp_path, request, spoil):
    dump_database(store, tmp_path / "b", lambda _: None)
    (tmp_path / "b").write_bytes(spoil((tmp_path / "b").read_bytes()))
    with pytest.raises(StoreUnfit):
        load_database(request.getfixturevalue("elsewhere"), tmp_path / "b", lambda _: None)
