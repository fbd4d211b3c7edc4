"""What is told to one recipient: the subject and text of a message, and the same as JSON for a program.

Both are made of ``FeedEntry`` and ``MaintenanceEntry`` alone: a message discloses nothing that a feed could not.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from feeds.closure_json import closure_json
from feeds.entry import FeedEntry, MaintenanceEntry, Publisher
from feeds.listing import maintenance_facts
from feeds.property import plain
from feeds.wording import description, london_text, maintenance_summary, summary, window_text

_WORDS = {
    "new": "New",
    "moved": "Changed",
    "withdrawn": "Withdrawn",
    "late": "Short notice",
    "clash": "Clash",
    "starts": "Starts within 24 hours",
    "open": "Closed now",
    "over-time": "Over time",
    "re-opened": "Re-opened",
    "expired": "Finished",
    "receipt": "Received",
    "reminder": "Still planned?",
}
_SENTENCES = {
    "receipt": "We have recorded your notice. Thank you.",
    "reminder": (
        "Is this closure still planned? If it is, nothing is needed. If not, withdraw it or give its new date: "
        "a notice at any time is welcome."
    ),
}
FOOTER = "As notified by Users; not approved by DCC."


@dataclass(frozen=True, slots=True)
class EntryTold:
    """One closure in a message: why it is told, by ``kinds`` of ``_WORDS``, and what it clashes with."""

    kinds: tuple[str, ...]
    entry: FeedEntry
    clashes: tuple[FeedEntry, ...] = ()
    maintenance: tuple[MaintenanceEntry, ...] = ()


def subject_of(told: Sequence[EntryTold]) -> str:
    """Return the subject of a message: which gateway and when, or how many of what."""
    if len(told) == 1:
        entry = told[0].entry
        return f"{_headline(told[0])}: {plain(entry.gateway_code)}, {london_text(entry.starts)}"
    count = Counter(kind for item in told for kind in item.kinds)
    parts = ", ".join(f"{count[kind]} {word.lower().rstrip('?')}" for kind, word in _WORDS.items() if kind in count)
    return f"{len(told)} gateway closures: {parts}"


def text_of(told: Sequence[EntryTold], publisher: Publisher) -> str:
    r"""Return the text of a message, in plain English, its lines parted by ``\n``."""
    return "\n\n".join([*(_paragraph(entry, publisher) for entry in told), FOOTER]) + "\n"


def payload_of(told: Sequence[EntryTold], message_id: str, made_at: str, now: datetime) -> bytes:
    """Return a message as JSON: each closure as it stands at ``now``, and why it is told."""
    facts = {
        "type": "closures.told",
        "id": message_id,
        "timestamp": made_at,
        "data": {
            "closures": [
                {
                    "kinds": list(entry.kinds),
                    "closure": closure_json(entry.entry, now),
                    "clashes": [closure_json(other, now) for other in entry.clashes],
                    "maintenance_clashes": [maintenance_facts(other) for other in entry.maintenance],
                }
                for entry in told
            ]
        },
    }
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()


def _headline(one: EntryTold) -> str:
    first, *others = (_WORDS[kind] for kind in one.kinds)
    return ", ".join([first, *(word[0].lower() + word[1:] for word in others)])


def _paragraph(one: EntryTold, publisher: Publisher) -> str:
    *facts, page = closure_lines(one.entry, publisher)
    lines = [
        _headline(one),
        *(_SENTENCES[kind] for kind in one.kinds if kind in _SENTENCES),
        *facts,
        *(f"Clashes with {summary(other)}, {window_text(other.starts, other.ends)}" for other in one.clashes),
        *(
            f"Clashes with {maintenance_summary(other)}, {window_text(other.starts, other.ends)}"
            for other in one.maintenance
        ),
        page,
    ]
    return "\n".join(lines)


def closure_lines(entry: FeedEntry, publisher: Publisher) -> list[str]:
    """Return what a message says of a closure as it stands: what is closed, when, how it was told, and its page."""
    return [
        summary(entry),
        window_text(entry.starts, entry.ends),
        *description(entry).split("\n"),
        plain(f"{publisher.base_url.rstrip('/')}/closures/{entry.reference}"),
    ]
