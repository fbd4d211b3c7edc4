"""A new root secret: other keys for every purpose, found by running processes, and what the old one opened is closed."""

import shutil
import time
from datetime import UTC, datetime

import pytest

from app.domain.refusal import StoreBusy, StoreUnfit
from app.security.high_water import HighWaterMark
from app.security.keyring import SERVICE_OWNER, Keyring
from app.security.ring import KEPT, PURPOSES
from app.security.row_proofs import RowProofs

PLACE = ("closures", "sealed", b"row", 1)
KEK = bytes(range(32))
MARK = HighWaterMark(b"d" * 16, 3, b"e" * 32, datetime(2026, 11, 24, tzinfo=UTC))


@pytest.fixture
def ring(tmp_path):
    made = Keyring.open(tmp_path / "keys", kek=None, create=True)
    made.ensure(b"u1")
    return made


def reopened(tmp_path):
    return Keyring.open(tmp_path / "keys", kek=None, create=False)


def test_a_new_epoch_has_other_keys_and_keeps_those_of_before(ring, tmp_path):
    before = {purpose: ring.derive(purpose) for purpose in PURPOSES}
    signed = ring.signing_key.sign(b"text")
    sealed = ring.seal(b"u1", *PLACE, b"plain")
    ring.rotate(root=True)
    for one in (ring, reopened(tmp_path)):
        assert (one.epoch, one.is_settled) == (2, False)
        assert {one.derive(purpose) for purpose in PURPOSES}.isdisjoint(before.values())
        assert [one.derived(purpose) for purpose in KEPT] == [(before[name], one.derive(name)) for name in KEPT]
        assert one.unseal(b"u1", *PLACE, sealed) == b"plain"
        assert one.public_keys[0].public_bytes_raw() == one.signing_key.public.public_bytes_raw()
        one.public_keys[1].verify(signed, b"text")


def test_proofs_of_before_are_taken_until_the_rotation_is_settled_and_after_a_restore(ring, tmp_path):
    running = reopened(tmp_path)
    rows, others = RowProofs(ring.proving_keys("proof")), RowProofs(running.proving_keys("proof"))
    old = rows.of("head", [1])
    ring.rotate(root=True)
    new = rows.of("head", [1])
    assert new != old
    # The process that has not looked since looks when it meets one.
    assert [others.fits("head", [1], proof) for proof in (new, old)] == [True, True]
    with pytest.raises(StoreBusy):
        ring.settle(1)
    ring.settle(2)
    assert [rows.fits("head", [1], proof) for proof in (new, old)] == [True, False]
    assert [RowProofs(reopened(tmp_path).proving_keys("proof")).fits("head", [1], one) for one in (new, old)] == [
        True,
        False,
    ]
    ring.unsettle()
    assert [rows.fits("head", [1], proof) for proof in (new, old)] == [True, True]


def test_the_high_water_mark_is_written_under_the_new_key_at_once(ring, tmp_path):
    ring.high_water.raise_to(MARK)
    running, kept = reopened(tmp_path), (tmp_path / "keys/high-water.json").read_bytes()
    ring.rotate(root=True)
    assert (tmp_path / "keys/high-water.json").read_bytes() != kept
    assert [one.high_water.read() for one in (ring, running, reopened(tmp_path))] == [MARK] * 3
    ring.settle(2)
    (tmp_path / "keys/high-water.json").write_bytes(kept)
    with pytest.raises(StoreUnfit, match="of other keys"):
        ring.high_water.read()


def test_a_running_process_finds_the_new_root_within_a_second(ring, tmp_path):
    running = reopened(tmp_path)
    ring.rotate(root=True)
    time.sleep(1.1)
    assert running.unseal(b"u1", *PLACE, running.seal(b"u1", *PLACE, b"plain")) == b"plain"
    assert (running.epoch, running.derive("index")) == (2, ring.derive("index"))


def test_a_running_process_takes_no_ring_of_before_nor_the_epoch_of_other_data(ring, tmp_path):
    shutil.copytree(tmp_path / "keys", tmp_path / "before")
    ring.rotate(root=True)
    other = Keyring.open(tmp_path / "other", kek=None, create=True)
    for _ in range(2):
        other.rotate(root=True)
    for folder in ("before", "other"):
        for path in (tmp_path / folder).iterdir():
            shutil.copy(path, tmp_path / "keys" / path.name)
        with pytest.raises(StoreUnfit, match="other data"):
            ring.ensure(b"u2")


def test_a_process_with_the_kek_of_yesterday_serves_by_the_epoch_of_yesterday(tmp_path):
    operator, running = (Keyring.open(tmp_path, kek=KEK, create=True) for _ in range(2))
    before = running.seal(SERVICE_OWNER, *PLACE, b"before")
    operator.high_water.raise_to(MARK)
    operator.rotate(new_kek=bytes(32), root=True)
    after, proof = operator.seal(SERVICE_OWNER, *PLACE, b"after"), RowProofs(operator.proving_keys("proof"))
    rows, covered = RowProofs(running.proving_keys("proof")), operator.cover(before)
    for beyond in (
        lambda: running.ensure(b"u1"),
        lambda: running.unseal(SERVICE_OWNER, *PLACE, after),
        lambda: running.peel(covered),
        lambda: rows.fits("head", [1], proof.of("head", [1])),
    ):
        with pytest.raises(StoreUnfit, match="Restart"):
            beyond()
    assert proof.fits("head", [1], rows.of("head", [1]))
    assert (running.high_water.read(), operator.high_water.read()) == (MARK, MARK)
    assert (running.epoch, running.unseal(SERVICE_OWNER, *PLACE, before)) == (1, b"before")
    assert operator.unseal(SERVICE_OWNER, *PLACE, running.seal(SERVICE_OWNER, *PLACE, b"more")) == b"more"


def test_a_process_that_only_shows_and_uses_the_signing_key_finds_the_new_one(ring, tmp_path):
    running = reopened(tmp_path)
    ring.rotate(root=True)
    time.sleep(1.1)
    assert [key.public_bytes_raw() for key in running.public_keys] == [
        key.public_bytes_raw() for key in ring.public_keys
    ]
    another = reopened(tmp_path)
    ring.rotate(root=True)
    time.sleep(1.1)
    assert another.signing_key.id == ring.signing_key.id
