"""What changed elsewhere, patched into the octets that a client put: times, STATUS and SEQUENCE, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.domain.closure import PlannedClosure, State
from app.domain.notice import Occurrence, SenderMark
from app.ical.patch import EventChanges, ObjectPatch, Override
from app.ical.recurrence import original_start
from app.ical.status import CANCELLED, CONFIRMED, TENTATIVE
from app.register.member_body import MemberBody
from feeds.wording import status_word


@dataclass(frozen=True, slots=True)
class Known:
    """A closure as it is to be shown, and the sender's mark."""

    closure: PlannedClosure
    mark: SenderMark


@dataclass(frozen=True, slots=True)
class Patched:
    """A body after its patches, and the SEQUENCE that they wrote; 0 where nothing had to be patched.

    ``body`` is None where no few lines can say what changed: then ``sequence`` is what its successor is to state.
    """

    body: MemberBody | None
    sequence: int


def patched(body: MemberBody, changed: Sequence[Known], *, told_anew: bool = False) -> Patched:
    """Patch closures that changed elsewhere into a member; what its octets say already stays as it is.

    ``told_anew``: some of them are now told by another RECURRENCE-ID than the octets state.
    """
    patch = ObjectPatch(body.octets)
    sequence = patch.highest_sequence() + 1
    if told_anew:
        return Patched(None, sequence)
    instances = {instance.recurrence_id: instance for instance in body.instances}
    for known in changed:
        if not _says(patch, instances.get(known.mark.recurrence_id), known):
            if not patch.can_state(original_start(known.mark.recurrence_id)):
                return Patched(None, sequence)
            _patch(patch, instances, known, sequence)
    if patch.octets() == body.octets:
        return Patched(body, 0)
    if any(known.mark.recurrence_id for known in changed):
        # The series itself is newer too: whoever holds it without its overrides holds an old copy.
        master = patch.place_of(None)
        if master is not None:
            patch.change(master, EventChanges(sequence=sequence))
    in_order = sorted(instances.values(), key=lambda instance: (instance.starts, instance.recurrence_id))
    return Patched(replace(body, octets=patch.octets(), instances=tuple(in_order)), sequence)


def _says(patch: ObjectPatch, own: Occurrence | None, known: Known) -> bool:
    """Tell whether an object states a closure as it stands; ``own`` is its occurrence there."""
    if own is None:
        return False
    closure = known.closure
    withdrawn = closure.state is State.WITHDRAWN
    if withdrawn != patch.states(own.place, CANCELLED):
        return False
    same = (own.starts, own.ends) == (closure.window.starts, closure.window.ends)
    return withdrawn or (same and closure.provisional == patch.states(own.place, TENTATIVE))


def _patch(patch: ObjectPatch, instances: dict[str, Occurrence], known: Known, sequence: int) -> None:
    closure, key = known.closure, known.mark.recurrence_id
    window = closure.window.starts, closure.window.ends
    withdrawn = closure.state is State.WITHDRAWN
    original = original_start(key)
    place = patch.place_of(original)
    if place is None and original is not None:
        place = patch.add(Override(original, window, _status(closure), sequence, closure.changed_at))
    elif place is not None:
        plain = not (patch.states(place, CANCELLED) or patch.states(place, TENTATIVE))
        status_now = None if plain and _status(closure) == CONFIRMED else _status(closure)
        changes = EventChanges(
            window=None if withdrawn else window, status=status_now, sequence=sequence, stamp=closure.changed_at
        )
        patch.change(place, changes)
    own = instances.get(key)
    same = own is not None and (own.starts, own.ends) == window
    floating, all_day = (own.floating and same, own.all_day and same) if own is not None else (False, False)
    instances[key] = Occurrence(*window, key, all_day, floating, place or 0)


def _status(closure: PlannedClosure) -> str:
    return status_word(withdrawn=closure.state is State.WITHDRAWN, provisional=closure.provisional)
