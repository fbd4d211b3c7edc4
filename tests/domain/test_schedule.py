from datetime import UTC, datetime, timedelta

import pytest

from app.domain.closure import State

START = datetime(2026, 12, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "minute", "is_open"),
    [
        (State.PLANNED, -1, False),
        (State.PLANNED, 0, True),
        (State.PLANNED, 59, True),
        (State.PLANNED, 60, False),
        (State.EXPIRED, 30, True),  # asked about then, it was open
        (State.WITHDRAWN, 30, False),
    ],
)
def test_a_line_is_open_within_its_window(line, state, minute, is_open):
    assert line("A", "G1", 0, 60, state).is_open(START + timedelta(minutes=minute)) is is_open
