"""What needs attention: late changes, days of clashes, closures on DCC's own dates; seen once, it is cleared for DCC.

What was seen stays away until a window in it moves, or another closure joins it: then it is another item. Who saw it,
when, and a short note stand beside it, and the mark can be taken back.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.access import Principal
from app.domain.clash import find_maintenance_clashes
from app.domain.clash_day import ClashDay, clash_days
from app.domain.closure import PlannedClosure
from app.domain.load import peak_of
from app.domain.london import utc_text
from app.domain.maintenance import Maintenance
from app.domain.refusal import Refusal
from app.domain.window import ClosureWindow
from app.register.reading import Question, read_late, read_schedule
from app.register.recorded_change import RecordedChange
from app.register.register import Register
from app.store import seen_marks
from app.store.seen_marks import Mark

AHEAD = timedelta(days=56)
_LATE_FOR = timedelta(days=28)
_INSTANT = timedelta(microseconds=1)
LONGEST_NOTE = 200


class NoteRefused(Refusal):
    """A note that is too long for a list, or not plain text."""

    code = "note"


@dataclass(frozen=True, slots=True)
class LateItem:
    """A late change whose window is not over. ``id`` is what acknowledging names."""

    id: str
    change: RecordedChange


@dataclass(frozen=True, slots=True)
class ClashItem:
    """A day on which more gateways are closed together, or re-open, than the thresholds say."""

    id: str
    clashes: ClashDay

    @property
    def most(self) -> int:
        """Return how many at most are closed at once: reckoned for the few that are shown."""
        windows = [closure.window for closure in self.clashes.closures]
        span = ClosureWindow(min(window.starts for window in windows), max(window.ends for window in windows))
        return peak_of(self.clashes.closures, span).closed


@dataclass(frozen=True, slots=True)
class DateItem:
    """One of DCC's own dates with the closures that it meets, by their starts."""

    id: str
    maintenance: Maintenance
    closures: tuple[PlannedClosure, ...]


Item = LateItem | ClashItem | DateItem


@dataclass(frozen=True, slots=True)
class Attention:
    """What nobody has seen yet, late changes by start, the others by day; and what was seen, the latest first."""

    late: tuple[LateItem, ...]
    clashes: tuple[ClashItem, ...]
    dates: tuple[DateItem, ...]
    seen: tuple[tuple[Item, Mark], ...] = ()

    def __len__(self) -> int:
        return len(self.late) + len(self.clashes) + len(self.dates)

    def ids(self) -> set[str]:
        """Return the id of every item that nobody has seen."""
        return {item.id for item in self.late} | {item.id for item in self.clashes} | {item.id for item in self.dates}


def needs_attention(register: Register, principal: Principal, now: datetime) -> Attention:
    """Return what needs attention, of what the principal may see."""
    ahead = read_schedule(register, principal, Question(ClosureWindow(now, now + AHEAD)))
    return attention_of(register, principal, ahead, now)


def attention_of(register: Register, principal: Principal, ahead: Sequence[PlannedClosure], now: datetime) -> Attention:
    """Return what needs attention, the closures ``ahead`` being read already.

    A User learns nothing of what DCC's staff have seen: for it no item is marked.
    """
    late = [LateItem(_id(register, _late_key(change)), change) for change in _late(register, principal, now)]
    clashes = [
        ClashItem(_id(register, f"clash|{clash_day.day}|{_windows(clash_day.closures)}"), clash_day)
        for clash_day in clash_days(ahead, ClosureWindow(now, now + AHEAD), register.rulebook().thresholds)
    ]
    dates = [
        DateItem(_id(register, f"date|{maintenance.reference}|{maintenance.number}|{_windows(met)}"), maintenance, met)
        for maintenance, met in _dates(register, ahead, now)
    ]
    every: list[Item] = [*late, *clashes, *dates]
    marks = _marks(register, every) if principal.sees_everyone else {}
    seen = sorted(((item, marks[item.id]) for item in every if item.id in marks), key=lambda one: one[1].at)
    return Attention(
        tuple(item for item in late if item.id not in marks),
        tuple(item for item in clashes if item.id not in marks),
        tuple(item for item in dates if item.id not in marks),
        tuple(reversed(seen)),
    )


def acknowledge(register: Register, principal: Principal, items: Iterable[str], note: str, now: datetime) -> int:
    """Mark those of ``items`` that need attention now as seen, each with the note; return how many.

    What is not there any more, or marked meanwhile, is left alone. Raise ``NoteRefused``.
    """
    mark = Mark(principal.name, now, read_note(note))
    chosen = needs_attention(register, principal, now).ids() & set(items)
    with register.store.writing() as connection:
        return sum(
            seen_marks.put_mark(register.store, connection, bytes.fromhex(item), mark) for item in sorted(chosen)
        )


def take_back(register: Register, principal: Principal, item: str, now: datetime) -> bool:
    """Let an item that was marked as seen need attention again; tell whether it was marked."""
    if item not in {one.id for one, _ in needs_attention(register, principal, now).seen}:
        return False
    with register.store.writing() as connection:
        return seen_marks.remove_mark(register.store, connection, bytes.fromhex(item))


def read_note(text: str) -> str:
    """Return a note in one line. Raise ``NoteRefused``."""
    note = " ".join(text.split())
    if len(note) > LONGEST_NOTE:
        raise NoteRefused(f"A note has at most {LONGEST_NOTE} characters.", f"This one has {len(note)}.")
    if not note.isprintable():
        raise NoteRefused("A note is plain text on one line.", "Leave out control characters.")
    return note


def _marks(register: Register, items: Iterable[Item]) -> dict[str, Mark]:
    with register.store.reading() as connection:
        found = seen_marks.marks_among(register.store, connection, [bytes.fromhex(item.id) for item in items])
    return {item.hex(): mark for item, mark in found.items()}


def _id(register: Register, key: str) -> str:
    return register.store.blind.seen(key).hex()


def _late(register: Register, principal: Principal, now: datetime) -> list[RecordedChange]:
    """Return the last late change of each closure whose window is not over, by start."""
    received = read_late(register, principal, now - _LATE_FOR, now + _INSTANT)
    last = {change.closure_id: change for change in received if change.after.window.ends > now}
    return sorted(last.values(), key=lambda change: (change.after.window, change.after.reference))


def _late_key(one: RecordedChange) -> str:
    return f"late|{one.closure_id.hex()}|{one.entry}"


def _dates(
    register: Register, ahead: Iterable[PlannedClosure], now: datetime
) -> list[tuple[Maintenance, tuple[PlannedClosure, ...]]]:
    rulebook = register.rulebook()
    planned = {maintenance.reference: maintenance for maintenance in rulebook.maintenance_at(None)}
    met: defaultdict[str, list[PlannedClosure]] = defaultdict(list)
    for clash in find_maintenance_clashes(ahead, planned.values(), rulebook.thresholds.release_days):
        if clash.overlap.ends > now:
            met[clash.maintenance.reference].append(clash.closure)
    found = [
        (planned[reference], tuple(sorted(closures, key=lambda closure: (closure.window, closure.reference))))
        for reference, closures in met.items()
    ]
    return sorted(found, key=lambda entry: (entry[0].window, entry[0].reference))


def _windows(closures: Iterable[PlannedClosure]) -> str:
    """Name closures with their gateways and windows: another window makes another name."""
    named = (
        f"{closure.reference},{closure.gateway},{utc_text(closure.window.starts)},{utc_text(closure.window.ends)}"
        for closure in closures
    )
    return "|".join(sorted(named))
