"""What a principal set on places, for every board alike."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.store.engine import Store, read_head
from app.store.properties import read_properties, write_properties


@dataclass(frozen=True, slots=True)
class KeptProperties:
    """The properties of one principal; ``owner`` holds the key that seals them."""

    store: Store
    owner: bytes
    principal: str

    def properties(self, place: str) -> Mapping[str, str]:
        """Return what this principal set on a place."""
        with self.store.reading() as connection:
            return read_properties(self.store, connection, self.owner, self.principal, place)

    def set_properties(self, place: str, changes: Mapping[str, str | None]) -> None:
        """Set elements on a place, or remove those whose value is None."""
        with self.store.writing() as connection:
            read_head(connection, lock=True)  # two clients at once write one after the other
            write_properties(self.store, connection, self.owner, (self.principal, place), changes)
