"""The key folder on a real file system: closed to others, replaced whole, and nothing lost on a full disk."""

import multiprocessing
import resource
import signal
import threading

import pytest

from app.domain.refusal import StoreBusy, StoreFull, StoreUnfit
from app.security import key_folder
from app.security.key_folder import KeyFolder


def names(folder):
    return sorted(path.name for path in folder.path.iterdir())


@pytest.fixture
def folder(tmp_path):
    made = KeyFolder(tmp_path / "a/keys")
    made.make()
    return made


def test_the_folder_is_made_closed_to_others(folder):
    assert oct(folder.path.stat().st_mode & 0o777) == "0o700"
    folder.make()
    folder.check()


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701])
def test_a_folder_open_to_others_is_refused(folder, mode):
    folder.path.chmod(mode)
    with pytest.raises(StoreUnfit, match="chmod 0700"):
        folder.check()


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(StoreUnfit, match="no key folder"):
        KeyFolder(tmp_path / "none").check()
    with pytest.raises(StoreUnfit, match="cannot be used"), KeyFolder(tmp_path / "none").locked():
        pass


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnfit, match="cannot be made"):
        KeyFolder(tmp_path / "file/keys").make()


def test_a_file_is_replaced_whole_and_its_stamp_differs(folder):
    folder.write("x", b"one", 0o600)
    first = folder.stamp("x")
    folder.write("x", b"two", 0o400)
    assert (folder.read("x"), folder.stamp("x") != first, folder.holds("x")) == (b"two", True, True)
    assert (oct((folder.path / "x").stat().st_mode & 0o777), names(folder)) == ("0o400", ["x"])


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620])
def test_a_file_open_to_others_is_refused(folder, mode):
    folder.write("x", b"one", 0o600)
    (folder.path / "x").chmod(mode)
    with pytest.raises(StoreUnfit, match="open to others"):
        folder.read("x")


def test_a_missing_file_is_refused(folder):
    for ask in (folder.read, folder.stamp):
        with pytest.raises(StoreUnfit, match="missing"):
            ask("x")


def _write_on_a_full_disk(folder, answers):
    # Beyond this size a write is cut short and the next one fails: what a disk does that fills up.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    try:
        folder.write("x", b"n" * 1_000, 0o600)
    except StoreFull as refused:
        answers.put(refused.text)
    else:
        answers.put("written")


def test_a_full_disk_leaves_the_old_file(folder):
    folder.write("x", b"old", 0o600)
    forked = multiprocessing.get_context("fork")
    answers = forked.Queue()
    other = forked.Process(target=_write_on_a_full_disk, args=(folder, answers))
    other.start()
    assert answers.get(timeout=30) == "The key folder cannot be written: nothing was changed."
    other.join(30)
    assert folder.read("x") == b"old"
    folder.write("x", b"new", 0o600)
    assert (folder.read("x"), names(folder)) == (b"new", ["x"])


def test_a_folder_that_refuses_a_file_says_so(folder):
    (folder.path / "x.part").mkdir()
    with pytest.raises(StoreFull, match="cannot be written"):
        folder.write("x", b"new", 0o600)
    assert not folder.holds("x")


def test_other_files_of_a_pattern_are_removed(folder):
    for name in ("kek", "kek-1", "kek-2", "ring"):
        folder.write(name, b"", 0o600)
    folder.remove_others("kek*", keep="kek-2")
    assert names(folder) == ["kek-2", "ring"]


def test_a_file_that_cannot_be_removed_is_named(folder):
    (folder.path / "kek-1").mkdir()
    with pytest.raises(StoreFull, match="all of kek"):
        folder.remove_others("kek*", keep="kek")


def test_one_holder_of_the_lock_at_a_time(folder):
    order = []

    def second():
        with folder.locked():
            order.append("second")

    with folder.locked():
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.1)
        order.append("first")
    waiting.join(30)
    assert order == ["first", "second"]


def test_who_keeps_the_folder_for_too_long_is_not_waited_for(folder, monkeypatch):
    monkeypatch.setattr(key_folder, "_WAITS_SECONDS", 0.1)
    with folder.locked(), pytest.raises(StoreBusy) as refused, folder.locked():
        pass
    assert str(refused.value).startswith(f"Another process has kept the key folder {folder.path} for 0.1 seconds.")
    with folder.locked():
        pass
