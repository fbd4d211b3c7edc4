"""A User's calendars over a real register, as a calendar program of that User changes them."""

from base64 import b64encode
from datetime import UTC

import pytest

from app.caldav.backend import Condition
from app.caldav.boards.board import board_of_user
from app.caldav.boards.listing_cache import Listings
from app.caldav.boards.member_cache import ReadMembers
from app.ical.components import read_calendars
from app.register.give import find_sender
from app.register.people import enrolment

ANY = Condition()


def octets_of(*events):
    """A calendar object of these events, each a list of lines."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//a client//EN"]
    for event in events:
        lines += ["BEGIN:VEVENT", *event, "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def lines_of(uid, starts="20270207T020000Z", ends="20270207T060000Z", *more, stamp="20261101T090000Z"):
    return [f"UID:{uid}", f"DTSTAMP:{stamp}", f"DTSTART:{starts}", f"DTEND:{ends}", *more]


@pytest.fixture
def lines():
    return lines_of


@pytest.fixture
def calendar():
    return octets_of


@pytest.fixture
def event():
    """Return a function that makes an object of one event: ``event("u1", "20270207T020000Z", "20270207T060000Z")``."""
    return lambda uid, *times_and_more, **marks: octets_of(lines_of(uid, *times_and_more, **marks))


class Client:
    """A calendar program at one gateway of a User; each call is a request of its own."""

    def __init__(self, register, user, gateway, clock):
        self.register, self.user, self.gateway, self.clock = register, user, gateway, clock
        self.kept_ready = {"listings": Listings(), "read_members": ReadMembers()}

    @property
    def board(self):
        sender = find_sender(self.register, self.user.code)
        return board_of_user(self.register, sender, "a phone", self.clock().astimezone(UTC), **self.kept_ready)

    @property
    def collection(self):
        return self.board.collection(self.user.code, self.gateway)

    @property
    def newest(self):
        return self.board.reached(self.collection).token

    def put(self, name, octets, condition=ANY):
        return self.board.put(self.collection, name, read_calendars(octets), condition)

    def delete(self, name, condition=ANY):
        return self.board.delete(self.collection, name, condition)

    def move(self, name, other, new_name, condition=ANY, *, overwrite=True):
        target = self.board.collection(other.user.code, other.gateway)
        return self.board.move(self.collection, name, target, new_name, condition, overwrite=overwrite)

    def changes(self, token="", most=None):
        return self.board.changes(self.collection, token, most)

    def names(self):
        return sorted(entry.name for entry in self.board.entries(self.collection))

    def member(self, name):
        return self.board.members(self.collection, [name]).get(name)


@pytest.fixture
def client(register, clock):
    """Return a function that makes a calendar program: ``client(user, "GW-A1")``."""
    return lambda user, gateway, at=None: Client(at or register, user, gateway, clock)


@pytest.fixture
def first(client, alpha):
    return client(alpha, "GW-A1")


@pytest.fixture
def second(client, alpha):
    return client(alpha, "GW-A2")


@pytest.fixture
def token(service, clock):
    def issue(user=None, role=None):
        return enrolment.issue_token(service.store, label="a phone", now=clock(), user_code=user, role=role)[1]

    return issue


@pytest.fixture
def ask(web):
    """Return a function that sends a request: ``ask("PROPFIND", path, "ALPHA", password)``."""

    def send(method, path, name=None, password=None, body=b"", **headers):
        given = {key.replace("_", "-"): value for key, value in headers.items()}
        if name is not None:
            given["Authorization"] = "Basic " + b64encode(f"{name}:{password}".encode()).decode()
        return web.test_client().open(path, method=method, data=body, headers=given)

    return send
