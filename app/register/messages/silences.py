"""Which silences an Alertmanager is to hold: one for each closure that stands, by the matchers of whoever asked."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import unquote

from app.domain.closure import PlannedClosure
from app.domain.party import read_code
from app.domain.refusal import Refusal
from app.domain.silence import AHEAD, silent_window
from app.domain.window import ClosureWindow
from app.register.messages.content import principal_of
from app.register.reading import Question, read_schedule, read_watched
from app.register.register import Register
from app.store import runs
from app.store.engine import Store
from app.store.recipients import Recipient, Silencing, list_alertmanagers

MATCHERS = 'gateway="{gateway}"'
"""The matchers of whoever asks for none in particular."""
_GATEWAY = "{gateway}"
_LONG = timedelta(minutes=5)  # out of step; what is noted is a minute old at the most
# As Alertmanager writes matchers: name, sign, and a value in quotation marks or without.
_MATCHER = re.compile(r'\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|\Z)', re.ASCII)
_ESCAPED = re.compile(r'\\(["\\n])')
# What Python's expressions have and those of Go, by which Alertmanager goes, have not.
_NOT_OF_GO = re.compile(r"\(\?(?:[=!(#]|<[=!]|P=)|(?<!\\)(?:\\\\)*\\[1-9Z]")


class SilencingRefused(Refusal):
    """Matchers or an address of an Alertmanager that cannot be gone by."""

    code = "silencing"


@dataclass(frozen=True, slots=True, order=True)
class Matcher:
    """What a label of an alert must be; ``is_equal`` False: must not be."""

    name: str
    value: str
    is_regex: bool
    is_equal: bool


@dataclass(frozen=True, slots=True)
class Silence:
    """What is silenced from when to when; ``comment`` begins with the closure's reference."""

    matchers: frozenset[Matcher]
    window: ClosureWindow
    comment: str


def read_silencing(
    address: str, matchers: str, gateways: Collection[str], known: Silencing | None = None
) -> tuple[str, Silencing]:
    """Return an Alertmanager's address without its sign-in, and what it silences. Raise ``SilencingRefused``.

    ``gateways`` are codes. An address without a sign-in leaves what was ``known``. Whether the address may be asked is
    for whoever sends there to check.
    """
    scheme, _, rest = address.strip().rstrip("/").partition("://")
    authority, slash, path = rest.partition("/")
    sign_in, _, host = authority.rpartition("@")
    if {"?", "#"} & set(address) or not unquote(sign_in).isascii() or not unquote(sign_in).isprintable():
        raise SilencingRefused("That is not the address of an Alertmanager.", "Write https://USER:PASSWORD@HOST/PATH.")
    read_matchers(matchers)
    codes = frozenset(read_code(code) for code in gateways)
    stays = "" if known is None else known.sign_in
    return f"{scheme}://{host}{slash}{path}", Silencing(matchers.strip(), codes, sign_in or stays)


def read_matchers(text: str) -> frozenset[Matcher]:
    """Return the matchers of a template, with ``{gateway}`` in it. Raise ``SilencingRefused``."""
    found, place = set(), 0
    while place < len(text.rstrip()):
        one = _MATCHER.match(text, place)
        if one is None:
            raise SilencingRefused(
                f"That is no matcher: {text[place:].strip()}", f"Write them as {MATCHERS}, by commas."
            )
        name, sign, quoted, bare = one.groups()
        value = bare or _ESCAPED.sub(lambda escape: "\n" if escape[1] == "n" else escape[1], quoted)
        found.add(Matcher(name, value, sign.endswith("~"), not sign.startswith("!")))
        place = one.end()
    for matcher in sorted(found):
        if not _is_sound(matcher):
            raise SilencingRefused(f"That is no expression: {matcher.value}", "Alertmanager goes by RE2.")
    # By one of them at least, what is silenced must be the gateway's own.
    if not any(one.is_equal and _GATEWAY in one.value and not _takes(one, "") for one in found):
        raise SilencingRefused(
            "These matchers would silence other gateways too.", f"Let one of them need the gateway, as {MATCHERS}."
        )
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Bridge:
    """An Alertmanager, and how it stands with what it silences: ``fault`` is "" where it is in step."""

    recipient: Recipient
    in_step_at: datetime
    fault: str

    def is_behind(self, now: datetime) -> bool:
        """Tell whether it has been out of step for long; one that was removed is waited for by nobody."""
        return self.recipient.removed_at is None and abs(now - self.in_step_at) > _LONG


def list_bridges(store: Store) -> list[Bridge]:
    """Return the Alertmanagers that silence, and those that were removed and hold silences of ours yet."""
    with store.reading() as connection:
        found, stands = list_alertmanagers(store, connection), runs.read_bridges(connection)
    return [Bridge(one, *stands.get(one.id, (one.created_at, ""))) for one in found]


def wanted_silences(register: Register, recipient: Recipient, now: datetime) -> dict[str, Silence]:
    """Return the silences that an Alertmanager is to hold at ``now``, by the closures' references."""
    silencing = recipient.silencing
    if silencing is None or recipient.removed_at is not None:
        return {}
    principal, matchers = principal_of(recipient, register.history.parties()), read_matchers(silencing.matchers)
    ahead = read_schedule(register, principal, Question(ClosureWindow(now, now + AHEAD)))
    found: dict[str, Silence] = {}
    for closure in (*ahead, *read_watched(register, principal)):
        window = silent_window(closure, now)
        if window is not None and (not silencing.gateways or closure.gateway in silencing.gateways):
            found[closure.reference] = Silence(_filled(matchers, closure.gateway), window, _comment(closure, recipient))
    return found


def signature_of(recipient: Recipient) -> str:
    """Return how the comment of each silence of a recipient ends."""
    return f"[{recipient.id}]"


def _comment(closure: PlannedClosure, recipient: Recipient) -> str:
    return f"{closure.reference} {closure.gateway} {closure.user} {signature_of(recipient)}"


def _filled(matchers: Collection[Matcher], gateway: str) -> frozenset[Matcher]:
    # A code has no character that means anything in an expression.
    return frozenset(
        Matcher(one.name, one.value.replace(_GATEWAY, gateway), one.is_regex, one.is_equal) for one in matchers
    )


def _is_sound(matcher: Matcher) -> bool:
    if not matcher.is_regex:
        return True
    try:
        re.compile(matcher.value.replace(_GATEWAY, "GW"))
    except re.error:
        return False
    return _NOT_OF_GO.search(matcher.value) is None


def _takes(matcher: Matcher, value: str) -> bool:
    asked = matcher.value.replace(_GATEWAY, "GW")
    return re.fullmatch(asked, value) is not None if matcher.is_regex else asked == value
