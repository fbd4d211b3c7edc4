"""The parent of `closures up`: keeps the web server and the scheduler running, and stops both cleanly.

Little beside the standard library: once both are forked (``app.starting``) it becomes a program of its own, so that it
stays small in memory for as long as the service runs.
"""

import ctypes
import os
import queue
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

from app.arrival.listening import connected

_READY_SECONDS = 30.0
_STOP_SECONDS = 25.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds before the scheduler is started again
_LIVED_WELL = 60.0  # seconds, after which an end is not one more of the same
_ASKED_EACH = 5.0  # seconds between questions to the web server, for systemd's watchdog
_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15  # prctl(2)
HEARD = (signal.SIGTERM, signal.SIGINT)
"""What stops us."""


class StopSignal:
    """SIGTERM or SIGINT as something to wait for.

    A handler runs in the middle of whatever the main thread does, and that may be waiting for this very signal: of all
    that can be waited for, a SimpleQueue alone can then be touched without a lock that is never freed.
    """

    def __init__(self) -> None:
        self._came: queue.SimpleQueue[None] = queue.SimpleQueue()
        for number in HEARD:
            signal.signal(number, lambda *_: self._came.put(None))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)

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
        self._address = os.environ.pop("NOTIFY_SOCKET", "")

    @property
    def environ(self) -> dict[str, str]:
        """The variable that was taken out, for who is to be told of in our place."""
        return {"NOTIFY_SOCKET": self._address} if self._address else {}

    @property
    def listens(self) -> bool:
        """Tell whether somebody waits to hear of us."""
        return bool(self._address)

    def tell(self, state: str) -> None:
        """Tell a state: ``READY=1`` once we serve, ``WATCHDOG=1`` while all is well."""
        if self._address:
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
                told.connect(self._address.replace("@", "\0", 1))
                told.send(state.encode())


class ServicePart:
    """A process that we forked, by its id."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._ended = False

    @classmethod
    def forked(cls, name: str, run: Callable[[], None]) -> "ServicePart":
        """Fork it, in a session of its own, so that Ctrl-C reaches us alone, and bound to our life."""
        parent = os.getpid()
        sys.stdout.flush()
        # A signal between the fork and the end of our handlers there would be put where nobody looks.
        held = signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
        pid = os.fork()
        if pid == 0:
            _live(name, run, parent)
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        return cls(pid)

    def runs(self) -> bool:
        """Tell whether it has not ended."""
        self._ended = self._ended or os.waitpid(self.pid, os.WNOHANG)[0] != 0
        return not self._ended

    def tell_to_stop(self) -> None:
        """Let it finish what it holds, and end."""
        if self.runs():
            os.kill(self.pid, signal.SIGTERM)

    def see_end(self) -> None:
        """Wait until it ended, at most so long as it may take."""
        until = time.monotonic() + _STOP_SECONDS
        while self.runs() and time.monotonic() < until:
            time.sleep(0.01)
        if self.runs():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


def _live(name: str, run: Callable[[], None], parent: int) -> NoReturn:
    """Be a part, from its beginning to its end."""
    status = 1
    try:
        os.setsid()
        if sys.platform == "linux":
            prctl = ctypes.CDLL(None).prctl
            prctl(_PR_SET_NAME, name.encode())
            prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)  # an orphan would keep the port
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
        if os.getppid() == parent:  # else it was killed before we could ask to hear of it
            run()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
    except BaseException:  # noqa: BLE001 - nothing of ours may go on in a copy of its caller
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


class _Restarts:
    """When the scheduler is started again where it ended: at once, then ever later if it keeps ending."""

    def __init__(self, scheduler: ServicePart) -> None:
        self.scheduler, self._pause = scheduler, _FIRST_PAUSE
        self._began = time.monotonic()
        self._ended_at: float | None = None

    def see_to(self) -> None:
        """Start it again if it ended, and its pause is over."""
        if self.scheduler.runs():
            return
        now = time.monotonic()
        if self._ended_at is None:
            self._pause = _FIRST_PAUSE if now - self._began > _LIVED_WELL else min(2 * self._pause, _LONGEST_PAUSE)
            self._ended_at = now
            sys.stderr.write(f"The scheduler ended by itself; it is started again in {self._pause:.0f} s.\n")
        elif now - self._ended_at >= self._pause:
            # -P: the folder that we were started in may hold an ``app`` that is not ours.
            program = [sys.executable, "-P", "-c", "from app.cli import main; main()", "work"]
            self.scheduler = ServicePart.forked("closures-work", partial(os.execv, sys.executable, program))
            self._began, self._ended_at = now, None


def become_supervisor(web: ServicePart, scheduler: ServicePart, environ: dict[str, str], welcome: str) -> NoReturn:
    """Turn this process into the supervisor of both; ``welcome`` is printed once the service answers.

    ``environ`` says where that is, and what a scheduler that is started again is told. Signals are held until then.
    """
    reading, writing = os.pipe()
    os.write(writing, welcome.encode())
    os.close(writing)
    os.set_inheritable(reading, True)  # noqa: FBT003 - the function's only argument
    facts = map(str, (reading, web.pid, scheduler.pid))
    os.execve(sys.executable, [sys.executable, "-P", "-m", "app.supervisor", *facts], environ)  # noqa: S606 - ourselves


def supervise(web: ServicePart, scheduler: ServicePart, welcome: str) -> int:
    """See to both parts until told to stop; return the exit status."""
    stopping, systemd = StopSignal(), Systemd()
    restarts = _Restarts(scheduler)
    asked_at = 0.0
    try:
        if _answers(web, stopping):
            systemd.tell("READY=1")
            sys.stdout.write(welcome)
            sys.stdout.flush()
        while not stopping.wait(0.5):
            if not web.runs():
                sys.stderr.write("The web server ended by itself; see its messages above.\n")
                return 1
            restarts.see_to()
            if systemd.listens and time.monotonic() - asked_at >= _ASKED_EACH:
                asked_at = time.monotonic()
                if _is_alive():
                    systemd.tell("WATCHDOG=1")
    finally:
        systemd.tell("STOPPING=1")
        stop(web, restarts.scheduler)
    return 0


def stop(*parts: ServicePart) -> None:
    """Let each part finish what it holds, and see it end."""
    for part in parts:
        part.tell_to_stop()
    for part in parts:
        part.see_end()


def _answers(web: ServicePart, stopping: StopSignal) -> bool:
    """Wait until the web server takes connections; tell whether it came to that."""
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until and not stopping.is_set() and web.runs():
        try:
            _to_the_web().close()
        except OSError:
            time.sleep(0.02)
        else:
            return True
    return False


def _is_alive() -> bool:
    """Tell whether the web server answers a request."""
    try:
        with _to_the_web() as connection:
            connection.sendall(b"GET /livez HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return connection.recv(64).split()[1:2] == [b"200"]
    except OSError:
        return False


def _to_the_web() -> socket.socket:
    """Return a connection to the web server. Raise ``OSError``."""
    return connected(os.environ["CLOSURES_HOST"], int(os.environ["CLOSURES_PORT"]))


if __name__ == "__main__":
    _pipe, _web, _scheduler = map(int, sys.argv[1:])
    _welcome = Path(f"/dev/fd/{_pipe}").read_text(encoding="utf-8")
    os.close(_pipe)
    sys.exit(supervise(ServicePart(_web), ServicePart(_scheduler), _welcome))
