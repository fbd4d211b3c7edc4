"""A backup of a register that is written to is restored elsewhere and verifies (docs/targets.md, 10).

CLOSURES_DRILL says how many notices the register holds (make drill N=100000); the times are printed, and judge nothing.
"""

import os
import shutil
import threading
import time
from datetime import UTC, datetime, timedelta

from app.domain.access import Principal, Role
from app.factory import open_keyring, utc_now
from app.register.reading import read_everything
from app.register.register import open_register
from app.register.verification import make_checkpoint, verify_record
from app.store.archive import dump_database, load_database
from app.store.engine import open_store
from app.store.high_water import adopt
from app.store.restoring import restoring
from tests.conftest import announcement_of, enrol

NOTICES = int(os.environ.get("CLOSURES_DRILL", "300"))
OF_A_USER = 15_000
DCC = Principal("dcc", Role.DCC)
FIRST = datetime(2027, 1, 1, tzinfo=UTC)


class Writer(threading.Thread):
    """Gives one notice after another until it is told to stop, and remembers what was acknowledged."""

    def __init__(self, give, user):
        super().__init__()
        self._give, self._user = give, user
        self._stopping = threading.Event()
        self.acknowledged = []

    def run(self):
        while not self._stopping.is_set():
            uid = f"beside-{len(self.acknowledged)}"
            self._give(self._user, announcement_of(uid, FIRST, "GW-LOAD"))
            self.acknowledged.append(uid)

    def stop(self):
        self._stopping.set()
        self.join()


def timed(what, work):
    began = time.monotonic()
    found = work()
    print(f"{what}: {time.monotonic() - began:.1f} s")
    return found


def fill(service, give):
    """Record so many notices of a closure each, as uploads of up to 900, for as many Users as may hold them."""
    for first in range(0, NOTICES, OF_A_USER):
        number = first // OF_A_USER
        user = enrol(service, f"USER{number}", f"GW-{number}")
        for start in range(first, min(first + OF_A_USER, NOTICES), 900):
            numbers = range(start, min(start + 900, first + OF_A_USER, NOTICES))
            give(user, *(announcement_of(f"u{n}", FIRST + timedelta(hours=n % 9000), f"GW-{number}") for n in numbers))


def test_a_backup_under_load_is_restored_elsewhere_and_verifies(service, settings, give, tmp_path):
    fill(service, give)
    before = read_everything(service.register, DCC)
    writer = Writer(give, enrol(service, "LOAD", "GW-LOAD"))
    writer.start()
    while not writer.acknowledged:
        time.sleep(0.01)
    surely_in_it, checkpoint = len(writer.acknowledged), make_checkpoint(service.register)
    timed("backup", lambda: dump_database(service.store, tmp_path / "backup", lambda _: None))
    writer.stop()
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(settings.key_dir, elsewhere / "keys")
    keyring = open_keyring(settings.model_copy(update={"key_dir": elsewhere / "keys"}))
    url = f"sqlite:///{elsewhere}/restored.sqlite3"

    def restore():
        with (tmp_path / "backup").open("rb") as backup, restoring(url, keyring, utc_now, replace=False) as store:
            load_database(store, backup, lambda _: None)
            adopt(store, utc_now())

    timed("restore", restore)
    restored = open_store(url, keyring, utc_now)
    register = open_register(restored, settings.uid_domain)
    found = timed("verification", lambda: verify_record(register, checkpoint))
    after = read_everything(register, DCC)
    there = [closure for closure in after if closure.user == "LOAD"]
    print(f"{NOTICES} notices and {len(there)} of {len(writer.acknowledged)} given meanwhile, {found.size} entries")
    assert (found.faults, [closure for closure in after if closure.user != "LOAD"]) == ((), before)
    assert surely_in_it <= len(there) <= len(writer.acknowledged)
    restored.close()
