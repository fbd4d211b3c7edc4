"""The week index finds a closure by the window that stands, not by one that it had before."""

from datetime import UTC, datetime

from app.domain.window import weeks_touched
from app.store import closures as rows


def test_a_moved_closure_is_found_in_its_new_weeks_only(store, alpha, announce, give):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    give(alpha, announce("u1", "2027-06-06T02:00", sender_sequence=1))

    def found(month, day):
        weeks = weeks_touched(datetime(2027, month, day, tzinfo=UTC), datetime(2027, month, day, 23, tzinfo=UTC))
        with store.reading() as connection:
            return [one.mark.uid for one in rows.touching(store, connection, weeks, {alpha.id: "ALPHA"})]

    assert (found(2, 7), found(6, 6)) == ([], ["u1"])
