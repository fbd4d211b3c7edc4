"""What the domain's tests share: lines of a schedule by minutes."""

from datetime import UTC, datetime, timedelta

import pytest
from app.domain.late_change import Assessment
from app.domain.schedule import ScheduledClosure

from app.domain.closure import State
from app.domain.notice_period import NoticePeriod
from app.domain.window import ClosureWindow

START = datetime(2026, 12, 6, tzinfo=UTC)
_LEAD = NoticePeriod(25, ">=20", short_notice=False, recommended_days=20, policy_version=1, holiday_version="t")


@pytest.fixture(scope="session")
def line():
    """Return a function that makes a line of a schedule: ``line("A", "G1", first minute, minutes)`` from START on."""

    def make(reference, gateway, first, length, state=State.PLANNED, told=START - timedelta(days=90)):
        starts = START + timedelta(minutes=first)
        window = ClosureWindow(starts, starts + timedelta(minutes=length))
        lead = Assessment(_LEAD, _LEAD, _LEAD)
        return ScheduledClosure(reference, "ACME", gateway, window, state, 1, told, told, 0, None, lead)

    return make
