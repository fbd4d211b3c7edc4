"""Whether desks may stay signed in for reading: a dated rule with versions, off until DCC allows it."""

from dataclasses import dataclass
from datetime import timedelta

DESK_LASTS = timedelta(days=30)
"""A desk session ends this long after its sign-in, however much it is used."""


@dataclass(frozen=True, slots=True)
class DeskPolicy:
    """One version of the rule: whether the machine of a service desk may stay signed in for reading.

    Version 0 is that of before DCC set any.
    """

    version: int
    allowed: bool = False
