"""Letters by e-mail: text, and an invitation beside it, handed to the one mail server that the settings name."""

import contextlib
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from app.jobs.letter import Letter, NotDelivered
from feeds.entry import Publisher
from feeds.invitation import Invitation

_SECONDS = 20.0
_PERMANENT = 500  # RFC 5321 4.2.1: 5yz replies are final


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in. ``wrapped``: TLS from the first octet (smtps)."""

    host: str
    port: int
    wrapped: bool
    username: str
    password: str = field(repr=False)
    trust: Callable[[], ssl.SSLContext] = ssl.create_default_context


def read_mail_server(url: str) -> MailServer:
    """Read ``smtp://[user:password@]host[:port]`` or ``smtps://...``, which the settings have checked."""
    parts = urlsplit(url)
    wrapped = parts.scheme == "smtps"
    return MailServer(
        host=parts.hostname or "",
        port=parts.port or (465 if wrapped else 25),
        wrapped=wrapped,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


class _InOnePiece(UnstructuredHeader, BaseHeader):
    """A header that is an id or an address in brackets: folded or encoded, as long words are, it would be neither."""

    def whole_line(self, *, policy: Policy) -> str:
        """Return the line as it leaves."""
        return f"{self.name}: {self}{policy.linesep}"

    fold = whole_line  # which is what the library asks a header for


_HEADERS = HeaderRegistry()
for _name in ("list-unsubscribe", "references", "in-reply-to"):
    _HEADERS.map_to_type(_name, _InOnePiece)
_POLICY = SMTP.clone(header_factory=_HEADERS)


def compose_mail(letter: Letter, publisher: Publisher) -> EmailMessage:
    """Return a letter as it leaves; the Message-ID is the same for every attempt."""
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = Address(publisher.organizer_name, addr_spec=publisher.organizer_email)
    mail["To"] = Address(addr_spec=letter.address)
    mail["Subject"] = letter.subject
    mail["Date"] = format_datetime(letter.sent_at)
    mail["Message-ID"] = f"<{letter.id}@{publisher.uid_domain}>"
    if letter.answers:
        mail["In-Reply-To"], mail["References"] = letter.answers, " ".join(letter.thread)
    # RFC 3834 5: nobody's holiday answers this.
    mail["Auto-Submitted"] = "auto-replied" if letter.answers else "auto-generated"
    # The same, as Exchange spells it; not All, with which it would not even say that a mail did not arrive.
    mail["X-Auto-Response-Suppress"] = "DR, RN, NRN, OOF, AutoReply"
    if letter.leave:  # RFC 8058 3.1: one press in the program that shows the mail, without a page in between
        mail["List-Unsubscribe"] = f"<{letter.leave}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(letter.text, cte="quoted-printable")
    mail["Content-Language"] = "en-GB"  # set_content clears what describes the content
    if letter.invitation is not None:
        _add_invitation(mail, letter.id, letter.invitation, publisher)
    return mail


def _add_invitation(mail: EmailMessage, letter_id: str, invitation: Invitation, publisher: Publisher) -> None:
    """Put an iTIP message beside the text, in the thread of its closure."""
    thread = f"<{invitation.thread}@{publisher.uid_domain}>"
    mail["References"] = mail["In-Reply-To"] = thread
    # RFC 6047 2.4: the method here is the one inside. Base64 leaves each octet as it was rendered.
    stated = {"charset": "utf-8", "method": invitation.method, "component": "VEVENT"}
    mail.add_alternative(invitation.calendar, maintype="text", subtype="calendar", params=stated)
    mail.set_boundary(f"=_{letter_id}")  # no line of ours begins so; made by chance it would differ at each attempt


def send_mail(server: MailServer, publisher: Publisher, letter: Letter) -> None:
    """Hand a letter in. Raise ``NotDelivered``."""
    mail = compose_mail(letter, publisher)
    try:
        smtp = _connected(server)
        try:
            smtp.sendmail(publisher.organizer_email, [letter.address], mail.as_bytes())
        except BaseException:
            smtp.close()
            raise
    except smtplib.SMTPRecipientsRefused as problem:
        code = max((reply[0] for reply in problem.recipients.values()), default=0)
        raise NotDelivered(f"the mail server refused the address ({code})", for_good=code >= _PERMANENT) from problem
    except smtplib.SMTPResponseException as problem:
        # A wrong password or an unwanted sender is a setting: it may be put right before the next attempt.
        final = isinstance(problem, smtplib.SMTPDataError) and problem.smtp_code >= _PERMANENT
        raise NotDelivered(f"the mail server declined ({problem.smtp_code})", for_good=final) from problem
    except (OSError, smtplib.SMTPException) as problem:
        fault = f"the mail server could not be spoken to ({type(problem).__name__})"
        raise NotDelivered(fault, away=True) from problem
    # It has arrived: what goes wrong from here on must not have it sent again.
    with contextlib.suppress(OSError, smtplib.SMTPException):
        smtp.quit()
    smtp.close()


def _connected(server: MailServer) -> smtplib.SMTP:
    """Return a connection, encrypted wherever the server can, and always before a password is sent."""
    smtp: smtplib.SMTP
    if server.wrapped:
        smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=_SECONDS, context=server.trust())
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=_SECONDS)
    try:
        smtp.ehlo_or_helo_if_needed()
        if not server.wrapped and smtp.has_extn("starttls"):
            smtp.starttls(context=server.trust())
            smtp.ehlo()
        if server.username:
            _log_in(smtp, server)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _log_in(smtp: smtplib.SMTP, server: MailServer) -> None:
    if not isinstance(smtp.sock, ssl.SSLSocket):
        raise NotDelivered("the mail server offers no encryption, and the password is not sent without")
    smtp.login(server.username, server.password)
