"""The ring: made once, shared by processes, rotated without losing anything, shredded for good."""

import json
import shutil
import subprocess
import sys
import time

import pytest

from app.domain.refusal import Refusal, Shredded, StoreUnfit
from app.security.keyring import SERVICE_OWNER, Keyring, read_kek
from app.security.sealing import SealBroken

PLACE = ("closures", "sealed", b"row", 1)
KEK = bytes(range(32))


@pytest.fixture
def ring(tmp_path):
    return Keyring.open(tmp_path / "keys", kek=None, create=True)


def test_a_first_start_makes_a_key_that_only_we_can_read(ring, tmp_path):
    kek, stored = tmp_path / "keys/kek", tmp_path / "keys/ring.json"
    assert (oct(kek.stat().st_mode & 0o777), oct(stored.stat().st_mode & 0o777)) == ("0o400", "0o600")


def test_a_second_start_opens_what_the_first_sealed(ring, tmp_path):
    ring.ensure(b"u1")
    sealed = ring.seal(b"u1", *PLACE, b"plain")
    again = Keyring.open(tmp_path / "keys", kek=None, create=False)
    assert again.unseal(b"u1", *PLACE, sealed) == b"plain"
    assert {purpose: again.derive(purpose) for purpose in ("index", "token", "session", "signing")} == {
        purpose: ring.derive(purpose) for purpose in ("index", "token", "session", "signing")
    }


def test_derived_keys_differ_by_purpose(ring):
    assert len({ring.derive(purpose) for purpose in ("index", "token", "session", "signing")}) == 4


def test_no_keys_is_no_start(tmp_path):
    with pytest.raises(StoreUnfit):
        Keyring.open(tmp_path, kek=None, create=False)


def test_a_key_open_to_others_is_refused(ring, tmp_path):
    (tmp_path / "keys/kek").chmod(0o444)
    with pytest.raises(StoreUnfit, match="open to others"):
        Keyring.open(tmp_path / "keys", kek=None, create=False)


def test_a_key_of_other_data_is_refused(ring, tmp_path):
    Keyring.open(tmp_path / "other", kek=None, create=True)
    (tmp_path / "keys/kek").unlink()
    shutil.copy(tmp_path / "other/kek", tmp_path / "keys/kek")
    with pytest.raises(StoreUnfit, match="does not belong"):
        Keyring.open(tmp_path / "keys", kek=None, create=False)


def test_a_missing_kek_is_refused(ring, tmp_path):
    (tmp_path / "keys/kek").unlink()
    with pytest.raises(StoreUnfit, match="missing"):
        Keyring.open(tmp_path / "keys", kek=None, create=False)


def test_a_damaged_ring_is_refused(ring, tmp_path):
    (tmp_path / "keys/ring.json").write_text("{")
    with pytest.raises(StoreUnfit):
        Keyring.open(tmp_path / "keys", kek=None, create=False)


def test_a_kek_of_the_environment_is_needed_again(tmp_path):
    Keyring.open(tmp_path, kek=KEK, create=True)
    assert not (tmp_path / "kek").exists()
    Keyring.open(tmp_path, kek=KEK, create=False)
    with pytest.raises(StoreUnfit, match="CLOSURES_KEK"):
        Keyring.open(tmp_path, kek=None, create=False)
    with pytest.raises(StoreUnfit, match="does not belong"):
        Keyring.open(tmp_path, kek=bytes(32), create=False)


@pytest.mark.parametrize("text", [KEK.hex(), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", f" {KEK.hex()}\n"])
def test_a_kek_is_read_from_hexadecimal_or_base64(text):
    assert read_kek(text) == KEK


@pytest.mark.parametrize("text", ["", "secret", KEK.hex()[:-2], "é"])
def test_what_is_no_kek_is_refused_without_echo(text):
    with pytest.raises(StoreUnfit) as refused:
        read_kek(text)
    assert not text or text not in str(refused.value)


def test_rotation_keeps_what_was_sealed_and_the_old_kek_opens_nothing(ring, tmp_path):
    ring.ensure(b"u1")
    before = ring.seal(b"u1", *PLACE, b"plain")
    shutil.copytree(tmp_path / "keys", tmp_path / "old")
    derived = ring.derive("index")
    ring.rotate()
    after = ring.seal(b"u1", *PLACE, b"plain")
    again = Keyring.open(tmp_path / "keys", kek=None, create=False)
    assert [again.unseal(b"u1", *PLACE, sealed) for sealed in (before, after)] == [b"plain", b"plain"]
    assert (before[1:3], after[1:3]) == (b"\x00\x01", b"\x00\x02")
    assert again.derive("index") == derived
    shutil.copy(tmp_path / "keys/ring.json", tmp_path / "old/ring.json")
    with pytest.raises(StoreUnfit):
        Keyring.open(tmp_path / "old", kek=None, create=False)


def test_rotation_under_a_kek_of_the_environment(tmp_path):
    ring = Keyring.open(tmp_path, kek=KEK, create=True)
    with pytest.raises(StoreUnfit, match="new one"):
        ring.rotate()
    ring.rotate(new_kek=bytes(32))
    assert Keyring.open(tmp_path, kek=bytes(32), create=False).derive("index") == ring.derive("index")
    with pytest.raises(StoreUnfit):
        Keyring.open(tmp_path, kek=KEK, create=False)


def test_a_shredded_owner_is_unreadable_in_every_process(ring, tmp_path):
    ring.ensure(b"u1")
    ring.ensure(b"u2")
    sealed, other = ring.seal(b"u1", *PLACE, b"plain"), ring.seal(b"u2", *PLACE, b"plain")
    second = Keyring.open(tmp_path / "keys", kek=None, create=False)
    assert second.unseal(b"u1", *PLACE, sealed) == b"plain"
    ring.shred(b"u1")
    time.sleep(1.1)  # a process looks at the ring at most once a second
    for one in (ring, second):
        with pytest.raises(Shredded):
            one.unseal(b"u1", *PLACE, sealed)
        with pytest.raises(Shredded):
            one.seal(b"u1", *PLACE, b"more")
        assert one.unseal(b"u2", *PLACE, other) == b"plain"
        assert (one.is_shredded(b"u1"), one.is_shredded(b"u2")) == (True, False)
    with pytest.raises(Shredded):
        ring.ensure(b"u1")
    assert ring.owners() == {SERVICE_OWNER, b"u2"}


def test_an_owner_made_in_another_process_opens_here(ring, tmp_path):
    code = (
        "import sys; from pathlib import Path; from app.security.keyring import Keyring\n"
        "ring = Keyring.open(Path(sys.argv[1]), kek=None, create=False); ring.ensure(b'u9')\n"
        "print(ring.seal(b'u9', 'closures', 'sealed', b'row', 1, b'plain').hex())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "keys")], capture_output=True, text=True, check=True
    )
    assert ring.unseal(b"u9", *PLACE, bytes.fromhex(done.stdout.strip())) == b"plain"


def test_many_processes_make_one_key_for_one_owner(ring, tmp_path):
    code = (
        "import sys; from pathlib import Path; from app.security.keyring import Keyring\n"
        "ring = Keyring.open(Path(sys.argv[1]), kek=None, create=True)\n"
        "[ring.ensure(bytes([n])) for n in range(20)]\n"
        "print(ring.seal(bytes([7]), 'closures', 'sealed', b'row', 1, b'plain').hex())"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "keys")], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    sealed = [bytes.fromhex(one.communicate()[0].strip()) for one in running]
    assert [ring.unseal(bytes([7]), *PLACE, one) for one in sealed] == [b"plain"] * 4


def test_a_value_of_an_unknown_key_is_broken(ring):
    ring.ensure(b"u1")
    sealed = bytearray(ring.seal(b"u1", *PLACE, b"plain"))
    sealed[2] = 9
    with pytest.raises(SealBroken, match="not in the ring"):
        ring.unseal(b"u1", *PLACE, bytes(sealed))


def test_a_folder_or_ring_open_to_others_is_refused(ring, tmp_path):
    (tmp_path / "keys/ring.json").chmod(0o644)
    with pytest.raises(StoreUnfit, match="open to others"):
        Keyring.open(tmp_path / "keys", kek=None, create=False)
    (tmp_path / "keys/ring.json").chmod(0o600)
    (tmp_path / "keys").chmod(0o755)
    with pytest.raises(StoreUnfit, match="open to others"):
        Keyring.open(tmp_path / "keys", kek=None, create=True)


def test_no_key_is_made_over_a_lost_ring(ring, tmp_path):
    ring.rotate()
    (tmp_path / "keys/ring.json").unlink()
    with pytest.raises(StoreUnfit, match=r"ring\.json is missing"):
        Keyring.open(tmp_path / "keys", kek=None, create=True)


def test_a_set_kek_is_not_passed_over_for_a_file(ring, tmp_path):
    with pytest.raises(StoreUnfit, match="CLOSURES_KEK is set"):
        Keyring.open(tmp_path / "keys", kek=KEK, create=False)


def test_an_owner_without_a_key_can_neither_seal_nor_open(ring):
    with pytest.raises(StoreUnfit, match="no data key"):
        ring.seal(b"u1", *PLACE, b"plain")
    with pytest.raises(SealBroken, match="not in the ring"):
        ring.unseal(b"u1", *PLACE, ring.seal(SERVICE_OWNER, *PLACE, b"plain"))


def test_a_value_of_one_owner_does_not_open_for_another(ring):
    ring.ensure(b"u1")
    ring.ensure(b"u2")
    with pytest.raises(SealBroken):
        ring.unseal(b"u2", *PLACE, ring.seal(b"u1", *PLACE, b"plain"))


def test_ensuring_twice_keeps_the_key(ring, tmp_path):
    second = Keyring.open(tmp_path / "keys", kek=None, create=False)
    ring.ensure(b"u1")
    stored = (tmp_path / "keys/ring.json").read_bytes()
    ring.ensure(b"u1")
    second.ensure(b"u1")  # which has not looked since
    assert (tmp_path / "keys/ring.json").read_bytes() == stored


def test_the_keys_of_the_service_are_not_shredded(ring):
    with pytest.raises(Refusal, match="Shred a User"):
        ring.shred(SERVICE_OWNER)
    assert ring.owners() == {SERVICE_OWNER}


def test_a_shred_outlives_rotation_and_is_said_twice_alike(ring, tmp_path):
    ring.ensure(b"u1")
    sealed = ring.seal(b"u1", *PLACE, b"plain")
    ring.shred(b"u1")
    ring.shred(b"u1")
    ring.rotate()
    again = Keyring.open(tmp_path / "keys", kek=None, create=False)
    with pytest.raises(Shredded):
        again.unseal(b"u1", *PLACE, sealed)


def test_another_process_finds_a_rotated_key_at_once(ring, tmp_path):
    ring.ensure(b"u1")
    second = Keyring.open(tmp_path / "keys", kek=None, create=False)
    before = second.seal(b"u1", *PLACE, b"before")
    ring.rotate()
    after = ring.seal(b"u1", *PLACE, b"after")
    assert [second.unseal(b"u1", *PLACE, sealed) for sealed in (after, before)] == [b"after", b"before"]
    assert second.seal(b"u1", *PLACE, b"more")[1:3] == b"\x00\x02"
    assert [path.name for path in (tmp_path / "keys").glob("kek*")] == [_kek_name(tmp_path / "keys")]


def test_another_process_drops_a_shredded_key_when_it_misses_another(ring, tmp_path):
    ring.ensure(b"u1")
    second = Keyring.open(tmp_path / "keys", kek=None, create=False)
    ring.rotate()
    newest = ring.seal(b"u1", *PLACE, b"plain")
    ring.shred(b"u1")
    with pytest.raises(Shredded):
        second.unseal(b"u1", *PLACE, newest)


def test_rotation_takes_a_new_kek_only_where_it_belongs(ring, tmp_path):
    with pytest.raises(StoreUnfit, match="Leave out"):
        ring.rotate(new_kek=KEK)
    given = Keyring.open(tmp_path / "given", kek=KEK, create=True)
    with pytest.raises(StoreUnfit, match="new one"):
        given.rotate(new_kek=KEK)


def test_a_process_with_the_kek_of_yesterday_serves_until_its_restart(tmp_path):
    operator, running = (Keyring.open(tmp_path, kek=KEK, create=True) for _ in range(2))
    for owner in (b"u1", b"u2"):
        operator.ensure(owner)
    before = running.seal(b"u1", *PLACE, b"before")
    doomed = running.seal(b"u2", *PLACE, b"doomed")
    operator.rotate(new_kek=bytes(32))
    after = operator.seal(b"u1", *PLACE, b"after")
    for change in (lambda: running.ensure(b"u3"), lambda: running.unseal(b"u1", *PLACE, after), running.rotate):
        with pytest.raises(StoreUnfit, match="Restart"):
            change()
    assert running.unseal(b"u1", *PLACE, before) == b"before"
    assert operator.unseal(b"u1", *PLACE, running.seal(b"u1", *PLACE, b"more")) == b"more"
    # It cannot open the new ring, yet it sees and believes what was shredded there.
    operator.shred(b"u2")
    time.sleep(1.1)
    with pytest.raises(Shredded):
        running.unseal(b"u2", *PLACE, doomed)
    assert running.owners() == {SERVICE_OWNER, b"u1"}
    operator.ensure(b"u4")
    assert operator.unseal(b"u4", *PLACE, operator.seal(b"u4", *PLACE, b"new")) == b"new"


def test_a_running_process_takes_no_ring_of_other_data(ring, tmp_path):
    Keyring.open(tmp_path / "other", kek=None, create=True).rotate()
    for path in (tmp_path / "other").iterdir():
        shutil.copy(path, tmp_path / "keys" / path.name)
    with pytest.raises(StoreUnfit, match="other data"):
        ring.ensure(b"u1")


def test_a_running_process_stops_when_its_ring_is_altered_or_gone(ring, tmp_path):
    stored = tmp_path / "keys/ring.json"
    kept = stored.read_bytes()
    stored.write_bytes(kept.replace(b'"owners": {', b'"owners": {"00": {},', 1))
    time.sleep(1.1)
    for _ in range(2):
        with pytest.raises(StoreUnfit, match="damaged"):
            ring.seal(SERVICE_OWNER, *PLACE, b"plain")
    stored.unlink()
    with pytest.raises(StoreUnfit, match="missing"):
        ring.seal(SERVICE_OWNER, *PLACE, b"plain")
    stored.touch(mode=0o600)
    stored.write_bytes(kept)
    assert ring.unseal(SERVICE_OWNER, *PLACE, ring.seal(SERVICE_OWNER, *PLACE, b"plain")) == b"plain"


def test_rotations_under_load_fail_no_request(ring, tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from app.security.keyring import Keyring\n"
        "place = ('closures', 'sealed', b'row', 1); until = time.monotonic() + 3; versions = set()\n"
        "while time.monotonic() < until:\n"
        "    ring = Keyring.open(Path(sys.argv[1]), kek=None, create=False)\n"
        "    for n in range(200):\n"
        "        sealed = ring.seal(b'u1', *place, b'plain'); versions.add(sealed[2])\n"
        "        assert ring.unseal(b'u1', *place, sealed) == b'plain'\n"
        "print(len(versions) > 3)"
    )
    ring.ensure(b"u1")
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "keys")], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    while any(one.poll() is None for one in running):
        ring.rotate()
        time.sleep(0.02)
    assert [(one.communicate()[0], one.returncode) for one in running] == [("True\n", 0)] * 2


def _kek_name(folder):
    return json.loads((folder / "ring.json").read_bytes())["kek"]
