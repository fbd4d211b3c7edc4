"""A backup's file is there whole or as it was before; nothing is left beside it, and a killed one's is taken over."""

import fcntl
import resource
import signal

import pytest

from app.domain.refusal import BackupRefused
from app.store.backup_file import backup_file

BEFORE, AFTER = b"\x1f\x8bbefore", b"\x1f\x8bafter"


@pytest.fixture
def target(tmp_path):
    (tmp_path / "b").write_bytes(BEFORE)
    return tmp_path / "b"


def files(target):
    return {path.name: path.read_bytes() for path in target.parent.iterdir()}


@pytest.fixture
def full_disk():
    """Let this process write no file beyond a kilobyte: a refusal by the kernel."""
    before, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)


def test_a_disk_that_fills_up_leaves_the_backup_of_before(target, full_disk):
    with pytest.raises(BackupRefused, match="File too large") as refused, backup_file(target) as out:
        out.write(bytes(100_000))
    assert refused.value.remedy.startswith("Make room there")
    assert files(target) == {"b": BEFORE}


def test_what_fails_on_the_way_leaves_the_backup_of_before(target):
    def half_of_it():
        with backup_file(target) as out:
            out.write(AFTER)
            assert len(files(target)) == 2
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_of_it()
    assert files(target) == {"b": BEFORE}


def test_what_a_killed_process_left_is_taken_over_and_what_another_writes_is_not(target):
    part = target.with_name(".b.part")
    part.write_bytes(b"half of a longer one")
    with part.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BackupRefused, match="Another backup"), backup_file(target):
            pass
    assert files(target) == {"b": BEFORE, ".b.part": b"half of a longer one"}
    with backup_file(target) as out:
        out.write(AFTER)
    assert files(target) == {"b": AFTER}
