"""How far the record was verified: kept beside the keys and authenticated under one, as the high-water mark is.

The database cannot say it: who writes that without keys would say that all was looked at.
"""

import hmac
import json
from dataclasses import dataclass

from app.security.key_folder import KeyFolder
from app.security.proving_keys import ProvingKeys

_FILE = "verified.json"


@dataclass(frozen=True, slots=True)
class VerifiedMark:
    """The database and the first ``size`` entries, under this root, that were found sound; none with ``size`` 0.

    ``goes_on`` is the entry at which the rolling look at old ones goes on.
    """

    database: bytes = b""
    size: int = 0
    root: bytes = b""
    goes_on: int = 0


class Verified:
    """The file that holds the mark. One process writes it, and replaces it whole.

    It is by the newest of ``keys`` alone: once the root was rotated, all is verified anew.
    """

    def __init__(self, folder: KeyFolder, keys: ProvingKeys) -> None:
        self._folder = folder
        self._keys = keys

    def read(self) -> VerifiedMark:
        """Return the mark; where there is none, or one that does not prove itself, nothing was verified."""
        if not self._folder.holds(_FILE):
            return VerifiedMark()
        octets = self._folder.read(_FILE)
        try:
            stated = json.loads(octets)
            mark = VerifiedMark(
                bytes.fromhex(stated["database"]), stated["size"], bytes.fromhex(stated["root"]), stated["goes_on"]
            )
        except (ValueError, KeyError, TypeError, RecursionError):
            return VerifiedMark()
        return mark if hmac.compare_digest(self._written(mark), octets) else VerifiedMark()

    def write(self, mark: VerifiedMark) -> None:
        """Replace the mark. Raise ``StoreFull``."""
        with self._folder.locked():
            self._folder.write(_FILE, self._written(mark), 0o600)

    def _written(self, mark: VerifiedMark) -> bytes:
        stated = {
            "database": mark.database.hex(),
            "size": mark.size,
            "root": mark.root.hex(),
            "goes_on": mark.goes_on,
        }
        plain = json.dumps(stated, sort_keys=True).encode()
        proof = hmac.digest(self._keys.newest(), b"verified\0" + plain, "sha256")
        return json.dumps({**stated, "proof": proof.hex()}, indent=1, sort_keys=True).encode()
