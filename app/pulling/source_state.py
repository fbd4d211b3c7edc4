"""What the poller remembers of a source between two looks, and its one line of JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.refusal import IntakeProblem
from app.pulling.fetch import Bookmark, KnownMember


@dataclass(frozen=True, slots=True)
class Taken:
    """What was last taken under one UID: its digest, and the latest start that it announces (aware UTC), if any.

    ``again`` is when it is read anew although nothing of it changed; None for never.
    """

    digest: str
    latest: datetime | None
    again: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What the last look that found a change did: counts of closures, and what could not be read."""

    accepted: int = 0
    unchanged: int = 0
    superseded: int = 0
    withdrawn: int = 0
    problems: tuple[IntakeProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceState:
    """Where the last look ended, what is taken by UID, what is missing since when, and what was found.

    ``doubted`` tells that so much is missing that it is not believed yet.
    """

    bookmark: Bookmark = field(default_factory=Bookmark)
    taken: Mapping[str, Taken] = field(default_factory=dict)
    missing: Mapping[str, datetime] = field(default_factory=dict)
    doubted: bool = False
    found: Found = field(default_factory=Found)


def write_state(state: SourceState) -> str:
    """Return the state as JSON."""
    mark, found = state.bookmark, state.found
    facts: dict[str, Any] = {
        "kind": mark.kind,
        "mark": mark.mark,
        "modified": mark.modified,
        "members": {href: [known_member.etag, *known_member.uids] for href, known_member in mark.members.items()},
        "taken": {uid: [taken.digest, _text(taken.latest), _text(taken.again)] for uid, taken in state.taken.items()},
        "missing": {uid: since.isoformat() for uid, since in state.missing.items()},
        "doubted": state.doubted,
        "counts": [found.accepted, found.unchanged, found.superseded, found.withdrawn],
        "problems": [
            [problem.text, problem.remedy, problem.line, problem.property, problem.code] for problem in found.problems
        ],
    }
    return json.dumps(facts, separators=(",", ":"))


def read_state(text: str) -> SourceState:
    """Return the state that ``write_state`` wrote; an empty one before the first poll."""
    facts = json.loads(text)
    if not facts:
        return SourceState()
    accepted, unchanged, superseded, withdrawn = facts["counts"]
    problems = tuple(IntakeProblem(*fact) for fact in facts["problems"])
    members = {href: KnownMember(etag, tuple(uids)) for href, (etag, *uids) in facts["members"].items()}
    return SourceState(
        bookmark=Bookmark(facts["kind"], facts["mark"], facts["modified"], members),
        # A state that was written before rules were read again has no third part.
        taken={uid: Taken(digest, *map(_instant, times)) for uid, (digest, *times) in facts["taken"].items()},
        missing={uid: datetime.fromisoformat(since) for uid, since in facts["missing"].items()},
        doubted=facts["doubted"],
        found=Found(accepted, unchanged, superseded, withdrawn, problems),
    )


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
