"""What people state on the command line: codes, times and days, read by the domain's rules; a bad one is usage."""

from collections.abc import Callable
from typing import Any

import click

from app.domain.london import read_day, read_instant
from app.domain.notice_policy import read_cut_off
from app.domain.party import read_code
from app.domain.refusal import Refusal
from app.register.questions.late_report import read_period


class _Stated(click.ParamType[Any]):
    """One kind of value: its name in help texts, and what reads it or raises a ``Refusal``."""

    def __init__(self, name: str, read: Callable[[str], object]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read what was given, once."""
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except Refusal as refusal:
            self.fail(f"{refusal.text} {refusal.remedy}", param, ctx)


CODE = _Stated("code", read_code)
INSTANT = _Stated("time", read_instant)
"""Gives the instant and how it was read."""
DAY = _Stated("date", read_day)
CUT_OFF = _Stated("hour", read_cut_off)
PERIOD = _Stated("period", read_period)
"""A month or a quarter."""
