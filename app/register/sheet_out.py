"""What leaves as a sheet (RFC 4180): closures, late changes and counts, by one writer that no spreadsheet misreads."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.domain.london import LONDON
from feeds.wording import band_range

_INSTANTS = ("starts", "ends", "first_received_at", "changed_at", "received_at")
CLOSURES = (
    *("reference", "user", "user_name", "gateway", "gateway_name", "starts", "ends", "starts_london", "ends_london"),
    *("state", "closed_now", "revision", "moves", "first_received_at", "changed_at", "working_days_notice"),
    *("first_notice_days", "recommended", "band", "short_notice", "late_change"),
    *("provisional", "difference"),
)
LATE_CHANGES = (
    *(name for name in CLOSURES if name != "closed_now"),
    *("change", "received_at", "change_days", "policy_version", "holiday_table"),
)
CHANGES = (
    *(name for name in CLOSURES if name != "closed_now"),
    *("change", "received_at", "change_days", "late", "gateway_before", "starts_before", "ends_before"),
)
OWN_NOTICES = (
    *("received_at", "channel", "change", "reference", "gateway", "starts", "ends", "starts_london", "ends_london"),
    *("revision", "receipt"),
)
LATE_REPORT = (
    *("period", "user", "notices", "first_notices", "short_first_notices", "changes", "short_changes"),
    *("closures", "early", "over_time", "not_taken_place", "moves", "first_notice_days"),
    *("policy_versions", "holiday_tables"),
)
INSIGHTS = {
    "notice": ("band", "closures"),
    "quarters": ("user", "quarter", "closures", "short_notice", "early", "over_time", "not_taken_place"),
    "reopenings": ("weekday", "hour", "reopenings"),
    "silent": ("user", "last_notice"),
    "moved": ("reference", "user", "gateway", "starts", "moves"),
    "churn": ("user", "closures", "moves", "moves_per_closure", "first_notice_days"),
}
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
_BYTE_ORDER_MARK = "\ufeff"  # without it Excel takes the octets for Windows' own


def to_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as comma-separated values with their columns on top, after a byte order mark.

    Each instant stands in two more columns at the end, as the date and the time that London's clocks show: a
    spreadsheet takes these for a date and a time, and 2026-12-06T02:00:00Z for text. A band is written in words, since
    "5-9" would become a date; a text that would be a formula gets an apostrophe.
    """
    instants = [name for name in columns if name in _INSTANTS]
    out = io.StringIO(newline="")
    out.write(_BYTE_ORDER_MARK)
    writer = csv.writer(out)
    writer.writerow([*columns, *(added for name in instants for added in _date_and_time(name))])
    for row in rows:
        added = [cell for name in instants for cell in _in_london(row[name])]
        writer.writerow([_cell(name, row[name]) for name in columns] + added)
    return out.getvalue()


def _date_and_time(name: str) -> tuple[str, str]:
    """Return the names of the columns in which an instant stands for spreadsheets: ``starts_date``, ``starts_time``."""
    event = name.removesuffix("_at")
    return f"{event}_date", f"{event}_time"


def _in_london(instant: str) -> tuple[str, str]:
    if not instant:
        return "", ""
    local = datetime.fromisoformat(instant).astimezone(LONDON)
    return f"{local:%Y-%m-%d}", f"{local:%H:%M}"


def _cell(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    words = band_range(value) if name == "band" else value
    return f"'{words}" if words.startswith(_FORMULAS) else words
