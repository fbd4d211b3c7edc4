"""Alertmanagers kept in step: what is silenced is held against what stands, again and again (ADR 37)."""

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from time import monotonic

import structlog

from app.domain.silence import AHEAD
from app.domain.told_fact import CLOCKS_DIFFER
from app.domain.window import ClosureWindow
from app.jobs.alertmanager import Alertmanager, HeldSilence, NotTaken, OutOfStep, Unreached
from app.pulling.http_client import Outbound
from app.register.messages.silences import Bridge, Silence, list_bridges, wanted_silences
from app.register.register import Register
from app.store import runs
from app.store.engine import read_head

_LOG = structlog.get_logger()
_AGAIN_SECONDS = 3.0  # one that came back without its memory is found out by looking
_AFTER_FAULT_SECONDS = 2.0
_AT_LEAST_SECONDS = 60.0
_SHARE, _SHARE_OF_NEWS = 20, 5  # of all the time one part at most goes into looking, and while much is recorded
_NOTE_SECONDS = 60.0
_AT_ONCE = 16  # Alertmanagers that are asked: one that hangs holds up no other


@dataclass(frozen=True, slots=True)
class Steps:
    """What brings an Alertmanager in step: silences to make ("") or change, each with its id, and ids to end."""

    to_put: tuple[tuple[Silence, str], ...]
    to_end: tuple[str, ...]


NO_STEPS = Steps((), ())


def compare(wanted: Mapping[str, Silence], found: Iterable[HeldSilence], now: datetime) -> Steps:
    """Return what makes the silences ``found`` those ``wanted``, which are given by the closures' references.

    Where an end has come or is near, nothing is asked: another clock may find it past, and what then goes wrong would
    be told, in a log or by health, as a window ends. What is to end by itself does.
    """
    to_put, to_end, known = [], [], set()
    for held in sorted(found, key=lambda one: (not _holds(one, wanted.get(_reference(one)), now), one.id)):
        reference = _reference(held)
        silence = wanted.get(reference)
        if silence is None or reference in known:
            if held.silence.window.ends > now:
                to_end.append(held.id)
            continue
        known.add(reference)
        if not _holds(held, silence, now):
            to_put.append((_going_on(silence, held, now), held.id))
    to_put += [(silence, "") for reference, silence in wanted.items() if reference not in known]
    return Steps(tuple(one for one in to_put if one[0].window.ends > now + CLOCKS_DIFFER), tuple(to_end))


def _reference(held: HeldSilence) -> str:
    return held.silence.comment.partition(" ")[0]


def _holds(held: HeldSilence, silence: Silence | None, now: datetime) -> bool:
    return silence is not None and held.silence == _going_on(silence, held, now)


def _going_on(silence: Silence, held: HeldSilence, now: datetime) -> Silence:
    """Return a silence as it can be held: one that has begun keeps its beginning, where it is to have begun."""
    begun, window = held.silence.window.starts, silence.window
    if not held.has_begun or window.starts > now or window.ends <= begun:
        return silence
    return replace(silence, window=ClosureWindow(begun, window.ends))


def take_steps(server: Alertmanager, steps: Steps, stopping: threading.Event) -> None:
    """Ask all of an Alertmanager that it lets us. Raise ``NotTaken`` for the rest."""
    faults = []
    asked = [
        *(partial(server.put, silence, held_id) for silence, held_id in steps.to_put),
        *(partial(server.end, held_id) for held_id in steps.to_end),
    ]
    for ask in asked:
        if stopping.is_set():
            break
        try:
            ask()
        except Unreached as problem:
            raise NotTaken(problem.text) from problem
        except OutOfStep as problem:  # of this one alone
            faults.append(problem)
    if faults:
        raise NotTaken(faults[0].text) from faults[0]


class _Server:
    """What is known of one Alertmanager: which recipient names it, and how its last turn ended."""

    def __init__(self, stands: Bridge) -> None:
        self.recipient, self.in_step_at, self.fault = stands.recipient, stands.in_step_at, stands.fault
        self.heard = -1  # the size of the log
        self.again_at = self.rests_until = self.note_at = 0.0
        self.turn: Future[None] | None = None
        self.is_refused = self.is_over = False

    def is_due(self, log_size: int) -> bool:
        """Tell whether it has a turn now."""
        if self.turn is not None and not self.turn.done():
            return False
        has_news = log_size != self.heard and not self.fault
        return monotonic() >= (self.rests_until if has_news else self.again_at)


class Silencer:
    """Keeps every Alertmanager in step, each in a thread of its own while it is asked.

    ``require_lead`` raises where another scheduler leads by now; it is asked before each turn.
    """

    def __init__(
        self, register: Register, outbound: Outbound, now: Callable[[], datetime], require_lead: Callable[[], None]
    ) -> None:
        self._register, self._outbound, self._now, self._require_lead = register, outbound, now, require_lead
        self._servers: dict[str, _Server] = {}
        self._listed = -1  # the size of the log
        self._stopping = threading.Event()
        self._threads = ThreadPoolExecutor(_AT_ONCE, "silences")

    def look(self) -> None:
        """Give a turn to each that is due: one small select where none is. Raise what ended one's last turn."""
        store = self._register.store
        with store.reading() as connection:
            log_size = read_head(connection).log_size
        if log_size != self._listed:
            self._list(list_bridges(store))
            self._listed = log_size
        self._servers = {name: server for name, server in self._servers.items() if not server.is_over}
        for server in self._servers.values():
            if server.is_due(log_size):
                ended, server.turn = server.turn, self._threads.submit(self._turn, server, log_size)
                if ended is not None:
                    ended.result()

    def stop(self) -> None:
        """End the turns that are taken now, after the request that each is at."""
        self._stopping.set()
        self._threads.shutdown()

    def _list(self, found: Iterable[Bridge]) -> None:
        known = {one.recipient.id: one for one in found}
        for recipient_id, stands in known.items():
            self._servers.setdefault(recipient_id, _Server(stands)).recipient = stands.recipient
        # One whose User was shredded, or that was altered, cannot be read any more. What it was is known here yet.
        for server in (server for recipient_id, server in self._servers.items() if recipient_id not in known):
            server.recipient = replace(server.recipient, removed_at=self._now())

    def _turn(self, server: _Server, log_size: int) -> None:
        began, now, recipient, fault = monotonic(), self._now(), server.recipient, ""
        server.again_at = began + _AFTER_FAULT_SECONDS  # unless it ends well
        self._require_lead()
        if server.heard == -1:
            self._note(server)  # before anything is made there, so that it is ended there too
        alertmanager, steps, looked = Alertmanager(self._outbound, recipient), NO_STEPS, 0.0
        try:
            steps = compare(wanted_silences(self._register, recipient, now), alertmanager.silences(), now)
            looked = monotonic() - began
            take_steps(alertmanager, steps, self._stopping)
        except OutOfStep as problem:
            fault, server.is_refused = problem.text, isinstance(problem, NotTaken)
        if self._stopping.is_set():
            return
        if recipient.removed_at is not None and (not fault or now - recipient.removed_at > AHEAD):
            with self._register.store.writing() as connection:
                runs.drop_bridge(connection, recipient.id)
            server.is_over = True
            return
        if server.is_refused and not fault and steps == NO_STEPS:
            # Nothing was asked that could be refused. Were it in step now, that would tell that the last window ended.
            fault = server.fault
        is_news, server.fault = fault != server.fault, fault
        if is_news:
            tell = _LOG.warning if fault else _LOG.info
            tell("an Alertmanager is " + ("out of step" if fault else "in step"), id=recipient.id, reason=fault)
        if not fault:
            server.in_step_at, server.is_refused = now, False
        ended, server.heard = monotonic(), log_size
        if is_news or ended >= server.note_at:
            self._note(server)
        server.rests_until = ended + _SHARE_OF_NEWS * looked
        pause = max(_AGAIN_SECONDS, min(_SHARE * looked, _AT_LEAST_SECONDS))
        server.again_at = ended + (_AFTER_FAULT_SECONDS if fault else pause)

    def _note(self, server: _Server) -> None:
        with self._register.store.writing() as connection:
            runs.write_bridge(connection, server.recipient.id, server.in_step_at, server.fault)
        server.note_at = monotonic() + _NOTE_SECONDS
