"""The mailbox that notices come to is looked at every few seconds; each mail in it is taken once, or put aside."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

import structlog

from app.domain.refusal import Refusal
from app.jobs.failures import note_failure
from app.pulling.mail_origin import DnsAway, Keys
from app.pulling.mailbox import PUT_ASIDE, TAKEN, Mailbox, MailboxAway
from app.pulling.take_mail import LIMITS, take_mail
from app.register.register import Register
from app.store import runs
from app.store.runs import MAILBOX, MAILBOX_FAILED, JobRun
from feeds.entry import Publisher

_MOST_AT_ONCE = 50  # of one look; the next is seconds away
_MOST_IN_VAIN = 5  # questions to name servers in one look; each takes seconds
_ASKED_AGAIN, _TRIED_AGAIN = 60.0, 3600.0  # seconds: whose name servers are silent, and what failed
_PATIENCE = timedelta(days=1)  # with name servers, before a mail counts as unsigned
_SAID_EVERY = 60.0  # seconds, where nothing was in it
_FIRST_WAIT, _LONGEST_WAIT = 5.0, 300.0  # seconds
_LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Post:
    """What a mailbox is looked at with: itself, the keys of who signs, and who we are."""

    mailbox: Mailbox
    keys: Keys
    publisher: Publisher


class MailReader:
    """Looks at one mailbox, and remembers between two looks how it went. It is asked by one thread."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._failures = 0
        self._next = self._said = 0.0  # on the monotonic clock
        self._unanswered: dict[str, datetime] = {}
        self._later: dict[str, float] = {}  # on the monotonic clock, so that what waits keeps no other mail waiting

    def look(self, register: Register, now: Callable[[], datetime]) -> None:
        """Take the mails that wait. A mailbox that fails is tried ever less often: some lock out who tries in vain."""
        if monotonic() < self._next:
            return
        try:
            taken, aside, left = self._take(register, now)
        except MailboxAway as problem:
            self._failures += 1
            self._next = monotonic() + min(_FIRST_WAIT * 2 ** min(self._failures, 10), _LONGEST_WAIT)
            _LOG.warning("the mailbox was not read", reason=str(problem))
            _note(register, JobRun(MAILBOX_FAILED, self._failures, now(), str(problem)))
            return
        if taken or aside or self._failures or monotonic() >= self._said:
            waits = f", {left} left for later" if left else ""
            _note(register, JobRun(MAILBOX, 0, now(), f"{taken} taken, {aside} put aside{waits}"))
            self._said, self._failures = monotonic() + _SAID_EVERY, 0

    def close(self) -> None:
        """Let the connection go."""
        self._post.mailbox.close()

    def _take(self, register: Register, now: Callable[[], datetime]) -> tuple[int, int, int]:
        """Take or put aside what waits; return how many of each, and how many are left for the next look."""
        mailbox, done, in_vain = self._post.mailbox, {True: 0, False: 0}, 0
        uids = mailbox.waiting()
        self._unanswered = {uid: since for uid, since in self._unanswered.items() if uid in uids}
        for uid in uids:
            if sum(done.values()) >= _MOST_AT_ONCE or in_vain >= _MOST_IN_VAIN:
                break
            octets = None if self._later.get(uid, 0.0) > monotonic() else mailbox.fetch(uid, LIMITS.octets + 1)
            if octets is None:
                continue
            taken = self._take_one(register, uid, octets, now())
            if taken is None:
                in_vain += 1
            else:
                mailbox.put(uid, TAKEN if taken else PUT_ASIDE)
                done[taken] += 1
        return done[True], done[False], len(uids) - sum(done.values())

    def _take_one(self, register: Register, uid: str, octets: bytes, now: datetime) -> bool | None:
        """Take one mail, or put it aside; None where it stays for the next look. Raise what the store raises."""
        since = self._unanswered.get(uid, now)
        post = self._post
        try:
            return take_mail(register, octets, post.keys, post.publisher, now, patient=now - since < _PATIENCE)
        except DnsAway:
            self._unanswered[uid], self._later[uid] = since, monotonic() + _ASKED_AGAIN
        except Refusal:
            raise
        except Exception:  # noqa: BLE001 - one mail must not keep the others waiting; it is logged with its trace
            self._later[uid] = monotonic() + _TRIED_AGAIN
            _LOG.exception("a mail failed")
            note_failure(register.store, MAILBOX, now)
        return None


def _note(register: Register, run: JobRun) -> None:
    with register.store.writing() as connection:
        runs.write_run(connection, run)
