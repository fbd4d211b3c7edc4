"""Give a notice: the one way in for form, upload, API and command line. It is read, kept and recorded, or previewed."""

from dataclasses import dataclass, replace

from app.domain.access import Principal
from app.domain.notice import Notice, NoticeContent
from app.domain.refusal import NoticeTooLarge, NoticeUnreadable, Unknown, size_words
from app.ical.limits import Limits
from app.intake.media import read_notice
from app.intake.read_request import ReadRequest
from app.register.receipts import Outcome
from app.register.receive import keep_notice, preview_notice, receive_notice
from app.register.register import Register
from app.register.senders import Sender
from app.store.engine import read_head

LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class NoticeOptions:
    """How a notice is to be taken.

    ``gateway`` is the one that the request chose, if it chose. ``about`` is the reference of the one closure that the
    notice changes. ``allow_long`` says that somebody confirmed windows longer than a month, ``dry_run`` that nothing is
    to be recorded, ``all_or_nothing`` that nothing is unless all can be read, ``withdraw_missing`` that planned
    closures which the notice does not mention are withdrawn. ``asker`` looks at a dry run, and is told what the
    closures would meet of all that it may see; None is the User itself.
    """

    gateway: str | None = None
    about: str = ""
    limits: Limits = LIMITS
    allow_long: bool = False
    dry_run: bool = False
    all_or_nothing: bool = False
    withdraw_missing: bool = False
    asker: Principal | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What a notice was read as, and what became of it."""

    content: NoticeContent
    outcome: Outcome

    @property
    def is_unread(self) -> bool:
        """Tell whether nothing of the notice could be read."""
        return bool(self.content.problems) and not self.content.announcements


def find_sender(register: Register, code: str, gateway: str | None = None) -> Sender:
    """Return the User of a code with its gateways. Raise ``Unknown``, also for a ``gateway`` that it does not have."""
    with register.store.reading() as connection:
        sender = register.senders.at(connection, read_head(connection), code)
    if gateway is not None and gateway not in sender.codes:
        raise Unknown("That User has no such gateway.", "Check the code; `closures gateway list` shows them.")
    return sender


def give_notice(register: Register, sender: Sender, notice: Notice, wanted: NoticeOptions) -> Given:
    """Read a notice and record it, or say what it would do; nothing is refused for being late. Raise as both do."""
    return take_notice(register, sender, notice, read_given(register, sender, notice, wanted), wanted)


def read_given(register: Register, sender: Sender, notice: Notice, wanted: NoticeOptions) -> NoticeContent:
    """Read a notice; this takes the most time, and needs no transaction.

    One of which nothing can be read is kept, so that nothing that a User sent is lost, and refused: raise
    ``NoticeUnreadable``, or ``NoticeTooLarge`` for one that was not read at all and is not kept.
    """
    context = ReadRequest(
        now=notice.received_at,
        gateways=sender.codes,
        gateway=wanted.gateway,
        limits=wanted.limits,
        allow_long=wanted.allow_long,
    )
    check_size(notice, wanted.limits)
    try:
        content = read_notice(notice.octets, notice.media_type, context)
    except NoticeUnreadable:
        if not wanted.dry_run:
            keep_notice(register, sender.user, notice)
        raise
    if wanted.about:
        # A change speaks of one closure alone: what else its sender keeps under the same UID stays as it is.
        content = replace(content, whole_uids=frozenset())
    return content


def take_notice(
    register: Register, sender: Sender, notice: Notice, content: NoticeContent, wanted: NoticeOptions
) -> Given:
    """Record a notice that was read, or say what it would do. Raise ``StoreBusy`` or ``StoreFull``."""
    if wanted.dry_run:
        outcome = preview_notice(register, sender.user, notice, content, about=wanted.about, asker=wanted.asker)
        return Given(content, outcome)
    outcome = receive_notice(
        register,
        sender.user,
        notice,
        content,
        about=wanted.about,
        all_or_nothing=wanted.all_or_nothing,
        withdraw_missing=wanted.withdraw_missing,
    )
    return Given(content, outcome)


def check_size(notice: Notice, limits: Limits) -> None:
    """Raise ``NoticeTooLarge`` for more octets than are taken at once."""
    if len(notice.octets) > limits.octets:
        raise NoticeTooLarge(
            f"A notice may have at most {size_words(limits.octets)} and {limits.events:,} events.",
            "Send it in parts, or have it imported with `closures notice import`.",
        )
