"""The systemd units that ship: as systemd reads them, and fenced in alike."""

import re
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = ("closures.service", "closures-scheduler.service", "closures-web@.service")
OPERATING = DEPLOY.parent / "docs" / "operating.md"
PROGRAM = "/opt/closures/.venv/bin/closures"


def fence(unit):
    """Return the lines by which a unit is fenced in, but for the account that two share."""
    lines = (DEPLOY / unit).read_text().partition("DynamicUser=yes\n")[2].partition("\n[Install]")[0].splitlines()
    return [line for line in lines if line != "User=closures"]


def test_they_are_fenced_in_alike():
    first, *others = [fence(unit) for unit in UNITS]
    assert "CapabilityBoundingSet=" in first
    assert others == [first, first]


def verified(file):
    """What systemd says of a unit file."""
    try:
        read = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("NOT RUN: systemd-analyze is not installed (apt-get install systemd); .ci/run installs it")
    return read.returncode, read.stdout, read.stderr


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_reads_it_and_finds_it_fenced_in(unit, tmp_path):
    file = tmp_path / unit.replace("@", "@8001")  # a template is read as one of its units
    file.write_text((DEPLOY / unit).read_text().replace(PROGRAM, "/bin/true"))
    assert verified(file) == (0, "", "")
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=15", file]
    graded = subprocess.run(command, capture_output=True, text=True, check=False)
    assert graded.returncode == 0, graded.stdout


def test_systemd_reads_the_addition_for_a_unix_socket(tmp_path):
    addition = re.search(r"```\n(\[Service\]\n.*?)```", OPERATING.read_text(), re.DOTALL)[1]
    file = tmp_path / "closures.service"
    file.write_text((DEPLOY / file.name).read_text().replace(PROGRAM, "/bin/true") + addition)
    assert verified(file) == (0, "", "")
