"""Where the octets of the key ring are kept: in a file of the key folder, or in one place for many machines."""

from typing import Protocol

from app.security.key_folder import KeyFolder

RING_FILE = "ring.json"

Stamp = tuple[int, ...]
"""What differs once the ring was replaced."""


class RingPlace(Protocol):
    """Holds one ring, replaced whole and durably. ``is_shared`` tells that other machines write it too."""

    @property
    def is_shared(self) -> bool:
        """Tell whether processes that see another key folder read and write the same ring."""

    def holds(self) -> bool:
        """Tell whether there is a ring."""

    def has_another(self, than: Stamp) -> bool:
        """Tell whether the ring was replaced since that stamp. Raise ``StoreUnfit`` if there is none, ``StoreBusy``."""

    def read(self, *, apart: bool = False) -> tuple[Stamp, bytes]:
        """Return the ring with its stamp. Raise as ``has_another``.

        ``apart`` from a transaction that this thread is inside of, which may see an earlier one.
        """

    def write(self, octets: bytes, instead_of: Stamp | None) -> bool:
        """Put a ring in place of the one with that stamp (None: where there is none); tell whether that still stood.

        It is durable before this returns. Raise ``StoreFull`` or ``StoreBusy``.
        """

    def forget_replaced(self) -> None:
        """Give up the octets of rings that were replaced, as far as this place keeps any."""


class RingFile:
    """The file ``ring.json``, whose key folder is locked by whoever reads and writes it."""

    is_shared = False

    def __init__(self, folder: KeyFolder) -> None:
        self._folder = folder

    def holds(self) -> bool:
        """Tell whether there is the file."""
        return self._folder.holds(RING_FILE)

    def has_another(self, than: Stamp) -> bool:
        """Tell whether another file is in its place. Raise ``StoreUnfit`` if there is none."""
        return self._folder.stamp(RING_FILE) != than

    def read(self, *, apart: bool = False) -> tuple[Stamp, bytes]:  # noqa: ARG002 - a file is the same for all
        """Return what the file holds, with its stamp. Raise ``StoreUnfit``."""
        return self._folder.stamp(RING_FILE), self._folder.read(RING_FILE)

    def write(self, octets: bytes, instead_of: Stamp | None) -> bool:  # noqa: ARG002 - under the lock nobody is first
        """Replace the file. Raise ``StoreFull``."""
        self._folder.write(RING_FILE, octets, 0o600)
        return True

    def forget_replaced(self) -> None:
        """Do nothing: a file that was replaced is gone."""
