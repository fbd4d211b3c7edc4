"""The one way by which reading stops short: ``Unread`` carries the problem to whoever collects problems."""

from app.domain.refusal import IntakeProblem

# What icalendar, dateutil and zoneinfo raise on hostile octets, beyond the ValueError that they document.
FAULTS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, OSError, RecursionError, AssertionError)


class Unread(Exception):  # noqa: N818 - the domain's word (docs/glossary.md)
    """One thing that cannot be read; caught inside intake, never seen outside it."""

    def __init__(
        self, code: str, text: str, remedy: str, *, line: int | None = None, property_name: str | None = None
    ) -> None:
        super().__init__(text)
        self.problem = IntakeProblem(text=text, remedy=remedy, line=line, property=property_name, code=code)
