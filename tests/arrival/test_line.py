"""Who gets the next thread."""

import pytest

from app.arrival.line import Line, Requester, requester_of

THREADS = 6

NOISY_READS, NOISY_WRITES = Requester("noisy", writes=False), Requester("noisy", writes=True)
CALM, NOBODY = Requester("calm", writes=True), Requester("", writes=False)


def let_in(line):
    """All who get a thread now, in order."""
    found = []
    while (one := line.next()) is not None:
        found.append(one)
    return found


def test_of_one_credential_a_few_have_threads_and_the_rest_wait_behind_them():
    line = Line[int](THREADS)
    for number in range(20):
        line.join(NOISY_READS, number)
    assert let_in(line) == [0, 1, 2]
    line.join(CALM, 100)
    assert let_in(line) == [100]
    line.leave(NOISY_READS)
    assert let_in(line) == [3]


def test_one_writes_at_a_time_and_its_reads_go_on():
    line = Line[str](THREADS)
    for requester, one in [(NOISY_WRITES, "first"), (NOISY_WRITES, "second"), (NOISY_READS, "read"), (CALM, "other")]:
        line.join(requester, one)
    assert let_in(line) == ["first", "other", "read"]
    line.leave(NOISY_READS)
    assert let_in(line) == []
    line.leave(NOISY_WRITES)
    assert let_in(line) == ["second"]


def test_where_threads_are_short_each_has_its_turn():
    line = Line[str](2)
    line.join(NOBODY, "for long")
    assert let_in(line) == ["for long"]
    for requester, one in [(NOISY_READS, "n1"), (NOISY_READS, "n2"), (CALM, "c1"), (NOBODY, "x1"), (NOBODY, "x2")]:
        line.join(requester, one)
    order = []
    for requester in (NOISY_READS, CALM, NOBODY, NOISY_READS, NOBODY):
        order += let_in(line)
        line.leave(requester)
    assert order == ["n1", "c1", "x1", "n2", "x2"]


def test_who_states_no_credential_is_not_counted():
    line = Line[int](THREADS)
    for number in range(THREADS + 1):
        line.join(requester_of("POST", [("HOST", "a")]), number)
    assert let_in(line) == [*range(THREADS)]


def test_who_asks_is_told_by_the_whole_credential_or_cookie():
    both = [("COOKIE", "session=1"), ("AUTHORIZATION", "Basic x")]
    assert [requester_of("PUT", both), requester_of("REPORT", both[:1]), requester_of("POST", [])] == [
        Requester("Basic x", writes=True), Requester("session=1", writes=False), NOBODY,
    ]  # fmt: skip


@pytest.mark.parametrize(("threads", "of_one"), [(4, 2), (5, 2), (16, 8)])
def test_one_credential_keeps_half_of_the_threads_busy_at_most(threads, of_one):
    line = Line[int](threads)
    for number in range(20):
        line.join(NOISY_READS, number)
    assert let_in(line) == [*range(of_one)]
