"""How many closures a User may hold planned: far above what any plans, and a bound to what one can make us carry."""

from app.domain.party import User
from app.domain.refusal import Refusal
from app.store import closures as rows
from app.store.engine import Connection, Head

MOST_PLANNED = 20_000
"""What is held if no setting says otherwise: 500 gateways closed monthly for three years are 18,000."""


class TooManyPlanned(Refusal):
    """A notice would leave its User with more closures planned than one may hold: nothing of it was recorded."""

    code = "too-many-planned"


class PlannedLimit:
    """The limit, with what each User was last counted to hold planned; safe to ask from any thread.

    Counting takes longer than recording a notice does. Each closure that is planned since took a leaf of the log, so
    that all are counted again only where those that came since might be too many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._counted: dict[bytes, tuple[int, int]] = {}  # by User: the size of the log, and how many were planned then

    def check(self, connection: Connection, head: Head, user: User, added: int) -> None:
        """Raise ``TooManyPlanned`` where so many more, decided under this head, would be too many."""
        if added <= 0:
            return
        size, planned = self._counted.get(user.id, (-1, 0))
        if size >= 0 and planned + (head.log_size - size) + added <= self._most:
            return
        planned = rows.count_planned(connection, user.id)
        self._counted[user.id] = (head.log_size, planned)
        if planned + added > self._most:
            raise TooManyPlanned(
                f"{user.code} has {planned:,} closures planned and may have {self._most:,}; this notice holds "
                f"{added:,} new ones. Nothing of it was recorded.",
                "Withdraw what is planned no more, give series an earlier end, or ask the operator for more.",
            )
