"""Is an alarm a planned closure, asked in the words that somebody has at hand: of each gateway that they mean (Q7)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.domain.access import Principal
from app.domain.asked import Asked
from app.domain.closure import PlannedClosure
from app.domain.party import Gateway, User
from app.domain.triage import Triage, first_instant, triage
from app.register.questions.search import find_mentioned
from app.register.reading import read_of_gateways, visible_users
from app.register.register import Register
from app.store import parties


@dataclass(frozen=True, slots=True)
class Meant:
    """A gateway that was meant, those of its Users that the asker may see, and what is known of it.

    ``named`` are closures that the words name by their reference.
    """

    gateway: Gateway
    users: tuple[User, ...]
    triage: Triage
    named: tuple[PlannedClosure, ...] = ()


def look_up(register: Register, principal: Principal, asked: Asked, now: datetime) -> list[Meant]:
    """Return each gateway that the words mean, most urgent first; none without words.

    They mean the gateways in whose code or name, or code or name of a User, each of them is; a gateway whose whole code
    is one of them goes before others that it is part of. Else they mean the closures in whose reference they are, or in
    an own one, on whichever day. A question about a span is about the first closure in it.
    """
    if not asked.words:
        return []
    seen = _gateways_seen(register, principal)
    meant = [one for one in seen if asked.meets(*_texts_of(*one))]
    exact = [one for one in meant if one[0].code.casefold() in asked.words]
    named: list[PlannedClosure] = []
    if not meant:
        named = find_mentioned(register, principal, asked)
        meant = [one for one in seen if any(closure.gateway == one[0].code for closure in named)]
    chosen = {gateway.code: (gateway, users) for gateway, users in exact or meant}
    by_gateway: dict[str, list[PlannedClosure]] = {code: [] for code in chosen}
    for closure in read_of_gateways(register, principal, chosen):
        by_gateway[closure.gateway].append(closure)
    found = [
        Meant(
            *chosen[code],
            triage(its, _instant(asked, its, now)),
            tuple(closure for closure in named if closure.gateway == code),
        )
        for code, its in by_gateway.items()
    ]
    return sorted(found, key=lambda one: (one.triage.state.urgency, _until_next(one.triage), one.gateway.code))


def _instant(asked: Asked, closures: Iterable[PlannedClosure], now: datetime) -> datetime:
    return first_instant(closures, asked.span) if asked.span else asked.at or now


def _until_next(found: Triage) -> float:
    """Return the seconds to when it re-opens, or to what follows: what is soon comes first."""
    soon = found.until or (found.after and found.after.window.starts)
    return (soon - found.at).total_seconds() if soon else float("inf")


def _gateways_seen(register: Register, principal: Principal) -> list[tuple[Gateway, tuple[User, ...]]]:
    """Return the gateways of the Users that the principal may see, each with those of its Users."""
    with register.store.reading() as connection:
        everyone = parties.read_parties(register.store, connection)
        links = parties.gateway_links(register.store, connection)
    seen = visible_users(principal, everyone)
    owners: dict[bytes, list[User]] = {}
    for user_id, gateway_id in links:
        if user_id in seen:
            owners.setdefault(gateway_id, []).append(everyone.users[user_id])
    return [
        (gateway, tuple(sorted(owners[gateway.id], key=lambda user: user.code)))
        for gateway in sorted(everyone.gateways.values(), key=lambda gateway: gateway.code)
        if gateway.id in owners
    ]


def _texts_of(gateway: Gateway, users: tuple[User, ...]) -> Iterable[str]:
    return (gateway.code, gateway.name, *(text for user in users for text in (user.code, user.name)))
