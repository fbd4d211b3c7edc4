"""How much evaluating one notice may cost, whatever it says: the bound that no combination of small parts escapes."""

from app.intake.problem import Unread
from app.intake.reading import Limits

_WORK = 500_000  # of about a microsecond each


class Allowance:
    """What is left of it for one notice: occurrences, and work of about a microsecond each, of which ``spent`` went."""

    def __init__(self, limits: Limits) -> None:
        self._occurrences = limits.all_occurrences
        self.spent = 0

    def spend(self, *, occurrences: int = 0, work: int = 0) -> None:
        """Take from the allowance. Raise ``Unread`` when it is used up, and from then on."""
        self._occurrences -= occurrences
        self.spent += work
        if self._occurrences < 0 or self.spent > _WORK:
            raise Unread(
                "too-much-recurrence",
                "The series and zones of this notice are more than is evaluated at once.",
                "Give the series an end, or send them in smaller parts.",
            )
