"""XML that leaves: written as escaped strings, since a tree for each row would cost ten times as much."""

import re
from functools import lru_cache

from app.caldav.names import PREFIXES

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
NAMESPACES = "".join(f' xmlns:{prefix}="{uri}"' for uri, prefix in PREFIXES.items())
# Everything outside the Char production of XML 1.0 (2.2).
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escape(text: str) -> str:
    """Return a text as character data.

    A carriage return is written as a reference: a bare one "MUST" reach the reader as a line feed (XML 1.0 2.11), and
    what a sender wrote is given back octet for octet.
    """
    if _FORBIDDEN.search(text):
        text = _FORBIDDEN.sub("\ufffd", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#13;")


def element(name: str, inner: str = "") -> str:
    """Return an element by its Clark name; ``inner`` is XML already."""
    opened, tag = _tag(name)
    return f"<{opened}>{inner}</{tag}>" if inner else f"<{opened}/>"


def _attribute(text: str) -> str:
    return escape(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")


@lru_cache(maxsize=1_024)
def _tag(name: str) -> tuple[str, str]:
    """Return what stands in the start tag and in the end tag."""
    uri, _, local = name.rpartition("}")
    uri = uri.removeprefix("{")
    if not uri:
        return local, local
    prefix = PREFIXES.get(uri)
    return (f"{prefix}:{local}",) * 2 if prefix else (f'x:{local} xmlns:x="{_attribute(uri)}"', f"x:{local}")


def href(path: str) -> str:
    """Return a DAV:href element."""
    return f"<D:href>{escape(path)}</D:href>"


def document(root: str, inner: str) -> bytes:
    """Return a whole document; ``root`` is the prefixed name of its element."""
    return f"{DECLARATION}<{root}{NAMESPACES}>{inner}</{root}>\n".encode()
