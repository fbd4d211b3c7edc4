"""The read log stands under acts: what is altered, missing or put into a span that one covers is named."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.jobs.housekeeping import keep_house
from app.register.people import enrolment
from app.register.verification import verify_record
from app.store.read_spans import cover_reads
from app.store.subscriptions import FeedRead, insert_reads
from tests.conftest import NOW

DAY = timedelta(days=1)


@pytest.fixture
def read(register):
    """Fetch a feed so many times at an instant."""
    made = enrolment.add_subscription(
        register.store, scope_text="all", label="wall", secret_url=False, past_days=30, horizon_days=400, now=NOW
    )

    def fetch(count, at=NOW):
        rows = [FeedRead(made.subscription.id, at, 304, number, "curl/8") for number in range(count)]
        with register.store.writing() as connection:
            insert_reads(connection, rows)

    return fetch


@pytest.fixture
def covered(register, read):
    """Two spans of three and of two reads, and one read that no act covers yet. Return the entries of the two."""
    entries = []
    for count in (3, 2):
        read(count)
        entries.append(verify_record(register).size)
        assert cover_reads(register.store) == count
    read(1)
    return entries


def edit(register, statement):
    with register.store.writing() as connection:
        assert connection.execute(sa.text(statement)).rowcount == 1


def found(register):
    verified = verify_record(register)
    return verified.faults, verified.uncovered_reads


def test_reads_are_covered_by_one_act_for_all_since_the_last(register, covered):
    assert covered[1] == covered[0] + 1
    assert found(register) == ((), 1)
    assert cover_reads(register.store) == 1
    assert found(register) == ((), 0)
    size = verify_record(register).size
    assert cover_reads(register.store) == 0
    assert verify_record(register).size == size


EDITS = {
    "altered": ("UPDATE reads SET client = 'wget' WHERE id = 2", 0, "some were altered"),
    "of another feed": ("UPDATE reads SET octets = 7 WHERE id = 5", 1, "some were altered"),
    "missing": ("DELETE FROM reads WHERE id = 3", 0, "1 are missing"),
    "the last of a span": ("DELETE FROM reads WHERE id = 5", 1, "1 are missing"),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_named_by_the_entry_that_covers_it(register, covered, name):
    statement, span, words = EDITS[name]
    edit(register, statement)
    count = (3, 2)[span]
    fault = f"Of the {count} reads of feeds that entry {covered[span]} of the log covers, {words}."
    assert found(register) == ((fault,), 1)


def test_a_read_put_into_a_span_is_named(register, covered):
    edit(register, "UPDATE reads SET id = -1 WHERE id = 6")
    assert found(register) == (("Reads of feeds (1) stand where the acts of the log leave none.",), 0)
    edit(register, "DELETE FROM reads WHERE id = 2")
    edit(register, "UPDATE reads SET id = 2 WHERE id = -1")
    assert found(register)[0] == (
        f"Of the 3 reads of feeds that entry {covered[0]} of the log covers, some were altered.",
    )


def test_a_job_put_back_does_not_cover_what_was_taken_away(register, covered):
    with register.store.reading() as connection:
        held = dict(connection.execute(sa.text("SELECT * FROM job_runs WHERE name = 'read log'")).one()._mapping)
    cover_reads(register.store)
    edit(register, "DELETE FROM reads WHERE id = 6")
    with register.store.writing() as connection:
        put_back = sa.text(
            "UPDATE job_runs SET position = :position, ran_at = :ran_at, proof = :proof, outcome = :outcome"
        )
        connection.execute(put_back, {key: held[key] for key in ("position", "ran_at", "proof", "outcome")})
    with register.store.writing() as connection:
        connection.execute(sa.text("INSERT INTO reads SELECT 7, subscription_id, read_at, status, octets, client "
                                   "FROM reads WHERE id = 1"))  # fmt: skip
    cover_reads(register.store)
    assert (
        f"Entry {covered[1] + 2} of the log covers other reads than those that follow the last ones."
        in verify_record(register).faults
    )


def test_old_reads_are_purged_by_whole_spans_with_an_act_and_the_last_span_stays(register, read):
    store = register.store
    for days in (1, 2, 30):
        read(2, NOW + days * DAY)
        cover_reads(replace(store, now=lambda days=days: NOW + days * DAY))
    purged = keep_house(register, NOW + 402 * DAY + timedelta(hours=1))
    assert "4 reads" in purged
    assert found(register) == ((), 0)
    assert "0 reads" in keep_house(register, NOW + 500 * DAY)
    with store.reading() as connection:
        assert connection.execute(sa.text("SELECT id FROM reads ORDER BY id")).scalars().all() == [5, 6]
    read(1, NOW + 500 * DAY)
    with store.writing() as connection:
        connection.execute(sa.text("UPDATE reads SET id = 3 WHERE id = 5"))
    assert found(register)[0] != ()


def test_reads_that_no_act_covers_are_not_purged(register, read):
    read(2)
    assert "0 reads" in keep_house(register, NOW + 900 * DAY)
