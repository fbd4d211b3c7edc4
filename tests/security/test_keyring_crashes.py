"""A crash at any step of a first start, a rotation, a shred or a new key leaves a ring that opens."""

import multiprocessing
import os
import shutil
import signal
import sys

import pytest

from app.domain.refusal import Shredded
from app.security.keyring import SERVICE_OWNER, Keyring

PLACE = ("closures", "sealed", b"row", 1)
# What changes the folder tells the interpreter's audit hooks first: each is a moment to die at.
STEPS = {"open", "os.rename", "os.remove"}


def _until_step(number, folder, act):
    """Do ``act`` and be killed, as by a power cut, right before the step of that number in the key folder."""
    left = number

    def watch(event, arguments):
        nonlocal left
        if event in STEPS and str(arguments[0]).startswith(str(folder)):
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    sys.addaudithook(watch)
    act(folder)


def crashes(folder, act):
    """Yield a copy of the folder for each step of ``act`` that can be the last; the last copy is of its end."""
    for number in range(100):
        shutil.rmtree(scene := folder.with_name(f"step{number}"), ignore_errors=True)
        if folder.exists():
            shutil.copytree(folder, scene)
        one = multiprocessing.get_context("fork").Process(target=_until_step, args=(number, scene, act))
        one.start()
        one.join(30)
        yield scene
        if one.exitcode != -signal.SIGKILL:
            assert (one.exitcode, number > 5) == (0, True)
            return
    raise AssertionError("the act has no end")


def reopened(folder):
    return Keyring.open(folder, kek=None, create=False)


def start(folder):
    Keyring.open(folder, kek=None, create=True)


def rotate(folder):
    reopened(folder).rotate()


def shred(folder):
    reopened(folder).shred(b"u1")


def ensure(folder):
    reopened(folder).ensure(b"u2")


@pytest.fixture
def held(tmp_path):
    ring = Keyring.open(tmp_path / "keys", kek=None, create=True)
    ring.ensure(b"u1")
    return tmp_path / "keys", ring.seal(b"u1", *PLACE, b"plain"), ring.derive("index")


def test_a_first_start_is_finished_by_the_next(tmp_path):
    for scene in crashes(tmp_path / "keys", start):
        start(scene)
        assert reopened(scene).owners() == {SERVICE_OWNER}


def test_no_step_of_a_rotation_locks_anybody_out(held):
    folder, sealed, index = held
    keks = []
    for scene in crashes(folder, rotate):
        ring = reopened(scene)
        assert (ring.unseal(b"u1", *PLACE, sealed), ring.derive("index")) == (b"plain", index)
        keks.append(len(list(scene.glob("kek*"))))
        # Rotating again finishes what the crash left: one KEK, and none that opened the ring before.
        ring.rotate()
        assert ring.unseal(b"u1", *PLACE, sealed) == b"plain"
        assert reopened(scene).unseal(b"u1", *PLACE, sealed) == b"plain"
        assert len(list(scene.glob("kek*"))) == 1
        assert list(scene.glob("*.part")) == []
    assert (keks[0], max(keks), keks[-1]) == (1, 2, 1)


def test_a_shred_is_done_or_not_done(held):
    folder, sealed, _ = held
    outcomes = []
    for scene in crashes(folder, shred):
        ring = reopened(scene)
        outcomes.append(ring.is_shredded(b"u1"))
        if not outcomes[-1]:
            assert ring.unseal(b"u1", *PLACE, sealed) == b"plain"
            ring.shred(b"u1")
        with pytest.raises(Shredded):
            ring.unseal(b"u1", *PLACE, sealed)
    assert (outcomes == sorted(outcomes), outcomes[0], outcomes[-1]) == (True, False, True)


def test_a_new_key_is_there_or_made_again(held):
    folder, sealed, _ = held
    for scene in crashes(folder, ensure):
        ring = reopened(scene)
        ring.ensure(b"u2")
        assert reopened(scene).unseal(b"u2", *PLACE, ring.seal(b"u2", *PLACE, b"plain")) == b"plain"
        assert ring.unseal(b"u1", *PLACE, sealed) == b"plain"
