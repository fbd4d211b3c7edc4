"""Folders made and changed durably: a name is on disk once the folder that holds it is synced."""

import os
from pathlib import Path


def make_folder(path: Path, mode: int = 0o777) -> None:
    """Make a folder and those above it, each synced into the one that holds it. Raise ``OSError``."""
    for above in (*reversed(path.parents), path):
        if not above.is_dir():
            above.mkdir(mode=mode if above == path else 0o777, exist_ok=True)
            sync_folder(above.parent)


def sync_folder(path: Path) -> None:
    """Make durable which names a folder holds. Raise ``OSError``."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
