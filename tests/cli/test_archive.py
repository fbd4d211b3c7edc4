"""Backups to files, streams and devices, and back: what is said, where it is said, and what is left behind."""

import json
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

CLOSURES = [sys.executable, "-c", "from app.cli import main; main()"]


@pytest.fixture
def program(alpha_closures, environ):
    """Return a function that runs a command as a process of its own, with octets in and out."""

    def run(*words, stdin=b"", **options):
        return subprocess.run(
            [*CLOSURES, *words], env=os.environ | environ | options.pop("variables", {}), input=stdin,
            **({"capture_output": True} | options), check=False, timeout=60,
        )  # fmt: skip

    return run


@pytest.fixture
def elsewhere(environ, tmp_path):
    """The variables of another machine: the same keys, no database."""
    return {"CLOSURES_DATABASE_URL": f"sqlite:///{tmp_path}/elsewhere/closures.sqlite3"}


def small_files():
    """Let this process write no file beyond a kilobyte: a refusal by the kernel, as of a disk that is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))


def test_a_stream_is_written_and_read(program, elsewhere):
    done = program("backup", "-")
    said = done.stderr.decode()
    assert (done.returncode, said.endswith(" rows written to -. The keys are not in it.\n")) == (0, True)
    back = program("restore", "-", "--json", stdin=done.stdout, variables=elsewhere)
    found = json.loads(back.stdout)
    assert (back.returncode, found["faults"], found["lost"]) == (0, [], None)
    assert program("user", "list", "--json", variables=elsewhere).stdout == program("user", "list", "--json").stdout


def test_facts_go_aside_where_standard_output_has_the_backup(program):
    done = program("backup", "-", "--json")
    assert json.loads(done.stderr) == {"file": "-", "rows": json.loads(done.stderr)["rows"]}
    assert done.stdout[:2] == b"\x1f\x8b"


def test_a_file_is_written_and_its_run_is_noted(program, tmp_path):
    target = tmp_path / "there" / "backup"
    target.parent.mkdir()
    for _ in range(2):  # a backup may take the place of another
        assert program("backup", str(target)).returncode == 0
    assert ([path.name for path in target.parent.iterdir()], stat.S_IMODE(target.stat().st_mode)) == (["backup"], 0o600)


def test_a_device_is_written_through_and_stays_one(program):
    before = Path("/dev/full").stat()
    done = program("backup", "/dev/full")
    assert (done.returncode, done.stderr.decode().splitlines()) == (
        1,
        [
            "The backup cannot be written to /dev/full: No space left on device.",
            "Make room there, or name another place; then take the backup again.",
        ],
    )
    assert program("backup", "/dev/null").returncode == 0
    after = Path("/dev/full").stat()
    assert (after.st_ino, after.st_rdev, stat.S_ISCHR(after.st_mode)) == (before.st_ino, before.st_rdev, True)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_pipe_in_the_file_system_is_written_through(program, tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    assert program("backup", str(pipe)).returncode == 0
    reader.join()
    assert (read[0][:2], stat.S_ISFIFO(pipe.stat().st_mode)) == (b"\x1f\x8b", True)


def test_a_link_leads_to_the_file_and_stays_one(program, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    assert program("backup", str(tmp_path / "link")).returncode == 0
    assert ((tmp_path / "link").is_symlink(), (tmp_path / "target").is_file()) == (True, True)


def test_who_reads_a_stream_may_go_away(program):
    with Path("/dev/full").open("wb") as full:
        done = program("backup", "-", stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert (done.returncode, done.stderr.decode().splitlines()[0]) == (
        1,
        "The backup cannot be written to standard output: No space left on device.",
    )
    reading, writing = os.pipe()
    os.close(reading)
    done = program("backup", "-", stdout=writing, stderr=subprocess.PIPE, capture_output=False)
    os.close(writing)
    assert (done.returncode, done.stderr.decode().splitlines()) == (
        1,
        [
            "The backup cannot be written to standard output: Broken pipe.",
            "What reads it ended before it: see what that says.",
        ],
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no/such/folder", "The backup cannot be written to {}: No such file or directory."),
        ("data.txt", "{} is there, and is not a backup."),
        ("data/closures.sqlite3", "{} is there, and is not a backup."),
    ],
)
def test_what_cannot_be_written_is_said_and_leaves_all_as_it_is(program, tmp_path, name, said):
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data.txt").write_bytes(b"something else")
    (tmp_path / "data/closures.sqlite3").write_bytes(b"SQLite format 3")
    before = {path: path.read_bytes() for path in [*sorted(tmp_path.glob("data*/*")), tmp_path / "data.txt"]}
    done = program("backup", str(tmp_path / name))
    text, remedy = done.stderr.decode().splitlines()
    assert (done.returncode, text, bool(remedy)) == (1, said.format(tmp_path / name), True)
    assert {path: path.read_bytes() for path in before} == before
    assert not list(tmp_path.rglob("*.part"))


def test_a_restore_onto_a_full_disk_leaves_nothing(program, elsewhere, tmp_path):
    octets = program("backup", "-").stdout
    done = program("restore", "-", stdin=octets, variables=elsewhere, preexec_fn=small_files)
    text, remedy = done.stderr.decode().splitlines()
    assert (done.returncode, text, remedy) == (
        1,
        "The disk under the database is full or failing; nothing was recorded.",
        "Make room, then restore again: nothing was restored.",
    )
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_restore_of_nothing_and_over_something(program, tmp_path):
    done = program("restore", str(tmp_path / "nothing"))
    assert (done.returncode, done.stderr.decode().splitlines()) == (
        1,
        [f"{tmp_path / 'nothing'} cannot be read: No such file or directory.", "Name the file of a backup."],
    )
    octets = program("backup", "-").stdout
    done = program("restore", "-", stdin=octets)
    assert (done.returncode, done.stderr.decode().splitlines()[0]) == (1, "The database is not empty.")
    done = program("restore", "-", "--replace", stdin=octets)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(list(Path(tmp_path).glob("closures.sqlite3.replaced-*"))) == 1
