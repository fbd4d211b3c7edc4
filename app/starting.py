"""The start of `closures up`: the service is set up while its code is loaded, and its parts are forked.

All code is loaded once, and is in memory once. This process starts no thread, and never opens the database or the keys:
a fork would hand on half of that.
"""

import gc
import signal
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from app.domain.refusal import Refusal
from app.supervisor import HEARD, ServicePart, StopSignal, Systemd, become_supervisor, stop

Run = Callable[[], None]


def start(set_up: Callable[[], str], load: Callable[[], tuple[Run, Run]], environ: dict[str, str]) -> int:
    """Have the service set up, fork both parts and become their supervisor; return only where that does not come about.

    ``load`` loads the code beside the set-up, and returns what the web server and what the scheduler runs. What
    ``set_up`` returns is printed once the service answers; its ``Refusal`` is raised. ``environ`` is the supervisor's.
    """
    stopping, systemd = StopSignal(), Systemd()
    result, telling = Pipe(duplex=False)
    parts = [before := ServicePart.forked("closures-set-up", partial(_tell, telling, set_up))]
    telling.close()
    try:
        serve, work = _loaded(load)
        welcome = _told(result, stopping)
        if welcome is None:
            return 0 if stopping.is_set() else 1
        before.see_end()
        parts.append(web := ServicePart.forked("closures-web", partial(_run, serve)))
        parts.append(scheduler := ServicePart.forked("closures-work", partial(_run, work)))
        signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)  # until the supervisor hears them
        if not stopping.is_set():
            become_supervisor(web, scheduler, environ | systemd.environ, welcome)
        return 0
    finally:
        stop(*parts)


def _loaded(load: Callable[[], tuple[Run, Run]]) -> tuple[Run, Run]:
    """Load the code of both parts, for them to share.

    A collection writes to every object that it looks at, and so would make each process its own copy of the code; one
    before the fork would leave places between what stays, which each process would fill in copies of its own.
    """
    gc.disable()
    runs = load()
    gc.freeze()
    gc.enable()
    return runs


def _tell(telling: Connection, set_up: Callable[[], str]) -> None:
    try:
        telling.send(set_up())
    except Refusal as refused:
        telling.send(refused)


def _told(result: Connection, stopping: StopSignal) -> str | None:
    """Wait for what the set-up says; None where it ended otherwise, or we were told to stop. Raise its ``Refusal``."""
    while not stopping.is_set():
        if not result.poll(0.1):
            continue
        try:
            told: str | Refusal = result.recv()
        except EOFError:
            return None
        if isinstance(told, Refusal):
            raise told
        return told
    return None


def _run(run: Run) -> None:
    try:
        run()
    except Refusal as refused:
        sys.exit(str(refused))
