"""One mail is taken once: as a notice of the User who named its sender, and answered; or put aside for people to see.

That it was seen, what it told and what answers it are written in one transaction: there is all of it, or nothing.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.notice import Channel, Notice
from app.domain.party import User
from app.domain.refusal import NoticeTooLarge, NoticeUnreadable, Refusal, Unknown, size_words
from app.ical.limits import Limits
from app.ical.unread import Unread
from app.intake.bounce import Bounce, read_bounce
from app.intake.mail import parse_mail, parts_of
from app.intake.mail_headers import Envelope, read_envelope
from app.intake.media import MAIL
from app.pulling.mail_origin import DnsAway, Keys, find_signature
from app.register.give import NoticeOptions, read_given, take_notice
from app.register.messages.outbox import note_bounced
from app.register.messages.replies import Thread, make_reply, may_answer_stranger, post_reply
from app.register.planned_limit import TooManyPlanned
from app.register.receipt_words import receipt_text, refusal_text
from app.register.receive import keep_notice
from app.register.register import Register
from app.register.senders import Sender
from app.register.sources import named_by
from app.store import mails
from app.store.engine import read_head
from app.store.mails import KeptMail
from app.store.sources import GatewayOf, Source
from feeds.entry import Publisher

LIMITS = Limits(octets=5_000_000)
"""A mail may have more octets than an upload: pictures come along with what is read."""
_KEPT_OCTETS = 16_000  # of a mail that is put aside: its headers and first words
_BLANK = Envelope("", "", (), "", frozenset(), may_be_answered=False)
_OURS = re.compile(r"<([0-9a-f]{32})@([a-z0-9.-]+)>")
_STRANGER = (
    "Your mail came to the mailbox for notices of planned gateway closures, and nothing of it was recorded.\n\n"
    "A mail is taken as a notice where a User has named the address that it is from, and where the domain of that "
    "address has signed it (DKIM). If yours should be taken, ask whoever looks after your organisation's notices to "
    "name your address under Connect, Linked calendars, and your mail administrators to sign what you send.\n\n"
    "This is sent once a day at most.\n"
)


@dataclass(frozen=True, slots=True)
class _Known:
    """Whose notice a mail is: the User, the sources by which it named the sender, and the gateways."""

    sender: Sender
    sources: tuple[Source, ...]

    def gateway(self, tags: frozenset[str]) -> str | None:
        """Return the gateway that a mail is for: the one behind a plus in its address, else that of the source.

        None where the User named the address for several gateways: then the notice has to say. Raise ``Unknown``.
        """
        chosen = [code for code in self.sender.codes if code in tags]
        stated = chosen or [one.topic.gateway for one in self.sources if isinstance(one.topic, GatewayOf)]
        if len(chosen) > 1:
            raise Unknown("The mail was sent to addresses of two gateways.", "Send one mail for each.")
        if len(stated) == 1 and stated[0] not in self.sender.codes:
            raise Unknown("The gateway that this address is named for is no longer yours.", "Name the address anew.")
        return stated[0] if len(stated) == 1 else None


@dataclass(frozen=True, slots=True)
class _Mail:
    """A mail that is being looked at; its ``envelope`` is blank until it was parsed.

    ``signed`` is the digest of what a signature is over, by which each copy of the mail is known; None without one.
    """

    register: Register
    key: bytes
    octets: bytes
    publisher: Publisher
    now: datetime
    envelope: Envelope = _BLANK
    signed: bytes | None = None

    @property
    def thread(self) -> Thread:
        """Return what places an answer beside it."""
        envelope = self.envelope
        return Thread(envelope.sender, envelope.subject, envelope.message_id, envelope.references)

    @property
    def is_our_own(self) -> bool:
        """Tell whether it bears our own address: it is never answered."""
        return self.envelope.sender == self.publisher.organizer_email.lower()


def take_mail(
    register: Register, octets: bytes, keys: Keys, publisher: Publisher, now: datetime, *, patient: bool = True
) -> bool:
    """Take a mail, or put it aside; tell which of the two, also of one that was seen before.

    Raise ``DnsAway`` where nothing is known of its signature yet, unless we are no longer ``patient``, and what the
    store raises: then nothing was written.
    """
    store = register.store
    mail = _Mail(register, store.blind.digest(octets), octets, publisher, now)
    with store.reading() as connection:
        seen = mails.find_mail(connection, mail.key)
    if seen is not None:
        return seen
    if len(octets) > LIMITS.octets:
        return _put_aside(mail, f"it is larger than {size_words(LIMITS.octets)}")
    try:
        parsed = parse_mail(octets)
        methods = {part.method.upper() for part in parts_of(parsed)}
    except Unread as unread:
        return _put_aside(mail, unread.text)
    mail, bounce = replace(mail, envelope=read_envelope(parsed)), read_bounce(parsed)
    if bounce is not None:
        return _note_bounce(mail, bounce)
    if "REPLY" in methods:  # what a calendar program sends when somebody accepts, as to our own invitations
        return _put_aside(mail, "it answers an invitation")
    return _from_sender(mail, keys, patient=patient)


def _from_sender(mail: _Mail, keys: Keys, *, patient: bool) -> bool:
    """Take a mail if its sender is known, and it is shown to be from there."""
    register, store = mail.register, mail.register.store
    found = named_by(store, mail.envelope.sender)
    users = {source.user_id for source in found}
    if len(users) != 1:
        who = "more than one User has" if users else "no User has"
        return _put_aside(mail, f"{who} named the address that it is from", answered=True)
    try:
        signed = find_signature(mail.octets, mail.envelope.sender, keys, mail.now)
    except DnsAway:
        if patient:
            raise
        signed = None
    if signed is None:
        return _put_aside(mail, "no signature shows that it is from the address that it names", answered=True)
    if signed:
        mail = replace(mail, signed=store.blind.digest(signed))
    with store.reading() as connection:
        is_copy = mail.signed is not None and mails.has_copy(connection, mail.signed)
        sender = register.senders.of_id(connection, read_head(connection), found[0].user_id or b"")
    if is_copy:  # it came twice, or somebody who has it sent it on: what was moved since must not move back
        return _put_aside(mail, "a copy of it was taken before")
    return _take(mail, _Known(sender, tuple(found)))


def _put_aside(mail: _Mail, why: str, *, answered: bool = False) -> bool:
    """Keep a mail for people to see, and nothing else of it; return False. ``answered``: its sender may be told."""
    store, envelope = mail.register.store, mail.envelope
    kept = KeptMail(mail.now, why, envelope.sender, envelope.subject, mail.octets[:_KEPT_OCTETS])
    message_id = None
    with store.writing() as connection:
        may = answered and envelope.may_be_answered and envelope.sender and not mail.is_our_own
        if may and may_answer_stranger(store, connection, envelope.sender, mail.now):
            kept = replace(kept, reply=make_reply(mail.thread, _STRANGER))
            message_id = post_reply(store, connection, "", mail.now)
        mails.insert_mail(store, connection, mail.key, kept, message_id=message_id)
    return False


def _note_bounce(mail: _Mail, bounce: Bounce) -> bool:
    """Note of each of our mails that a report names that it did not arrive; the report itself is never answered."""
    store, domain = mail.register.store, mail.publisher.uid_domain
    named = [_OURS.fullmatch(text) for text in bounce.message_ids]
    ours = [bytes.fromhex(found[1]) for found in named if found and found[2] == domain]
    with store.writing() as connection:
        noted = [note_bounced(store, connection, one, bounce.status, mail.now) for one in ours]
        which = "of ours" if any(noted) else "that is not known here"
        inside = replace(mail, register=mail.register.within(connection))
        return _put_aside(inside, f"it reports that a mail {which} did not arrive ({bounce.status})")


def _take(mail: _Mail, known: _Known) -> bool:
    """Record what a known sender's mail tells, with the answer; put it aside where a program sent it and it is none."""
    register, user, sender = mail.register, known.sender.user, known.sender
    notice = Notice(user.code, Channel.MAIL, mail.now, MAIL, mail.octets, f"source {known.sources[0].id.hex()}")
    try:
        wanted = NoticeOptions(gateway=known.gateway(mail.envelope.tags), limits=LIMITS)
        content = read_given(register, sender, notice, replace(wanted, dry_run=True))
        base_url = mail.publisher.base_url.rstrip("/")
        return _answer(
            mail,
            user,
            lambda inside: receipt_text(take_notice(inside, sender, notice, content, wanted).outcome, base_url),
        )
    except (NoticeUnreadable, NoticeTooLarge, TooManyPlanned, Unknown) as refusal:
        if not mail.envelope.may_be_answered:
            return _put_aside(mail, f"a program sent it, and nothing of it was taken: {refusal.text}")
        told = refusal
    return _answer(mail, user, lambda inside: _refused(inside, user, notice, told))


def _answer(mail: _Mail, user: User, tell: Callable[[Register], str]) -> bool:
    """Let ``tell`` write by the register that it is given, and with that its answer, and that the mail was taken."""
    store = mail.register.store
    kept, message_id = KeptMail(mail.now), None
    with store.writing(user.id) as connection:
        inside = mail.register.within(connection)
        inside.lock(connection)
        text = tell(inside)
        if mail.envelope.may_be_answered:
            kept = replace(kept, reply=make_reply(mail.thread, text))
            message_id = post_reply(store, connection, mail.envelope.sender, mail.now)
        mails.insert_mail(store, connection, mail.key, kept, user_id=user.id, message_id=message_id, signed=mail.signed)
    return True


def _refused(register: Register, user: User, notice: Notice, refusal: Refusal) -> str:
    """Keep a notice that could not be read, and word why nothing was recorded."""
    if not isinstance(refusal, NoticeUnreadable):
        return refusal_text(refusal.text, refusal.remedy, ())
    keep_notice(register, user, notice)
    return refusal_text(refusal.text, refusal.remedy, refusal.problems)
