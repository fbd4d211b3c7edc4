"""A folder is made durably: whoever holds its name is synced after it was made."""

import os
from pathlib import Path

import pytest

from app.factory import prepare
from app.security.folders import make_folder
from app.settings import read_settings
from tests.conftest import NOW


@pytest.fixture
def synced(monkeypatch):
    """Which folders were synced, in order: what the process really asked of the kernel."""
    found = []

    def noted(handle, sync=os.fsync):
        found.append(Path(f"/proc/self/fd/{handle}").readlink())
        sync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    return found


def test_each_new_folder_is_synced_into_the_one_above(tmp_path, synced):
    make_folder(tmp_path / "a/b/c", 0o700)
    assert synced == [tmp_path, tmp_path / "a", tmp_path / "a/b"]
    assert [oct((tmp_path / name).stat().st_mode & 0o777) for name in ("a", "a/b/c")] == ["0o755", "0o700"]
    make_folder(tmp_path / "a/b/c")
    assert len(synced) == 3


def test_a_file_in_the_way_is_told(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(OSError, match="a"):
        make_folder(tmp_path / "a")


def test_a_first_start_syncs_the_folders_of_data_and_keys(tmp_path, synced):
    settings = read_settings(
        {"CLOSURES_DATA_DIR": str(tmp_path / "x/data"), "CLOSURES_KEY_DIR": str(tmp_path / "y/keys")}
    )
    prepare(settings, NOW).close()
    assert {tmp_path, tmp_path / "x", tmp_path / "y", tmp_path / "y/keys"} <= set(synced)
