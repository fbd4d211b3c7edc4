"""A sign-in link in a file of the key folder, for whoever starts the service: a journal would keep it for others."""

from pathlib import Path

from app.security.key_folder import KeyFolder
from app.security.tokens import canonical

_NAME = "sign-in-link"


def write_link(key_dir: Path, address: str) -> Path:
    """Write the address of a link, which ends with its token, in place of one before; return the file, mode 0600.

    The key folder is closed to others, and whoever may read it has more than a link already. Raise ``StoreFull``.
    """
    folder = KeyFolder(key_dir)
    with folder.locked():
        folder.write(_NAME, f"{address}\n".encode(), 0o600)
    return (key_dir / _NAME).absolute()


def read_token(key_dir: Path) -> str:
    """Return the token of the link that the file holds; "" where there is none."""
    try:
        return (key_dir / _NAME).read_text(encoding="utf-8").strip().rpartition("/")[2]
    except OSError:
        return ""


def drop_link(key_dir: Path, token: str) -> None:
    """Remove the file if it holds this link: it was used, and opens nothing more."""
    if read_token(key_dir) == canonical(token):
        (key_dir / _NAME).unlink(missing_ok=True)
