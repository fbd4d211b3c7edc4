"""One search: which closures are meant by words; the list of closures and the box "Planned?" ask it alike."""

from collections.abc import Iterable

from app.domain.access import Principal
from app.domain.asked import Asked, words_left
from app.domain.closure import PlannedClosure
from app.register.own_references import sender_uids
from app.register.reading import read_everything, read_of_gateways, read_referred
from app.register.register import Register
from app.store import parties


def find_mentioned(register: Register, principal: Principal, asked: Asked) -> list[PlannedClosure]:
    """Return the same of every closure that the principal may see, whenever its window is, by start and reference.

    Only those are read that the words can mean: by gateway and User, by reference, or where the principal has Users,
    by what their senders wrote.
    """
    if not asked.words or principal.users:
        return mentioned(register, principal, asked, read_everything(register, principal))
    names = register.history.parties()
    with register.store.reading() as connection:
        links = parties.gateway_links(register.store, connection)
    gateways, met = {gateway.id: gateway for gateway in names.gateways.values()}, set()
    for user_id, gateway_id in links:
        user, gateway = names.users.get(user_id), gateways.get(gateway_id)
        if user and gateway and asked.meets(user.code, user.name, gateway.code, gateway.name):
            met.add(gateway.code)
    found = [*read_of_gateways(register, principal, met), *read_referred(register, principal, asked.words)]
    found = sorted(dict.fromkeys(found), key=lambda closure: (closure.window.starts, closure.reference))
    return mentioned(register, principal, asked, found)


def mentioned(
    register: Register, principal: Principal, asked: Asked, closures: Iterable[PlannedClosure]
) -> list[PlannedClosure]:
    """Return the closures of which each word is part of: reference, gateway or User, by code or name.

    Of the principal's own Users a word may also be of the sender's own reference or UID. There are far fewer Users and
    gateways than closures: each pair of them is looked at once.
    """
    if not asked.words:
        return list(closures)
    names, uids = register.history.names, sender_uids(register, principal)
    left: dict[tuple[str, str], tuple[str, ...]] = {}
    found = []
    for closure in closures:
        pair = closure.user, closure.gateway
        if pair not in left:
            user, gateway = names.users.get(closure.user, ""), names.gateways.get(closure.gateway, "")
            left[pair] = words_left(asked.words, *pair, user, gateway)
        if not left[pair] or not words_left(left[pair], closure.reference, uids.get(closure.id, "")):
            found.append(closure)
    return found
