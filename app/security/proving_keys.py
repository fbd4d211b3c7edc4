"""The keys by which something is proven: made with the newest, accepted by each that the ring still takes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProvingKeys:
    """``held`` gives the keys that this process knows of, the newest last; ``looked`` does after a look at the ring."""

    held: Callable[[], tuple[bytes, ...]]
    looked: Callable[[], tuple[bytes, ...]]

    def newest(self) -> bytes:
        """Return the key to prove with."""
        return self.held()[-1]

    def each(self) -> Iterator[bytes]:
        """Yield the keys to try: the newest, then ``others``."""
        yield self.newest()
        yield from self.others()

    def others(self) -> Iterator[bytes]:
        """Yield the keys to try next, the likely ones first; those of a ring that another process wrote at the end."""
        held = self.held()
        yield from held[-2::-1]
        yield from (key for key in reversed(self.looked()) if key not in held)
