"""One request while its octets arrive: what its head says, and where it ends.

gunicorn's parser alone decides what a request means: it reads the head here, and the body from memory once all of it is
here. What is looked for besides is only the end, so that nobody waits for a client.
"""

import re
from collections import deque
from collections.abc import Iterator
from typing import Any

from gunicorn.config import Config
from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import LimitRequestHeaders, NoMoreData
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser

from app.arrival.line import Requester, requester_of

LARGEST_HEAD = 32_768  # octets
LARGEST_BODY = 32_000_000  # octets; as much as is read only to be dropped (web/received.py)
_PART = 65_536
_SIZE_LINE = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?")  # RFC 9112 7.1
_LONGEST_LINE = 8_190


class Arrival(RequestParser):  # type: ignore[misc]  # gunicorn publishes no types
    """What came of one request, and gunicorn's parser for it.

    Where ``is_whole``, a thread may take the request: it is all here, or will be answered without the rest. ``octets``
    then holds what came behind it, the beginning of the client's next (RFC 9112 9.3.2).
    """

    def __init__(self, cfg: Config, client: Any) -> None:
        self._parts: deque[bytes] = deque()
        super().__init__(cfg, self._handed_over(), client)
        self.octets = bytearray()
        self.is_whole = False
        self.head_is_read = False
        self.wants_a_nod = False  # "Expect: 100-continue" (RFC 9110 10.1.1), and not all of the body is here
        self._fault: Exception | None = None
        self._head = 0  # where the head ends; until that is known, how far its end was looked for
        self._chunk = 0  # where the size of the next chunk begins
        self._end: int | None = None  # where the request ends, once that is known

    def take(self, octets: bytes | bytearray) -> None:
        """Add what came."""
        self.octets += octets
        if not self.head_is_read:
            self._read_head()
        if self.head_is_read and not self.is_whole:
            self._look_for_the_end()

    @property
    def requester(self) -> Requester:
        """Whose request it is, once its head is here; nobody's where it is no request."""
        return Requester("", writes=False) if self._fault else requester_of(self.mesg.method, self.mesg.headers)

    def __next__(self) -> Request:
        """Return the request; raise what is wrong with it. Called once, by the thread that answers."""
        if self._fault is not None:
            raise self._fault
        return self.mesg

    def _handed_over(self) -> Iterator[bytes]:
        while self._parts:
            yield self._parts.popleft()

    def _read_head(self) -> None:
        found = self.octets.find(b"\r\n\r\n", max(0, self._head - 3))
        self._head = found + 4 if found >= 0 else len(self.octets)
        is_over = self._head > LARGEST_HEAD
        # A line that ends without CR is refused by the parser; the end of such a head would never come.
        if found < 0 and not is_over and self.octets.count(b"\n") == self.octets.count(b"\r\n"):
            return
        self.head_is_read = True
        self._parts.append(bytes(self.octets[: self._head]))
        try:
            super().__next__()
            if is_over:
                self._refuse(LimitRequestHeaders("limit request headers size"))
        except NoMoreData:
            self._refuse(LimitRequestHeaders("limit request headers size"))
        except Exception as fault:  # noqa: BLE001 - whatever the parser has against it: the thread gets it, and answers
            self._refuse(fault)
        if self._fault is None:
            self._read_framing()

    def _refuse(self, fault: Exception) -> None:
        self._fault, self.is_whole = fault, True

    def _read_framing(self) -> None:
        """Ask gunicorn's reader of the body how it is framed."""
        reader, self._chunk = self.mesg.body.reader, self._head
        if not isinstance(reader, ChunkedReader):
            self._end = self._head + reader.length
            if reader.length > LARGEST_BODY:
                self._answer_without_the_rest()
        if not self.is_whole:
            self._look_for_the_end()
        # gunicorn's own nod would come when the body is here already.
        self.wants_a_nod = self.mesg._expected_100_continue and not self.is_whole  # noqa: SLF001 - not told otherwise
        self.mesg._expected_100_continue = False  # noqa: SLF001 - see above

    def _look_for_the_end(self) -> None:
        if self._end is None:
            self._follow_the_chunks()
        if self._end is not None and len(self.octets) >= self._end:
            self._hand_over(self._end)
        elif len(self.octets) - self._head > LARGEST_BODY:
            self._answer_without_the_rest()

    def _follow_the_chunks(self) -> None:
        """Go from size to size (RFC 9112 7.1); what is no size is left to gunicorn, which refuses it."""
        while not self.is_whole and self._end is None:
            line_end = self.octets.find(b"\r\n", self._chunk)
            if line_end < 0:
                if len(self.octets) - self._chunk > _LONGEST_LINE:
                    self._answer_without_the_rest()
                return
            size = _SIZE_LINE.fullmatch(self.octets, self._chunk, line_end)
            if size is None:
                self._answer_without_the_rest()
            elif int(size[1], 16) > 0:
                self._chunk = line_end + 2 + int(size[1], 16) + 2
            else:
                trailers_end = self.octets.find(b"\r\n\r\n", line_end)
                if trailers_end >= 0:
                    self._end = trailers_end + 4
                elif len(self.octets) - line_end > LARGEST_HEAD:
                    self._answer_without_the_rest()
                return

    def _answer_without_the_rest(self) -> None:
        """Hand over what is here. Where the next request would begin is unknown: the connection ends with this one."""
        self.mesg.force_close()
        self._hand_over(len(self.octets))

    def _hand_over(self, end: int) -> None:
        self.is_whole = True
        self._parts.extend(bytes(self.octets[at : min(at + _PART, end)]) for at in range(self._head, end, _PART))
        del self.octets[:end]
