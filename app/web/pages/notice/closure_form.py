"""The fields that state a closure: what was typed, what it means, and what is wrong with it, field by field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from app.domain.closure import PlannedClosure
from app.domain.london import LONDON
from app.domain.refusal import IntakeProblem
from app.domain.window import ClosureWindow
from app.intake.written_event import FormEvent, Repeat, rule_of
from app.register.series import Ahead
from app.web.pages.wording import picker_of

FIELDS = (
    *("gateway", "from_day", "from_time", "to_day", "to_time", "reference", "allow_long", "provisional"),
    *("repeat", "end", "every", "until", "count", "which"),
)
_LONGEST_REFERENCE = 200
_WEEK = timedelta(days=7)
_MOST_TIMES, _MOST_WEEKS = 400, 52
_FIELD_OF = {"DTSTART": "from_day", "DTEND": "to_day", "LOCATION": "gateway", "RRULE": "repeat", "UID": "reference"}
_WANTED_DAY = "Give a date, such as 2026-12-06."
_WANTED_TIME = "Give a time, such as 02:00."


@dataclass(slots=True)
class Typed:
    """A form's fields as they were typed, and what is wrong with them; the empty name is for the form as a whole."""

    values: Mapping[str, str]
    faults: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return a field without control characters and outer blanks."""
        return "".join(entry for entry in self.values.get(name, "") if entry.isprintable()).strip()

    def picker(self, name: str, kind: str) -> str:
        """Return the type of a field's input: ``kind``, unless the browser's picker would not show what was typed."""
        return picker_of(self.text(name), kind)

    def day(self, name: str, wanted: str = _WANTED_DAY) -> date | None:
        """Return a date; note the fault and return None where it is none."""
        try:
            return date.fromisoformat(self.text(name))
        except ValueError:
            self.faults[name] = wanted
            return None

    def moment(self, name: str) -> datetime | None:
        """Return the wall-clock time of the two fields ``name_day`` and ``name_time``."""
        day = self.day(f"{name}_day")
        try:
            clock = time.fromisoformat(self.text(f"{name}_time"))
        except ValueError:
            clock = None
        if clock is None or clock.tzinfo is not None:
            self.faults[f"{name}_time"] = _WANTED_TIME
            return None
        return None if day is None else datetime.combine(day, clock)

    def number(self, name: str, least: int, most: int) -> int:
        """Return a whole number from ``least`` to ``most``; note the fault and return 0 where it is none."""
        text = self.text(name)
        if text.isascii() and text.isdigit() and least <= int(text[:6]) <= most:
            return int(text)
        self.faults[name] = f"Give a whole number from {least} to {most}."
        return 0

    def take(self, problems: tuple[IntakeProblem, ...]) -> None:
        """Put what the reader of notices found wrong at the field that says it."""
        for problem in problems:
            self.faults.setdefault(
                _FIELD_OF.get(problem.property or "", ""), f"{problem.text} {problem.remedy}".strip()
            )


def read_closure(typed: Typed, gateways: tuple[str, ...], form_id: str) -> FormEvent | None:
    """Return what a new closure's form states; None where a fault was noted.

    It is known by the sender's own reference, else by the form: sent twice, a form states one closure.
    """
    gateway, starts, ends = _window(typed, gateways)
    reference = typed.text("reference")
    if len(reference) > _LONGEST_REFERENCE:
        typed.faults["reference"] = f"Give at most {_LONGEST_REFERENCE} characters."
    rule = _rule(typed, starts.date() if starts else None)
    if typed.faults or starts is None or ends is None:
        return None
    uid = f"form:{reference or form_id}"
    return FormEvent(uid, gateway, starts, ends, rule=rule, provisional=_is_provisional(typed))


def read_change(typed: Typed, gateways: tuple[str, ...], known: tuple[str, str, ClosureWindow]) -> FormEvent | None:
    """Return what a change states of the closure that is known by (UID, RECURRENCE-ID) with a window.

    A time that was left as the form showed it stays the same instant, also in a night when the clocks go back.
    """
    uid, recurrence_id, window = known
    gateway, starts, ends = _window(typed, gateways)
    if typed.faults or starts is None or ends is None:
        return None
    told = _kept(starts, window.starts), _kept(ends, window.ends)
    return FormEvent(uid, gateway, *told, recurrence_id, provisional=_is_provisional(typed))


def read_series_change(
    typed: Typed, stated: FormEvent, this: PlannedClosure, series: Sequence[Ahead]
) -> list[FormEvent]:
    """Return what moves every closure of a series by as much as ``stated`` moves ``this`` one, by London's clock.

    None where a fault was noted: a series keeps its gateway.
    """
    if stated.gateway != this.gateway:
        typed.faults["gateway"] = "A whole series keeps its gateway. Choose this closure alone to change that."
        return []
    if not series:
        typed.faults[""] = "No other closure of its series is ahead any more. Choose this one alone."
        return []
    window = this.window
    by = [_wall(new) - _wall(old) for new, old in ((stated.starts, window.starts), (stated.ends, window.ends))]
    moved = []
    for one in series:
        known = one.closure.window
        starts, ends = _moved(known.starts, by[0]), _moved(known.ends, by[1])
        moved.append(replace(stated, starts=starts, ends=ends, recurrence_id=one.recurrence_id))
    return moved


def a_week_later(typed: Typed) -> Typed:
    """Return what was typed with both days a week later; a day that cannot be read stays as it is."""
    moved = {}
    for name in ("from_day", "to_day"):
        try:
            moved[name] = (date.fromisoformat(typed.text(name)) + _WEEK).isoformat()
        except (ValueError, OverflowError):
            continue
    return Typed({**typed.values, **moved})


def _wall(instant: datetime) -> datetime:
    """Return what London's clocks show, as a form states it: without a zone, in whole minutes."""
    local = instant if instant.tzinfo is None else instant.astimezone(LONDON).replace(tzinfo=None)
    return local.replace(second=0, microsecond=0)


def _moved(known: datetime, by: timedelta) -> datetime:
    return _wall(known) + by if by else known


def _is_provisional(typed: Typed) -> bool:
    return typed.text("provisional") == "yes"


def fields_of(closure: PlannedClosure) -> dict[str, str]:
    """Return a closure as the fields show it."""
    provisional = {"provisional": "yes"} if closure.provisional else {}
    return {"gateway": closure.gateway, **provisional, **times_of(closure.window)}


def times_of(window: ClosureWindow) -> dict[str, str]:
    """Return a window as the fields show it."""
    starts, ends = (instant.astimezone(LONDON) for instant in (window.starts, window.ends))
    return {
        "from_day": f"{starts:%Y-%m-%d}",
        "from_time": f"{starts:%H:%M}",
        "to_day": f"{ends:%Y-%m-%d}",
        "to_time": f"{ends:%H:%M}",
    }


def _window(typed: Typed, gateways: tuple[str, ...]) -> tuple[str, datetime | None, datetime | None]:
    gateway = typed.text("gateway")
    if gateway not in gateways:
        typed.faults["gateway"] = "Choose the gateway that is closed."
    starts, ends = typed.moment("from"), typed.moment("to")
    if starts and ends and ends <= starts:
        typed.faults["to_day"] = "The end is not after the start. Check both."
    return gateway, starts, ends


def _kept(typed: datetime, known: datetime) -> datetime:
    return known if typed == _wall(known) else typed


def _rule(typed: Typed, first: date | None) -> str:
    repeat = typed.text("repeat")
    if repeat not in set(Repeat):
        typed.faults["repeat"] = "Choose one of the list."
        return ""
    if repeat == Repeat.NEVER:
        return ""
    every = typed.number("every", 2, _MOST_WEEKS) if repeat == Repeat.WEEKS else 1
    until, count = None, None
    if typed.text("end") == "count":
        count = typed.number("count", 2, _MOST_TIMES)
    else:
        until = typed.day("until", "Give the last day on which it may repeat, such as 2027-03-31.")
        if until and first and until < first + timedelta(days=1):
            typed.faults["until"] = "That is not after the first closure."
    return "" if first is None or typed.faults else rule_of(Repeat(repeat), first, every, until, count)
