"""The parent of `closures up`: keeps the web server and the scheduler running, and stops both cleanly.

Little beside the standard library, and a process of its own from the moment that the set-up is done: all that it needs
stays small in memory for as long as the service runs.
"""

import ctypes
import os
import queue
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from app.arrival.listening import connected

_READY_SECONDS = 30.0
_STOP_SECONDS = 25.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds before the scheduler is started again
_LIVED_WELL = 60.0  # seconds, after which an end is not one more of the same
_ASKED_EACH = 5.0  # seconds between questions to the web server, for systemd's watchdog
_PR_SET_PDEATHSIG = 1  # prctl(2)
_WEB, _SCHEDULER = "app.wsgi", "app.worker"


class StopSignal:
    """SIGTERM or SIGINT as something to wait for.

    A handler runs in the middle of whatever the main thread does, and that may be waiting for this very signal: of all
    that can be waited for, a SimpleQueue alone can then be touched without a lock that is never freed.
    """

    def __init__(self) -> None:
        self._came: queue.SimpleQueue[None] = queue.SimpleQueue()
        for number in (signal.SIGTERM, signal.SIGINT):
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


def become_supervisor(environ: dict[str, str], welcome: str) -> None:
    """Turn this process into the supervisor; ``welcome`` is printed once the service answers. Does not return."""
    reading, writing = os.pipe()
    os.write(writing, welcome.encode())
    os.close(writing)
    os.set_inheritable(reading, True)  # noqa: FBT003 - the function's only argument
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-P", "-m", "app.supervisor", str(reading)], environ)  # noqa: S606 - ourselves


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


class _Scheduler:
    """The scheduler's process, started again when it ends: at once, then ever later if it keeps ending."""

    def __init__(self) -> None:
        self._pause = _FIRST_PAUSE
        self._ended_at: float | None = None
        self._start()

    def _start(self) -> None:
        self.process = _start(_SCHEDULER)
        self._began, self._ended_at = time.monotonic(), None

    def see_to(self) -> None:
        """Start it again if it ended, and its pause is over."""
        if self.process.poll() is None:
            return
        now = time.monotonic()
        if self._ended_at is None:
            self._pause = _FIRST_PAUSE if now - self._began > _LIVED_WELL else min(2 * self._pause, _LONGEST_PAUSE)
            self._ended_at = now
            sys.stderr.write(f"The scheduler ended by itself; it is started again in {self._pause:.0f} s.\n")
        elif now - self._ended_at >= self._pause:
            self._start()


def supervise(welcome: str) -> int:
    """Run both parts until told to stop; return the exit status."""
    stopping, systemd = StopSignal(), Systemd()
    web, scheduler = _start(_WEB), _Scheduler()
    asked_at = 0.0
    try:
        if _answers(web, stopping):
            systemd.tell("READY=1")
            sys.stdout.write(welcome)
            sys.stdout.flush()
        while not stopping.wait(0.5):
            if web.poll() is not None:
                sys.stderr.write("The web server ended by itself; see its messages above.\n")
                return 1
            scheduler.see_to()
            if systemd.listens and time.monotonic() - asked_at >= _ASKED_EACH:
                asked_at = time.monotonic()
                if _is_alive():
                    systemd.tell("WATCHDOG=1")
    finally:
        systemd.tell("STOPPING=1")
        _stop(web, scheduler.process)
    return 0


def _start(module: str) -> "subprocess.Popen[bytes]":
    """Start a part in a session of its own, so that Ctrl-C reaches us alone, and bound to our life.

    -P: the folder that we were started in may hold an ``app`` that is not ours.
    """
    return subprocess.Popen([sys.executable, "-P", "-m", module], start_new_session=True, preexec_fn=_die_with_parent)  # noqa: S603, PLW1509 - our own program; no thread runs here


def _die_with_parent() -> None:
    """Ask Linux to stop this part when the supervisor is killed: an orphan would keep the port."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _answers(web: "subprocess.Popen[bytes]", stopping: StopSignal) -> bool:
    """Wait until the web server takes connections; tell whether it came to that."""
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until and not stopping.is_set() and web.poll() is None:
        try:
            _to_the_web().close()
        except OSError:
            time.sleep(0.05)
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


def _stop(*parts: "subprocess.Popen[bytes]") -> None:
    """Let each part finish what it holds."""
    for part in parts:
        if part.poll() is None:
            part.terminate()
    for part in parts:
        try:
            part.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            part.kill()
            part.wait()


if __name__ == "__main__":
    _pipe = int(sys.argv[1])
    _welcome = Path(f"/dev/fd/{_pipe}").read_text(encoding="utf-8")
    os.close(_pipe)
    sys.exit(supervise(_welcome))
