"""Whether the clock is believed, by command; and confirming it."""

from dataclasses import replace
from datetime import timedelta

from app.factory import utc_now
from app.jobs.clock_watch import watch_clock
from app.store.clock import read_clocks


def test_a_doubted_clock_is_confirmed(bare, register):
    assert bare("clock", "check", "--json").json == {"believed": True, "doubt": None}
    # The test's clock stands still on a day of its own, and the database's does not.
    right = replace(read_clocks(register.store, utc_now), database=None)
    watch_clock(register, replace(right, since_boot=right.since_boot + timedelta(days=2)))
    assert watch_clock(register, right).off == timedelta(days=2)
    said = bare("clock", "check")
    assert (said.exit_code, said.lines) == (1, ["The clock is doubted: 2 days, 0:00:00 ahead of its own pace."])
    confirmed = bare("clock", "confirm", "--json")
    assert (confirmed.exit_code, confirmed.json) == (
        0, {"now": "2026-11-24T09:00:00Z", "doubt": "2 days, 0:00:00 ahead of its own pace"},
    )  # fmt: skip
    assert bare("clock", "check").lines == ["The clock is believed."]
    assert watch_clock(register, right) is None
    assert bare("clock", "confirm").lines == ["The clock is believed as it is. It was not doubted."]
