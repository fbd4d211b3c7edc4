"""0 plaintext canaries in what a thief would take: database, WAL, backup, temporary files (docs/targets.md, 7).

The control run keeps the same facts unsealed and must find them, or the search itself would prove nothing. The same
for times that follow from when a row was written: nothing in clear is near a start, an end, or a day before a start.
"""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.access import Role
from app.domain.clock_doubt import ClockReading
from app.domain.maintenance import MaintenanceKind
from app.domain.notice import RepeatingRule
from app.domain.refusal import Refusal
from app.jobs.notify import deliver
from app.jobs.post_office import PostOffice
from app.jobs.sweep import sweep, sweep_on_time
from app.pulling.source_state import SourceState, Taken, write_state
from app.register.messages import recipients
from app.register.messages.outbox import make_messages
from app.register.messages.silences import read_silencing
from app.register.sources import add_source, gateway_of, make_source
from app.security import tokens
from app.security.keyring import Keyring
from app.store import accounts, kept_answers, mails, runs, sources, subscriptions
from app.store import outbox as outbox_rows
from app.store.archive import dump_database
from app.store.kept_answers import Answer, KeptAnswer
from app.store.mails import KeptMail, Reply
from app.store.recipients import Carrier
from app.store.subscriptions import Subscription
from app.store.tables import metadata
from feeds.entry import Publisher

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
STARTS = datetime(2027, 2, 7, 2, 17, tzinfo=UTC)
WORDS = (
    "Zanzibar Canary Energy",
    "ZANZI-CANARY",
    "GW-QUOKKA-7",
    "quokka-uid-7@example.com",
    "wombat@example.com",
    "platypus label",
    "dugong.example.org",
    "numbat password",
)


def spellings():
    """Every secret in every spelling that a database or a program might keep it in."""
    ends = STARTS + timedelta(hours=4)
    texts = list(WORDS)
    for instant in (STARTS, ends):
        micros = int(instant.timestamp() * 1_000_000)
        texts += [
            f"{instant:%Y%m%dT%H%M%S}", f"{instant:%Y-%m-%dT%H:%M}", f"{instant:%Y-%m-%d %H:%M}",
            str(int(instant.timestamp())), str(micros),
        ]  # fmt: skip
    found = {}
    for text in texts:
        raw = text.encode()
        found[f"{text} utf-8"] = raw
        found[f"{text} utf-16"] = text.encode("utf-16-le")
        found[f"{text} hex"] = raw.hex().encode()
        for shift in range(3):  # base64 of a text depends on where it begins
            found[f"{text} base64+{shift}"] = base64.b64encode(b" " * shift + raw)[(shift * 4 + 2) // 3 + 1 : -4]
    for instant in (STARTS, ends):
        micros = int(instant.timestamp() * 1_000_000)
        found[f"{instant} binary"] = micros.to_bytes(8, "big")
        found[f"{instant} binary, little"] = micros.to_bytes(8, "little")
    return found


def fill(service, enrolled, announce, give):
    """Put every kind of secret through every path that writes."""
    store, register = service.store, service.register
    user = enrolled("ZANZI-CANARY", "GW-QUOKKA-7")
    for carrier in (Carrier.EMAIL, Carrier.INVITATION):
        recipients.add_recipient(
            store, label="platypus label", carrier=carrier, address="wombat@example.com",
            kinds=recipients.every_kind(carrier, for_a_user=True), digest_hour=None, user_code="ZANZI-CANARY", now=NOW,
        )  # fmt: skip
    address, silencing = read_silencing(
        "https://ops:numbat password@dugong.example.org", 'platypus="{gateway}"', ["GW-QUOKKA-7"]
    )
    recipients.add_recipient(
        store, label="platypus label", carrier=Carrier.ALERTMANAGER, address=address, kinds=(), digest_hour=None,
        user_code="ZANZI-CANARY", now=NOW, silencing=silencing,
    )  # fmt: skip
    octets = b"BEGIN:VCALENDAR\r\nSUMMARY:Zanzibar Canary Energy quokka-uid-7@example.com 20270207T021700\r\n"
    give(user, announce("quokka-uid-7@example.com", "2027-02-07T02:17", gateway="GW-QUOKKA-7"), octets=octets)
    pepper = store.keyring.derived("token")[0]
    feed, password = tokens.mint(tokens.TokenKind.FEED), tokens.mint(tokens.TokenKind.APP_PASSWORD)
    with store.writing() as connection:
        account = accounts.Account(tokens.new_row_id(), "wombat@example.com", Role.ADMIN, ("ZANZI-CANARY",))
        accounts.add_account(store, connection, account, NOW)
        accounts.insert_token(
            store, connection, kind="gwfp", digest=tokens.digest(pepper, password), role=Role.USER,
            label="platypus label", now=NOW, lasts=timedelta(days=1), user_id=user.id,
        )  # fmt: skip
        new = Subscription(
            tokens.new_subscription_id(), "platypus label", "user:ZANZI-CANARY", 30, 548, NOW, NOW + timedelta(days=9)
        )
        subscriptions.insert_subscription(store, connection, new, tokens.digest(pepper, feed), None)
        kept = KeptAnswer(NOW, Answer(200, "text/plain", octets.decode()))
        kept_answers.keep_answer(store, connection, b"k" * 16, user.id, kept, asked=b"a" * 16)
        answer = Reply("wombat@example.com", "Re: Zanzibar Canary Energy", "", (), octets.decode())
        for key, owner in ((b"m" * 16, user.id), (b"n" * 16, None)):
            mail = KeptMail(NOW, "", "wombat@example.com", "Zanzibar Canary Energy", octets, answer)
            mails.insert_mail(store, connection, key, mail, user_id=owner)
        runs.put_draft(store, connection, account.id, octets, NOW)
        rule = RepeatingRule("quokka-uid-7@example.com", "GW-QUOKKA-7", octets, NOW, "")
        runs.put_series(store, connection, user.id, rule, NOW)
    dates, source = (
        make_source(
            topic, url="https://dugong.example.org/c/", category="", username="platypus label",
            password="numbat password", word="", every_minutes=15, now=NOW,
        )
        for topic in (MaintenanceKind.RELEASE, gateway_of(store, "ZANZI-CANARY", "GW-QUOKKA-7"))
    )  # fmt: skip
    add_source(store, dates)
    add_source(store, source)
    seen = SourceState(
        taken={"quokka-uid-7@example.com": Taken("x", STARTS)}, missing={"quokka-uid-7@example.com": NOW}
    )
    for one in (dates, source):
        with store.writing() as connection:
            _, before = sources.read_source(store, connection, one.id)
            after = replace(before, row_version=2, state=write_state(seen))
            assert sources.finish_poll(store, connection, (one, before), after, before.due_at)
    sweep(register, NOW)
    sweep(register, STARTS - timedelta(hours=3))
    make_messages(register, STARTS - timedelta(hours=3))
    return {"feed token": feed.encode(), "app password": password.encode()}


def search(paths, canaries):
    return {(path.name, name) for path in paths for name, octets in canaries.items() if octets in path.read_bytes()}


def everything_written(service, tmp_path):
    dump_database(service.store, tmp_path / "backup", lambda _: None)
    import gzip

    (tmp_path / "backup-opened").write_bytes(gzip.decompress((tmp_path / "backup").read_bytes()))
    return [path for path in tmp_path.rglob("*") if path.is_file()]


def test_nothing_written_names_anybody_or_shows_a_time(service, enrolled, announce, give, tmp_path):
    canaries = spellings() | fill(service, enrolled, announce, give)
    assert search(everything_written(service, tmp_path), canaries) == set()


@pytest.fixture
def unsealed(monkeypatch):
    """The control: a keyring that keeps plaintext."""
    monkeypatch.setattr(Keyring, "seal", lambda self, owner, table, column, row, version, plaintext: plaintext)
    unseal = Keyring.unseal

    def opened(self, *place):
        try:
            return unseal(self, *place)  # what stood in the database before
        except Refusal:
            return place[-1]

    monkeypatch.setattr(Keyring, "unseal", opened)


def test_the_search_finds_them_where_nothing_is_sealed(unsealed, service, enrolled, announce, give, tmp_path):
    fill(service, enrolled, announce, give)
    found = search(everything_written(service, tmp_path), spellings())
    names = {name for _, name in found}
    seen = {word for word in WORDS if any(name.startswith(word) for name in names)}
    assert seen == set(WORDS)
    assert any(name.startswith(str(int(STARTS.timestamp()) * 1_000_000)) for name in names)


def test_the_sealed_text_itself_opens(service, enrolled, announce, give):
    """The facts searched for are really there: the service still reads them."""
    from app.domain.access import Principal
    from app.domain.window import ClosureWindow
    from app.register.reading import Question, read_schedule

    fill(service, enrolled, announce, give)
    (one,) = read_schedule(
        service.register, Principal("x", Role.DCC), Question(ClosureWindow(NOW, NOW + timedelta(days=300)))
    )
    assert json.dumps([one.gateway, one.user]) == ('["GW-QUOKKA-7", "ZANZI-CANARY"]')
    assert one.window.starts == STARTS


ODD_HOURS = [datetime(2026, 11, day, hour, 17, 23, tzinfo=UTC) for day, hour in ((26, 2), (26, 13), (27, 20), (28, 5))]
NEAR = timedelta(minutes=10)


def marks():
    """The instants of four closures that nothing in clear may be near: starts, ends, and a day before the start."""
    ends = [starts + timedelta(hours=3, minutes=14) for starts in ODD_HOURS]
    return [*ODD_HOURS, *ends, *(starts - timedelta(hours=24) for starts in ODD_HOURS)]


def live_through(register, alpha, announce, give, clock, sweep_at):
    """Announce four closures at once, and let the scheduler sweep and send until all are over; return what it sent."""
    sent, invited = [], []
    publisher = Publisher("Notices", "notices@closures.example", "https://closures.example", "c.example")
    carriers = {
        Carrier.EMAIL: lambda letter: sent.append(json.loads(letter.payload)),
        Carrier.INVITATION: invited.append,
    }
    office = PostOffice(publisher, carriers)
    for carrier, hour in ((Carrier.EMAIL, None), (Carrier.EMAIL, 8), (Carrier.INVITATION, None)):
        recipients.add_recipient(
            register.store, label="x", carrier=carrier, address="wombat@example.com", digest_hour=hour,
            kinds=recipients.every_kind(carrier, for_a_user=True), user_code="ALPHA", now=NOW,
        )  # fmt: skip
    given = [announce(f"u{n}", f"{starts:%Y-%m-%dT%H:%M:%S}", hours=3 + 14 / 60) for n, starts in enumerate(ODD_HOURS)]
    give(alpha, *given, at=NOW)
    last = datetime(2026, 11, 30, 9, 41, tzinfo=UTC)
    every = [NOW + timedelta(hours=3 * n) for n in range((last - NOW) // timedelta(hours=3))]
    for now in sorted([*every, *(mark + timedelta(seconds=20) for mark in marks()), last]):
        clock.now = now
        sweep_at(register, now)
        deliver(register, office, clock)
    assert len(invited) == len(ODD_HOURS)
    return sorted(kind for message in sent for one in message["data"]["closures"] for kind in one["kinds"])


def on_time(register, now):
    sweep_on_time(register, ClockReading(now, "a boot", now - datetime(2026, 11, 1, tzinfo=UTC)))


def instants_in_clear(store):
    """Every instant in every row, as (table, column, instant): instants proper, and whole numbers that may be one."""
    with store.reading() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(table.select()).mappings():
                for column, value in row.items():
                    if isinstance(value, int) and not isinstance(value, bool):
                        for unit in (1, 1_000, 1_000_000):
                            if 1_700_000_000 < value // unit < 2_000_000_000:
                                yield table.name, column, datetime.fromtimestamp(value / unit, UTC)
                    elif isinstance(value, datetime):
                        yield table.name, column, value


def near_a_closure(store):
    """What in clear tells when a closure starts or ends, or that it starts in a day."""
    return {
        (table, column)
        for table, column, instant in instants_in_clear(store)
        if any(abs(instant - mark) < NEAR for mark in marks())
    }


def test_no_row_was_written_at_a_time_that_tells_a_closures(register, alpha, announce, give, clock):
    told = live_through(register, alpha, announce, give, clock, on_time)
    assert near_a_closure(register.store) == set()
    # When the digest leaves, none is open any more.
    assert {kind: told.count(kind) for kind in ("new", "starts", "open", "expired")} == {
        "new": 8, "starts": 8, "open": 4, "expired": 8,
    }  # fmt: skip


def test_the_search_finds_rows_that_are_written_as_a_window_ends(register, alpha, announce, give, clock):
    """The control: expiry noted at once, as the scheduler did, is in clear in its entry."""
    live_through(register, alpha, announce, give, clock, sweep)
    assert near_a_closure(register.store) == {("revisions", "received_at")}


def test_the_search_finds_messages_that_are_dated_to_the_instant(register, alpha, announce, give, clock, monkeypatch):
    monkeypatch.setattr(outbox_rows, "day_of", lambda instant: instant)
    live_through(register, alpha, announce, give, clock, on_time)
    assert near_a_closure(register.store) == {("messages", "made_on"), ("messages", "settled_on")}
