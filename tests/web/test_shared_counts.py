"""Counts of several processes are one sum, and that never falls, whatever ends."""

import os
import signal

import pytest

from app.web.shared_counts import SharedCounts


@pytest.fixture
def child():
    """Return a function that forks a process which does something and then waits; it gives its id."""
    alive = []

    def fork(work):
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            work()
            os.write(writing, b"done")
            signal.pause()
            os._exit(0)
        alive.append(process)
        assert os.read(reading, 4) == b"done"
        os.close(reading)
        os.close(writing)
        return process

    yield fork
    for process in alive:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


def test_processes_count_into_one_sum_and_each_reads_it(child):
    counts = SharedCounts(2)
    child(lambda: counts.add([(0, 1), (1, 0.5)]))
    child(lambda: counts.add([(0, 10)]))
    counts.add([(0, 100)])
    assert counts.read() == [111, 0.5]


def test_who_comes_after_a_killed_process_goes_on_from_its_counts(child):
    counts = SharedCounts(1)
    for number in range(70):  # more than there are rows: a row is free again when its process ends
        process = os.fork()
        if process == 0:
            counts.add([(0, 1)])
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(process, 0)
        assert counts.read() == [number + 1]
    child(lambda: counts.add([(0, 1)]))
    assert counts.read() == [71]


def test_no_two_living_processes_write_in_one_row(child):
    """Two that add to one number at once lose counts: each reads it, and writes back one more."""
    counts = SharedCounts(1)
    for _ in range(4):
        child(lambda: [counts.add([(0, 1)]) for _ in range(2_000)])
    assert counts.read() == [8_000]
    assert len([octets for octets in counts._memory if octets]) == 2 * 4  # a mark and a count in each row


def test_what_rises_and_falls_is_read_of_each_process_that_lives(child):
    counts = SharedCounts(2)
    counts.put([5, 7])
    other = child(lambda: (counts.put([30, 40]), counts.put([3, 4])))
    gone = os.fork()
    if gone == 0:
        counts.put([1, 1])
        os._exit(0)
    os.waitpid(gone, 0)
    assert counts.of_each() == {0: (os.getpid(), [5, 7]), 1: (other, [3, 4])}
    counts.put([0, 0])
    successor = child(lambda: counts.add([(0, 1)]))
    assert counts.of_each() == {0: (os.getpid(), [0, 0]), 1: (other, [3, 4]), 2: (successor, [2, 1])}
