"""The high-water mark: how far the record had come when it was last looked at, kept beside the keys.

The database alone cannot tell that it was replaced, emptied or put back to an earlier state: each such state is whole
in itself. The mark stands apart from it, is authenticated under a key of the ring, and never goes back by itself.
"""

import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.refusal import StoreUnfit
from app.security.key_folder import KeyFolder
from app.security.proving_keys import ProvingKeys

MARK_FILE = "high-water.json"


@dataclass(frozen=True, slots=True)
class Loss:
    """A going back that an operator accepted: from how many entries to how many, and when."""

    at: datetime
    had: int
    has: int


@dataclass(frozen=True, slots=True)
class HighWaterMark:
    """What was seen last: which database, how many entries in its log, and the right edge of the tree over them.

    ``losses`` are the goings back that were accepted, oldest first.
    """

    database: bytes
    size: int
    edge: bytes
    at: datetime
    losses: tuple[Loss, ...] = ()


class HighWater:
    """The file that holds the mark, proven by ``keys``. Threads and processes share it; it is replaced whole."""

    def __init__(self, folder: KeyFolder, keys: ProvingKeys) -> None:
        self._folder = folder
        self._keys = keys

    def read(self) -> HighWaterMark | None:
        """Return the mark; None where none was ever made. Raise ``StoreUnfit`` for one that does not prove itself."""
        if not self._folder.holds(MARK_FILE):
            self._folder.check()
            return None
        return self._opened(self._folder.read(MARK_FILE), self._keys.each())

    def _held(self) -> HighWaterMark | None:
        """Do the same while the folder is locked: newer keys cannot be looked for meanwhile."""
        return self._opened(self._folder.read(MARK_FILE), self._keys.held()) if self._folder.holds(MARK_FILE) else None

    @staticmethod
    def _opened(octets: bytes, keys: Iterable[bytes]) -> HighWaterMark:
        try:
            stated = json.loads(octets)
            losses = [Loss(datetime.fromisoformat(at), had, has) for at, had, has in stated["losses"]]
            mark = HighWaterMark(
                bytes.fromhex(stated["database"]),
                stated["size"],
                bytes.fromhex(stated["edge"]),
                datetime.fromisoformat(stated["at"]),
                tuple(losses),
            )
        except (ValueError, KeyError, TypeError, RecursionError) as problem:
            raise _damaged() from problem
        if not any(hmac.compare_digest(_written(mark, key), octets) for key in keys):
            raise _damaged()
        return mark

    def renew(self) -> None:
        """Write the mark anew, as it is, under the newest key. Raise ``StoreUnfit`` or ``StoreFull``."""
        self._keys.looked()
        with self._folder.locked():
            held = self._held()
            if held is not None:
                self._folder.write(MARK_FILE, self._written(held), 0o600)

    def raise_to(self, mark: HighWaterMark) -> None:
        """Write a later mark of the same database; one that another process wrote meanwhile and is later stands.

        Raise ``StoreFull``.
        """
        self._keys.looked()
        with self._folder.locked():
            held = self._held()
            if held is None:
                self._folder.write(MARK_FILE, self._written(mark), 0o600)
            elif held.database == mark.database and held.size < mark.size:
                self._folder.write(MARK_FILE, self._written(replace(mark, losses=held.losses)), 0o600)

    def accept(self, mark: HighWaterMark) -> Loss | None:
        """Write a mark whatever stood before; return what is given up by it, which the file remembers.

        Raise ``StoreFull``.
        """
        self._keys.looked()
        with self._folder.locked():
            held = self._held()
            losses = () if held is None else held.losses
            loss = None
            if held is not None and (held.database != mark.database or held.size > mark.size):
                loss = Loss(mark.at, held.size, mark.size)
                losses += (loss,)
            self._folder.write(MARK_FILE, self._written(replace(mark, losses=losses)), 0o600)
        return loss

    def _written(self, mark: HighWaterMark) -> bytes:
        return _written(mark, self._keys.newest())


def _written(mark: HighWaterMark, key: bytes) -> bytes:
    stated = {
        "database": mark.database.hex(),
        "size": mark.size,
        "edge": mark.edge.hex(),
        "at": mark.at.isoformat(),
        "losses": [[loss.at.isoformat(), loss.had, loss.has] for loss in mark.losses],
    }
    proof = hmac.digest(key, _json(stated), "sha256")
    return _json({**stated, "proof": proof.hex()})


def _json(stated: dict[str, object]) -> bytes:
    return json.dumps(stated, indent=1, sort_keys=True).encode()


def _damaged() -> StoreUnfit:
    return StoreUnfit(
        f"The high-water mark {MARK_FILE} in the key folder is damaged, or of other keys.",
        f"Restore it with the key folder. If that cannot be, remove {MARK_FILE}: a new one begins with what is there.",
    )
