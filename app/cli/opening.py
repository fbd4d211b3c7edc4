"""How a command gets at the register: settings from the environment, the open service, and its certain closing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from app.domain.access import Principal, Role
from app.factory import Service, configure_log, open_service
from app.settings import Settings, read_settings
from app.store.acts import ACTOR

OPERATOR = Principal("command line", Role.ADMIN)
"""Who asks from the command line: whoever may read the keys may read everything."""


def current_settings(**flags: object) -> Settings:
    """Return the settings of this process, flags that were given in place of variables; raise ``SettingsRefused``."""
    given = {f"CLOSURES_{name.upper()}": str(value) for name, value in flags.items() if value is not None}
    environ = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in given}
    return read_settings(environ | given)


@contextmanager
def opened() -> Iterator[Service]:
    """Give the open service; raise ``StoreUnfit`` where the database or the keys are not fit."""
    settings = current_settings()
    configure_log("console", settings.security_log, at_a_terminal=True)
    service = open_service(settings, check=False)
    ACTOR.set(OPERATOR.name)
    try:
        yield service
    finally:
        service.close()
