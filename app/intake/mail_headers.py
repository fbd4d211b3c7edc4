"""What the headers of a mail say: who sent it by its From, what it answers, and whether it may be answered itself."""

import re
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses

_ADDRESS = re.compile(r"[!-?A-~]{1,64}@[a-z0-9][a-z0-9.-]{0,250}")  # printable ASCII, one @
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,240}>")
_TAG = re.compile(r"\+([A-Za-z0-9_-]{1,32})@")
_MOST_REFERENCES = 3  # with the answered one they fit on a line of 998 octets (RFC 5322 2.1.1)
_LONGEST_SUBJECT = 150
_BULK = frozenset({"bulk", "list", "junk"})
_TO_US = ("To", "Delivered-To", "X-Original-To")


@dataclass(frozen=True, slots=True)
class Envelope:
    """The headers of a mail that count, each "" where it is not stated or cannot be read.

    ``sender`` is the one address in the one From, in lower case. ``message_id`` and each of ``references`` stand in
    their angle brackets. ``tags`` are the words behind a plus in the addresses that it was sent to, in capitals.
    ``may_be_answered`` is false for what a program or a list sent, and for what comes from nowhere (RFC 3834 2).
    """

    sender: str
    message_id: str
    references: tuple[str, ...]
    subject: str
    tags: frozenset[str]
    may_be_answered: bool


def read_envelope(mail: Message) -> Envelope:
    """Read the headers of a mail of any origin; whatever they hold is text of a bounded length without line ends."""
    message_ids = _MESSAGE_ID.findall(_text(mail, "Message-ID"))
    sent_to = " ".join(value for name in _TO_US for value in _texts(mail, name))
    return Envelope(
        sender=_sender(mail),
        message_id=message_ids[0] if message_ids else "",
        references=tuple(_MESSAGE_ID.findall(_text(mail, "References"))[-_MOST_REFERENCES:]),
        subject=_subject(mail),
        tags=frozenset(tag.upper() for tag in _TAG.findall(sent_to)),
        may_be_answered=_may_be_answered(mail),
    )


def _sender(mail: Message) -> str:
    """Return the address in From; "" where there are several, or several From, so that nobody chooses among them."""
    stated = _texts(mail, "From")
    try:
        found = getaddresses(stated) if len(stated) == 1 else []
    except (ValueError, IndexError):  # of a made-up one
        found = []
    address = found[0][1].lower() if len(found) == 1 else ""
    return address if _ADDRESS.fullmatch(address) else ""


def _may_be_answered(mail: Message) -> bool:
    automatic = _text(mail, "Auto-Submitted").partition(";")[0].strip().lower() not in {"", "no"}
    bulk = _text(mail, "Precedence").strip().lower() in _BULK
    of_a_list = any(name.lower().startswith("list-") for name in mail.keys())  # noqa: SIM118 - a Message's own keys
    from_nowhere = any(value.strip() == "<>" for value in _texts(mail, "Return-Path"))
    return not (automatic or bulk or of_a_list or from_nowhere)


def _subject(mail: Message) -> str:
    stated = _text(mail, "Subject")
    try:
        stated = str(make_header(decode_header(stated)))
    except (HeaderParseError, ValueError, LookupError):
        stated = ""
    plain = "".join(one if one.isprintable() else " " for one in stated)
    return " ".join(plain.split())[:_LONGEST_SUBJECT]


def _text(mail: Message, name: str) -> str:
    return next(iter(_texts(mail, name)), "")


def _texts(mail: Message, name: str) -> list[str]:
    return [str(value).replace("\r", "").replace("\n", "") for value in mail.get_all(name, [])]
