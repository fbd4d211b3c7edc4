"""What changed elsewhere, patched into the octets that a client put: times, STATUS and SEQUENCE, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from app.domain.closure import PlannedClosure, State
from app.domain.notice import Occurrence, SenderMark
from app.ical.components import read_calendars, sole_calendar
from app.ical.patch import EventChanges, Override, add_override, patch_event, place_of
from app.register.member_body import MemberBody


@dataclass(frozen=True, slots=True)
class Known:
    """A closure as it is to be shown, and the sender's mark."""

    closure: PlannedClosure
    mark: SenderMark


@dataclass(frozen=True, slots=True)
class Patched:
    """A body after its patches, and the SEQUENCE that they wrote; 0 where nothing had to be patched."""

    body: MemberBody
    sequence: int


def patched(body: MemberBody, changed: Sequence[Known]) -> Patched:
    """Patch closures that changed elsewhere into a member; what its octets say already stays as it is."""
    octets, instances = body.octets, list(body.instances)
    sequence = _highest_sequence(octets) + 1
    for known in changed:
        if not _says(octets, instances, known):
            octets, instances = _patch(octets, instances, known, sequence)
    if octets == body.octets:
        return Patched(body, 0)
    if any(known.mark.recurrence_id for known in changed):
        # The series itself is newer too: whoever holds it without its overrides holds an old copy.
        master = place_of(octets, None)
        if master is not None:
            octets = patch_event(octets, master, EventChanges(sequence=sequence))
    return Patched(replace(body, octets=octets, instances=tuple(instances)), sequence)


def _says(octets: bytes, instances: Sequence[Occurrence], known: Known) -> bool:
    """Tell whether the octets state a closure as it stands."""
    closure, key = known.closure, known.mark.recurrence_id
    own = next((instance for instance in instances if instance.recurrence_id == key), None)
    if own is None:
        return False
    withdrawn = closure.state is State.WITHDRAWN
    same = (own.starts, own.ends) == (closure.window.starts, closure.window.ends)
    return withdrawn == _is_cancelled(octets, own.place) and (same or withdrawn)


def _patch(octets: bytes, instances: list[Occurrence], known: Known, sequence: int) -> tuple[bytes, list[Occurrence]]:
    closure, key = known.closure, known.mark.recurrence_id
    window = closure.window.starts, closure.window.ends
    withdrawn = closure.state is State.WITHDRAWN
    original = datetime.strptime(key, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) if key else None
    place = place_of(octets, original)
    if place is None and original is not None:
        status = "CANCELLED" if withdrawn else "CONFIRMED"
        octets = add_override(octets, Override(original, window, status, sequence, closure.changed_at))
        place = place_of(octets, original)
    elif place is not None:
        status_now = "CANCELLED" if withdrawn else "CONFIRMED" if _is_cancelled(octets, place) else None
        changes = EventChanges(
            window=None if withdrawn else window, status=status_now, sequence=sequence, stamp=closure.changed_at
        )
        octets = patch_event(octets, place, changes)
    kept = [instance for instance in instances if instance.recurrence_id != key]
    own = next((instance for instance in instances if instance.recurrence_id == key), None)
    floating = own is not None and own.floating and (own.starts, own.ends) == window
    all_day = own is not None and own.all_day and (own.starts, own.ends) == window
    kept.append(Occurrence(*window, key, all_day, floating, place or 0))
    return octets, sorted(kept, key=lambda instance: (instance.starts, instance.recurrence_id))


def _is_cancelled(octets: bytes, place: int) -> bool:
    event = sole_calendar(read_calendars(octets)).events()[place]
    return any(line.value.strip().upper() == "CANCELLED" for line in event.parsed("STATUS"))


def _highest_sequence(octets: bytes) -> int:
    events = sole_calendar(read_calendars(octets)).events()
    stated = [line.value.strip() for event in events for line in event.parsed("SEQUENCE")]
    return max((int(value) for value in stated if value.isascii() and value.isdigit()), default=0)
