"""How much room the folders that we write to have left."""

import shutil
from pathlib import Path

from app.store.engine import Store


def free_octets(store: Store, key_dir: Path) -> dict[str, int]:
    """Return how many octets are free where the embedded database ("data") and the keys ("keys") are.

    A database of its own server has a disk of its own, which is not seen from here; nor is a folder that is gone.
    """
    embedded = store.engine.url.database if store.engine.dialect.name == "sqlite" else None
    folders = {"data": Path(embedded).parent} if embedded else {}
    return {
        name: shutil.disk_usage(folder).free for name, folder in {**folders, "keys": key_dir}.items() if folder.is_dir()
    }
