"""What the poller remembers of a source between two looks, and its one line of JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.domain.refusal import IntakeProblem
from app.domain.window import ClosureWindow
from app.pulling.fetch import Bookmark, KnownMember

_UNKNOWN: tuple[Any, ...] = ("", None, None, None, "", None, None, False)


@dataclass(frozen=True, slots=True)
class Taken:
    """What was last taken under one UID: its digest, and the latest start that it announces (aware UTC), if any.

    ``again`` is when it is read anew although nothing of it changed; None for never. ``name`` is the UID by which the
    register knows it: that which it had when it was first taken. ``summary`` is a keyed digest of its title, ``window``
    the first that it has, told or not; ``keyless`` says that it states no UID.
    """

    digest: str
    latest: datetime | None
    again: datetime | None = None
    name: str = ""
    summary: str = ""
    window: ClosureWindow | None = None
    keyless: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What the last look that found a change did: counts of closures, and what could not be read.

    ``owners`` are the UIDs of the events that the problems are of, "" for the source as a whole: a problem stays as
    long as its event does. ``remarks`` say how what was told last was read.
    """

    accepted: int = 0
    unchanged: int = 0
    superseded: int = 0
    withdrawn: int = 0
    problems: tuple[IntakeProblem, ...] = ()
    owners: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many events that a source shows are not taken.

    ``unwanted`` are those that its filter leaves out, ``over`` those that were over when it was added, ``unread`` those
    that could not be read.
    """

    unwanted: int
    over: int
    unread: int

    @property
    def words(self) -> str:
        """What is left out, and why; "" for nothing."""
        parts = (
            (self.unwanted, "by its word or category"),
            (self.over, "over when it was added"),
            (self.unread, "could not be read"),
        )
        told = ", ".join(f"{count} {why}" for count, why in parts if count)
        return f"Left out: {told}." if told else ""


@dataclass(frozen=True, slots=True)
class SourceState:
    """Where the last look ended, what is taken by UID, what is missing since when, and what was found.

    ``doubted`` tells that so much is missing that it is not believed yet. ``unwanted`` counts the events that the
    filter leaves out, where the whole source was read. ``renames`` says that it was seen to give its events new UIDs.
    """

    bookmark: Bookmark = field(default_factory=Bookmark)
    taken: Mapping[str, Taken] = field(default_factory=dict)
    missing: Mapping[str, datetime] = field(default_factory=dict)
    doubted: bool = False
    found: Found = field(default_factory=Found)
    unwanted: int = 0
    renames: bool = False

    @property
    def left_out(self) -> LeftOut:
        """What the source shows and is not taken."""
        unread = {uid for uid in self.found.owners if uid in self.taken and self.taken[uid].window is None}
        over = sum(entry.latest is None and entry.window is not None for entry in self.taken.values())
        return LeftOut(self.unwanted, over, len(unread))

    @property
    def events(self) -> int:
        """How many events the source shows that are taken."""
        return len(self.taken) - len(self.missing) - self.left_out.over - self.left_out.unread


def write_state(state: SourceState) -> str:
    """Return the state as JSON."""
    mark, found = state.bookmark, state.found
    facts: dict[str, Any] = {
        "kind": mark.kind,
        "mark": mark.mark,
        "modified": mark.modified,
        "members": {href: [known_member.etag, *known_member.uids] for href, known_member in mark.members.items()},
        "taken": {uid: _taken_facts(uid, taken) for uid, taken in state.taken.items()},
        "missing": {uid: since.isoformat() for uid, since in state.missing.items()},
        "doubted": state.doubted,
        "counts": [found.accepted, found.unchanged, found.superseded, found.withdrawn],
        "problems": [
            [problem.text, problem.remedy, problem.line, problem.property, problem.code] for problem in found.problems
        ],
        "owners": found.owners,
        "remarks": found.remarks,
        "unwanted": state.unwanted,
        "renames": state.renames,
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
        taken={uid: _taken(uid, parts) for uid, parts in facts["taken"].items()},
        missing={uid: datetime.fromisoformat(since) for uid, since in facts["missing"].items()},
        doubted=facts["doubted"],
        found=Found(
            *(accepted, unchanged, superseded, withdrawn, problems),
            owners=tuple(facts.get("owners", [""] * len(problems))),
            remarks=tuple(facts.get("remarks", [])),
        ),
        unwanted=facts.get("unwanted", 0),
        renames=facts.get("renames", False),
    )


def _taken_facts(uid: str, taken: Taken) -> list[Any]:
    window = taken.window
    return [
        *(taken.digest, _text(taken.latest), _text(taken.again), None if taken.name == uid else taken.name),
        *(taken.summary, window and _text(window.starts), window and _text(window.ends), taken.keyless),
    ]


def _taken(uid: str, parts: Sequence[Any]) -> Taken:
    # A state that was written before events were known again by more than their UID has fewer parts.
    digest, latest, again, name, summary, starts, ends, keyless = (*parts, *_UNKNOWN[len(parts) :])
    window = ClosureWindow(_utc(starts), _utc(ends)) if starts and ends else None
    return Taken(digest, _instant(latest), _instant(again), uid if name is None else name, summary, window, keyless)


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
