"""What a row of a sheet and an entry of a JSON list have in common: gateway, starts, ends, reference, withdrawn."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256

from app.domain.london import Reading as ClockReading
from app.domain.london import london_midnight, read_instant
from app.domain.notice import Announcement, NoticeContent
from app.domain.refusal import IntakeProblem, TimeRefused
from app.ical.moment import Moment, length_between
from app.ical.named_zone import LONDON_ZONE, UTC_ZONE
from app.ical.parsed_line import printable
from app.ical.unread import Unread
from app.intake.gateway import choose_gateway
from app.intake.problem import problem_of
from app.intake.read_request import ReadRequest
from app.intake.windows import checked_window, how_read

COLUMNS = ("gateway", "starts", "ends", "reference", "withdrawn")
_YES = frozenset({"yes", "y", "true", "1", "x", "withdrawn", "cancelled"})
_NO = frozenset({"", "no", "n", "false", "0"})
_LONGEST_REFERENCE = 200
_LONGEST_DAY = len("2026-12-06")
_EARLIEST_YEAR, _LATEST_YEAR = 1900, 2999
_TIME_REMEDY = "Write 2026-12-06T02:00 (London time) or 2026-12-06T02:00:00Z."
_WHOLE_DAYS = {
    "starts": "Without a time, the start is the beginning of {}.",
    "ends": "Without a time, the end is the end of {}: that day is included.",
}
_NO_REFERENCE = "Closures without a reference are known by their gateway and start: a moved one reads as a new one."


@dataclass(frozen=True, slots=True)
class Row:
    """One row or entry; ``line`` is its physical line or its index from 1. Values are by column, blank if not given.

    ``faults`` are, by column, why a value was not understood by the reader of the sheet.
    """

    line: int
    values: Mapping[str, str]
    faults: Mapping[str, Unread] = field(default_factory=dict)

    def value(self, column: str) -> str:
        """Return the value of a column without control characters and outer blanks."""
        return printable(self.values.get(column, ""))


def read_rows(rows: list[Row], problems: list[IntakeProblem], request: ReadRequest, prefix: str) -> NoticeContent:
    """Read rows; ``problems`` are those met before. A UID is ``prefix`` and the reference, or derived."""
    found: dict[str, Announcement] = {}
    remarks: dict[str, None] = {}
    problems = list(problems)
    for row in rows:
        try:
            announcement = _read_row(row, request, prefix)
        except Unread as unread:
            problems.append(problem_of(unread))
            continue
        if announcement.uid in found:
            problems.append(problem_of(_twice(row)))
            continue
        found[announcement.uid] = announcement
        if not row.value("reference"):
            remarks[_NO_REFERENCE] = None
    return NoticeContent(
        announcements=tuple(found.values()),
        problems=tuple(sorted(problems, key=lambda problem: problem.line or 0)),
        whole_uids=frozenset(found),
        events=len(rows),
        unread=frozenset(problem.line for problem in problems if problem.line is not None),
        remarks=tuple(remarks),
    )


def _twice(row: Row) -> Unread:
    return Unread(
        "duplicate",
        "The same closure stands in this notice twice; the first was read.",
        "Give each closure a reference of its own.",
        line=row.line,
        property_name="reference",
    )


def _read_row(row: Row, request: ReadRequest, prefix: str) -> Announcement:
    withdrawn = _withdrawn(row)
    gateway = _gateway(row, request)
    reference = row.value("reference")
    if len(reference) > _LONGEST_REFERENCE:
        remedy = f"Use at most {_LONGEST_REFERENCE} characters."
        raise Unread("reference", "The reference is too long.", remedy, line=row.line, property_name="reference")
    if withdrawn and reference and not row.value("starts"):
        return Announcement(uid=prefix + reference, gateway=gateway, window=None, withdrawn=True, line=row.line)
    starts, first = _time(row, "starts")
    ends, second = _time(row, "ends")
    window, _ = checked_window(starts, length_between(starts, ends), request, (row.line, "starts"), (row.line, "ends"))
    # A fingerprint, not a secret: the row is sealed as a whole with all that it says.
    derived = f"derived:{sha256(f'{gateway}|{window.starts.isoformat()}'.encode()).hexdigest()[:32]}"
    return Announcement(
        uid=prefix + (reference or derived),
        gateway=gateway,
        window=window,
        withdrawn=withdrawn,
        line=row.line,
        remarks=first + second,
    )


def _gateway(row: Row, request: ReadRequest) -> str:
    stated = row.value("gateway")
    if stated and request.gateway is None and stated.upper() not in {code.upper() for code in request.gateways}:
        remedy = f"Use one of your codes: {', '.join(sorted(request.gateways)) or 'none yet'}."
        raise Unread(
            "gateway", "This is not the code of one of your gateways.", remedy, line=row.line, property_name="gateway"
        )
    return choose_gateway(request, (), stated or None, row.line, "gateway").code


def needed_values(row: Row, gateway: str) -> dict[str, str]:
    """Return the values of a row that was read as one of ``gateway``, without those that nothing was read from."""
    values = {column: row.value(column) for column in COLUMNS}
    if values["gateway"].upper() != gateway.upper():
        values["gateway"] = ""
    for column in ("starts", "ends"):
        try:
            read_instant(values[column])
        except (TimeRefused, OverflowError):
            # The time of a withdrawal that its reference names.
            values[column] = ""
    return {column: value for column, value in values.items() if value}


def _withdrawn(row: Row) -> bool:
    stated = row.value("withdrawn").lower()
    if stated not in _YES | _NO:
        raise Unread(
            "withdrawn", "This is neither yes nor no.", "Write yes or no.", line=row.line, property_name="withdrawn"
        )
    return stated in _YES


def _time(row: Row, column: str) -> tuple[Moment, tuple[str, ...]]:
    """Read ISO 8601, London time without offset, as a UTC moment, with a remark where the clocks change.

    A day without a time is meant whole: as a start from its midnight, as an end to its last.
    """
    stated = row.value(column)
    fault = row.faults.get(column)
    if fault is not None:
        raise Unread(fault.code, fault.text, fault.remedy, line=row.line, property_name=column)
    if not stated:
        raise Unread("time", f"There is no time under {column}.", _TIME_REMEDY, line=row.line, property_name=column)
    try:
        day = _day(stated)
        instant, how = (_edge(day, column), ClockReading.EXACT) if day else read_instant(stated)
    except (TimeRefused, OverflowError) as refused:
        text = refused.text if isinstance(refused, TimeRefused) else "That time is out of range."
        raise Unread("time", text, _TIME_REMEDY, line=row.line, property_name=column) from refused
    if not _EARLIEST_YEAR <= instant.year <= _LATEST_YEAR:
        text = f"The year is not between {_EARLIEST_YEAR} and {_LATEST_YEAR}."
        raise Unread("time-out-of-range", text, "Check the year.", line=row.line, property_name=column)
    moment = Moment(instant.replace(tzinfo=None), UTC_ZONE)
    if day:
        return moment, (_WHOLE_DAYS[column].format(f"{day.day} {day:%b %Y}"),)
    # Only a time without offset, and so without zone, is read in any way but exactly.
    return moment, () if how is ClockReading.EXACT else (
        how_read(datetime.fromisoformat(stated), how, LONDON_ZONE.wall(instant)),
    )


def _day(stated: str) -> date | None:
    """Return the day that a value is, None where it is a time or nothing."""
    if len(stated) > _LONGEST_DAY:
        return None
    try:
        return date.fromisoformat(stated)
    except ValueError:
        return None


def _edge(day: date, column: str) -> datetime:
    """Return the instant at which a whole day begins, or for the column of ends, at which it is over."""
    return london_midnight(day + timedelta(1) if column == "ends" else day)
