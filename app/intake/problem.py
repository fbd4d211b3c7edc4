"""What a calendar's reader could not read, as a problem of the notice or as the refusal of the whole of it."""

from app.domain.refusal import IntakeProblem, NoticeCompressed, NoticeUnreadable
from app.ical.unread import Unread


def problem_of(unread: Unread) -> IntakeProblem:
    """Return the problem that the sender is told of."""
    return IntakeProblem(unread.text, unread.remedy, unread.line, unread.property_name, unread.code)


def unreadable(unread: Unread) -> NoticeUnreadable:
    """Return the refusal of a whole notice, with its one problem."""
    return NoticeUnreadable(unread.text, unread.remedy, (problem_of(unread),))


def compressed() -> NoticeCompressed:
    """Return the refusal of a notice that is compressed."""
    text, remedy = "The notice is compressed.", "Send it as it is, without compression and without Content-Encoding."
    return NoticeCompressed(text, remedy, (IntakeProblem(text, remedy, code="compressed"),))
