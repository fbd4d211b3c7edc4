"""The parent of `closures up`: keeps the web server and the scheduler running, and stops both cleanly.

Both are forked from it, and so is what sets the service up before they run: all code is loaded once, and is in memory
once. It has no thread, and never opens the database or the keys: a fork would hand on half of that.
"""

import ctypes
import gc
import multiprocessing
import os
import queue
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection

from app.arrival.listening import connected
from app.domain.refusal import Refusal

_READY_SECONDS = 30.0
_STOP_SECONDS = 25.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds before the scheduler is started again
_LIVED_WELL = 60.0  # seconds, after which an end is not one more of the same
_ASKED_EACH = 5.0  # seconds between questions to the web server, for systemd's watchdog
_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15  # prctl(2)
_HEARD = (signal.SIGTERM, signal.SIGINT)
_FORKING = multiprocessing.get_context("fork")

Parts = tuple[Callable[[], None], Callable[[], None]]
"""What the web server runs, and what the scheduler runs."""


class StopSignal:
    """SIGTERM or SIGINT as something to wait for.

    A handler runs in the middle of whatever the main thread does, and that may be waiting for this very signal: of all
    that can be waited for, a SimpleQueue alone can then be touched without a lock that is never freed.
    """

    def __init__(self) -> None:
        self._came: queue.SimpleQueue[None] = queue.SimpleQueue()
        for number in _HEARD:
            signal.signal(number, lambda *_: self._came.put(None))

    def is_set(self) -> bool:
        """Tell whether a signal came."""
        return not self._came.empty()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for a signal, at most so many seconds; tell whether one came, now or before."""
        try:
            self._came.put(self._came.get(timeout=seconds))
        except queue.Empty:
            return False
        return True


class Systemd:
    """The service manager, where it started us and waits to hear of us (sd_notify(3)); else nobody listens.

    Its address is taken out of the environment: a part that we start is not the one that it listens to.
    """

    def __init__(self) -> None:
        self._address = os.environ.pop("NOTIFY_SOCKET", "").replace("@", "\0", 1)

    @property
    def listens(self) -> bool:
        """Tell whether somebody waits to hear of us."""
        return bool(self._address)

    def tell(self, state: str) -> None:
        """Tell a state: ``READY=1`` once we serve, ``WATCHDOG=1`` while all is well."""
        if self._address:
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
                told.connect(self._address)
                told.send(state.encode())


class _Part:
    """A process of ours: the web server, the scheduler, or what sets them up."""

    def __init__(self, name: str, run: Callable[[], None]) -> None:
        self._name, self._run = name, run
        self.start()

    def start(self) -> None:
        """Start it, in a session of its own, so that Ctrl-C reaches us alone, and bound to our life."""
        self._process = _FORKING.Process(target=self._live, args=(os.getpid(),), name=self._name)
        # A signal between the fork and the end of our handlers there would be put where nobody looks.
        held = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
        self._process.start()
        signal.pthread_sigmask(signal.SIG_SETMASK, held)

    def _live(self, parent: int) -> None:
        """Be that process, from its beginning to its end."""
        os.setsid()
        if sys.platform == "linux":
            prctl = ctypes.CDLL(None).prctl
            prctl(_PR_SET_NAME, self._name.encode())
            prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)  # an orphan would keep the port
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
        if os.getppid() != parent:
            return  # it was killed before we could ask to hear of it
        try:
            self._run()
        except Refusal as refused:
            sys.exit(str(refused))

    def runs(self) -> bool:
        """Tell whether it has not ended."""
        return self._process.is_alive()

    def tell_to_stop(self) -> None:
        """Let it finish what it holds, and end."""
        if self.runs():
            self._process.terminate()

    def see_end(self) -> None:
        """Wait until it ended, at most so long as it may take."""
        if self.runs():
            self._process.join(_STOP_SECONDS)
        if self.runs():
            self._process.kill()
            self._process.join()


class _SetUp(_Part):
    """What has to be done before the parts run, in a process that takes with it what it had open."""

    def __init__(self, set_up: Callable[[], str]) -> None:
        self._result, telling = _FORKING.Pipe(duplex=False)
        super().__init__("closures-set-up", partial(_tell, telling, set_up))
        telling.close()

    def result(self, stopping: StopSignal) -> str | None:
        """Wait for what is to be said; None where it ended otherwise, or was told to stop. Raise its ``Refusal``."""
        while not stopping.is_set():
            if not self._result.poll(0.1):
                continue
            try:
                told: str | Refusal = self._result.recv()
            except EOFError:
                return None
            if isinstance(told, Refusal):
                raise told
            self.see_end()
            return told
        return None


def _tell(telling: Connection, set_up: Callable[[], str]) -> None:
    try:
        telling.send(set_up())
    except Refusal as refused:
        telling.send(refused)


class _Restarts:
    """When the scheduler is started again where it ended: at once, then ever later if it keeps ending."""

    def __init__(self, scheduler: _Part) -> None:
        self._scheduler, self._pause = scheduler, _FIRST_PAUSE
        self._began = time.monotonic()
        self._ended_at: float | None = None

    def see_to(self) -> None:
        """Start it again if it ended, and its pause is over."""
        if self._scheduler.runs():
            return
        now = time.monotonic()
        if self._ended_at is None:
            self._pause = _FIRST_PAUSE if now - self._began > _LIVED_WELL else min(2 * self._pause, _LONGEST_PAUSE)
            self._ended_at = now
            sys.stderr.write(f"The scheduler ended by itself; it is started again in {self._pause:.0f} s.\n")
        elif now - self._ended_at >= self._pause:
            self._scheduler.start()
            self._began, self._ended_at = now, None


def supervise(set_up: Callable[[], str], load: Callable[[], Parts], place: tuple[str, int]) -> int:
    """Have the service set up, and run both parts until told to stop; return the exit status.

    Their code is loaded beside the set-up. What ``set_up`` returns is printed once the web server answers at ``place``,
    its host and port. Raise its ``Refusal``.
    """
    stopping, systemd = StopSignal(), Systemd()
    sys.stdout.flush()
    parts: list[_Part] = [before := _SetUp(set_up)]
    try:
        web, scheduler = _loaded(load)
        welcome = before.result(stopping)
        if welcome is None:
            return 0 if stopping.is_set() else 1
        parts += [serving := _Part("closures-web", web), working := _Part("closures-work", scheduler)]
        if _answers(serving, place, stopping):
            systemd.tell("READY=1")
            sys.stdout.write(welcome)
            sys.stdout.flush()
        return _watch(serving, working, place, stopping, systemd)
    finally:
        systemd.tell("STOPPING=1")
        for part in parts:
            part.tell_to_stop()
        for part in parts:
            part.see_end()


def _loaded(load: Callable[[], Parts]) -> Parts:
    """Load the code of both parts, for them to share.

    A collection writes to every object that it looks at, and so would make each process its own copy of the code; one
    before the fork would leave places between what stays, which each process would fill in copies of its own.
    """
    gc.disable()
    parts = load()
    gc.freeze()
    gc.enable()
    return parts


def _watch(web: _Part, scheduler: _Part, place: tuple[str, int], stopping: StopSignal, systemd: Systemd) -> int:
    """See to both parts until told to stop; return the exit status."""
    restarts = _Restarts(scheduler)
    asked_at = 0.0
    while not stopping.wait(0.5):
        if not web.runs():
            sys.stderr.write("The web server ended by itself; see its messages above.\n")
            return 1
        restarts.see_to()
        if systemd.listens and time.monotonic() - asked_at >= _ASKED_EACH:
            asked_at = time.monotonic()
            if _is_alive(place):
                systemd.tell("WATCHDOG=1")
    return 0


def _answers(web: _Part, place: tuple[str, int], stopping: StopSignal) -> bool:
    """Wait until the web server takes connections; tell whether it came to that."""
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until and not stopping.is_set() and web.runs():
        try:
            connected(*place).close()
        except OSError:
            time.sleep(0.02)
        else:
            return True
    return False


def _is_alive(place: tuple[str, int]) -> bool:
    """Tell whether the web server answers a request."""
    try:
        with connected(*place) as connection:
            connection.sendall(b"GET /livez HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return connection.recv(64).split()[1:2] == [b"200"]
    except OSError:
        return False
