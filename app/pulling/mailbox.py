"""The mailbox that notices come to, by IMAP (RFC 3501): what waits in it; what is done goes to a folder beside it."""

import imaplib
import ssl
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from imap_tools.errors import ImapToolsError
from imap_tools.mailbox import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS = 10.0  # for one answer of the server
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
TAKEN, PUT_ASIDE = "Taken", "Put aside"
"""The folders beside the mailbox, or in it, where a mail goes that was taken as a notice, and any other."""


class MailboxAway(Exception):  # noqa: N818 - an outcome, which the job notes
    """A mailbox that cannot be read now; the words name nothing of what is in it."""


@dataclass(frozen=True, slots=True)
class MailboxAddress:
    """Where a mailbox is. ``wrapped``: TLS from the first octet; else STARTTLS, and neither on this machine alone.

    ``token_file`` holds an OAuth token, read anew for each sign-in; None where ``password`` is signed in with.
    """

    host: str
    port: int
    wrapped: bool
    username: str
    folder: str
    password: str = field(repr=False)
    token_file: Path | None = None
    trust: Callable[[], ssl.SSLContext] = ssl.create_default_context


def read_mailbox_address(url: str, token_file: Path | None) -> MailboxAddress:
    """Read ``imaps://user:password@host[:port][/folder]`` or ``imap://...``, which the settings have checked."""
    parts = urlsplit(url)
    wrapped = parts.scheme == "imaps"
    return MailboxAddress(
        host=parts.hostname or "",
        port=parts.port or (993 if wrapped else 143),
        wrapped=wrapped,
        username=unquote(parts.username or ""),
        folder=unquote(parts.path.strip("/")) or "INBOX",
        password=unquote(parts.password or ""),
        token_file=token_file,
    )


class Mailbox:
    """A signed-in connection to a mailbox, opened as it is needed; after any fault the next use opens another."""

    def __init__(self, address: MailboxAddress) -> None:
        self._address = address
        self._box: BaseMailBox | None = None
        self._folders: dict[str, str] = {}

    def waiting(self) -> list[str]:
        """Return the UIDs of the mails in the mailbox, read or unread, oldest first. Raise ``MailboxAway``."""
        with self._open() as box:
            return box.uids("ALL", charset=None)

    def fetch(self, uid: str, most: int) -> bytes | None:
        """Return the octets of a mail, at most ``most``; None where it is gone. Raise ``MailboxAway``."""
        with self._open() as box:
            # PEEK: whether somebody read it is not ours to say. The library's own fetch parses what it gets.
            status, data = box.client.uid("FETCH", uid, f"(BODY.PEEK[]<0.{most}>)")
            found = [one[1] for one in data if isinstance(one, tuple)]
            return found[0] if status == "OK" and found else None

    def put(self, uid: str, folder: str) -> None:
        """Move a mail to a folder of ours. Raise ``MailboxAway``."""
        with self._open() as box:
            box.move([uid], self._folders[folder])

    def close(self) -> None:
        """Let the connection go."""
        box, self._box = self._box, None
        if box is not None:
            with suppress(OSError, imaplib.IMAP4.error):
                box.client.shutdown()

    @contextmanager
    def _open(self) -> "Iterator[BaseMailBox]":
        try:
            if self._box is None:
                self._box = self._connect()
                self._sign_in(self._box)
            yield self._box
        except (ImapToolsError, imaplib.IMAP4.error, OSError, ValueError) as problem:
            self.close()
            raise MailboxAway(f"the mailbox could not be read ({type(problem).__name__})") from problem

    def _connect(self) -> BaseMailBox:
        at = self._address
        if at.wrapped:
            return MailBox(at.host, at.port, timeout=_SECONDS, ssl_context=at.trust())
        if at.host in _LOOPBACK:
            return MailBoxUnencrypted(at.host, at.port, timeout=_SECONDS)
        return MailBoxStartTls(at.host, at.port, timeout=_SECONDS, ssl_context=at.trust())

    def _sign_in(self, box: BaseMailBox) -> None:
        at = self._address
        if at.token_file is None:
            box.login(at.username, at.password, at.folder)
        else:
            box.xoauth2(at.username, at.token_file.read_text(encoding="ascii").strip(), at.folder)
        found = box.folder.list("", at.folder)
        level = found[0].delim if found else "/"
        self._folders = {name: f"{at.folder}{level}{name}" for name in (TAKEN, PUT_ASIDE)}
        for name in self._folders.values():
            if not box.folder.exists(name):
                box.folder.create(name)
