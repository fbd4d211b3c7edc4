"""How long what is kept: a dated rule with versions, set by DCC (docs/domain.md#retention)."""

from dataclasses import dataclass
from datetime import timedelta

from app.domain.refusal import PolicyRefused

_LONGEST_DAYS = 36_525


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """One version of the rule, in whole days.

    ``details_days`` after its windows, what a sender wrote is forgotten; ``facts_days`` after its window, a closure's
    own facts are. ``withdrawn_days`` after its withdrawal a closure leaves the feeds. Where ``keeps_details`` is
    false, what a sender wrote beyond date, time, gateway and reference is not kept at all.
    """

    version: int
    details_days: int = 90
    facts_days: int = 2557
    withdrawn_days: int = 60
    keeps_details: bool = True

    def __post_init__(self) -> None:
        for days in (self.details_days, self.facts_days, self.withdrawn_days):
            if not 1 <= days <= _LONGEST_DAYS:
                raise PolicyRefused("That retention is out of range.", f"Give 1 to {_LONGEST_DAYS} days.")
        if self.details_days > self.facts_days:
            raise PolicyRefused(
                "Details cannot be kept longer than the facts they belong to.",
                "Raise facts-days or lower details-days.",
            )

    @property
    def details(self) -> timedelta:
        """How long after the window details are kept."""
        return timedelta(days=self.details_days)

    @property
    def facts(self) -> timedelta:
        """How long after the window facts are kept."""
        return timedelta(days=self.facts_days)
