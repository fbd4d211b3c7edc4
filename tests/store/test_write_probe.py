"""Whether a write is taken: told by one that was, and by no more than one in a while."""

import resource
import signal
from pathlib import Path

import sqlalchemy as sa

from app.store.engine import read_head
from app.store.runs import all_runs
from app.store.write_probe import WriteProbe


def stands(store):
    with store.reading() as connection:
        return read_head(connection), all_runs(connection)


def test_it_writes_and_leaves_nothing(store):
    before = stands(store)
    assert WriteProbe(store).ask() is None
    assert stands(store) == before


def test_a_table_that_takes_nothing_is_found_and_asked_again_only_after_a_while(store):
    probe = WriteProbe(store)
    assert probe.ask() is None
    with store.writing() as connection:
        connection.execute(sa.text("ALTER TABLE job_runs RENAME TO away"))
    assert probe.ask() is None  # what the write of a moment ago found
    found = WriteProbe(store).ask()
    assert (found.code, found.text) == ("store-busy", "The database does not answer.")
    probe._tried_at -= 15
    assert probe.ask().text == found.text
    with store.writing() as connection:
        connection.execute(sa.text("ALTER TABLE away RENAME TO job_runs"))
    assert (probe.ask().text, WriteProbe(store).ask()) == (found.text, None)


def test_a_disk_without_room_is_found(store):
    """A real refusal by the kernel: no file of this process grows beyond the write-ahead log as it is."""
    if store.engine.dialect.name != "sqlite":
        return  # PostgreSQL writes in processes of its own, which no limit of ours reaches
    WriteProbe(store).ask()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = Path(f"{store.engine.url.database}-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        found = WriteProbe(store).ask()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert found.text == "The disk under the database is full or failing; nothing was recorded."
    assert WriteProbe(store).ask() is None
