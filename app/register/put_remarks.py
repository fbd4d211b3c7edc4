"""What the sender of an event by CalDAV was told of it as a whole: the remarks of its last PUT, as they are kept."""

import json
from dataclasses import dataclass
from datetime import datetime

from app.register.calendar_view import load_stored
from app.register.register import Register
from app.store import members
from app.store.closures import Held
from app.store.member_heads import Place


@dataclass(frozen=True, slots=True)
class PutRemarks:
    """How the event that a calendar program put was read, beside what is said of each closure; when that was."""

    received_at: datetime
    remarks: tuple[str, ...]


def remarks_of_put(register: Register, held: Held) -> PutRemarks | None:
    """Return the remarks on the event of a closure as its sender's program put it last; None without any."""
    store = register.store
    place = Place(held.user_id, store.blind.collection(held.user_id, held.closure.gateway))
    with store.reading() as connection:
        member = members.members_of_uids(store, connection, place, [held.mark.uid]).get(held.mark.uid)
        if member is None or member.gone or member.is_rendered:
            return None
        body = load_stored(register, connection, place, member)
    answer = json.loads(body.receipt)
    if not answer["remarks"]:
        return None
    return PutRemarks(datetime.fromisoformat(answer["received_at"]), tuple(answer["remarks"]))
