"""Subscribers and writers at once for some seconds: no error, and the feed shows what was acknowledged (make load)."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

LOAD = Path(__file__).parents[1] / "bench" / "load.py"


def test_subscribers_and_writers_at_once():
    small = ["0.1", "--subscribers", "20", "--writers", "4", "--held", "100"]
    done = subprocess.run([sys.executable, LOAD, *small], capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, "errors: 0" in done.stdout) == (0, True), done.stdout + done.stderr
