"""The heavy part of a calendar member as octets: when it takes place, its latest acknowledgement, and what was sent."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.notice import Occurrence
from app.domain.window import weeks_touched
from app.store.instants import from_micros, to_micros

_LEVEL = 1  # of zlib, as for notices


@dataclass(frozen=True, slots=True)
class MemberBody:
    """A member's occurrences, acknowledgement (JSON in ASCII) and octets, as they are kept.

    ``instances`` are all between ``complete_from`` and ``complete_until``; None stands for no bound.
    """

    octets: bytes
    instances: tuple[Occurrence, ...]
    complete_from: datetime | None
    complete_until: datetime | None
    receipt: str


def dump_body(body: MemberBody) -> bytes:
    """Write a body: two lines, of facts and of the acknowledgement, then the octets."""
    spans = [
        [
            to_micros(occurrence.starts),
            to_micros(occurrence.ends),
            occurrence.recurrence_id,
            occurrence.all_day + 2 * occurrence.floating,
            occurrence.place,
        ]
        for occurrence in body.instances
    ]
    bounds = [None if instant is None else to_micros(instant) for instant in (body.complete_from, body.complete_until)]
    facts = json.dumps([bounds, spans], separators=(",", ":"))
    return zlib.compress(b"\n".join((facts.encode(), body.receipt.encode("ascii"), body.octets)), _LEVEL)


def load_body(stored: bytes) -> MemberBody:
    """Read what ``dump_body`` wrote."""
    facts, receipt, octets = zlib.decompress(stored).split(b"\n", 2)
    bounds, spans = json.loads(facts)
    instances = tuple(
        Occurrence(from_micros(starts), from_micros(ends), key, bool(marks & 1), bool(marks & 2), place)
        for starts, ends, key, marks, place in spans
    )
    since, until = (None if bound is None else from_micros(bound) for bound in bounds)
    return MemberBody(octets, instances, since, until, receipt.decode())


def weeks_of(instances: Sequence[Occurrence]) -> frozenset[str]:
    """Return the ISO weeks that occurrences touch; one without duration touches the week of its start."""
    touched = (
        weeks_touched(occurrence.starts, max(occurrence.ends, occurrence.starts.replace(microsecond=1)))
        for occurrence in instances
    )
    return frozenset(week for weeks in touched for week in weeks)
