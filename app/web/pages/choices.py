"""What a page lets its reader choose from: the Users and gateways that they may see, and days in London."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask import request

from app.domain.access import Principal
from app.domain.london import london_date, read_day, read_instant
from app.domain.party import PARTY_CATEGORIES, Gateway, User, read_code
from app.domain.refusal import Refusal
from app.register.reading import visible_users
from app.register.register import Register
from app.store import parties
from app.store.parties import Parties

_MOST_PAGES = 100_000


class FilterRefused(Refusal):
    """A filter of a page that cannot be answered."""

    code = "filter"


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to choose from, each as (value, words); ``names`` gives a User's name by its code."""

    users: list[tuple[str, str]]
    gateways: list[tuple[str, str]]
    names: dict[str, str]
    categories: dict[str, str]


def visible_in_order(principal: Principal, everyone: Parties) -> list[User]:
    """Return the Users that the principal may see, by code."""
    seen = visible_users(principal, everyone)
    return sorted((everyone.users[key] for key in seen), key=lambda user: user.code)


def choices_of(register: Register, principal: Principal) -> Choices:
    """Return what the principal may choose from: of DCC everything, of a User its own."""
    everyone = register.history.parties()
    users = visible_in_order(principal, everyone)
    return Choices(
        users=_options(users),
        gateways=_options(_gateways(register, principal, everyone)),
        names={user.code: user.name for user in users},
        categories={user.code: user.category for user in users},
    )


def read_choice(name: str) -> str | None:
    """Read the code of a User or gateway; None, if none is chosen."""
    text = request.args.get(name, "").strip()
    return read_code(text) if text else None


def read_category() -> str | None:
    """Read a party category; None, if none is chosen."""
    text = request.args.get("category", "")
    if text and text not in PARTY_CATEGORIES:
        raise FilterRefused("That is not a party category.", f"Choose one of {', '.join(PARTY_CATEGORIES)}.")
    return text or None


def read_first_day(now: datetime) -> date:
    """Read the first London day; today, if none is given."""
    text = request.args.get("from", "")
    return read_day(text) if text else london_date(now)


def read_as_of() -> datetime | None:
    """Read the instant at which something was known; None asks for now."""
    text = request.args.get("as_of", "").strip()
    return read_instant(text)[0] if text else None


def read_page() -> int:
    """Read which page of several; the first, if none is asked for."""
    text = request.args.get("page") or "1"
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:7]) <= _MOST_PAGES):
        raise FilterRefused("That is not a page.", "Begin with the first one.")
    return int(text)


def require_within(first: date, last: date, most_days: int) -> None:
    """Raise ``FilterRefused`` unless the days are in order, not too many, and days that a clock can show."""
    if last < first:
        raise FilterRefused("The last day is before the first.", "Choose a later last day.")
    edge = timedelta(days=most_days)
    if last - first > edge or last > date.max - timedelta(days=2) or first == date.min:
        raise FilterRefused(f"One page shows at most {most_days} days.", "Choose days that are closer together.")


def _gateways(register: Register, principal: Principal, everyone: Parties) -> list[Gateway]:
    if principal.sees_everyone:
        return sorted(everyone.gateways.values(), key=lambda gateway: gateway.code)
    with register.store.reading() as connection:
        links = parties.gateway_links(register.store, connection)
    seen = visible_users(principal, everyone)
    own = {gateway_id for user_id, gateway_id in links if user_id in seen}
    return sorted((entry for entry in everyone.gateways.values() if entry.id in own), key=lambda gateway: gateway.code)


def _options(found: Iterable[User | Gateway]) -> list[tuple[str, str]]:
    return [(entry.code, f"{entry.code} · {entry.name}" if entry.name else entry.code) for entry in found]
