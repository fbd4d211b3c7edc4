"""Why intake cannot take a calendar object, in the words of RFC 4791: the one table of preconditions (5.3.2.1)."""

from app.caldav.backend import ObjectRefused
from app.domain.refusal import NoticeTooLarge, NoticeUnreadable, sentence_of

_PRECONDITIONS = {
    "too-many-occurrences": "max-instances",
    "too-much-recurrence": "max-instances",
    "too-long-ago": "min-date-time",
    "too-far-ahead": "max-date-time",
    "only-events": "supported-calendar-component",
    "no-events": "supported-calendar-component",
    "several-uids": "valid-calendar-object-resource",
    "duplicate": "valid-calendar-object-resource",
    "method": "valid-calendar-object-resource",
    "no-end": "valid-calendar-object-resource",
    "no-occurrence": "valid-calendar-object-resource",
}
_MOST_PROBLEMS = 5


def refusal_of(unread: NoticeTooLarge | NoticeUnreadable) -> ObjectRefused:
    """Return the refusal: the first problem decides the precondition, the text names each with its remedy."""
    if isinstance(unread, NoticeTooLarge):
        return ObjectRefused("max-resource-size", f"{unread.text} {unread.remedy}")
    if not unread.problems:
        return ObjectRefused("valid-calendar-data", f"{unread.text} {unread.remedy}".strip())
    text = " ".join(sentence_of(problem) for problem in unread.problems[:_MOST_PROBLEMS])
    return ObjectRefused(_PRECONDITIONS.get(unread.problems[0].code, "valid-calendar-data"), text)
