"""Who writes next: Users in turn within a process, and processes in turn beside the embedded database."""

import threading
import time

import pytest

from app.domain.refusal import StoreBusy
from app.store.turns import WriterTurns


def waiting_in(turns):
    return sum(map(len, turns._waiting.values()))


def queue_up(turns, whose, written, count):
    """Start a writer of ``whose``; return its thread once it waits as the ``count``-th."""

    def write():
        with turns.turn(whose):
            written.append(whose)

    thread = threading.Thread(target=write)
    thread.start()
    while waiting_in(turns) < count:
        time.sleep(0.001)
    return thread


def test_a_user_who_sends_much_waits_behind_itself_alone(tmp_path):
    turns, written = WriterTurns(60, tmp_path / "database"), []
    with turns.turn(b"noisy"):
        senders = [b"noisy", b"noisy", b"noisy", b"calm", b"other"]
        threads = [queue_up(turns, whose, written, number) for number, whose in enumerate(senders, 1)]
    for thread in threads:
        thread.join(60)
    assert written == [b"noisy", b"calm", b"other", b"noisy", b"noisy"]


def test_a_process_that_wrote_queues_behind_one_that_waits(tmp_path):
    here, there, written = (WriterTurns(60, tmp_path / "database") for _ in range(2)), None, []
    here, there = here
    came, threads = threading.Event(), []

    def write(turns, name, begun):
        begun.set()
        with turns.turn(b""):
            written.append(name)

    with here.turn(b""):
        threads.append(threading.Thread(target=write, args=(there, "there", came)))
        threads[0].start()
        came.wait(60)
        while not _is_held(tmp_path / "database-queue"):
            time.sleep(0.001)
    write(here, "here", threading.Event())
    threads[0].join(60)
    assert written == ["there", "here"]


def _is_held(path):
    """Tell whether somebody waits at the head of the queue: another cannot have its lock."""
    import fcntl

    with path.open() as probe:
        try:
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@pytest.mark.parametrize("apart", [False, True])
def test_nobody_waits_for_ever(tmp_path, apart):
    turns = WriterTurns(0.05, tmp_path / "database")
    other = WriterTurns(0.05, tmp_path / "database") if apart else turns
    with turns.turn(b"a"), pytest.raises(StoreBusy), other.turn(b"b"):
        pass
    with other.turn(b"b"):
        pass
