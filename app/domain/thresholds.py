"""From how many gateways on DCC wants to be told: a dated rule with versions, set by DCC (docs/domain.md#clashes)."""

from dataclasses import dataclass

from app.domain.refusal import PolicyRefused

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Thresholds:
    """One version of the rule: more gateways than these are worth a word.

    ``closed`` bounds the gateways closed at once, ``reopening`` those that re-open in the same hour (the surge when
    queues drain); ``release_days`` is how many days on either side of a SEC Release day count as near it.
    """

    version: int
    closed: int = 5
    reopening: int = 3
    release_days: int = 2

    def __post_init__(self) -> None:
        if not (1 <= self.closed <= _MOST and 1 <= self.reopening <= _MOST):
            raise PolicyRefused("That threshold is out of range.", f"Give 1 to {_MOST} gateways.")
        if not 0 <= self.release_days <= 31:  # noqa: PLR2004 - a month, said in the remedy below
            raise PolicyRefused("That many days around a release are out of range.", "Give 0 to 31 days.")
