"""One attempt to deliver a message: what is carried where, and how a carrier says that it could not."""

from dataclasses import dataclass
from datetime import datetime

from feeds.invitation import Invitation


@dataclass(frozen=True, slots=True)
class Letter:
    """A message ready to leave. ``id`` is the same for every attempt; ``secret`` signs it, where the carrier signs.

    ``leave`` is the address at which its recipient ends what it gets; "" where nobody asked to be told.
    ``answers`` is the Message-ID of the mail that it answers, and ``thread`` those that the answer refers to.
    """

    id: str
    address: str
    secret: str
    subject: str
    text: str
    payload: bytes
    sent_at: datetime
    leave: str = ""
    invitation: Invitation | None = None
    answers: str = ""
    thread: tuple[str, ...] = ()


class NotDelivered(Exception):  # noqa: N818 - an outcome, which the outbox notes; not an error of ours
    """A letter that certainly did not arrive. ``fault`` names no address; ``for_good``: another try is no use.

    ``away``: what carries letters could not be reached, so that the next one would not arrive either.
    """

    def __init__(self, fault: str, *, for_good: bool = False, away: bool = False) -> None:
        super().__init__(fault)
        self.fault = fault
        self.for_good = for_good
        self.away = away
