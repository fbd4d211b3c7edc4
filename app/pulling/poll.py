"""One poll of one source: what is new there is a notice, what is gone there a withdrawal, by the same intake as all."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from app.domain.notice import Channel, Notice
from app.domain.party import User
from app.domain.refusal import IntakeProblem, NoticeTooLarge, NoticeUnreadable
from app.intake.ical import read_ical
from app.intake.outbound import LARGEST, Asker
from app.intake.pieces import Filter, Piece, cancellation_of
from app.intake.pull import look_at
from app.intake.reading import Asking, Limits, Reading
from app.intake.second_look import look_again
from app.intake.trouble import SourceUnread
from app.pulling.source_state import Found, SourceState, Taken
from app.register.receipts import Outcome
from app.register.receive import preview_notice, receive_notice
from app.register.register import Register
from app.store.sources import Source

# What intake adds around the pieces of one visit stays far below twice its size.
_LIMITS = Limits(octets=2 * LARGEST, events=5_000, all_occurrences=20_000)
_MOST_PROBLEMS = 20  # kept of one look
_WITHOUT_END = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Polled:
    """What one look came to: the state after it, and the answers to the notices that it made, if it made any."""

    state: SourceState
    answers: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """A source, its User, and the codes of that User's gateways. ``elsewhere`` are UIDs that its other sources show."""

    source: Source
    user: User
    gateways: tuple[str, ...]
    elsewhere: Collection[str]
    dry_run: bool


def poll(register: Register, subject: Subject, state: SourceState, asker: Asker, now: Callable[[], datetime]) -> Polled:
    """Look at a source once and record what that says, or with ``subject.dry_run`` only say what would be.

    Raise ``SourceUnread``: then nothing was recorded.

    While something is missing, the whole source is looked at, so that a second look never repeats the first one's
    mistake.
    """
    source = subject.source
    wanted = Filter(source.word, source.category)
    look = look_at(asker, source.url, state.bookmark, wanted, whole=bool(state.missing))
    if not look.changed:
        return Polled(state)
    received_at = now()
    fresh = [piece for piece in look.read if _digest(state, piece.uid) != piece.digest]
    taken, answers = dict(state.taken), []
    if fresh:
        answer, told = _tell(register, subject, state, fresh, received_at)
        answers.append(answer)
        taken |= told
    ahead = {uid for uid, one in taken.items() if one.latest is not None and one.latest > received_at}
    looked = look_again(ahead - set(subject.elsewhere), look.present, state.missing, received_at)
    if looked.gone:
        octets = cancellation_of(sorted(looked.gone))
        reading = _read(octets, subject, received_at)
        answers.append(_receive(register, subject, octets, received_at, reading))
    kept = {uid: one for uid, one in taken.items() if uid in look.present or uid in looked.missing}
    after = SourceState(look.bookmark, kept, looked.missing, looked.doubted, state.found)
    if answers or look.problems:
        after = replace(after, found=_found(answers, look.problems))
    return Polled(after, tuple(answers))


def _digest(state: SourceState, uid: str) -> str:
    held = state.taken.get(uid)
    return "" if held is None else held.digest


def _tell(
    register: Register, subject: Subject, state: SourceState, fresh: Sequence[Piece], received_at: datetime
) -> tuple[Outcome, dict[str, Taken]]:
    """Give notice of what is new or changed; return the answer, and what is taken under each UID now."""
    octets = b"".join(piece.octets for piece in fresh)
    reading = _read(octets, subject, received_at)
    # What was over before the source was added is the calendar's past, and nobody's late notice.
    told = tuple(
        one
        for one in reading.announcements
        if one.uid in state.taken or one.window is None or one.window.ends > subject.source.created_at
    )
    latest = dict.fromkeys((one.uid for one in reading.series), _WITHOUT_END)
    for one in told:
        if one.window is not None and not one.withdrawn:
            latest[one.uid] = max(latest.get(one.uid, one.window.starts), one.window.starts)
    telling = replace(reading, announcements=told)
    answer = _receive(register, subject, octets, received_at, telling)
    return answer, {piece.uid: Taken(piece.digest, latest.get(piece.uid)) for piece in fresh}


def _read(octets: bytes, subject: Subject, now: datetime) -> Reading:
    asking = Asking(now=now, gateways=subject.gateways, gateway=subject.source.gateway, limits=_LIMITS)
    try:
        return read_ical(octets, asking)
    except NoticeTooLarge as refusal:
        raise SourceUnread("too-many") from refusal
    except NoticeUnreadable as refusal:
        raise SourceUnread("not-calendar") from refusal


def _receive(register: Register, subject: Subject, octets: bytes, at: datetime, reading: Reading) -> Outcome:
    if subject.dry_run:
        return preview_notice(register, subject.user, at, reading)
    given_by = f"source {subject.source.id.hex()}"
    notice = Notice(subject.user.code, Channel.PULL, at, "text/calendar", octets, given_by)
    return receive_notice(register, subject.user, notice, reading)


def _found(answers: Sequence[Outcome], problems: Sequence[IntakeProblem]) -> Found:
    every = [*problems, *(problem for answer in answers for problem in answer.problems)]
    return Found(
        accepted=sum(len(answer.accepted) for answer in answers),
        unchanged=sum(len(answer.unchanged) for answer in answers),
        superseded=sum(len(answer.superseded) for answer in answers),
        withdrawn=sum(len(answer.withdrawn) for answer in answers),
        problems=tuple(every[:_MOST_PROBLEMS]),
    )
