"""What the domain's tests share: closures of a schedule by minutes."""

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.closure import PlannedClosure, State
from app.domain.notice_period import NoticePeriod
from app.domain.verdict import Verdict
from app.domain.window import ClosureWindow

START = datetime(2026, 12, 6, tzinfo=UTC)
_LEAD = NoticePeriod(25, ">=20", short_notice=False, recommended_days=20, policy_version=1, holiday_version="t")


@pytest.fixture(scope="session")
def line():
    """Return a function that makes a closure: ``line("A", "G1", first minute, minutes)`` from START on."""

    def make(reference, gateway, first, length, state=State.PLANNED, told=START - timedelta(days=90)):
        starts = START + timedelta(minutes=first)
        return PlannedClosure(
            id=reference.encode(),
            reference=reference,
            user="ACME",
            gateway=gateway,
            window=ClosureWindow(starts, starts + timedelta(minutes=length)),
            state=state,
            number=1,
            entries=1,
            first_received_at=told,
            window_received_at=told,
            changed_at=told,
            verdict=Verdict(_LEAD, _LEAD, _LEAD),
        )

    return make
