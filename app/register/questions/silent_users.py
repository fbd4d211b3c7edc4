"""Which Users have filed nothing for months: silence is not "no changes" (Q12)."""

from calendar import monthrange
from datetime import UTC, datetime

from typing_extensions import TypedDict

from app.domain.access import Principal
from app.domain.london import LONDON, london_text, read_wall_clock, utc_text
from app.register.questions.answer import count_words, sentence_of
from app.register.reading import visible_users
from app.register.register import Register
from app.store import notices

_MONTHS = 12


class SilentUserJson(TypedDict):
    """A User that filed nothing; ``last_notice`` is null where it never filed any."""

    user: str
    last_notice: str | None


class SilentUsersJson(TypedDict):
    """Which Users filed nothing since ``since``; the Link header leads to the next page."""

    answer: str
    months: int
    since: str
    as_of: str | None
    users: list[SilentUserJson]


def silent_users(
    register: Register, principal: Principal, months: int, as_of: datetime | None, now: datetime
) -> SilentUsersJson:
    """Answer which Users sent no notice for ``months`` before ``as_of`` (None: now), the longest silent first.

    Every notice counts, also one of which nothing could be read or that said nothing new.
    """
    at = as_of or now
    since = months_before(at, months)
    everyone = register.history.parties()
    with register.store.reading() as connection:
        last = notices.last_received(connection, at)
    silent = [
        (last.get(key), code)
        for key, code in visible_users(principal, everyone).items()
        if key not in last or last[key] < since
    ]
    silent.sort(key=lambda entry: (entry[0] or datetime.min.replace(tzinfo=UTC), entry[1]))
    words = f"{count_words(len(silent), 'User')} filed nothing since {london_text(since)}"
    if silent:
        words += f": {', '.join(code for _, code in silent)}"
    return {
        "answer": sentence_of(words),
        "months": months,
        "since": utc_text(since),
        "as_of": None if as_of is None else utc_text(as_of),
        "users": [_facts(code, received) for received, code in silent],
    }


def months_before(at: datetime, months: int) -> datetime:
    """Return the same London time ``months`` calendar months earlier, on the last day of a month that is shorter."""
    local = at.astimezone(LONDON).replace(tzinfo=None)
    year, month = divmod(local.year * _MONTHS + local.month - 1 - months, _MONTHS)
    day = min(local.day, monthrange(year, month + 1)[1])
    return read_wall_clock(local.replace(year=year, month=month + 1, day=day))[0]


def _facts(code: str, received: datetime | None) -> SilentUserJson:
    return {"user": code, "last_notice": None if received is None else utc_text(received)}
