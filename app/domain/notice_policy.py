"""How much notice is recommended, how it is counted and in which region: a rule with a version and a date."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from app.domain.refusal import PolicyRefused
from app.domain.working_days import REGIONS

_LONGEST_NOTICE = 250
_NO_CUT_OFF, _CUT_OFF_REMEDY = "That is not a cut-off hour.", "Give hours and minutes in London, such as 16:30."
COUNTING = "clear-days"
"""How every version counts: the day of receipt and the day of the start are left out (docs/domain.md#counting)."""


@dataclass(frozen=True, slots=True)
class NoticePolicy:
    """One version of the rule, in force for notices received on or after ``valid_from`` (a London date).

    ``cut_off`` is an hour of the London day after which a notice counts as given on the next Working Day; None is none.
    """

    version: int
    recommended_days: int
    valid_from: date
    holiday_region: str = "england-and-wales"
    cut_off: time | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.recommended_days <= _LONGEST_NOTICE:
            raise PolicyRefused("The recommended notice is out of range.", f"Give 1 to {_LONGEST_NOTICE} Working Days.")
        if self.holiday_region not in REGIONS:
            raise PolicyRefused("That holiday region is not known.", f"Give one of {', '.join(REGIONS)}.")
        if self.cut_off is not None and (self.cut_off.tzinfo or self.cut_off.second or self.cut_off.microsecond):
            raise PolicyRefused(_NO_CUT_OFF, _CUT_OFF_REMEDY)

    def band(self, working_days: int) -> str:
        """Return the band of a lead time, such as ``10-19``; the thresholds follow ``recommended_days``.

        For 20 recommended days: ``>=20``, ``10-19``, ``5-9``, ``2-4``, ``<2`` (docs/domain.md#bands).
        """
        upper = 0
        for cut in self._cuts():
            if working_days >= cut:
                if not upper:
                    return f">={cut}"
                return f"{cut}-{upper - 1}" if upper - 1 > cut else str(cut)
            upper = cut
        return f"<{upper}"

    def _cuts(self) -> list[int]:
        """Return the lower ends of the bands, falling, without repeats: the whole, a half, a quarter, a tenth."""
        whole = self.recommended_days
        return sorted({cut for cut in (whole, whole // 2, whole // 4, whole // 10) if cut}, reverse=True)


FIRST_POLICY = NoticePolicy(version=1, recommended_days=20, valid_from=date(2019, 11, 1))
"""What MP083's working group settled in November 2019."""


def read_cut_off(text: str) -> time:
    """Read a cut-off hour as people write it: ``16:30``. Raise ``PolicyRefused``."""
    try:
        return datetime.strptime(text.strip(), "%H:%M").time()  # noqa: DTZ007 - an hour of every London day
    except ValueError as problem:
        raise PolicyRefused(_NO_CUT_OFF, _CUT_OFF_REMEDY) from problem


def policy_in_force(policies: Sequence[NoticePolicy], day: date) -> NoticePolicy:
    """Return the policy for notices received on ``day``: the latest that is valid by then, else the earliest."""
    valid = [policy for policy in policies if policy.valid_from <= day]
    if valid:
        return max(valid, key=lambda policy: (policy.valid_from, policy.version))
    return min(policies, key=lambda policy: (policy.valid_from, -policy.version))
