"""Three clients over two workers, in any order: no lost update, no change passed over, one truth with the register."""

import threading
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.caldav.backend import Condition, ObjectRefused, Stale, TokenUnknown
from app.caldav.boards.board import board_of_user
from app.caldav.boards.listing_cache import Listings
from app.caldav.boards.member_cache import ReadMembers
from app.factory import open_service, prepare
from app.ical.components import read_calendars
from app.register.give import find_sender
from app.register.people.enrolment import enrol_gateway, enrol_user
from app.register.rulebook import RulebookCache
from app.register.verification import verify_record
from app.settings import read_settings
from app.store import parties
from app.store.archive import dump_database, load_database
from app.store.closures_of_users import closures_of_users
from app.store.engine import make_engine

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
FIRST_DAY = datetime(2027, 1, 1, 2, tzinfo=UTC)
GATEWAYS = ("GW-1", "GW-2")


def octets_of(uid, day, writer):
    starts = FIRST_DAY + timedelta(days=day)
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//EN", "BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20261101T090000Z",
        f"DTSTART:{starts:%Y%m%dT%H%M%SZ}", f"DTEND:{starts + timedelta(hours=4):%Y%m%dT%H%M%SZ}", f"SUMMARY:{writer}",
        "END:VEVENT", "END:VCALENDAR", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


class Phone:
    """A client that remembers what it was told and asks only for what changed since."""

    def __init__(self, service, name):
        self.service, self.name = service, name
        self.kept_ready = {"listings": Listings(), "read_members": ReadMembers()}
        self.known = {gateway: {} for gateway in GATEWAYS}
        self.tokens = dict.fromkeys(GATEWAYS, "")

    def board(self):
        register = self.service.register
        return board_of_user(register, find_sender(register, "ALPHA"), self.name, NOW, **self.kept_ready)

    def put(self, gateway, uid, day):
        """Write what it knows to be there, or what it believes to be new; return whether the server took it."""
        board, name = self.board(), f"{uid}.ics"
        etag = self.known[gateway].get(name)
        condition = Condition(match=frozenset({etag})) if etag else Condition(none_match=frozenset("*"))
        octets = octets_of(uid, day, self.name)
        try:
            stored = board.put(board.collection("ALPHA", gateway), name, read_calendars(octets), condition)
        except Stale:
            return None
        self.known[gateway][name] = stored.entry.etag
        return octets

    def delete(self, gateway, uid):
        board, name = self.board(), f"{uid}.ics"
        etag = self.known[gateway].get(name)
        if etag is None:
            return False
        try:
            done = board.delete(board.collection("ALPHA", gateway), name, Condition(match=frozenset({etag})))
        except Stale:
            return False
        del self.known[gateway][name]
        return done

    def sync(self, gateway, most):
        board, known = self.board(), self.known[gateway]
        if not self.tokens[gateway]:
            known.clear()  # a first fetch is the whole truth: it names nothing that is gone
        while True:
            page = board.changes(board.collection("ALPHA", gateway), self.tokens[gateway], most)
            assert len(page.changed) + len(page.gone) <= (most or 10**6)
            known |= {entry.name: entry.etag for entry in page.changed}
            for name in page.gone:
                known.pop(name, None)
            self.tokens[gateway] = page.token
            if not page.is_cut:
                return

    def held(self, gateway):
        board = self.board()
        return {entry.name: entry.etag for entry in board.entries(board.collection("ALPHA", gateway))}

    def stated(self):
        """What the register says: the gateway, day and state of each planned closure."""
        store = self.service.store
        with store.reading() as connection:
            codes = {parties.find_user(store, connection, "ALPHA").id: "ALPHA"}
            found = list(closures_of_users(store, connection, codes))
        return {
            (held.closure.gateway, held.mark.uid): (held.closure.window.starts, held.closure.state.value)
            for held in found
        }


@pytest.fixture
def workers(database_url, tmp_path_factory):
    """Return a function that opens two workers over an empty database of their own."""
    with ExitStack() as stack:

        def start(url=None):
            folder = stack.enter_context(TemporaryDirectory())
            given_url = url or f"sqlite:///{folder}/closures.sqlite3"
            configured = read_settings(
                {"CLOSURES_DATA_DIR": folder, "CLOSURES_KEY_DIR": f"{folder}/keys", "CLOSURES_DATABASE_URL": given_url}
            )
            one = prepare(configured, NOW)
            two = open_service(configured)
            stack.callback(one.close)
            stack.callback(two.close)
            enrol_user(one.store, "ALPHA", "Alpha Energy")
            for gateway in GATEWAYS:
                enrol_gateway(one.store, "ALPHA", gateway)
            return one, two

        yield start


gateway, uid, day = st.sampled_from(GATEWAYS), st.sampled_from(["u1", "u2", "u3"]), st.integers(0, 20)
steps = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.one_of(
            st.tuples(st.just("put"), gateway, uid, day),
            st.tuples(st.just("move"), gateway, uid, day),
            st.tuples(st.just("delete"), gateway, uid, st.just(0)),
            st.tuples(st.just("sync"), gateway, st.just(""), st.integers(1, 5)),
        ),
    ),
    max_size=25,
)


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(steps=steps)
def test_any_sequence_converges_to_the_register(workers, steps):
    services = workers()
    phones = [Phone(services[number % 2], f"phone {number}") for number in range(3)]
    members, told = {}, {}  # the whole of the law: what stands where, and what the register must say
    for number, (what, where, name, amount) in steps:
        phone = phones[number]
        if what == "sync":
            phone.sync(where, amount)
            continue
        was = phone.held(where).get(f"{name}.ics")
        believed = phone.known[where].get(f"{name}.ics")
        if what in {"put", "move"}:
            octets = phone.put(where, name, amount)
            assert (octets is not None) == (was == believed)  # no lost update: only who knows what stands may write
            if octets is not None:
                members[where, name] = octets
                told[where, name] = (FIRST_DAY + timedelta(days=amount), "planned")
            if octets is not None and what == "move":
                other = GATEWAYS[1 - GATEWAYS.index(where)]
                if phone.delete(other, name):
                    del members[other, name]
                    told[other, name] = (told[other, name][0], "withdrawn")
        elif phone.delete(where, name):
            assert was == believed
            del members[where, name]
            told[where, name] = (told[where, name][0], "withdrawn")
    for number, phone in enumerate(phones):
        for where in GATEWAYS:
            phone.sync(where, number + 1)
            assert phone.known[where] == phone.held(where)
            assert sorted(phone.known[where]) == sorted(f"{name}.ics" for at, name in members if at == where)
    assert phones[0].stated() == phones[1].stated() == told
    for (where, name), octets in members.items():
        board = phones[2].board()
        assert board.members(board.collection("ALPHA", where), [f"{name}.ics"])[f"{name}.ics"].octets == octets


def test_two_workers_that_write_at_once_lose_nothing(workers, database_url):
    services = workers(database_url)
    phones = [Phone(services[number % 2], f"phone {number}") for number in range(3)]
    for phone in phones:
        phone.sync("GW-1", None)
    taken, faults = [], []
    start = threading.Barrier(3)

    def write(phone):
        try:
            start.wait()
            for round_ in range(12):
                phone.sync("GW-1", 2)
                octets = phone.put("GW-1", "shared", round_)
                if octets is not None:
                    taken.append(phone.known["GW-1"]["shared.ics"])
                phone.put("GW-1", f"own-{phone.name[-1]}-{round_}", round_)
        except Exception as fault:  # noqa: BLE001 - the test shows whatever it was
            faults.append(fault)

    threads = [threading.Thread(target=write, args=(phone,)) for phone in phones]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    for phone in phones:
        phone.sync("GW-1", 3)
    assert phones[0].known == phones[1].known == phones[2].known == {"GW-1": phones[0].held("GW-1"), "GW-2": {}}
    assert len(phones[0].known["GW-1"]) == 37
    # Every write that was taken is in the record, as one revision or, with the same window, as a notice alone.
    assert verify_record(services[0].register).faults == ()
    assert phones[0].known["GW-1"]["shared.ics"] in taken


def test_a_first_write_by_two_at_once_is_taken_from_one(workers, database_url):
    services = workers(database_url)
    outcomes = []
    start = threading.Barrier(2)

    def create(service):
        phone = Phone(service, "phone")
        start.wait()
        outcomes.append(phone.put("GW-1", "one", 1) is not None)

    threads = [threading.Thread(target=create, args=(service,)) for service in services]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False, True]


def test_a_uid_by_two_names_at_once_is_taken_once(workers, database_url):
    services = workers(database_url)
    outcomes = []
    start = threading.Barrier(2)

    def create(service, name):
        phone = Phone(service, "phone")
        board = phone.board()
        start.wait()
        try:
            board.put(board.collection("ALPHA", "GW-1"), name, read_calendars(octets_of("one", 1, name)), Condition())
            outcomes.append("taken")
        except ObjectRefused as refused:
            outcomes.append(refused.precondition)

    threads = [threading.Thread(target=create, args=pair) for pair in zip(services, ("a.ics", "b.ics"), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["no-uid-conflict", "taken"]


def test_tokens_outlive_a_restored_backup_and_those_of_the_lost_timeline_do_not(workers, tmp_path):
    services = workers()
    phone = Phone(services[0], "phone")
    phone.put("GW-1", "kept", 1)
    phone.sync("GW-1", None)
    before = phone.tokens["GW-1"]
    dump_database(services[0].store, tmp_path / "backup", lambda _: None)
    phone.put("GW-1", "lost", 2)
    phone.sync("GW-1", None)
    lost = phone.tokens["GW-1"]
    engine = make_engine(f"sqlite:///{tmp_path}/restored.sqlite3", create=True)
    restored = replace(services[0].store, engine=engine, watch=None)
    with (tmp_path / "backup").open("rb") as backup:
        load_database(restored, backup, lambda _: None)
    register = replace(services[0].register, store=restored, rules=RulebookCache(restored))
    again = Phone(replace(services[0], register=register), "phone")
    again.put("GW-1", "other", 3)
    board = again.board()
    collection = board.collection("ALPHA", "GW-1")
    assert [entry.name for entry in board.changes(collection, before, None).changed] == ["other.ics"]
    with pytest.raises(TokenUnknown):
        board.changes(collection, lost, None)
    restored.close()
