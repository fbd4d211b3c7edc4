"""A look at a source in a process of its own, for the web process: only the scheduler reads sources in its own.

The CalDAV client replaces an HTTP library for the whole interpreter, and what a stranger's server sends is read where
nobody else waits for it and no key is held.
"""

import os
import pickle
import subprocess
import sys
from dataclasses import dataclass

from app.pulling.fetch import Bookmark, Look, look_at
from app.pulling.fetch_failure import SourceUnread
from app.pulling.http_client import Outbound, Visit
from app.pulling.split_by_uid import Filter

_SECONDS = 90  # a visit ends by itself before that


@dataclass(frozen=True, slots=True)
class LookRequest:
    """Where to look, as whom, from where the last look ended, and what is wanted; ``whole`` as for ``look_at``."""

    allow_private: bool
    url: str
    username: str
    password: str
    agent: str
    bookmark: Bookmark
    wanted: Filter
    whole: bool


def look_apart(asked: LookRequest) -> Look:
    """Look at a source in another process. Raise ``SourceUnread``."""
    command = [sys.executable, "-P", "-m", "app.pulling.apart"]
    without_ours = {name: value for name, value in os.environ.items() if not name.startswith("CLOSURES_")}
    try:
        done = subprocess.run(  # noqa: S603 - our own program; what is sent in never becomes a part of the command
            command, input=pickle.dumps(asked), stdout=subprocess.PIPE, env=without_ours, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as late:
        raise SourceUnread("too-slow") from late
    if done.returncode != 0:
        raise SourceUnread("broken-off")
    found = pickle.loads(done.stdout)  # noqa: S301 - our own process wrote it
    if isinstance(found, Look):
        return found
    raise SourceUnread(*found.split(" ", 1))


def look_here(asked: LookRequest) -> Look | str:
    """Look at a source in this process; return what was found, or the outcome where nothing was taken."""
    outbound = Outbound(allow_private=asked.allow_private)
    try:
        visit = Visit(outbound, asked.url, asked.username, asked.password, agent=asked.agent)
        return look_at(visit, asked.url, asked.bookmark, asked.wanted, whole=asked.whole)
    except SourceUnread as unread:
        return unread.outcome


if __name__ == "__main__":
    sys.stdout.buffer.write(pickle.dumps(look_here(pickle.load(sys.stdin.buffer))))  # noqa: S301 - our parent wrote it
