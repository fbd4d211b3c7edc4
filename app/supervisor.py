"""The parent of `closures up`: keeps the web server and the scheduler running, and stops both cleanly.

Standard library only, and a process of its own from the moment that the set-up is done: all that it needs stays small
in memory for as long as the service runs.
"""

import ctypes
import os
import queue
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

_READY_SECONDS = 30.0
_STOP_SECONDS = 25.0
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


def supervise(welcome: str) -> int:
    """Run both parts until told to stop; return the exit status."""
    stopping = StopSignal()
    web, worker = _start(_WEB), _start(_SCHEDULER)
    try:
        if _answers(web, stopping):
            sys.stdout.write(welcome)
            sys.stdout.flush()
        while not stopping.wait(0.5):
            if web.poll() is not None:
                sys.stderr.write("The web server ended by itself; see its messages above.\n")
                return 1
            if worker.poll() is not None:
                worker = _start(_SCHEDULER)
    finally:
        _stop(web, worker)
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
    host, port = os.environ["CLOSURES_HOST"], int(os.environ["CLOSURES_PORT"])
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until and not stopping.is_set() and web.poll() is None:
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


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
