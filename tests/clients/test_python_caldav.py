import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent / "python_caldav.py"


def test_python_caldav_discovers_adds_moves_searches_syncs_and_deletes(address):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(SCRIPT), address.base, address.username, address.password],
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )
    assert json.loads(done.stdout) == {
        "calendars": ["GW-1", "GW-2"],
        "first sync": 0,
        "searched": 1,
        "added": [1, 0],
        "old date": 0,
        "new date": 1,
        "conflict": 412,
        "by uid": "Gateway closed",
        "removed": [0, 1],
        "left": 0,
    }
