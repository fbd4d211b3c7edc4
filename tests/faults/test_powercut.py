"""The power fails at any instant of a day: no promise is broken (docs/targets.md, 2).

The real application plays a day under strace. Every write, sync and change of a name is then played on a disk of ours,
and the power is cut after any of them. What is left is opened as a start opens it; all that had been acknowledged by
then is there, no file is there in part, and the record and the last checkpoint that was given out agree.
The number of cuts is CLOSURES_POWER_CUTS (make powercut N=10000).
"""

import json
import os
import random
import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest

from app.domain.access import Principal, Role
from app.domain.closure import State
from app.domain.london import utc_text
from app.domain.refusal import Refusal
from app.factory import open_service, prepare
from app.register.people.accounts import list_accounts
from app.register.people.enrolment import list_users
from app.register.reading import read_everything
from app.register.verification import verify_record
from app.settings import read_settings
from tests.conftest import NOW, environment
from tests.faults.disk import Disk, record
from tests.faults.recorded_day import ROWS

pytestmark = pytest.mark.slow

CUTS = int(os.environ.get("CLOSURES_POWER_CUTS", "60"))
DAYS = range(-(-CUTS // 1_000))  # each recorded anew, and cut up to a thousand times
ACTS = 40
# How much of what was not synced is left: nothing, all, or each sector by chance.
LEFT = (0, 1, 0.5, 0.95, 0.05)
ROOT = Path(__file__).parents[2]
EVERYONE = Principal("power", Role.ADMIN)


def recorded(folder, *more):
    """The calls of a day's application, in their order."""
    day = folder / "day"
    day.mkdir()
    command = [sys.executable, "-m", "tests.faults.recorded_day", str(day), str(ACTS), *more]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    return record(command, day, folder / "calls", cwd=ROOT, env=environ), day


def broken(promises, service):
    """Name what was promised and is not there, or is there in part; nothing where all is well."""
    closures = {one.reference: one for one in read_everything(service.register, EVERYONE)}
    users = {user.code for user in list_users(service.store)}
    roles = {one.email: one.role for one in list_accounts(service.store)}
    found, checkpoint = [], None
    for promise in promises:
        match promise:
            case {"user": code}:
                kept = code in users
            case {"account": email, "role": role}:
                kept = email in roles and (role == "user" or roles[email].value == role)
            case {"ended": reference}:
                kept = reference in closures and closures[reference].state is not State.PLANNED
            case {"closure": reference, "number": number, "starts": starts}:
                held = closures.get(reference)
                kept = held is not None and (
                    held.number > number or (held.number, utc_text(held.window.starts)) == (number, starts)
                )
            case {"checkpoint": checkpoint}:
                kept = True
        if not kept:
            found.append(f"lost: {promise}")
    by_instant = Counter(one.first_received_at for one in closures.values())
    found += [f"in part: {count} rows of a file" for count in by_instant.values() if count not in {1, ROWS}]
    return found + list(verify_record(service.register, checkpoint).faults)


def after_the_cut(folder, promises):
    """Start on what a cut left, as any start does; return what is wrong."""
    settings = read_settings(environment(folder, f"sqlite:///{folder / 'data' / 'closures.sqlite3'}"))
    try:
        # What was promised stands on a whole first start; one that was cut short is begun again.
        service = open_service(settings) if promises else prepare(settings, NOW)
    except Refusal as problem:
        return [f"does not start: {problem.text}"]
    try:
        return broken(promises, service)
    except Refusal as problem:
        return [f"does not read: {problem.text}"]
    finally:
        service.close()


def cut_power(calls, day, folder, cuts, chance):
    """Play the calls; cut the power so many times, spread over all of them. Return (place, how, faults) of bad ones."""
    disk, promises, bad = Disk(day), [], []
    number_at = Counter(chance.randrange(1, len(calls) + 1) for _ in range(cuts))
    for place, call in enumerate(calls, start=1):
        if call.path == str(day / "acknowledged"):
            if call.kind == "append":
                promises.append(json.loads(call.octets))
        else:
            disk.play(call)
        for _ in range(number_at[place]):
            survives = chance.choice(LEFT)
            disk.cut(folder, survives, chance)
            faults = after_the_cut(folder, promises)
            shutil.rmtree(folder)
            if faults:
                bad.append((place, survives, faults[:3]))
    return bad, len(promises)


@pytest.mark.parametrize("number", DAYS)
def test_no_promise_is_broken_by_a_power_cut(number, tmp_path, strace):
    calls, day = recorded(tmp_path)
    cuts = min(CUTS - number * 1_000, 1_000)
    bad, promises = cut_power(calls, day, tmp_path / "left", cuts, random.Random(number))
    assert bad == []
    print(f"{cuts} cuts in {len(calls)} calls with {promises} promises: 0 broken")


@pytest.mark.parametrize("synchronous", ["NORMAL", "OFF"])
def test_the_same_with_fewer_syncs_breaks_promises(synchronous, tmp_path, strace):
    calls, day = recorded(tmp_path, synchronous)
    bad, _ = cut_power(calls, day, tmp_path / "left", 40, random.Random(1))
    assert bad
    print(f"40 cuts with synchronous={synchronous}: {len(bad)} broke a promise")
