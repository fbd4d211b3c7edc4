"""Whether database and keys still belong together while a process runs: asked as it writes, once a second at most."""

from time import monotonic

import sqlalchemy as sa

from app.domain.refusal import StoreUnfit
from app.security.high_water import HighWaterMark
from app.security.keyring import Keyring
from app.store.tables import head

_AGAIN = 1.0  # seconds
_STATED = sa.select(head.c.database_id, head.c.log_size)


class Watch:
    """Looks at the key folder and at the head of the database. Threads share it."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._after = 0.0

    def look(self, connection: sa.Connection) -> None:
        """Raise ``StoreUnfit`` unless keys and mark are there, and the database has come as far; seldom asked anew."""
        if monotonic() >= self._after:
            self.look_now(connection)
            self._after = monotonic() + _AGAIN

    def look_now(self, connection: sa.Connection) -> None:
        """Do the same, and ask now."""
        self._keyring.require_there()
        mark = self._keyring.high_water.read()
        database, size = connection.execute(_STATED).one()
        if mark is not None:
            require_as_far(mark, database, size)


def require_as_far(mark: HighWaterMark, database: bytes, size: int) -> None:
    """Raise ``StoreUnfit`` unless this is the database that the mark is of, with no fewer entries."""
    if database != mark.database:
        raise StoreUnfit(
            "This is another database than the one that the keys have seen last.",
            "Check CLOSURES_DATABASE_URL or CLOSURES_DATA_DIR, and CLOSURES_KEY_DIR. "
            "If it is meant all the same: `closures db adopt`.",
        )
    if size < mark.size:
        raise gone_back(
            f"Its log holds {size} entries; on {mark.at:%d %B %Y at %H:%M:%S} UTC it held {mark.size}: at least "
            f"{mark.size - size} are lost."
        )


def gone_back(how: str) -> StoreUnfit:
    """Return the refusal of a database that was put back to an earlier state; ``how`` it shows is for the operator."""
    return StoreUnfit(
        "The database is in an earlier state than it was, or lost its write-ahead log.",
        f"{how} Bring the newest one back, or restore the newest backup into an empty one. "
        "If the loss must be borne: `closures db adopt`.",
    )
