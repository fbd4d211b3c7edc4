"""What a message's METHOD makes of its events (RFC 5546 3.2): a notice, an addition, a withdrawal, or nothing."""

from enum import Enum, auto

from app.ical.parsed_line import ParsedLine
from app.ical.unread import Unread

_REMEDY = "Send the calendar as METHOD:PUBLISH or REQUEST to give notice, or METHOD:CANCEL to withdraw it."


class Meaning(Enum):
    """What the events of one VCALENDAR are to us."""

    NOTICE = auto()
    ADDITION = auto()
    WITHDRAWAL = auto()


_MEANINGS = {
    "": Meaning.NOTICE,
    "PUBLISH": Meaning.NOTICE,
    "REQUEST": Meaning.NOTICE,
    "ADD": Meaning.ADDITION,
    "CANCEL": Meaning.WITHDRAWAL,
}
_REFUSED = {
    "REPLY": "is an attendee's answer",
    "COUNTER": "is an attendee's counter-proposal",
    "DECLINECOUNTER": "declines a counter-proposal",
    "REFRESH": "asks for the latest version of an event",
}


def meaning_of(method: ParsedLine | None) -> Meaning:
    """Return what the METHOD of a VCALENDAR makes of its events; none means a notice. Raise ``Unread``."""
    if method is None:
        return Meaning.NOTICE
    name = method.value.upper()
    meaning = _MEANINGS.get(name)
    if meaning is None:
        why = f"METHOD:{name} {_REFUSED[name]}" if name in _REFUSED else "This METHOD is not known"
        raise method.unread("method", f"{why}; it gives no notice of a closure.", _REMEDY)
    return meaning


def require_same(method: str, meaning: Meaning) -> None:
    """Raise ``Unread`` where a mail says that its calendar is something else than what it says itself (RFC 6047 2.4).

    ``method`` is the mail's word; "" says nothing.
    """
    if method and _MEANINGS.get(method.upper()) is not meaning:
        raise Unread("method", "The mail says another METHOD than the calendar in it.", _REMEDY, property_name="METHOD")
