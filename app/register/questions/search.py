"""One search: which closures are meant by words; the list of closures and the box "Planned?" ask it alike."""

from collections.abc import Iterable

from app.domain.access import Principal
from app.domain.asked import Asked, words_left
from app.domain.closure import PlannedClosure
from app.register.own_references import sender_uids
from app.register.register import Register


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
