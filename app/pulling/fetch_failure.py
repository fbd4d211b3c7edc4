"""Why nothing was taken from a source this time: one list of reasons, worded alike whatever lies behind them."""

from app.domain.refusal import Refusal

_ASK = "Ask whoever keeps the source."
# So Microsoft 365's published calendars are reported to behave.
_ANSWERED = "The source answered with HTTP status {}."
_AGENT = (
    "Some publishers, Microsoft 365 among them, answer so to a program that they do not know: give the source the "
    "agent (User-Agent) of one that they do."
)
# What goes wrong before an answer comes is one reason: a refused address, a name that resolves to nothing, a closed
# port and a bad certificate look alike, so that no source serves to explore a network.
_REASONS = {
    "address": (
        "That is not an address that may be asked.",
        "Give https:// with a host name, no user name in it, and port 443 or 8443.",
    ),
    "unreachable": (
        "The source could not be reached over a trusted connection.",
        "Check its address and its certificate, and that it can be reached from this machine.",
    ),
    "redirected": ("The source sends us to another address.", "Give the address that it really has."),
    "sign-in": (
        "The source refused the user name and password.",
        "Remove the source and add it again with the right ones; only Basic is understood.",
    ),
    "answer": (_ANSWERED, _ASK),
    "answer 403": (_ANSWERED, f"{_AGENT} Else look at its user name and password, or ask whoever keeps it."),
    "answer 500": (_ANSWERED, f"{_AGENT} Else ask whoever keeps the source."),
    "too-large": ("The source sent more than is read at once.", "Point the source at a smaller calendar."),
    "too-slow": ("The source took too long to answer.", _ASK),
    "broken-off": ("The answer of the source broke off.", _ASK),
    "not-calendar": (
        "What the source sent is not a calendar.",
        "Give the address of a CalDAV collection or of an .ics file, not of a page that shows one.",
    ),
    "no-events": (
        "The calendar file holds no event at all, which is not taken as news.",
        "If what it held is off, withdraw that by hand.",
    ),
    "too-many": ("The source holds more events than are read at once.", "Choose a word or a category."),
    "gone": ("The User or the gateway of this source is no longer there.", "Remove the source."),
}


class SourceUnread(Refusal):
    """A source of which nothing was taken; the register is as it was. ``outcome`` is what is kept of the reason."""

    code = "source"

    def __init__(self, reason: str, detail: str = "") -> None:
        self.outcome = f"{reason} {detail}".strip()
        super().__init__(*words_of(self.outcome))


def words_of(outcome: str) -> tuple[str, str]:
    """Return text and remedy of a kept reason, such as ``answer 500``."""
    reason, _, detail = outcome.partition(" ")
    text, remedy = _REASONS.get(outcome) or _REASONS[reason]
    return text.format(detail), remedy
