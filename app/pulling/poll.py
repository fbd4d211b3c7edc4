"""One poll of one source: what is new there is told, what is gone there is withdrawn, by the same intake as all."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Protocol

from app.domain.maintenance import MaintenanceKind
from app.domain.notice import Announcement, NoticeContent
from app.domain.refusal import IntakeProblem
from app.pulling.disappearance import Looked, look_again
from app.pulling.fetch import Bookmark, Look
from app.pulling.known_again import KnownAgain, Windows, know_again
from app.pulling.source_owner import Answer, Subject, read_pieces, take_reading, without_the_past
from app.pulling.source_state import Found, SourceState, Taken
from app.pulling.split_by_uid import Filter, Piece, cancellation_of
from app.register.maintenance import Imported
from app.register.register import Register

_MOST_PROBLEMS = 20  # kept of one look
_MOST_REMARKS = 20
_WITHOUT_END = datetime.max.replace(tzinfo=UTC)
# Nobody else goes on with a rule of DCC's that has no end: it is read anew long before its occurrences run out.
_RULE_READ_AGAIN = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Polled:
    """What one look came to: the state after it, and what the register said to what was told, if anything was."""

    state: SourceState
    answers: tuple[Answer, ...] = ()


class LookAt(Protocol):
    """One look at a source, from where the last one ended; with ``whole``, at all that it holds."""

    def __call__(self, bookmark: Bookmark, wanted: Filter, *, whole: bool) -> Look:
        """Look. Raise ``SourceUnread`` where the source could not be read for certain."""


def poll(
    register: Register, subject: Subject, state: SourceState, look_at: LookAt, now: Callable[[], datetime]
) -> Polled:
    """Look at a source once and record what that says, or with ``subject.dry_run`` only say what would be.

    Raise ``SourceUnread``: then nothing was recorded.

    While something is missing, the whole source is looked at, so that a second look never repeats the first one's
    mistake.
    """
    source, asked_at = subject.source, now()
    wanted = Filter(source.word, source.category)
    again = frozenset(uid for uid, entry in state.taken.items() if entry.again is not None and entry.again <= asked_at)
    bookmark = _forget(state.bookmark, again)
    look = look_at(bookmark, wanted, whole=bool(state.missing or again))
    if not look.changed:
        return Polled(state)
    received_at = now()
    summaries = {piece.uid: register.store.blind.summary(source.id, piece.summary) for piece in look.read}
    known = know_again(state, look, summaries, lambda pieces: _windows(subject, pieces, received_at), received_at)
    taken = dict(known.taken)
    fresh = {piece.uid: piece for piece in look.read if piece.uid in again or _is_news(piece, known, whole=look.whole)}
    answers, problems = [], [("", problem) for problem in (*look.problems, *known.problems)]
    remarks = state.found.remarks
    if fresh:
        told = _tell(register, subject, known, fresh, received_at)
        answers.append(told.answer)
        problems += told.problems
        remarks = told.remarks
        taken |= {uid: replace(entry, summary=summaries[uid]) for uid, entry in told.taken.items()}
    looked = _look_for_missing(subject, look, state, taken, received_at)
    if looked.gone:
        octets = cancellation_of(sorted(taken[uid].name for uid in looked.gone))
        reading = read_pieces(subject, octets, received_at)
        answers.append(take_reading(register, subject, octets, received_at, reading))
        problems += [("", problem) for problem in answers[-1].problems]
    here = look.present | looked.missing.keys() if look.whole else taken.keys()
    stay = (here - fresh.keys()) | (set() if answers or problems else {""})
    return Polled(
        SourceState(
            bookmark=look.bookmark,
            taken={uid: entry for uid, entry in taken.items() if uid in here},
            missing=looked.missing,
            doubted=looked.doubted,
            found=replace(_found(answers, problems, state.found, stay), remarks=remarks),
            unwanted=state.unwanted if look.unwanted is None else look.unwanted,
            renames=known.renames,
        ),
        tuple(answers),
    )


def _forget(bookmark: Bookmark, again: AbstractSet[str]) -> Bookmark:
    """Return a bookmark that knows nothing of the members with these UIDs, so that they are fetched."""
    if not again:
        return bookmark
    members = {href: member for href, member in bookmark.members.items() if again.isdisjoint(member.uids)}
    return replace(bookmark, members=members)


def _is_news(piece: Piece, known: KnownAgain, *, whole: bool) -> bool:
    """Tell whether a piece is to be told. What a series leaves out may just have been cut off."""
    if piece.uid in known.held_back:
        return False
    entry = known.taken.get(piece.uid)
    return entry is None or (entry.digest != piece.digest and (whole or not piece.repeats))


def _windows(subject: Subject, pieces: Iterable[Piece], at: datetime) -> Windows:
    """Return the first window of each event, as it is read under the UID that it has now."""
    octets = b"".join(piece.under(piece.uid).octets for piece in pieces)
    return _first_windows(read_pieces(subject, octets, at))


def _first_windows(reading: NoticeContent) -> Windows:
    return {
        announcement.uid: announcement.window
        for announcement in sorted(reading.announcements, key=_start_of, reverse=True)
        if announcement.window is not None and not announcement.withdrawn
    }


def _start_of(announcement: Announcement) -> float:
    return 0.0 if announcement.window is None else announcement.window.starts.timestamp()


def _look_for_missing(
    subject: Subject, look: Look, state: SourceState, taken: Mapping[str, Taken], now: datetime
) -> Looked:
    """Return what is missing and what is gone; of a source that was not seen whole, what was missing before."""
    if not look.whole:
        missing = {uid: since for uid, since in state.missing.items() if uid in taken and uid not in look.present}
        return Looked(missing, frozenset(), state.doubted)
    ahead = {
        uid
        for uid, entry in taken.items()
        if entry.latest is not None and entry.latest > now and entry.name not in subject.elsewhere
    }
    return look_again(ahead, look.present, state.missing, now)


@dataclass(frozen=True, slots=True)
class _Told:
    """What the register said, what is taken by UID now, problems, each with the UID of its event, and remarks."""

    answer: Answer
    taken: Mapping[str, Taken]
    problems: Sequence[tuple[str, IntakeProblem]]
    remarks: tuple[str, ...]


def _tell(
    register: Register, subject: Subject, known: KnownAgain, fresh: Mapping[str, Piece], received_at: datetime
) -> _Told:
    """Tell what is new or changed, by UID, each under the UID by which the register knows it."""
    names = {uid: known.name_of(uid) for uid in fresh}
    pieces = {uid: piece.under(names[uid]) for uid, piece in fresh.items()}
    octets = b"".join(piece.octets for piece in pieces.values())
    whole = read_pieces(subject, octets, received_at)
    reading = without_the_past(subject, whole, {entry.name for entry in known.taken.values()})
    # What has another UID is another object to its sender: its SEQUENCE does not go on where the old one's was.
    follows = {names[uid] for uid in known.followed & fresh.keys()}
    reading = replace(
        reading,
        announcements=tuple(
            replace(announcement, by_receipt=True) if announcement.uid in follows else announcement
            for announcement in reading.announcements
        ),
    )
    endless = {rule.uid for rule in reading.series}
    latest = dict.fromkeys(endless, _WITHOUT_END)
    for announcement in reading.announcements:
        if announcement.window is not None and not announcement.withdrawn:
            latest[announcement.uid] = max(
                latest.get(announcement.uid, announcement.window.starts), announcement.window.starts
            )
    answer = take_reading(register, subject, octets, received_at, reading)
    again = received_at + _RULE_READ_AGAIN if isinstance(subject.reader, MaintenanceKind) else None
    windows = _first_windows(whole)
    taken = {
        uid: Taken(
            digest=piece.digest,
            latest=latest.get(names[uid]),
            again=again if names[uid] in endless else None,
            name=names[uid],
            window=windows.get(names[uid]),
            keyless=fresh[uid].keyless,
        )
        for uid, piece in pieces.items()
    }
    remarks = [*reading.remarks, *(remark for told in reading.announcements for remark in told.remarks)]
    kept = tuple(dict.fromkeys(remarks))[:_MOST_REMARKS]
    return _Told(answer, taken, _with_owners(pieces, answer.problems), kept)


def _with_owners(pieces: Mapping[str, Piece], problems: Iterable[IntakeProblem]) -> list[tuple[str, IntakeProblem]]:
    """Return problems with the UID of the event on whose line each is; "" where it is on none."""
    uids, ends = list(pieces), list(accumulate(piece.octets.count(b"\n") for piece in pieces.values()))
    return [
        (uids[bisect_left(ends, problem.line)] if problem.line and problem.line <= ends[-1] else "", problem)
        for problem in problems
    ]


def _found(
    answers: Sequence[Answer], problems: Sequence[tuple[str, IntakeProblem]], before: Found, stay: AbstractSet[str]
) -> Found:
    """Return what the look found; the problems of events that ``stay`` as they are stay, too."""
    old = zip(before.owners, before.problems, strict=True)
    every = [*problems, *((uid, problem) for uid, problem in old if uid in stay)][:_MOST_PROBLEMS]
    total = Found() if answers else before
    total = replace(total, problems=tuple(problem for _, problem in every), owners=tuple(uid for uid, _ in every))
    for answer in answers:
        if isinstance(answer, Imported):
            accepted, unchanged, superseded = len(answer.added) + len(answer.moved), answer.unchanged, 0
        else:
            accepted, unchanged = len(answer.accepted), len(answer.unchanged)
            superseded = len(answer.superseded)
        total = replace(
            total,
            accepted=total.accepted + accepted,
            unchanged=total.unchanged + unchanged,
            superseded=total.superseded + superseded,
            withdrawn=total.withdrawn + len(answer.withdrawn),
        )
    return total
