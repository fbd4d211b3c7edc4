"""When many gateways are closed or re-open together (Q10), and when few are (Q9)."""

from datetime import datetime, timedelta
from itertools import islice

from typing_extensions import TypedDict

from app.domain.access import Principal
from app.domain.load import HourLoad, free_slots, hourly_load, hours_around
from app.domain.london import london_text, utc_text
from app.domain.window import ClosureWindow
from app.register.closure_json import SpanJson, span_facts, window_facts
from app.register.questions.answer import count_words, sentence_of, span_words
from app.register.reading import Question, read_schedule, visible_users
from app.register.register import Register
from app.store import parties
from feeds.closure_json import WindowJson

_MOST_SLOTS = 100


class HourJson(TypedDict):
    """What is closed, and what re-opens, in one hour; ``shares`` are of all gateways of a party category."""

    hour: str
    hour_london: str
    closed: int
    reopening: int
    shares: dict[str, float]


class BusiestHoursJson(SpanJson):
    """The hours with most gateways re-opening, then most closed."""

    answer: str
    hours: list[HourJson]


class FreeSlotsJson(SpanJson):
    """The windows in which fewer than ``below`` gateways are closed; ``more``: there are more than are named."""

    answer: str
    hours: float
    below: int
    slots: list[WindowJson]
    more: bool


def busiest_hours(
    register: Register, principal: Principal, span: ClosureWindow, as_of: datetime | None, most: int
) -> BusiestHoursJson:
    """Answer which hours have most gateways re-opening, then most closed; ``most`` of them (Q10)."""
    found = read_schedule(register, principal, Question(hours_around(span), as_of=as_of))
    hours = hourly_load(found, span, categories_of(register, principal))
    busiest = sorted(hours, key=lambda hour: (-hour.reopening, -hour.closed, hour.starts))[:most]
    if busiest:
        first = busiest[0]
        words = (
            f"{count_words(first.reopening, 'gateway')} re-open in the hour from {london_text(first.starts)}, "
            f"in which {first.closed} are closed at some time"
        )
    else:
        words = f"no gateways are closed in {span_words(span)}"
    return {
        "answer": sentence_of(words),
        **span_facts(span, as_of),
        "hours": [hour_facts(hour) for hour in busiest],
    }


def find_free_slots(
    register: Register,
    principal: Principal,
    question: Question,
    *,
    hours: float,
    below: int,
) -> FreeSlotsJson:
    """Answer in which windows of the span, ``hours`` or longer, fewer than ``below`` gateways are closed (Q9)."""
    found = read_schedule(register, principal, question)
    slots = list(islice(free_slots(found, question.span, timedelta(hours=hours), below), _MOST_SLOTS + 1))
    fewer = f"fewer than {count_words(below, 'gateway')} closed"
    if slots:
        words = f"the next window of at least {hours:g} h with {fewer} is {span_words(slots[0])}"
    else:
        words = f"no window of at least {hours:g} h has {fewer} in {span_words(question.span)}"
    return {
        "answer": sentence_of(words),
        **span_facts(question.span, question.as_of),
        "hours": hours,
        "below": below,
        "slots": [window_facts(slot) for slot in slots[:_MOST_SLOTS]],
        "more": len(slots) > _MOST_SLOTS,
    }


def categories_of(register: Register, principal: Principal) -> dict[str, frozenset[str]]:
    """Return, for each gateway of the Users that the principal may see, the party categories of those Users."""
    everyone = register.history.parties()
    seen = visible_users(principal, everyone)
    with register.store.reading() as connection:
        links = parties.gateway_links(register.store, connection)
    codes = {gateway.id: gateway.code for gateway in everyone.gateways.values()}
    found: dict[str, set[str]] = {}
    for user_id, gateway_id in links:
        if user_id in seen and gateway_id in codes:
            found.setdefault(codes[gateway_id], set()).add(everyone.users[user_id].category)
    return {code: frozenset(named) for code, named in found.items()}


def hour_facts(hour: HourLoad) -> HourJson:
    """Return one hour as JSON; a share is of all gateways of the category."""
    return {
        "hour": utc_text(hour.starts),
        "hour_london": london_text(hour.starts),
        "closed": hour.closed,
        "reopening": hour.reopening,
        "shares": {category: round(share, 4) for category, share in hour.shares},
    }
