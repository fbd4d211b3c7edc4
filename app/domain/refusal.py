"""What cannot be recorded (a ``Refusal``) and what cannot be read (an ``IntakeProblem``), as facts without HTTP."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IntakeProblem:
    """One thing in a notice that could not be read; the rest of the notice is unaffected.

    ``line`` counts physical lines of what was sent, from 1. ``property`` is the iCalendar property or the column.
    ``text`` says what is wrong and never echoes the sender's content; ``remedy`` says what to do about it.
    ``code`` is a stable kebab-case name for programs. ``event`` is by what the sender knows the event, with the first
    words of its title: for the sender and whoever holds the file, "" where there is none.
    """

    text: str
    remedy: str
    line: int | None = None
    property: str | None = None
    code: str = "unreadable"
    event: str = ""


def sentence_of(problem: IntakeProblem) -> str:
    """Return a problem as one line: where it is, what is wrong and what helps."""
    where = problem_place(problem.line, problem.property, problem.event)
    return f"{f'{where}: ' if where else ''}{problem.text} {problem.remedy}"


def problem_place(line: int | None, property_name: str | None, event: str) -> str:
    """Return where a problem is, as every door says it: ``Line 5, DTEND (Works at Leeds, 2026-12-06 02:00)``.

    "" where it is the notice as a whole.
    """
    place = ", ".join(part for part in (f"Line {line}" if line else "", property_name) if part)
    return f"{place} ({event})" if place and event else place or event


def size_words(octets: int) -> str:
    """Word a size as people read it: ``1 MB``, ``16 kB``, ``500 bytes``; a MB is a million octets."""
    for size, unit in ((1_000_000, "MB"), (1_000, "kB")):
        if octets >= size - size // 2_000:  # from where three digits round up to it
            return f"{octets / size:.3g} {unit}"
    return "1 byte" if octets == 1 else f"{octets} bytes"


class Refusal(Exception):  # noqa: N818 - the domain's word (docs/glossary.md)
    """Something that this service declines to record, show or do: ``text`` says what, ``remedy`` what helps.

    Subclasses carry the facts; each door translates them in one table. ``code`` is stable, for programs.
    """

    code = "refused"

    def __init__(self, text: str, remedy: str = "") -> None:
        super().__init__(f"{text} {remedy}".strip())
        self.text = text
        self.remedy = remedy


class WindowRefused(Refusal):
    """A window that is not one: naive times, or an end that is not after its start."""

    code = "window"


class CodeRefused(Refusal):
    """A User or gateway code outside ``[A-Z0-9][A-Z0-9_-]{0,31}``."""

    code = "code"


class TimeRefused(Refusal):
    """A text that is not an ISO 8601 instant or date."""

    code = "time"


class Unknown(Refusal):
    """A User, gateway, closure or subscription that is not there, or not for the asker: the two look alike."""

    code = "unknown"


class AlreadyThere(Refusal):
    """A code or an address that is taken."""

    code = "already-there"


class AccessRefused(Refusal):
    """The principal is known but may not do this."""

    code = "access"


class NoticeTooLarge(Refusal):
    """More octets or events than the limit allows; nothing was parsed."""

    code = "too-large"


class NoticeUnreadable(Refusal):
    """A notice of which nothing could be read; ``problems`` names each thing. It is recorded all the same."""

    code = "unreadable"

    def __init__(self, text: str, remedy: str = "", problems: tuple[IntakeProblem, ...] = ()) -> None:
        super().__init__(text, remedy)
        self.problems = problems


class NoticeCompressed(NoticeUnreadable):
    """A notice that came compressed, or by its header in another coding: it is read as it is, or not at all."""

    code = "compressed"


class PolicyRefused(Refusal):
    """A policy value outside its range."""

    code = "policy"


class StoreFull(Refusal):
    """The disk under the database is full or failing: nothing was recorded, reading goes on."""

    code = "store-full"


class StoreBusy(Refusal):
    """The database did not answer in time; nothing was recorded; the same request may be sent again."""

    code = "store-busy"


class StoreAway(StoreBusy):
    """The database cannot be reached, or went away before anything was committed; it may be another one by now."""


class Deposed(Refusal):
    """A scheduler that leads no more: another one took over, and what this one meant to write or send was not."""

    code = "deposed"


class StoreUncertain(Refusal):
    """The database went away while it committed: what was given may be recorded, and is not sent again by us."""

    code = "store-uncertain"


class StoreUnfit(Refusal):
    """A database or key that is missing, too old or unreadable: the service does not start on it."""

    code = "store-unfit"


class BackupRefused(Refusal):
    """A backup that cannot be written or read where it should be; the database is as it was."""

    code = "backup"


class Shredded(Refusal):
    """The data key of a User was destroyed on purpose; what it sealed cannot be read by anyone."""

    code = "shredded"
