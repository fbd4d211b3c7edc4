"""The fields that state a recipient of messages: what was typed, what it means, and what is wrong with it, by field."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

from app.domain.notification import FOR_THE_SENDER, REMINDER_DAYS, Kind
from app.domain.party import read_code
from app.domain.refusal import Refusal
from app.pulling.http_client import Outbound
from app.register.messages.recipients import ListedRecipient, check_kinds, every_kind, read_address
from app.register.messages.silences import MATCHERS, read_matchers, read_silencing
from app.register.people.enrolment import read_name
from app.store.recipients import Carrier, Silencing
from app.web.pages.notice.closure_form import Typed

_T = TypeVar("_T")

FIELDS = ("user", "carrier", "address", "label", "when", "matchers", "gateways")
EVERYBODY = "DCC"
"""What the form says in place of a User where it is somebody at DCC; no User has that code."""

WHEN: dict[str, int | None] = {
    "at once": None,
    **{f"daily at {hour:02}:00 London time": hour for hour in range(24)},
}
"""When a recipient may be told, in the words that the form sends, and the digest's hour in London."""

KINDS: dict[Kind, str] = {
    Kind.NEW: "a closure is planned, or planned again",
    Kind.MOVED: "its times or its gateway are changed",
    Kind.WITHDRAWN: "it is off",
    Kind.LATE: "short notice was given of any of these",
    Kind.CLASH: "it clashes with another closure, or with DCC's own dates",
    Kind.STARTS: "it starts within 24 hours",
    Kind.OPEN: "the gateway is closed now",
    Kind.OVER_TIME: "it was told closed, and nothing is heard of its re-opening when it was to re-open",
    Kind.REOPENED: "the gateway was told re-opened",
    Kind.EXPIRED: "its window is over",
    Kind.RECEIPT: "a notice is recorded",
    Kind.REMINDER: f"“still planned?”, {REMINDER_DAYS} Working Days before it starts",
}

CARRIERS: dict[Carrier, str] = {
    Carrier.EMAIL: "e-mail",
    Carrier.WEBHOOK: "webhook, a signed request to a program",
    Carrier.INVITATION: "invitation, for the calendar of a person or a shared mailbox: each closure, and its changes",
    Carrier.ALERTMANAGER: "Alertmanager, which silences alerts while gateways are closed",
}
"""What may carry messages, in the words of the form."""
BLANK = {"user": EVERYBODY, "carrier": Carrier.EMAIL.value, "when": "at once", "matchers": MATCHERS}
FOR_DCC = [kind.value for kind in KINDS if kind not in FOR_THE_SENDER]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A recipient as a form states it, each field sound by itself."""

    label: str
    carrier: Carrier
    address: str
    kinds: frozenset[Kind]
    digest_hour: int | None
    user_code: str | None
    silencing: Silencing | None


def when_words(digest_hour: int | None) -> str:
    """Say when a recipient is told: ``at once``, ``daily at 08:00 London time``."""
    return next(words for words, hour in WHEN.items() if hour == digest_hour)


def fields_of(one: ListedRecipient) -> Typed:
    """Return a recipient as the fields show it."""
    held = one.recipient
    typed = {"address": held.address, "label": held.label, "when": when_words(held.digest_hour)}
    if held.silencing is not None:
        typed |= {"matchers": held.silencing.matchers, "gateways": " ".join(sorted(held.silencing.gateways))}
    return Typed(typed)


def read_recipient(typed: Typed, chosen: Collection[str], outbound: Outbound, users: Collection[str]) -> Wanted | None:
    """Return what a new recipient's form states; None where a fault was noted. ``users`` are those to choose from."""
    user, carrier = typed.text("user"), typed.text("carrier")
    if user != EVERYBODY and user not in users:
        typed.faults["user"] = "Choose one of the list."
    if carrier not in set(Carrier):
        typed.faults["carrier"] = "Choose one of the list."
        return None
    user_code = None if user == EVERYBODY else user
    if carrier == Carrier.ALERTMANAGER:
        return _read_alertmanager(typed, outbound, user_code, None)
    return _read(typed, chosen, outbound, Carrier(carrier), user_code)


def read_change(typed: Typed, chosen: Collection[str], outbound: Outbound, known: ListedRecipient) -> Wanted | None:
    """Return what the form of a known recipient states, whose carrier and User stay; None where a fault was noted."""
    if known.recipient.silencing is not None:
        return _read_alertmanager(typed, outbound, known.user or None, known.recipient.silencing)
    return _read(typed, chosen, outbound, known.recipient.carrier, known.user or None)


def _read_alertmanager(
    typed: Typed, outbound: Outbound, user_code: str | None, known: Silencing | None
) -> Wanted | None:
    def read_checked_address() -> tuple[str, Silencing]:
        address, silencing = read_silencing(typed.text("address"), matchers, gateways, known)
        outbound.check(address)
        return address, silencing

    matchers, gateways = typed.text("matchers"), typed.text("gateways").replace(",", " ").split()
    label = _noted(typed, "label", lambda: read_name(typed.text("label")))
    _noted(typed, "matchers", lambda: read_matchers(matchers))
    _noted(typed, "gateways", lambda: [read_code(code) for code in gateways])
    found = None if typed.faults else _noted(typed, "address", read_checked_address)
    if label is None or found is None:
        return None
    address, silencing = found
    return Wanted(
        label=label, carrier=Carrier.ALERTMANAGER, address=address, kinds=frozenset(), digest_hour=None,
        user_code=user_code, silencing=silencing,
    )  # fmt: skip


def _read(
    typed: Typed, chosen: Collection[str], outbound: Outbound, carrier: Carrier, user_code: str | None
) -> Wanted | None:
    def read_checked_address() -> str:
        address = typed.text("address")
        if carrier is Carrier.WEBHOOK:
            outbound.check(address)
        return read_address(carrier, address)

    address = _noted(typed, "address", read_checked_address)
    label = _noted(typed, "label", lambda: read_name(typed.text("label")))
    for_a_user = user_code is not None
    ticked = frozenset(kind for kind in KINDS if kind in chosen)
    if carrier is Carrier.INVITATION:  # the boxes are for those who read, as the form says
        ticked = every_kind(carrier, for_a_user=for_a_user)
    kinds = _noted(typed, "kinds", lambda: check_kinds(carrier, ticked, for_a_user=for_a_user))
    when = typed.text("when")
    if when not in WHEN:
        typed.faults["when"] = "Choose one of the list."
    if typed.faults or address is None or label is None or kinds is None:
        return None
    return Wanted(
        label=label, carrier=carrier, address=address, kinds=kinds, digest_hour=WHEN[when], user_code=user_code,
        silencing=None,
    )  # fmt: skip


def _noted(typed: Typed, name: str, read: Callable[[], _T]) -> _T | None:
    """Read a field; where it is refused, note text and remedy at it."""
    try:
        return read()
    except Refusal as refusal:
        typed.faults[name] = f"{refusal.text} {refusal.remedy}".strip()
        return None
