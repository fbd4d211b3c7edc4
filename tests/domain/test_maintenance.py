from datetime import UTC, datetime, timedelta

import pytest

from app.domain.maintenance import Maintenance, MaintenanceKind
from app.domain.window import ClosureWindow


def maintenance(kind, starts, ends):
    window = ClosureWindow(*(datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (starts, ends)))
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Maintenance(
        id=b"m", reference="DM-1", kind=kind, uid="m", recurrence_id="", window=window, withdrawn=False, number=1,
        first_received_at=at, received_at=at,
    )  # fmt: skip


def test_maintenance_reaches_over_its_window_alone():
    one = maintenance(MaintenanceKind.MAINTENANCE, "2026-06-27T22:00", "2026-06-28T04:00")
    assert (one.reach(0), one.reach(3)) == (one.window, one.window)


@pytest.mark.parametrize(
    ("starts", "ends", "days", "reach"),
    [
        # A summer day in London begins at 23:00 UTC of the day before.
        ("2026-06-25T08:00", "2026-06-25T20:00", 0, ("2026-06-24T23:00", "2026-06-25T23:00")),
        ("2026-06-25T08:00", "2026-06-25T20:00", 2, ("2026-06-22T23:00", "2026-06-27T23:00")),
        # A release up to London midnight does not touch the next day.
        ("2026-11-05T00:00", "2026-11-06T00:00", 0, ("2026-11-05T00:00", "2026-11-06T00:00")),
        ("2026-11-05T00:00", "2026-11-06T00:01", 0, ("2026-11-05T00:00", "2026-11-07T00:00")),
        # Over the night in which the clocks go back: the reach is of London days, 25 hours one of them.
        ("2026-10-25T08:00", "2026-10-25T09:00", 0, ("2026-10-24T23:00", "2026-10-26T00:00")),
        ("2026-10-25T08:00", "2026-10-25T09:00", 1, ("2026-10-23T23:00", "2026-10-27T00:00")),
    ],
)
def test_a_release_reaches_over_whole_london_days(starts, ends, days, reach):
    found = maintenance(MaintenanceKind.RELEASE, starts, ends).reach(days)
    assert [f"{instant:%Y-%m-%dT%H:%M}" for instant in (found.starts, found.ends)] == list(reach)
    assert found.ends - found.starts >= timedelta(days=1)
