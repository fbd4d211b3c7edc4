"""A store inside a transaction: what it writes is committed with all the rest of that transaction, or not at all."""

import pytest
import sqlalchemy as sa

from app.store import runs
from app.store.runs import JobRun
from tests.conftest import NOW


def note(store, name):
    with store.writing() as connection:
        runs.write_run(connection, JobRun(name, 0, NOW, ""))


def noted(store):
    with store.reading() as connection:
        return {run.name for run in runs.all_runs(connection)}


def test_what_is_written_inside_is_seen_there_and_by_others_once_it_is_committed(store):
    before = noted(store)
    with store.writing() as connection:
        inside = store.within(connection)
        note(inside, "a")
        note(inside, "b")
        assert (noted(inside), noted(store)) == (before | {"a", "b"}, before)
    assert noted(store) == before | {"a", "b"}


def test_a_fault_that_is_caught_leaves_no_half(store):
    before = noted(store)
    with pytest.raises(sa.exc.InvalidRequestError), store.writing() as connection:  # noqa: PT012 - what must not go on
        inside = store.within(connection)
        note(inside, "a")
        with pytest.raises(ZeroDivisionError), inside.writing():
            print(1 / 0)
        note(inside, "b")
    assert noted(store) == before
    note(store, "c")
    assert noted(store) == before | {"c"}
