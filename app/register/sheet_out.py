"""What leaves as a sheet (RFC 4180): closures, late changes and counts, by one writer that no spreadsheet misreads."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from feeds.wording import band_range

CLOSURES = (
    *("reference", "user", "user_name", "gateway", "gateway_name", "starts", "ends", "starts_london", "ends_london"),
    *("state", "closed_now", "revision", "moves", "first_received_at", "changed_at", "working_days_notice"),
    *("first_notice_days", "recommended", "band", "short_notice", "late_change"),
)
LATE_CHANGES = (
    *(name for name in CLOSURES if name != "closed_now"),
    *("change", "received_at", "change_days", "policy_version", "holiday_table"),
)
LATE_REPORT = (
    *("period", "user", "notices", "first_notices", "short_first_notices", "changes", "short_changes"),
    *("policy_versions", "holiday_tables"),
)
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def to_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as comma-separated values with their columns on top.

    A band is written in words, since "5-9" would become a date; a text that would be a formula gets an apostrophe.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_cell(name, row[name]) for name in columns] for row in rows)
    return out.getvalue()


def _cell(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    words = band_range(value) if name == "band" else value
    return f"'{words}" if words.startswith(_FORMULAS) else words
