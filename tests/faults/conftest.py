"""What the drills need of the machine."""

import shutil

import pytest


@pytest.fixture
def strace():
    """The recorder of system calls; it makes calls fail, too."""
    if shutil.which("strace") is None:
        pytest.skip("NOT RUN: no strace (apt-get install strace); .ci/run installs it")
