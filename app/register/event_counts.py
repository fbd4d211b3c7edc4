"""Whether a notice adds up: what became of every event that it held, and where every closure in its answer is from."""

from collections.abc import Collection, Iterable

from typing_extensions import TypedDict

from app.domain.notice import NoticeContent
from app.domain.refusal import IntakeProblem


class CountsJson(TypedDict):
    """What became of all that a notice held, to be counted up by its sender.

    ``events`` (of a calendar; rows of a sheet, entries of a list) = ``taken`` + ``with_problems`` (not taken, or not
    wholly: ``problems`` says why) + ``left_out`` (``remarks`` says why). ``accepted``, ``unchanged``, ``superseded``
    and ``withdrawn`` together hold ``closures`` (what the events state, each occurrence of a series counted) +
    ``vanished`` (what is withdrawn since the notice states the rest without it).
    """

    events: int
    taken: int
    with_problems: int
    left_out: int
    closures: int
    vanished: int


def counts_of(
    content: NoticeContent, problems: Iterable[IntakeProblem], acknowledged: Collection[object], vanished: int
) -> CountsJson:
    """Count what became of a notice; ``problems`` are those that the record has with what it announces."""
    unread = content.unread | {problem.line for problem in problems if problem.line is not None}
    left_out = content.left_out - unread
    return {
        "events": content.events,
        "taken": content.events - len(unread) - len(left_out),
        "with_problems": len(unread),
        "left_out": len(left_out),
        "closures": len(acknowledged) - vanished,
        "vanished": vanished,
    }


def counts_of_none(content: NoticeContent) -> CountsJson:
    """Count what became of a notice of which nothing is applied, since not all of it could be read."""
    unread = len(content.unread)
    return {
        "events": content.events,
        "taken": 0,
        "with_problems": unread,
        "left_out": content.events - unread,
        "closures": 0,
        "vanished": 0,
    }


def counted_words(counts: CountsJson) -> str:
    """Word what a notice held and what became of it, closures that vanished where there are any.

    ``3 events or rows: 2 taken, 1 with problems, 0 left out; 2 no longer in it.``
    """
    told = f"{counts['taken']} taken, {counts['with_problems']} with problems, {counts['left_out']} left out"
    if counts["vanished"]:
        told += f"; {counts['vanished']} no longer in it"
    return f"{counts['events']} {'event or row' if counts['events'] == 1 else 'events or rows'}: {told}."
