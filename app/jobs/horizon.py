"""Rules without an end go on: their later occurrences are added as the horizon moves, never as late notices."""

from datetime import datetime

from app.ical.limits import Limits
from app.intake.read_request import ReadRequest
from app.register.register import Register
from app.register.repeating_rules import extend_series
from app.store import parties, runs

_LIMITS = Limits()


def extend_horizon(register: Register, now: datetime) -> int:
    """Add the occurrences that came inside the horizon since each rule was last expanded; return how many."""
    store = register.store
    with store.reading() as connection:
        short = runs.series_short_of(store, connection, now + _LIMITS.horizon - _LIMITS.horizon / 20)
    if not short:
        return 0
    from app.intake.ical import read_ical  # noqa: PLC0415 - the parser, loaded by the scheduler only when it has work

    added = 0
    for stored in short:
        with store.reading() as connection:
            user = parties.user_by_id(store, connection, stored.user_id)
        rule = stored.rule
        reading = read_ical(rule.octets, ReadRequest(now=now, gateways=(rule.gateway,), gateway=rule.gateway))
        added += extend_series(register, user, stored, reading, now)
    return added
