"""Every write of every use case fails in turn: no false promise, reading goes on, no restart (docs/targets.md, 3).

The kernel answers, by strace's hand, with an I/O error once, or with a full disk from then on, at the first write, sync,
cut or renaming of an act, then at the second, until an act meets none. CLOSURES_IO_EVERY says that each is tried
(make ioerr); else a few are.
"""

import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.domain.refusal import Refusal, StoreBusy, StoreFull
from tests.faults.recorded_day import SORTS, Day, Unacknowledged
from tests.faults.test_powercut import broken

EVERY = "CLOSURES_IO_EVERY" in os.environ
CALLS = "pwrite64,ftruncate,fsync,fdatasync,rename"
READ = "/api/v1/closures?from=2026-11-01&to=2027-12-01"
MOST = 2_000


class Faults:
    """A tracer of this very process, that answers some of its calls with an error."""

    def __init__(self, log):
        self.log = log

    @contextmanager
    def injected(self, error, when):
        traced = f"inject={CALLS}:error={error}:when={when}"
        command = ["strace", "-qq", "-e", f"trace={CALLS}", "-e", traced, "-o", self.log, "-p", str(os.getpid())]
        tracer = subprocess.Popen(command)
        status = Path("/proc/self/status")
        while f"TracerPid:\t{tracer.pid}\n" not in status.read_text():
            assert tracer.poll() is None, "strace cannot look at this process"
            time.sleep(0.002)
        try:
            yield
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait()

    @property
    def count(self):
        return self.log.read_text().count("(INJECTED)")


def refused(day, name):
    """Do an act of the day; return why it was refused, None where it was not."""
    try:
        day.act(name)
    except Unacknowledged as problem:
        return int(problem.text)
    except Refusal as problem:
        return type(problem)
    return None


@pytest.mark.parametrize(("error", "more"), [("EIO", ""), ("ENOSPC", "+")])
@pytest.mark.parametrize("name", SORTS)
def test_no_write_that_fails_makes_a_false_promise(name, error, more, tmp_path, strace):
    day, faults = Day(tmp_path), Faults(tmp_path / "calls")
    for need in ("notice", "put") * 3:
        day.act(need)
    met = []
    for place in range(1, MOST) if EVERY else (1, 2, 5, 9):
        for need in ("notice", "put"):  # to be withdrawn
            day.act(need)
        with faults.injected(error, f"{place}{more}"):
            why = refused(day, name)
            reading = day.client.get(READ, headers=day.headers).status_code
        assert reading == 200
        assert why in {None, 503, 507, StoreFull, StoreBusy}
        assert refused(day, name) is None, "it does not recover"
        if not faults.count:
            break
        met.append(why)
    promises = [json.loads(line) for line in (tmp_path / "acknowledged").read_text().splitlines()]
    assert broken(promises, day.service) == []
    assert any(met), "no write failed: the drill proved nothing"
    print(f"{name}, {error}: {len(met)} writes failed, {sum(map(bool, met))} refused, none promised falsely")
    day.service.close()
    day.web.extensions["closures"].store.close()
    os.close(day.out)
