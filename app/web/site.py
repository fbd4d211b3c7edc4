"""What a view needs of the application that it runs in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import current_app

from app.publishing import Publishing
from app.pulling.http_client import Outbound
from app.register.register import Register
from app.register.told_today import ToldToday
from app.register.witnesses import Witnesses
from app.store.engine import Store
from app.store.write_probe import WriteProbe
from app.web.read_log import ReadLog

EXTENSION = "closures"


@dataclass(frozen=True, slots=True)
class Provider:
    """The organisation's own sign-in: its issuer, and the client that speaks to it (an extra, which has no types)."""

    issuer: str
    client: Any


@dataclass(frozen=True, slots=True)
class Site:
    """The wired application: the register, the feeds, the read log, what may be asked outside, the provider, the clock.

    ``now`` gives aware UTC. ``sends_mail``: the settings name a mail server. ``witnesses`` cosign checkpoints.
    ``write_probe`` tells whether writes are taken, ``told_today`` counts what was told.
    """

    register: Register
    publishing: Publishing
    read_log: ReadLog
    write_probe: WriteProbe
    told_today: ToldToday
    outbound: Outbound
    base_url: str
    key_dir: Path
    witnesses: Witnesses
    now: Callable[[], datetime]
    provider: Provider | None = None
    sends_mail: bool = False

    @property
    def store(self) -> Store:
        """The database under the register."""
        return self.register.store


def site() -> Site:
    """Return the site of the current request."""
    found: Site = current_app.extensions[EXTENSION]
    return found
