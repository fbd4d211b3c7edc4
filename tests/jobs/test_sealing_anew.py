"""After a rotation of the root: what is stored goes out of reach of the keys of before, and nothing else changes."""

import shutil
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.domain.access import Principal, Role
from app.domain.refusal import StoreBusy
from app.jobs.sealing_anew import JOB, SealingAnew
from app.jobs.sweep import sweep
from app.register.key_rotation import end_rotation, keys_status, rotate_keys, rotate_root
from app.register.move_index import move_index
from app.register.people.enrolment import add_subscription, issue_token, open_account, shred_user
from app.register.reading import read_everything
from app.register.register import open_register
from app.register.verification import make_checkpoint, verify_record
from app.security.notes import open_checkpoint
from app.security.sealing import SealBroken
from app.security.signing import verify_receipt
from app.store import closures, runs, sealing_anew, tables
from app.store.acts import Deed, acts_before
from app.store.archive import dump_database, load_database
from app.store.engine import open_empty_store
from app.store.metadata import Octets
from tests.conftest import NOW
from tests.thief import Thief, stored

DCC = Principal("dcc", Role.DCC)


@pytest.fixture
def filled(service, alpha, enrolled, announce, give, add_recipient):
    beta = enrolled("BETA", "GW-B1")
    for day in range(1, 8):
        give(alpha, announce(f"u{day}", f"2027-02-0{day}T02:00"), at=NOW + timedelta(minutes=day))
    give(beta, announce("b1", "2027-02-03T02:00", gateway="GW-B1"))
    add_recipient("someone")
    give(alpha, announce("u1", "2027-03-01T02:00"), at=NOW + timedelta(hours=1))
    open_account(service.store, "a@example.org", Role.ADMIN, (), NOW)
    issue_token(service.store, label="x", now=NOW, user_code="ALPHA")
    add_subscription(
        service.store, scope_text="all", label="t", secret_url=False, past_days=30, horizon_days=548, now=NOW
    )
    sweep(service.register, NOW + timedelta(hours=2))
    return service


@pytest.fixture
def copied(filled, settings, tmp_path):
    """Return a function that copies the key folder and the ring as they are, and gives who holds that copy."""

    def copy(name="stolen"):
        shutil.copytree(settings.key_dir, tmp_path / name)
        (tmp_path / name / "ring.json").write_bytes(filled.store.keyring.written())  # wherever it is kept
        return Thief(tmp_path / name)

    return copy


def sealer(store):
    move_index(store)
    return SealingAnew(store, threading.Event(), settles=0)


def finish(store):
    work = sealer(store)
    for _ in range(200):
        if store.keyring.is_settled:
            return
        work.go_on(NOW)
    raise AssertionError("the rotation has no end")


def told(service):
    """What a process that has nothing in memory says."""
    return read_everything(open_register(service.store, service.register.origin), DCC)


def deeds(store):
    with store.reading() as connection:
        return [act.deed for act in acts_before(store, connection, None, 5)]


def test_what_keys_of_before_open_is_out_of_their_reach_at_the_end(filled, copied):
    store = filled.store
    thief, before = copied(), told(filled)
    opens, values = thief.opened(store.engine)
    assert opens == values > 40
    rotate_root(store, None, NOW)
    # Until it is sealed anew the copy opens all but the little that was written since.
    assert thief.opened(store.engine)[0] == keys_status(store).left >= values
    finish(store)
    opens, values = thief.opened(store.engine)
    assert (opens, values > 40) == (0, True)
    assert (told(filled), verify_record(filled.register).faults) == (before, ())
    assert (keys_status(store).epoch, keys_status(store).is_settled, deeds(store)[:3]) == (
        2, True, [Deed.ROTATION_ENDED, Deed.INDEX_MOVED, Deed.ROOT_ROTATED],
    )  # fmt: skip
    assert copied("new").opened(store.engine)[0] == values
    with store.reading() as connection:
        assert runs.read_run(connection, JOB).position == 0


def test_a_second_rotation_replaces_the_layer(filled, copied):
    store, before = filled.store, told(filled)
    rotate_root(store, None, NOW)
    finish(store)
    thief, lengths = copied(), [len(row[column]) for _, column, row in stored(store.engine)]
    rotate_root(store, None, NOW)
    finish(store)
    assert thief.opened(store.engine)[0] == 0
    grown = [len(row[column]) for _, column, row in stored(store.engine)]
    assert sum(grown) - sum(lengths) < 64 * 40  # a few rows were written; no value has two layers
    assert {row[column][:3] for _, column, row in stored(store.engine)} <= {b"\2\0\3", b"\1\0\3"}
    assert (told(filled), verify_record(filled.register).faults) == (before, ())


def test_a_rotation_in_the_middle_of_another_ends_with_the_last(filled, copied):
    store, before, first = filled.store, told(filled), copied("first")
    rotate_root(store, None, NOW)
    sealing_anew.seal_batch(store, "revisions", None)
    second = copied("second")
    rotate_root(store, None, NOW)
    assert verify_record(filled.register).faults == ()
    finish(store)
    assert [thief.opened(store.engine)[0] for thief in (first, second)] == [0, 0]
    assert (told(filled), verify_record(filled.register).faults) == (before, ())


def test_whoever_is_stopped_begins_again_and_the_record_is_sound_at_each_step(filled):
    store, before = filled.store, told(filled)
    rotate_root(store, None, NOW)
    left = [keys_status(store).left]
    for name in sealing_anew.TABLES:
        sealing_anew.seal_batch(store, name, None)
        assert (told(filled), verify_record(filled.register).faults) == (before, ())
        left.append(keys_status(store).left)
    assert (left == sorted(left, reverse=True), left[-1]) == (True, 0)
    finish(store)
    assert verify_record(filled.register).faults == ()


def test_a_table_is_done_in_batches(filled, monkeypatch):
    store = filled.store
    monkeypatch.setattr(sealing_anew, "_ROWS", 3)
    rotate_root(store, None, NOW)
    for name in ("revisions", "log", "user_gateways", "acts"):
        after, written = None, []
        while True:
            batch = sealing_anew.seal_batch(store, name, after)
            after = batch.after
            written.append(batch.written)
            if after is None:
                break
        with store.reading() as connection:
            rows = connection.execute(sa.select(sa.func.count()).select_from(tables.metadata.tables[name])).scalar_one()
        assert (name, sum(written), max(written) <= 3) == (name, rows, True)
        assert sealing_anew.seal_batch(store, name, None).written == 0


def test_a_row_that_changes_meanwhile_is_left_to_the_next_time(filled, monkeypatch):
    store = filled.store
    rotate_root(store, None, NOW)
    writing = type(store).writing

    def late(self, whose=b""):
        monkeypatch.setattr(type(store), "writing", writing)
        with store.writing() as connection:
            connection.execute(sa.update(tables.notices).values(sealed=None))
        return writing(self, whose)

    monkeypatch.setattr(type(store), "writing", late)
    sealing_anew.seal_batch(store, "notices", None)
    with store.reading() as connection:
        assert set(connection.execute(sa.select(tables.notices.c.sealed)).scalars()) == {None}


def test_an_altered_row_stays_altered(filled):
    store = filled.store
    rotate_root(store, None, NOW)
    with store.writing() as connection:
        connection.execute(sa.update(tables.closures).values(change=tables.closures.c.change + 1))
        one = connection.execute(sa.select(tables.revisions.c.sealed)).scalars().first()
        connection.execute(
            sa.update(tables.revisions).where(tables.revisions.c.sealed == one).values(sealed=one[:-1] + b"?")
        )
    faults = verify_record(filled.register).faults
    finish(store)
    assert (len(faults) > 8, verify_record(filled.register).faults) == (True, faults)


def test_receipts_and_checkpoints_of_before_still_verify(filled, alpha, announce, give):
    register = filled.register
    receipt = give(alpha, announce("u8", "2027-02-08T02:00")).accepted[0].receipt
    kept, key = make_checkpoint(register), register.signing_key.id
    rotate_root(filled.store, None, NOW)
    finish(filled.store)
    assert register.signing_key.id != key
    assert verify_receipt(register.public_keys, receipt)
    assert open_checkpoint(kept, register.public_keys).size > 0
    assert verify_record(register, kept).faults == ()
    assert not verify_receipt(register.public_keys[:1], receipt)
    newer = give(alpha, announce("u9", "2027-02-09T02:00")).accepted[0].receipt
    assert newer["key"] == register.signing_key.id


def test_what_was_shredded_before_is_out_of_reach_of_a_copy_of_before_that(filled, copied):
    store, thief = filled.store, copied()
    shred_user(store, "BETA", NOW)
    assert thief.opened(store.engine)[0] > 40
    rotate_root(store, None, NOW)
    finish(store)
    assert thief.opened(store.engine)[0] == 0
    opens, values = copied("now").opened(store.engine)
    assert values - opens > 3  # what was BETA's opens for nobody
    assert verify_record(filled.register).faults == ()


def test_a_database_of_before_that_is_put_back_is_sealed_anew_once_more(filled, copied, settings, tmp_path):
    store, before, thief = filled.store, told(filled), copied()
    dump_database(store, tmp_path / "old", lambda rows: None)
    rotate_root(store, None, NOW)
    finish(store)
    dump_database(store, tmp_path / "new", lambda rows: None)
    for name, opens in (("new", False), ("old", True)):
        url = f"sqlite:///{tmp_path / name}.sqlite3"
        restored = open_empty_store(url, store.keyring, store.now)
        with (tmp_path / name).open("rb") as backup:
            load_database(restored, backup, lambda rows: None)
        assert not store.keyring.is_settled
        assert (thief.opened(restored.engine)[0] > 40) == opens
        assert verify_record(open_register(restored, filled.register.origin)).faults == ()
        finish(restored)
        assert thief.opened(restored.engine)[0] == 0
        assert verify_record(open_register(restored, filled.register.origin)).faults == ()
        restored.close()
    assert told(filled) == before


def test_keys_that_are_rotated_without_the_root_leave_no_work(filled):
    rotate_keys(filled.store, None)
    assert keys_status(filled.store) == type(keys_status(filled.store))(1, True, 0, filled.register.signing_key.id)


def test_a_rotation_does_not_end_for_an_epoch_that_is_over(filled):
    rotate_root(filled.store, None, NOW)
    rotate_root(filled.store, None, NOW)
    with pytest.raises(StoreBusy):
        end_rotation(filled.store, 2)
    assert deeds(filled.store)[0] is Deed.ROOT_ROTATED


def test_no_old_octets_are_left_in_the_file(filled, database_url):
    if not database_url.startswith("sqlite"):
        return  # PostgreSQL keeps them until VACUUM FULL, as docs/operating.md says
    store = filled.store
    old = [row[column] for _, column, row in stored(store.engine)]
    rotate_root(store, None, NOW)
    finish(store)
    new = [row[column] for _, column, row in stored(store.engine)]
    store.close()  # the last one to leave takes the write-ahead log along
    files = {path.name: path.read_bytes() for path in Path(store.engine.url.database).parent.glob("*.sqlite3*")}
    assert [name for name in files if name.endswith("-wal")] == []
    octets = b"".join(files.values())
    assert all(value[15:47] in octets for value in list(dict.fromkeys(new)))
    assert [value for value in old if value in octets or value[15:47] in octets] == []


def test_what_is_written_by_a_key_of_before_behind_a_pass_is_found_by_the_next(filled):
    store = filled.store
    with store.reading() as connection:
        row = connection.execute(sa.select(tables.notices.c.id, tables.notices.c.sealed)).first()
    rotate_root(store, None, NOW)
    work, was_put_back = sealer(store), False
    while not store.keyring.is_settled:
        work.go_on(NOW)
        if not was_put_back and keys_status(store).left == 0:
            with store.writing() as connection:
                connection.execute(
                    sa.update(tables.notices).where(tables.notices.c.id == row.id).values(sealed=row.sealed)
                )
            was_put_back = True
    with store.reading() as connection:
        assert (was_put_back, sealing_anew.count_left(store, connection)) == (True, 0)


def test_a_rotation_does_not_end_while_somebody_may_still_write_by_the_keys_of_before(filled):
    store = filled.store
    rotate_root(store, None, NOW)
    for name in sealing_anew.TABLES:
        sealing_anew.seal_batch(store, name, None)
    work = SealingAnew(store, threading.Event(), settles=3600)
    for _ in range(20):
        work.go_on(NOW)
    assert (keys_status(store).left, keys_status(store).is_settled) == (0, False)


def test_a_rotation_does_not_end_before_the_blind_index_has_moved(filled):
    store = filled.store
    rotate_root(store, None, NOW)
    work = SealingAnew(store, threading.Event(), settles=0)
    for _ in range(20):
        work.go_on(NOW)
    assert (keys_status(store).left, keys_status(store).is_settled) == (0, False)
    assert move_index(store)
    for _ in range(20):
        work.go_on(NOW)
    assert keys_status(store).is_settled


@pytest.mark.parametrize("at", [0, 1, 2, 3, 14, 15, 60, -1])
def test_a_flipped_bit_of_an_outer_layer_is_found_and_nothing_else_is_served(filled, at):
    store = filled.store
    rotate_root(store, None, NOW)
    finish(store)
    raw = sa.type_coerce(tables.closures.c.sealed, Octets())
    with store.writing() as connection:
        row = connection.execute(sa.select(tables.closures, raw.label("stored"))).first()
        altered = bytearray(row.stored)
        altered[at] ^= 1
        connection.execute(
            sa.update(tables.closures).where(tables.closures.c.id == row.id).values(sealed=bytes(altered))
        )
    assert verify_record(filled.register).faults == (f"What stands of {row.reference} does not open.",)
    with pytest.raises(SealBroken):  # it says how many entries its history has
        told(filled)
    with pytest.raises(SealBroken), store.reading() as connection:
        closures.by_reference(store, connection, row.reference, {row.user_id: "ALPHA"})
