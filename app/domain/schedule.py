"""One line of the forward schedule: a closure as it stood at an instant. Nothing in a schedule is approved."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.domain.closure import State
from app.domain.late_change import Assessment
from app.domain.window import ClosureWindow


class Scheduled(Protocol):
    """What clashes, load and free slots need to know of a closure: the record's own value has it, and so has a line."""

    @property
    def reference(self) -> str:
        """The closure's reference."""

    @property
    def gateway(self) -> str:
        """The code of the gateway."""

    @property
    def window(self) -> ClosureWindow:
        """When it is closed."""

    @property
    def state(self) -> State:
        """What stands of it."""


@dataclass(frozen=True, slots=True)
class ScheduledClosure:
    """A closure as it stood, rebuilt from the revisions received up to an instant.

    ``number`` is the last applied revision; ``first_received_at`` is when we first heard of the closure and
    ``window_received_at`` when we heard of this window. ``moves`` counts changes of the window; ``moved_from`` is the
    window before the last one. ``lead`` was counted when the last revision was recorded.
    """

    reference: str
    user: str
    gateway: str
    window: ClosureWindow
    state: State
    number: int
    first_received_at: datetime
    window_received_at: datetime
    moves: int
    moved_from: ClosureWindow | None
    lead: Assessment

    def is_open(self, now: datetime) -> bool:
        """Tell whether the gateway is inside this window at ``now``. A withdrawn closure never is."""
        return self.state is not State.WITHDRAWN and self.window.contains(now)
