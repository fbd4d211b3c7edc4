"""One poll of one source: what is new there is told, what is gone there is withdrawn, by the same intake as all."""

from collections.abc import Callable, Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from app.domain.maintenance import MaintenanceKind
from app.domain.refusal import IntakeProblem
from app.pulling.disappearance import look_again
from app.pulling.fetch import Bookmark, look_at
from app.pulling.http_client import Asker
from app.pulling.source_owner import Answer, Subject, read_pieces, take_reading, without_the_past
from app.pulling.source_state import Found, SourceState, Taken
from app.pulling.split_by_uid import Filter, Piece, cancellation_of
from app.register.maintenance import Imported
from app.register.register import Register

_MOST_PROBLEMS = 20  # kept of one look
_WITHOUT_END = datetime.max.replace(tzinfo=UTC)
# Nobody else goes on with a rule of DCC's that has no end: it is read anew long before its occurrences run out.
_RULE_READ_AGAIN = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Polled:
    """What one look came to: the state after it, and what the register said to what was told, if anything was."""

    state: SourceState
    answers: tuple[Answer, ...] = ()


def poll(register: Register, subject: Subject, state: SourceState, asker: Asker, now: Callable[[], datetime]) -> Polled:
    """Look at a source once and record what that says, or with ``subject.dry_run`` only say what would be.

    Raise ``SourceUnread``: then nothing was recorded.

    While something is missing, the whole source is looked at, so that a second look never repeats the first one's
    mistake.
    """
    source, asked_at = subject.source, now()
    wanted = Filter(source.word, source.category)
    again = frozenset(uid for uid, entry in state.taken.items() if entry.again is not None and entry.again <= asked_at)
    bookmark = _forget(state.bookmark, again)
    look = look_at(asker, source.url, bookmark, wanted, whole=bool(state.missing or again))
    if not look.changed:
        return Polled(state)
    received_at = now()
    fresh = [piece for piece in look.read if piece.uid in again or _digest(state, piece.uid) != piece.digest]
    taken, answers = dict(state.taken), []
    if fresh:
        answer, told = _tell(register, subject, state, fresh, received_at)
        answers.append(answer)
        taken |= told
    ahead = {uid for uid, entry in taken.items() if entry.latest is not None and entry.latest > received_at}
    looked = look_again(ahead - set(subject.elsewhere), look.present, state.missing, received_at)
    if looked.gone:
        octets = cancellation_of(sorted(looked.gone))
        reading = read_pieces(subject, octets, received_at)
        answers.append(take_reading(register, subject, octets, received_at, reading))
    kept = {uid: entry for uid, entry in taken.items() if uid in look.present or uid in looked.missing}
    after = SourceState(look.bookmark, kept, looked.missing, looked.doubted, state.found)
    if answers or look.problems:
        after = replace(after, found=_found(answers, look.problems))
    return Polled(after, tuple(answers))


def _forget(bookmark: Bookmark, again: AbstractSet[str]) -> Bookmark:
    """Return a bookmark that knows nothing of the members with these UIDs, so that they are fetched."""
    if not again:
        return bookmark
    members = {href: member for href, member in bookmark.members.items() if again.isdisjoint(member.uids)}
    return replace(bookmark, members=members)


def _digest(state: SourceState, uid: str) -> str:
    held = state.taken.get(uid)
    return "" if held is None else held.digest


def _tell(
    register: Register, subject: Subject, state: SourceState, fresh: Sequence[Piece], received_at: datetime
) -> tuple[Answer, dict[str, Taken]]:
    """Tell what is new or changed; return the answer, and what is taken under each UID now."""
    octets = b"".join(piece.octets for piece in fresh)
    reading = without_the_past(subject, read_pieces(subject, octets, received_at), state.taken)
    endless = {rule.uid for rule in reading.series}
    latest = dict.fromkeys(endless, _WITHOUT_END)
    for announcement in reading.announcements:
        if announcement.window is not None and not announcement.withdrawn:
            latest[announcement.uid] = max(
                latest.get(announcement.uid, announcement.window.starts), announcement.window.starts
            )
    answer = take_reading(register, subject, octets, received_at, reading)
    again = received_at + _RULE_READ_AGAIN if isinstance(subject.reader, MaintenanceKind) else None
    return answer, {
        piece.uid: Taken(piece.digest, latest.get(piece.uid), again if piece.uid in endless else None)
        for piece in fresh
    }


def _found(answers: Sequence[Answer], problems: Collection[IntakeProblem]) -> Found:
    every = [*problems, *(problem for answer in answers for problem in answer.problems)]
    total = Found(problems=tuple(every[:_MOST_PROBLEMS]))
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
