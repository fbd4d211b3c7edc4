"""The one way by which reading a calendar stops short: ``Unread`` says what cannot be read, where, and what helps."""

# What icalendar, dateutil and zoneinfo raise on hostile octets, beyond the ValueError that they document.
FAULTS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, OSError, RecursionError, AssertionError)


class Unread(Exception):  # noqa: N818 - the domain's word (docs/glossary.md)
    """One thing that cannot be read; it never echoes the sender's words.

    ``line`` counts physical lines from 1. ``property_name`` is the property or column. ``code`` stays, for programs.
    """

    def __init__(
        self, code: str, text: str, remedy: str, *, line: int | None = None, property_name: str | None = None
    ) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.remedy = remedy
        self.line = line
        self.property_name = property_name
