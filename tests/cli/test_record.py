"""``closures record verify``: what it looked at, how long it took, and the read log where no scheduler covers it."""

from datetime import UTC, datetime

import pytest

from app.factory import open_service
from app.settings import read_settings
from app.store.subscriptions import FeedRead, insert_reads

READ = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def fetched(alpha_closures, environ):
    """A feed that was fetched twice."""
    feed = alpha_closures("subscription", "add", "--scope", "all", "--label", "wall", "--json").json["id"]
    service = open_service(read_settings(environ))
    with service.store.writing() as connection:
        insert_reads(connection, [FeedRead(feed, READ, 304, 0, "curl/8")] * 2)
    service.close()


def test_where_no_scheduler_runs_it_covers_the_read_log_once_an_hour(alpha_closures, clock_hand, fetched):
    first = alpha_closures("record", "verify", "--json").json
    assert first.pop("seconds") >= 0
    assert first == {
        "entries": first["entries"],
        "sound": True,
        "faults": [],
        "reads_not_covered_yet": 2,
        "reads_covered_now": 2,
    }
    again = alpha_closures("record", "verify", "--json").json
    assert (again["entries"], again["reads_not_covered_yet"]) == (first["entries"] + 1, 0)


def test_it_says_in_words_what_is_not_covered_and_leaves_it_within_the_hour(
    alpha_closures, clock_hand, fetched, environ
):
    alpha_closures("record", "verify")
    service = open_service(read_settings(environ))
    with service.store.writing() as connection:
        feed = connection.exec_driver_sql("SELECT id FROM subscriptions").scalar()
        insert_reads(connection, [FeedRead(feed, READ, 304, 0, "curl/8")])
    service.close()
    size, *rest = alpha_closures("record", "verify").lines
    assert size.endswith("entries: the record is sound.")
    assert rest[1:] == ["The read log: 1 not covered by an entry yet, 0 of it now."]
    clock_hand.shift(3_601)
    assert alpha_closures("record", "verify").lines[-1] == "The read log: 1 not covered by an entry yet, 1 of it now."
