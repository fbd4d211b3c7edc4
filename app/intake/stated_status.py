"""Whether an event is planned or withdrawn, by all that it says of it, and what of that its sender should hear of."""

import re
from dataclasses import dataclass
from unicodedata import normalize

from app.ical.lines import ContentLine, unescape_text
from app.ical.parsed_line import Heads, ParsedLine, parse_line
from app.ical.status import CANCELLED, TENTATIVE, read_status
from app.ical.unread import Unread

_HOW = "To withdraw it, press Withdraw this closure on its page, or send it with STATUS:CANCELLED."
_SPELLED = "Its STATUS is spelled in another way than CANCELLED; it was read as that."
_UNKNOWN = f"Its STATUS is none of TENTATIVE, CONFIRMED and CANCELLED, so the closure stays planned. {_HOW}"
_CALLED_OFF = f"Its title says that it is cancelled, but the closure stays planned. {_HOW}"
_MAINTNOTE_WITHDRAWS = "X-MAINTNOTE-STATUS:CANCELLED was read as the withdrawal of the closure."
_DIFFERENT = "X-MAINTNOTE-STATUS and STATUS say different things of the closure; STATUS was taken."
# What the statuses of BCOP MAINTNOTE mean beyond those that every event can have; None where nothing follows from one.
_MAINTNOTE = {
    "TENTATIVE": None,
    "CONFIRMED": None,
    "IN-PROCESS": None,
    "COMPLETED": "X-MAINTNOTE-STATUS:COMPLETED changes no time: the closure stays as it is stated here. If the gateway "
    "re-opened earlier than that, send the time as its end.",
    "RE-SCHEDULED": "X-MAINTNOTE-STATUS:RE-SCHEDULED: the times of this event were taken as the new ones. If another "
    f"event took its place, this one stays planned. {_HOW}",
}
_MAINTNOTE_UNKNOWN = f"X-MAINTNOTE-STATUS is none that is known, so the closure stays planned. {_HOW}"
_MAINTNOTE_SPELLINGS = {"RESCHEDULED": "RE-SCHEDULED", "IN-PROGRESS": "IN-PROCESS", "COMPLETE": "COMPLETED"}
# What calendar programs and people write before the title of what does not take place.
_WORDS = (
    *("canceled", "cancelled", "called off", "withdrawn", "canslwyd"),  # English, Welsh
    *("abgesagt", "abgesagter", "storniert", "entfällt"),  # German
    *("annulé", "annulée", "annule", "annulee", "geannuleerd"),  # French, Dutch
    *("cancelado", "cancelada", "cancel·lat", "annullato", "annullata"),  # Spanish, Portuguese, Catalan, Italian
    *("odwołane", "odwołano", "anulowano", "anulowane", "zrušeno", "zrušené", "anulat"),  # Polish, Czech, Romanian
    *("inställt", "inställd", "aflyst", "avlyst", "peruutettu", "peruttu", "törölve"),  # Nordic, Hungarian
    *("отменено", "отменена", "скасовано", "ακυρώθηκε", "i̇ptal edildi", "iptal edildi"),
    *("已取消", "キャンセル済み", "取り消し済み"),
)
_BEFORE_TITLE = re.compile(
    r"(?:(?:re|fwd?|aw|wg|tr|updated?)\s*:|[\W_])*"
    rf"(?P<word>{'|'.join(_WORDS)})(?!\w)"
    r"(?P<rest>(?:\s+(?:event|meeting|appointment|invitation|termin)\b)?(?:\s+with\s+note\b)?\s*(?:\Z|[^\w\s,.]|[-_]))?",
    re.IGNORECASE,
)
_FIRST_WORDS = frozenset(word.partition(" ")[0] for word in _WORDS)
_LONGEST_PREFIX = 100


@dataclass(frozen=True, slots=True)
class StatedStatus:
    """What an event says of whether it takes place; ``remarks`` are of what was doubtful in that.

    ``provisional``: its sender is not certain yet (RFC 5545 3.8.1.11, TENTATIVE).
    """

    withdrawn: bool
    remarks: tuple[str, ...] = ()
    provisional: bool = False


_PLANNED = StatedStatus(withdrawn=False)


def read_stated_status(status: ParsedLine | None, maintnote: ParsedLine | None, title: str) -> StatedStatus:
    """Read STATUS, X-MAINTNOTE-STATUS and the event's title, which withdraws nothing by itself.

    STATUS leads, since programs that change an event know no other.
    """
    if status is None and maintnote is None:
        return StatedStatus(withdrawn=False, remarks=(_CALLED_OFF,)) if is_called_off(title) else _PLANNED
    written = status.value if status is not None else ""
    stated = read_status(written)
    remarks: list[str] = []
    if stated == CANCELLED and written.upper() != CANCELLED:
        remarks.append(_SPELLED)
    more = _maintnote(maintnote) if maintnote is not None else ""
    if more and stated and (stated == CANCELLED) != (more == CANCELLED):
        remarks.append(_DIFFERENT)
    elif more and more != CANCELLED:
        remark = _MAINTNOTE.get(more, _MAINTNOTE_UNKNOWN)
        remarks += [remark] if remark else []
    elif more and not stated:
        return StatedStatus(withdrawn=True, remarks=(_MAINTNOTE_WITHDRAWS,))
    if stated == CANCELLED:
        return StatedStatus(withdrawn=True, remarks=tuple(remarks))
    if written and not stated:
        remarks.append(_UNKNOWN)
    if is_called_off(title):
        remarks.append(_CALLED_OFF)
    return StatedStatus(withdrawn=False, remarks=tuple(remarks), provisional=(stated or more) == TENTATIVE)


def _maintnote(stated: ParsedLine) -> str:
    written = stated.value.upper()
    return read_status(written) or _MAINTNOTE_SPELLINGS.get(written, written)


def is_known_status(stated: ParsedLine) -> bool:
    """Tell whether a STATUS or X-MAINTNOTE-STATUS is one of those that have a meaning."""
    return read_status(stated.value) != "" or (stated.name != "STATUS" and _maintnote(stated) in _MAINTNOTE)


def is_called_off(title: str) -> bool:
    """Tell whether a title begins as those of cancelled events do: ``Canceled: Works``, ``[ABGESAGT] Works``."""
    first = title.partition(" ")[0]
    if first.isalpha() and first.casefold() not in _FIRST_WORDS:
        return False
    start = title[:_LONGEST_PREFIX]
    found = _BEFORE_TITLE.match(start if start.isascii() else normalize("NFC", start))
    return found is not None and (found["rest"] is not None or found["word"].isupper())


def title_of(summary: ContentLine | None, heads: Heads) -> str:
    """Return the text of a SUMMARY, in whichever encoding it was written; "" for none."""
    if summary is None:
        return ""
    try:
        if summary.octets.startswith(b"SUMMARY:"):
            return unescape_text(summary.octets[8:].decode())
        return parse_line(summary, heads).text()
    except (Unread, UnicodeDecodeError):
        return summary.octets.decode("cp1252", "replace").partition(":")[2].strip()
