"""A register that many questions are asked of: made once for a file of tests, asked through the API as DCC would."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from app.domain.access import Principal, Role
from app.domain.notice import Announcement, Channel, Notice, NoticeContent
from app.domain.party import User
from app.domain.window import ClosureWindow
from app.factory import create_app, prepare
from app.register.people import enrolment
from app.register.receive import receive_notice
from app.security.tokens import new_row_id
from app.settings import read_settings
from app.store import parties


@dataclass
class World:
    """A service with its web application, and a clock that a test sets."""

    service: Any
    app: Any
    clock: Any
    headers: dict[str, dict[str, str]]

    def enrol(self, code, category, *gateways):
        user = User(new_row_id(), code, f"{code.title()} Energy", category)
        store = self.service.store
        store.keyring.ensure(user.id)
        with store.writing() as connection:
            parties.add_user(store, connection, user)
            for gateway in gateways:
                parties.add_gateway(store, connection, user, gateway, f"Gateway {gateway}")
        return user

    def let_in(self, name, **options):
        _, token = enrolment.issue_token(self.service.store, label=name, now=self.clock(), **options)
        self.headers[name] = {"Authorization": f"Bearer {token}"}

    def give(self, user, *announcements, at, octets=b"canary", about=""):
        notice = Notice(user.code, Channel.API, at, "text/calendar", octets, "a test")
        reading = NoticeContent(tuple(announcements), (), events=len(announcements))
        return receive_notice(self.service.register, user, notice, reading, about=about)

    def ask(self, path, who="dcc", **query):
        """The API's answer; instants may be given as they are."""
        said = {
            name.rstrip("_"): value.isoformat() if hasattr(value, "isoformat") else value
            for name, value in query.items()
        }
        return self.app.test_client().get(f"/api/v1/{path}", query_string=said, headers=self.headers[who])


class _Clock:
    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def make_world(databases, tmp_path_factory):
    """Return a function that makes a world whose first moment is given."""
    made = []

    def make(now: datetime) -> World:
        folder = tmp_path_factory.mktemp("world")
        settings = read_settings(
            {
                "CLOSURES_DATA_DIR": str(folder / "data"),
                "CLOSURES_KEY_DIR": str(folder / "keys"),
                "CLOSURES_DATABASE_URL": databases.new(folder),
            }
        )
        service, clock = prepare(settings, now), _Clock(now)
        world = World(service, create_app(settings, now=clock), clock, {})
        made.append(world)
        return world

    yield make
    for world in made:
        site = world.app.extensions["closures"]
        site.read_log.flush()
        site.store.close()
        world.service.close()


@pytest.fixture(scope="session")
def dcc():
    return Principal("dcc", Role.DCC)


@pytest.fixture(scope="session")
def announced():
    """Return a function that makes an announcement of a window: ``announced("u", "GW-1", starts, ends)``."""

    def make(uid, gateway, starts, ends, **facts):
        return Announcement(uid=uid, gateway=gateway, window=ClosureWindow(starts, ends), **facts)

    return make
