"""What is told of a closure as it happens, beside its plan: date, time and gateway, and nothing else (ADR 34)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.refusal import Refusal


class FactKind(StrEnum):
    """What can be told as it happens. Nobody has to: silence means that all is as planned."""

    CLOSED = "closed"
    REOPENED = "re-opened"
    STILL_CLOSED = "still closed"
    TAKEN_BACK = "taken back"


class Difference(StrEnum):
    """How what was told differs from the plan."""

    ON_PLAN = "on plan"
    EARLY = "early"
    OVER_TIME = "over time"
    NOT_TAKEN_PLACE = "not taken place"


@dataclass(frozen=True, slots=True)
class ToldFact:
    """One thing told as it happened. ``at`` (aware UTC) is the time told; for ``STILL_CLOSED`` until about when.

    None only where the last fact is taken back.
    """

    kind: FactKind
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """What was told of one closure so far (aware UTC); all empty where nothing was.

    ``closed_at`` and ``reopened_at`` are when the gateway closed and re-opened. ``is_watched``: somebody told as it
    happened that it is closed, so that it is over time if nothing is heard when it was to re-open.
    """

    closed_at: datetime | None = None
    reopened_at: datetime | None = None
    is_watched: bool = False


NO_FACT = Fact()


class FactDoubted(Refusal):
    """A fact that does not fit what stands: a question back, and nothing is recorded. Never for being late."""

    code = "fact-doubted"
