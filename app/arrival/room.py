"""Where connections wait: a worker of gunicorn whose threads get whole requests and wait for no client (ADR 31).

Its loop reads every connection and keeps what came. What arrives too slowly is closed; what is too much is refused.
"""

import signal
import time
from collections import Counter
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from socket import SHUT_WR, socket
from typing import Any

from gunicorn.util import write_error
from gunicorn.workers.gthread import TConn, ThreadWorker

from app.arrival.line import Line, Requester
from app.arrival.message import Arrival

HEAD_SECONDS = 10.0  # for a whole head, from the connection or from its first octet on
QUIET_SECONDS = 10.0  # between two pieces of a body
BODY_SECONDS = 60.0  # for a whole body
LEAVE_SECONDS = 2.0  # for a client to read its last answer and close; and to finish its request when we stop
MOST_HELD = 64_000_000  # octets of requests at one process, those that are being answered included
MOST_OF_PEER = 250  # connections of one other machine to one process
_PIECE = 65_536
_LOOK_SECONDS = 0.5
_GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(TConn):  # type: ignore[misc]  # gunicorn publishes no types
    """One client's connection, and the request that is arriving on it."""

    parser: Arrival | None

    def __init__(self, room: "WaitingRoom", sock: socket, client: Any, server: Any) -> None:
        super().__init__(room.cfg, sock, client, server)
        self.initialized = True  # there is no TLS and no HTTP/2 to agree on
        self.peer = str(client[0]) if client else ""  # a Unix socket does not say
        self.is_watched = False
        self.requester = Requester("", writes=False)
        self._room = room
        self._held = 0
        self._began = self._heard = 0.0

    def expect(self) -> Arrival:
        """Begin to take in a request; what came behind the one before belongs to it."""
        rest = self.parser.octets if self.parser is not None else bytearray()
        self.parser = Arrival(self.cfg, self.client)
        self._began = self._heard = time.monotonic()
        if rest:
            self._take(rest)
        return self.parser

    def receive(self) -> bool:
        """Take in what is here; return False where the client has gone."""
        try:
            piece = self.sock.recv(_PIECE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._heard = time.monotonic()
        self._take(piece)
        return bool(piece)

    def _take(self, piece: bytes | bytearray) -> None:
        assert self.parser is not None
        self._held += len(piece)
        self._room.held += len(piece)
        self.parser.take(piece)
        if self.parser.wants_a_nod:
            self.parser.wants_a_nod = False
            with suppress(OSError):
                self.sock.send(_GO_ON)

    def release(self) -> None:
        """Count the request's octets no more."""
        self._room.held -= self._held
        self._held = 0

    def deadline(self) -> float:
        """Return when our patience with the request ends, on the monotonic clock."""
        if self.parser is None or not self.parser.head_is_read:
            return self._began + HEAD_SECONDS
        return min(self._heard + QUIET_SECONDS, self._began + BODY_SECONDS)

    def close(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002 - as gunicorn calls it
        """End. ``graceful``: after an answer, which the client is left time to read (RFC 9112 9.6) without a thread."""
        if graceful and self._room.see_off(self):
            return
        self._room.forget(self)
        super().close()


class WaitingRoom(ThreadWorker):  # type: ignore[misc]  # gunicorn publishes no types
    """gunicorn's threads, and a loop that takes in requests for them."""

    def __init__(self, *facts: Any, **more: Any) -> None:
        super().__init__(*facts, **more)
        self.held = 0
        self._line = Line[Connection](self.cfg.threads)
        self._arriving: set[Connection] = set()
        self._leaving: dict[Connection, float] = {}
        self._of_peer: Counter[str] = Counter()
        self._looked = 0.0
        self._last_call = float("inf")

    def init_signals(self) -> None:
        """Take over the signals, and heed a SIGTERM that came since the fork.

        Until now it went into our copy of the parent's queue, where nobody looks; the parent would wait for us.
        """
        queue = getattr(getattr(signal.getsignal(signal.SIGTERM), "__self__", None), "SIG_QUEUE", None)
        super().init_signals()
        while queue is not None and not queue.empty():
            if queue.get() == signal.SIGTERM:
                self.alive = False

    def accept(self, listener: socket) -> None:
        """Take a connection in; nothing of a request may be here yet."""
        try:
            sock, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        connection = Connection(self, sock, client, listener.getsockname())
        self.nr_conns += 1
        self._of_peer[connection.peer] += 1
        if self._of_peer[connection.peer] > MOST_OF_PEER and not _is_here(connection.peer):
            self._drop(connection)
        else:
            self.enqueue_req(connection)

    def enqueue_req(self, connection: Connection) -> None:
        """Take in the next request of a connection, and let it wait for a thread when it is whole."""
        self._arriving.add(connection)
        if connection.expect().is_whole:
            self._hand_over(connection)
        else:
            self._go_on(connection)

    def _go_on(self, connection: Connection, _sock: socket | None = None) -> None:
        arrival = connection.parser
        assert arrival is not None
        if not connection.receive():
            self._drop(connection)
        elif arrival.is_whole:
            self._hand_over(connection)
        elif arrival.head_is_read and self.held > MOST_HELD:
            self._refuse(connection, 503, "Service Unavailable", "Too much is being sent at once. Try again shortly.")
        elif not connection.is_watched:
            self._watch(connection, self._go_on)

    def _hand_over(self, connection: Connection) -> None:
        self._set_aside(connection)
        assert connection.parser is not None
        connection.requester = connection.parser.requester
        self._line.join(connection.requester, connection)
        self._let_in()

    def _let_in(self) -> None:
        while (connection := self._line.next()) is not None:
            super().enqueue_req(connection)

    def finish_request(self, connection: Connection, answered: Future[bool]) -> None:
        """Keep the connection or end it, as gunicorn does; go on at once where its next request is here already."""
        connection.release()
        self._line.leave(connection.requester)
        self._let_in()
        super().finish_request(connection, answered)
        is_kept = bool(self.keepalived_conns) and self.keepalived_conns[-1] is connection
        if is_kept and connection.parser is not None and connection.parser.octets:
            self.on_client_socket_readable(connection, connection.sock)

    def murder_pending(self) -> None:
        """Close what has had its time. gunicorn calls this at every turn of its loop."""
        now = time.monotonic()
        if now < self._looked + _LOOK_SECONDS:
            return
        self._looked = now
        if not self.alive:
            self._last_call = min(self._last_call, now + LEAVE_SECONDS)
        for connection in [one for one in self._arriving if now > min(one.deadline(), self._last_call)]:
            if connection.parser is not None and connection.parser.octets:
                self._refuse(connection, 408, "Request Timeout", "The request did not arrive in time.")
            else:
                self._drop(connection)
        for connection in [one for one, until in self._leaving.items() if now > until]:
            self._drop(connection)

    def see_off(self, connection: Connection) -> bool:
        """Let the client read its answer and close; return False where it has gone.

        It counts as a connection until then. (gunicorn's own way would hold the loop, and so everybody, for seconds.)
        """
        try:
            connection.sock.shutdown(SHUT_WR)
        except OSError:
            return False
        connection.sock.setblocking(False)  # noqa: FBT003 - the function's only argument
        self.nr_conns += 1
        self._leaving[connection] = time.monotonic() + LEAVE_SECONDS
        self._watch(connection, self._hear_out)
        return True

    def _hear_out(self, connection: Connection, _sock: socket) -> None:
        try:
            has_gone = not connection.sock.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            has_gone = True
        if has_gone:
            self._drop(connection)

    def forget(self, connection: Connection) -> None:
        """Count a connection no more that is being closed."""
        connection.release()
        self._of_peer[connection.peer] -= 1
        if not self._of_peer[connection.peer]:
            del self._of_peer[connection.peer]

    def _watch(self, connection: Connection, heard: Any) -> None:
        self.poller.register(connection.sock, EVENT_READ, partial(heard, connection))
        connection.is_watched = True

    def _set_aside(self, connection: Connection) -> None:
        if connection.is_watched:
            self.poller.unregister(connection.sock)
            connection.is_watched = False
        self._arriving.discard(connection)
        self._leaving.pop(connection, None)

    def _refuse(self, connection: Connection, status: int, reason: str, text: str) -> None:
        self._set_aside(connection)
        with suppress(OSError):
            write_error(connection.sock, status, reason, text)
        self.nr_conns -= 1
        connection.close(graceful=True)

    def _drop(self, connection: Connection) -> None:
        self._set_aside(connection)
        self.nr_conns -= 1
        connection.close()


def _is_here(peer: str) -> bool:
    return peer in {"", "::1"} or peer.removeprefix("::ffff:").startswith("127.")
