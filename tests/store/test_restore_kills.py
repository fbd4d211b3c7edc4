"""``kill -9`` of `closures restore` at random moments: nothing half done is served, and the same command starts anew.

A few rounds here; the number of rounds is CLOSURES_RESTORE_KILLS (make restore N=20). Every second round replaces a
database that holds something; until the new one is whole the old one is.
"""

import gzip
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from io import BytesIO

import pytest

from app.domain.refusal import Refusal, StoreUnfit
from app.factory import open_service, prepare
from app.register.verification import verify_record
from app.settings import read_settings
from app.store import schema
from app.store.archive import write_backup
from app.store.engine import make_engine
from tests.conftest import copy_keys, enrol

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("CLOSURES_RESTORE_KILLS", "4"))
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def contents(settings):
    """Return all that a database holds, or why it is not served."""
    engine = make_engine(settings.database)
    try:
        schema.require_current(engine)
    except StoreUnfit as refused:
        return refused.text
    finally:
        engine.dispose()
    service = open_service(settings)
    try:
        assert verify_record(service.register).faults == ()
        out = BytesIO()
        write_backup(service.store, out, lambda _: None)
        return gzip.decompress(out.getvalue())
    finally:
        service.close()


def restore(environ, *words, lasts=None):
    """Run the command to its end, which must be a good one, or kill it after ``lasts`` seconds; return how long it ran."""
    program = [sys.executable, "-c", "from app.cli import main; main()", "restore", *words]
    began = time.monotonic()
    process = subprocess.Popen(program, env=os.environ | environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if lasts is not None:
        time.sleep(lasts)
        process.send_signal(signal.SIGKILL)
    said, _ = process.communicate()
    assert lasts is not None or process.returncode == 0, said.decode()
    return time.monotonic() - began


@pytest.fixture
def backups(service, alpha, announce, give, tmp_path):
    """Two backups of one register, the second of them with more; return each with what it holds."""
    made = []
    for name, code in (("older", "BETA"), ("newer", "GAMMA")):
        give(alpha, *(announce(f"{name}-{n}", "2027-02-07T02:00") for n in range(40)))
        enrol(service, code, f"GW-{code}")
        out = BytesIO()
        write_backup(service.store, out, lambda _: None)
        (tmp_path / name).write_bytes(out.getvalue())
        made.append((tmp_path / name, gzip.decompress(out.getvalue())))
    return made


def test_killed_at_any_moment_and_done_again(backups, settings, databases, tmp_path):
    older, newer = backups
    chance, lasts, moments = random.Random(os.environ.get("CLOSURES_SEED")), 0.0, []
    for number in range(ROUNDS + 1):
        folder = tmp_path / f"round{number}"
        copy_keys(settings, folder / "keys")
        environ = {
            "CLOSURES_DATA_DIR": str(folder), "CLOSURES_KEY_DIR": str(folder / "keys"),
            "CLOSURES_DATABASE_URL": databases.new(folder),
        }  # fmt: skip
        there, before, words = read_settings(environ), None, [str(newer[0])]
        if number % 2:
            restore(environ, str(older[0]))
            before, words = older[1], [*words, "--replace"]
        if number:
            restore(environ, *words, lasts=chance.uniform(0.3, 1.0) * lasts)
        else:  # which is let run, to know how long it takes
            lasts = restore(environ, *words)
        found = contents(there)
        moments.append("whole" if found == newer[1] else "as before" if found == before else found)
        if found != newer[1]:
            if before is None:
                # There is none yet; and none is made in its place, with a link for a new admin.
                assert isinstance(found, str)
                with pytest.raises(Refusal):
                    prepare(there, NOW)
            else:
                assert found == before
            lasts = min(lasts, restore(environ, *words))
            assert not list(folder.glob("*.restoring"))
        assert contents(there) == newer[1]
    print(f"a restore lasts {lasts:.1f} s; after each kill: {moments}")
