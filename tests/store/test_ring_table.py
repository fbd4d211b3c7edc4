"""Machines that share PostgreSQL share its key ring there: nobody copies a file, and no key is lost (ADR 13)."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.domain.refusal import Shredded, StoreUnfit
from app.factory import create_app, open_keyring, open_service, prepare
from app.register.key_rotation import rotate_keys, rotate_root
from app.register.people.enrolment import enrol_user, list_users, shred_user
from app.security.keyring import Keyring
from app.settings import read_settings
from app.store.archive import dump_database
from app.store.engine import read_head
from app.store.ring_table import ring_table
from tests.conftest import NOW

OLD, NEW = bytes(range(32)), bytes(range(1, 33))
PLACE = ("closures", "sealed", b"row", 1)
ROLLING = {"CLOSURES_KEK": NEW.hex(), "CLOSURES_KEK_OLD": OLD.hex()}


@pytest.fixture
def both(machines):
    """The services of both machines, the first of which made the database."""
    settings = [read_settings(environ) for environ in machines]
    services = [prepare(settings[0], NOW), open_service(settings[1])]
    yield services
    for service in services:
        service.close()


@pytest.fixture
def another(machines):
    """Return a function that opens a keyring of the second machine, its environment as stated."""
    return lambda **stated: open_keyring(read_settings(machines[1] | stated))


def files_of(environ):
    return sorted(path.name for path in Path(environ["CLOSURES_KEY_DIR"]).iterdir())


def process_of(environ, code):
    program = "import os, sys\nfrom app.factory import *\nfrom app.settings import read_settings\n"
    program += "settings = read_settings(os.environ)\n" + code
    return subprocess.Popen(
        [sys.executable, "-c", program], env=os.environ | environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def row(store):
    with store.reading() as connection:
        return connection.execute(sa.text("SELECT ctid::text, pg_relation_size('ring'), octets FROM ring")).one()


def test_a_machine_with_the_kek_alone_reads_and_writes(both, machines):
    here, there = both
    assert (files_of(machines[0]), files_of(machines[1])) == (["high-water.json", "lock"], ["lock"])
    for number in range(3):
        enrol_user(here.store, f"A{number}", "Energy")
        assert [user.code for user in list_users(there.store)] == [user.code for user in list_users(here.store)]
        enrol_user(there.store, f"B{number}", "Energy")
        assert len(list_users(here.store)) == 2 * number + 2


def test_two_machines_that_add_users_at_once_lose_no_key(both, machines):
    code = (
        "keyring = open_keyring(settings)\n"
        "for n in range(50):\n"
        "    owner = os.environ['OWNER'] + str(n)\n"
        "    keyring.ensure(owner.encode())\n"
        "    print(keyring.seal(owner.encode(), 'closures', 'sealed', b'row', 1, owner.encode()).hex(), flush=True)\n"
    )
    running = {name: process_of(environ | {"OWNER": name}, code) for name, environ in zip("xy", machines, strict=True)}
    sealed = {name: one.communicate()[0].split() for name, one in running.items()}
    assert {name: len(values) for name, values in sealed.items()} == {"x": 50, "y": 50}
    for name, values in sealed.items():
        for number, value in enumerate(values):
            owner = f"{name}{number}".encode()
            for service in both:
                assert service.store.keyring.unseal(owner, *PLACE, bytes.fromhex(value)) == owner


def test_who_read_an_older_ring_does_not_replace_a_newer_one(both, machines):
    table = ring_table(machines[0]["CLOSURES_DATABASE_URL"])
    stamp, octets = table.read()
    both[1].store.keyring.ensure(b"u1")
    assert (table.write(octets, stamp), table.write(octets, None)) == (False, False)
    both[0].store.keyring.ensure(b"u2")
    assert {b"u1", b"u2"} <= both[0].store.keyring.owners()


def test_two_first_starts_at_once_make_one_ring(machines):
    running = [process_of(environ, "prepare(settings, utc_now()).close()") for environ in machines]
    assert [(one.communicate()[1][-6000:], one.returncode) for one in running] == [("", 0)] * 2
    services = [open_service(read_settings(environ)) for environ in machines]
    assert len({service.store.keyring.derive("index") for service in services}) == 1
    assert ["ring.json" in files_of(environ) for environ in machines] == [False, False]
    for service in services:
        service.close()


def test_killed_between_its_key_and_its_row_a_user_is_added_again(both, machines):
    code = (
        "import signal\nfrom app.register.people.enrolment import enrol_user\nfrom app.store import parties\n"
        "parties.add_user = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "enrol_user(open_service(settings).store, 'ALPHA', 'Alpha Energy')\n"
    )
    killed = process_of(machines[1], code)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    time.sleep(1.1)  # how long a process goes by the ring that it saw
    for service in both:
        service.store.require_fit()
        assert (list_users(service.store), len(service.store.keyring.owners())) == ([], 2)
    made = enrol_user(both[1].store, "ALPHA", "Alpha Energy")
    assert [list_users(service.store) for service in both] == [[made], [made]]


def test_while_the_kek_is_replaced_machines_with_both_go_on(both, another):
    here = both[0].store
    rolled = another(**ROLLING)
    here.keyring.ensure(b"u1")
    before = here.keyring.seal(b"u1", *PLACE, b"before")
    rotate_keys(here, NEW)
    after = here.keyring.seal(b"u1", *PLACE, b"after")
    assert [rolled.unseal(b"u1", *PLACE, sealed) for sealed in (before, after)] == [b"before", b"after"]
    rolled.require_newest()
    rolled.ensure(b"u2")
    assert b"u2" in another(CLOSURES_KEK=NEW.hex()).owners()
    with pytest.raises(StoreUnfit, match="does not belong"):
        another()


def test_while_the_root_is_replaced_machines_with_both_go_on(both, another):
    rolled, here = another(**ROLLING), both[0].store
    rolled.high_water.raise_to(here.keyring.high_water.read())
    rotate_root(here, NEW, NOW)
    assert rolled.high_water.read() == another(**ROLLING).high_water.read() != None  # noqa: E711
    here.keyring.settle(2)
    # Also where the machine was off meanwhile: its mark is by a key of before.
    assert another(CLOSURES_KEK=NEW.hex()).high_water.read() is not None
    rolled.ensure(b"u2")
    assert rolled.derive("index") == here.keyring.derive("index")


@pytest.mark.parametrize("root", [False, True])
def test_a_machine_that_cannot_open_the_ring_says_so(both, machines, root, clock):
    app = create_app(read_settings(machines[1]), now=clock)
    client = app.test_client()
    assert client.get("/readyz").status_code == 200
    if root:
        rotate_root(both[0].store, NEW, NOW)
    else:
        rotate_keys(both[0].store, NEW)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["database"]) == (503, "The keys were rotated to another KEK.")
    store = app.extensions["closures"].store
    time.sleep(1.1)  # a process looks once a second as it writes
    if root:  # it writes nothing by the keys of before: the rotation may end without it
        with pytest.raises(StoreUnfit, match="another KEK"), store.writing():
            pass
    store.close()


def test_a_file_of_the_new_kek_that_comes_later_is_found(database_url, machines, tmp_path):
    files = [{name: value for name, value in one.items() if name != "CLOSURES_KEK"} for one in machines]
    here = prepare(read_settings(files[0]), NOW)
    shutil.copytree(tmp_path / "a/keys", tmp_path / "b/keys")
    there = open_service(read_settings(files[1]))
    rotate_keys(here.store, None)
    with pytest.raises(StoreUnfit, match="another KEK") as refused:
        there.store.require_fit()
    assert "copy the new one into the key folder" in refused.value.remedy
    (new,) = (tmp_path / "a/keys").glob("kek-*")
    shutil.copy(new, tmp_path / "b/keys")
    there.store.require_fit()
    for service in (here, there):
        service.close()


def test_a_shredded_user_is_gone_on_every_machine_and_in_the_table(both, machines, tmp_path):
    here, there = both
    user = enrol_user(here.store, "ALPHA", "Alpha Energy")
    sealed = there.store.keyring.seal(user.id, *PLACE, b"plain")
    wrapped = json.loads(row(here.store).octets)["owners"][user.id.hex()]["1"]
    shred_user(here.store, "ALPHA", NOW)
    with there.store.reading() as connection:
        read_head(connection)  # whoever keeps something under the numbers of a head asks for that first
    assert list_users(there.store) == []
    with pytest.raises(Shredded):
        there.store.keyring.unseal(user.id, *PLACE, sealed)
    here.store.keyring.forget_replaced()  # as the scheduler does
    ctid, size, octets = row(here.store)
    assert (ctid, size, wrapped.encode() in octets) == ("(0,1)", 8192, False)


def test_what_the_database_holds_opens_nothing_without_the_kek(both):
    keyring = both[0].store.keyring
    keyring.ensure(b"u1")
    found = row(both[0].store).octets
    ring = json.loads(found)
    held = keyring._held
    assert (ring["kek"], found == keyring.written()) == ("environment", True)
    open_keys = [held.root, *(key for owner in held.ring.owners for key in held.ring.open_keys(OLD, owner).values())]
    assert len(open_keys) == 3
    for key in open_keys:
        assert key not in found
        assert key.hex().encode() not in found
    with pytest.raises(StoreUnfit, match="does not belong"):
        held.ring.open_root(NEW)


def test_no_backup_has_the_ring(both, tmp_path):
    dump_database(both[0].store, tmp_path / "backup", lambda _: None)
    lines = [json.loads(line) for line in gzip.decompress((tmp_path / "backup").read_bytes()).splitlines()]
    names = {line[0] for line in lines if isinstance(line, list)}
    assert ("head" in names, "ring" in names) == (True, False)


def copied(keyring, folder):
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "ring.json").touch(0o600)
    (folder / "ring.json").write_bytes(keyring.written())


def test_a_copy_in_a_key_folder_does_not_linger(both, another, tmp_path, machines):
    both[0].store.keyring.ensure(b"u1")
    copied(both[0].store.keyring, tmp_path / "b/keys")
    both[0].store.keyring.shred(b"u1")
    assert another().is_shredded(b"u1")
    assert "ring.json" not in files_of(machines[1])


@pytest.mark.parametrize("whose", ["later", "other"])
def test_a_ring_that_is_no_older_copy_is_left_where_it_is(both, another, tmp_path, machines, whose):
    table = ring_table(machines[0]["CLOSURES_DATABASE_URL"])
    _, before = table.read()
    keyring = both[0].store.keyring
    if whose == "other":
        keyring = Keyring.open(tmp_path / "other", kek=OLD, create=True)
    keyring.ensure(b"u1")
    copied(keyring, tmp_path / "b/keys")
    table.write(before, table.read()[0])
    with pytest.raises(StoreUnfit, match="not an older copy"):
        another()
    assert "ring.json" in files_of(machines[1])


def test_a_copy_takes_the_place_of_a_lost_row(both, another, tmp_path, machines):
    both[0].store.keyring.ensure(b"u1")
    copied(both[0].store.keyring, tmp_path / "b/keys")
    with both[0].store.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM ring"))
    with pytest.raises(StoreUnfit, match="missing from the database"):
        both[1].store.require_fit()
    assert b"u1" in another().owners()
    both[1].store.require_fit()


def test_a_site_of_before_moves_its_ring_once(both, machines, tmp_path):
    """As a release of before left it: the ring in the key folder, and no table."""
    user = enrol_user(both[0].store, "ALPHA", "Alpha Energy")
    for name in "ab":
        copied(both[0].store.keyring, tmp_path / name / "keys")
    with both[0].store.engine.begin() as connection:
        for before in (
            "DROP INDEX ix_revisions_receipt",
            "CREATE INDEX ix_revisions_received_at ON revisions (received_at)",
            "DROP TABLE ring",
            "DROP TABLE mails",
            "UPDATE alembic_version SET version_num = 'r0008'",
        ):
            connection.execute(sa.text(before))
    for environ in machines:
        service = prepare(read_settings(environ), NOW)
        assert list_users(service.store) == [user]
        service.close()
        assert "ring.json" not in files_of(environ)


def test_who_is_inside_a_transaction_of_before_changes_the_ring_that_stands(both):
    here, there = both[0].store, both[1].store
    here.keyring.ensure(b"u1")
    with here.reading() as connection:
        read_head(connection)  # from here on this transaction sees the ring as it is now
        there.keyring.ensure(b"u2")
        here.keyring.shred(b"u1")
        here.keyring.ensure(b"u3")
        assert here.keyring.is_shredded(b"u1")
        assert {b"u2", b"u3"} <= here.keyring.owners()
    there.require_fit()
    assert (there.keyring.is_shredded(b"u1"), b"u3" in there.keyring.owners()) == (True, True)
