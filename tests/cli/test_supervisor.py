"""The parent of `closures up`, told to stop at any moment."""

import subprocess
import sys

WAITS_WHILE_TOLD = """
import os, signal, threading
from app.supervisor import StopSignal
stopping = StopSignal()
def tell():
    for _ in range(20_000):
        os.kill(os.getpid(), signal.SIGTERM)
telling = threading.Thread(target=tell)
telling.start()
while telling.is_alive():
    stopping.wait(0)
print(stopping.wait(), stopping.is_set())
"""


def test_a_signal_in_the_middle_of_waiting_for_it_is_heard():
    done = subprocess.run(
        [sys.executable, "-c", WAITS_WHILE_TOLD], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "True True\n", "")
