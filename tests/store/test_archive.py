"""A backup taken from a live database restores into an empty one, on either kind, and its record verifies there."""

import gzip
import json
from datetime import UTC, datetime
from io import BytesIO

import pytest
import sqlalchemy as sa

from app.domain.maintenance import MaintenanceKind
from app.domain.refusal import StoreUnfit
from app.factory import open_keyring, utc_now
from app.register.people.enrolment import add_subscription
from app.register.reading import read_everything
from app.register.register import open_register
from app.register.sources import DCC_DATES, add_source, make_source, sources_about
from app.register.verification import make_checkpoint, verify_record
from app.store import schema, subscriptions
from app.store.archive import dump_database, load_database, write_backup
from app.store.engine import make_engine, open_empty_store, read_head
from app.store.proven import PROVEN, proofs_of
from app.store.tables import head, metadata
from tests.store.test_upgrades import migrate

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def new_store(settings):
    """Return a function that opens an empty database of another machine, with the same keys."""
    opened = []

    def at(url):
        opened.append(open_empty_store(url, open_keyring(settings), utc_now))
        return opened[-1]

    yield at
    for one in opened:
        one.close()


@pytest.fixture
def elsewhere(tmp_path, new_store):
    return new_store(f"sqlite:///{tmp_path / 'elsewhere.sqlite3'}")


def silent(_):
    """Hear of progress, and say nothing."""


def backup_of(store):
    out = BytesIO()
    write_backup(store, out, silent)
    return out.getvalue()


def load(store, octets):
    return load_database(store, BytesIO(octets), silent)


def test_a_backup_restores_and_verifies(register, store, alpha, announce, give, tmp_path, elsewhere):
    give(alpha, *(announce(f"u{n}", "2027-02-07T02:00") for n in range(30)))
    source = make_source(
        MaintenanceKind.RELEASE, url="https://dcc.example/", username="", password="", word="", category="",
        every_minutes=15, now=NOW,
    )  # fmt: skip
    add_source(store, source)
    seen = []
    written = dump_database(store, tmp_path / "b", seen.append)
    with (tmp_path / "b").open("rb") as backup:
        assert (sum(seen), load_database(elsewhere, backup, silent)) == (written, written)
    restored = open_register(elsewhere, "gateway-closures")
    assert verify_record(restored, make_checkpoint(register)).faults == ()
    assert [one.source for one in sources_about(elsewhere, DCC_DATES)] == [source]
    assert oct((tmp_path / "b").stat().st_mode & 0o777) == "0o600"
    with pytest.raises(StoreUnfit, match="not empty"):
        load(elsewhere, (tmp_path / "b").read_bytes())


def test_there_and_back_between_two_kinds_of_database(
    register, store, alpha, announce, give, dcc, elsewhere, new_store, databases, tmp_path
):
    """With --database=postgresql: from PostgreSQL to SQLite, and from there to PostgreSQL."""
    give(alpha, *(announce(f"u{n}", "2027-02-07T02:00") for n in range(12)))
    give(alpha, announce("u3", "2027-02-09T02:00"))
    first = backup_of(store)
    load(elsewhere, first)
    second = backup_of(elsewhere)
    (tmp_path / "back").mkdir()
    back = new_store(databases.new(tmp_path / "back"))
    load(back, second)
    assert gzip.decompress(first) == gzip.decompress(second) == gzip.decompress(backup_of(back))
    for one in (elsewhere, back):
        again = open_register(one, register.origin)
        assert read_everything(again, dcc) == read_everything(register, dcc)
        with one.reading() as connection, store.reading() as before:
            assert read_head(connection) == read_head(before)
        assert verify_record(again, make_checkpoint(register)).faults == ()


def test_what_is_numbered_counts_on_after_a_restore(store, tmp_path, databases, new_store):
    made = add_subscription(
        store, scope_text="all", label="a", secret_url=False, past_days=1, horizon_days=10, now=NOW
    ).subscription  # fmt: skip
    read = subscriptions.FeedRead(made.id, NOW, 200, 1, "a client")
    with store.writing() as connection:
        subscriptions.insert_reads(connection, [read, read])
    (tmp_path / "new").mkdir()
    restored = new_store(databases.new(tmp_path / "new"))
    load(restored, backup_of(store))
    with restored.writing() as connection:
        subscriptions.insert_reads(connection, [read])
        assert subscriptions.last_reads(connection, made.id) == [read] * 3


def lines_of(octets):
    return gzip.decompress(octets).splitlines(keepends=True)


def with_header(octets, **facts):
    header, *rest = lines_of(octets)
    return gzip.compress(json.dumps(json.loads(header) | facts).encode() + b"\n" + b"".join(rest))


CUT_OFF = "The backup is not whole: it was cut off."
DAMAGED = "The backup is damaged, or the disk that it is on."
STRANGE = "The backup is damaged: it holds what no backup does."
NONE = "That is not a backup."
NEWER = f"The backup is of a newer release (its database is at migration r9999; this release knows {schema.NEWEST})."


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda octets: octets[:-40], CUT_OFF),
        (lambda octets: gzip.compress(b"".join(lines_of(octets)[:-1])), CUT_OFF),
        (lambda octets: gzip.compress(b"".join(lines_of(octets)[:-2] + lines_of(octets)[-1:])), CUT_OFF),
        (lambda octets: gzip.compress(b"".join(lines_of(octets)[:-1]) + b'{"rows'), DAMAGED),
        (lambda octets: octets[:-8] + bytes(8), DAMAGED),
        (lambda octets: gzip.compress(lines_of(octets)[0] + b'["closures", [[1]]]\n'), STRANGE),
        (lambda octets: gzip.compress(lines_of(octets)[0] + b'["nothing", [[1]]]\n'), STRANGE),
        (lambda octets: gzip.compress(lines_of(octets)[0] + b'["users", [[null, null, null, null]]]\n'), STRANGE),
        (lambda octets: gzip.compress(lines_of(octets)[0] + b"7\n"), STRANGE),
        (lambda _: b"", NONE),
        (lambda _: b"SQLite format 3", NONE),
        (lambda _: gzip.compress(b"[]\n"), NONE),
        (lambda _: gzip.compress(b"some text"), NONE),
        (lambda octets: with_header(octets, migration="r9999"), NEWER),
        (lambda octets: with_header(octets, migration="r0000"), "There is no migration r0000."),
    ],
)
def test_a_backup_that_is_not_whole_does_not_restore(store, alpha, elsewhere, spoil, said):
    with pytest.raises(StoreUnfit) as refused:
        load(elsewhere, spoil(backup_of(store)))
    assert (refused.value.text, bool(refused.value.remedy)) == (said, True)
    assert schema.found_version(elsewhere.engine) is None


@pytest.mark.parametrize("migration", ["r0003", "r0005", "r0006"])
def test_a_backup_of_an_earlier_release_is_brought_along(
    migration, register, store, alpha, announce, give, dcc, new_store, databases, tmp_path
):
    """Its rows go into the tables of then, and come along as those of a database of then do."""
    give(alpha, *(announce(f"u{n}", "2027-02-07T02:00") for n in range(3)))
    checkpoint, before = make_checkpoint(register), read_everything(register, dcc)
    octets = as_of(migration, store, tmp_path)
    (tmp_path / "new").mkdir()
    restored = new_store(databases.new(tmp_path / "new"))
    load(restored, octets)
    assert schema.found_version(restored.engine) == schema.NEWEST
    found = open_register(restored, register.origin)
    assert read_everything(found, dcc) == before
    assert verify_record(found, checkpoint).faults == ()


def as_of(migration, store, folder):
    """Return a backup as the release at a migration wrote it: its tables, and their columns, in their order."""
    engine = make_engine(f"sqlite:///{folder}/then.sqlite3", create=True)
    migrate(engine, migration)
    then = sa.MetaData()
    then.reflect(engine)
    engine.dispose()
    with store.writing() as connection:  # the head is proven with the columns of then
        held = connection.execute(sa.select(head)).mappings().one()
        proof = proofs_of(connection).of(
            "head", [held[name] for name in PROVEN["head"] if name in then.tables["head"].c]
        )
        connection.execute(sa.update(head).values(proof=proof))
    header, *batches, _ = map(json.loads, lines_of(backup_of(store)))
    kept = []
    for name, rows in batches:
        if name in then.tables:
            now = [column.name for column in metadata.tables[name].columns]
            places = [now.index(column.name) for column in then.tables[name].columns]
            kept.append([name, [[row[place] for place in places] for row in rows]])
    lines = [header | {"migration": migration}, *kept, {"rows": sum(len(rows) for _, rows in kept)}]
    return gzip.compress(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
