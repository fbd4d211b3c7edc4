"""By what a User itself knows its closures: its own references and UIDs, for that User's eyes alone."""

from collections.abc import Iterable

from app.domain.access import Principal
from app.domain.closure import PlannedClosure
from app.register.register import Register
from app.store import closures as rows
from app.store import parties
from app.store.closures_of_users import closures_of_users
from app.store.engine import Connection


def references_of(register: Register, principal: Principal, closures: Iterable[PlannedClosure]) -> dict[bytes, str]:
    """Return the own references of closures by id, of those alone that are the principal's and have one."""
    wanted = [closure.id for closure in closures if closure.user in principal.users]
    if not wanted:
        return {}
    with register.store.reading() as connection:
        codes = _own_codes(register, connection, principal)
        held = rows.by_ids(register.store, connection, wanted, codes)
    stated = {closure_id: one.mark.own_reference for closure_id, one in held.items()}
    return {closure_id: reference for closure_id, reference in stated.items() if reference}


def sender_uids(register: Register, principal: Principal) -> dict[bytes, str]:
    """Return the UIDs of all closures of the principal's own Users by id, as their senders wrote them."""
    if not principal.users:
        return {}
    with register.store.reading() as connection:
        codes = _own_codes(register, connection, principal)
        return {held.closure.id: held.mark.uid for held in closures_of_users(register.store, connection, codes)}


def _own_codes(register: Register, connection: Connection, principal: Principal) -> dict[bytes, str]:
    everyone = parties.read_parties(register.store, connection)
    return {user.id: user.code for user in everyone.users.values() if user.code in principal.users}
