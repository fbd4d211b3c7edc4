"""A database of before acts comes under them once: what stood is sealed anew and has an act that says no more."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.domain.access import Role
from app.factory import open_keyring, prepare, utc_now
from app.register.people.accounts import list_accounts
from app.register.people.enrolment import list_gateways, list_tokens
from app.register.verification import verify_record
from app.security.keyring import SERVICE_OWNER
from app.security.sealing import SealBroken
from app.security.tokens import new_row_id
from app.store import tables
from app.store.acts import Deed, open_act
from app.store.engine import make_engine, open_empty_store, read_head
from app.store.instants import to_micros
from app.store.outbox import MessageState, list_messages, list_waiting, notifications_of
from app.store.proven import proofs_of
from app.store.recipients import list_recipients
from app.store.standing import upgrade_store
from app.store.week_index import index_again
from tests.store.test_upgrades import migrate

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LATER = datetime(2027, 11, 24, 9, 0, tzinfo=UTC)


def row_of(table, **values):
    """Write a row as the release before did: its columns, and no other."""
    names = [column.name for column in table.columns if column.name in values]
    return sa.insert(sa.table(table.name, *(sa.column(name, table.c[name].type) for name in names))).values(values)


@pytest.fixture
def before(settings):
    """A database of before acts: a User with a gateway, an account, a token, a policy, and what is purged and gone."""
    engine = make_engine(settings.database, create=True)
    migrate(engine, "r0001")
    engine.dispose()
    store = open_empty_store(settings.database, open_keyring(settings, create=True), utc_now)
    user, gone, gateway, account, token, closure = (new_row_id() for _ in range(6))
    seal, service = store.keyring.seal, SERVICE_OWNER
    with store.writing() as connection:
        for row_id, code in ((user, "ALPHA"), (gone, "GONE")):
            store.keyring.ensure(row_id)
            body = json.dumps([code, code.title(), "Other", []]).encode()
            sealed = seal(row_id, "users", "sealed", row_id, 1, body)
            connection.execute(
                row_of(tables.users, id=row_id, code_index=store.blind.code("user", code), row_version=1, sealed=sealed)
            )
        body = json.dumps(["GW-1", "North"]).encode()
        sealed = seal(service, "gateways", "sealed", gateway, 1, body)
        index = store.blind.code("gateway", "GW-1")
        connection.execute(row_of(tables.gateways, id=gateway, code_index=index, row_version=1, sealed=sealed))
        connection.execute(row_of(tables.user_gateways, user_id=user, gateway_id=gateway))
        sealed = seal(service, "accounts", "sealed", account, 3, json.dumps(["a@example.org", []]).encode())
        index = store.blind.code("account", "a@example.org")
        facts = {"email_index": index, "role": "admin", "row_version": 3, "created_at": NOW}
        connection.execute(row_of(tables.accounts, id=account, sealed=sealed, **facts))
        sealed = seal(service, "tokens", "sealed", token, 1, b"upload")
        facts = {"kind": "gwfp", "digest": bytes(32), "role": "dcc", "created_at": NOW, "expires_at": LATER}
        connection.execute(row_of(tables.tokens, id=token, sealed=sealed, **facts))
        connection.execute(row_of(tables.policies, kind="thresholds", version=1, set_at=NOW, body='{"closed": 2}'))
        for number, owner in enumerate((user, gone)):
            facts = {"reference": f"CN-000000000{number}", "state": "forgotten", "row_version": 1, "change": 1}
            row_id = closure if owner == user else gone
            facts |= {"id": row_id, "user_id": owner, "identity": row_id, "series": row_id, "sealed": b""}
            connection.execute(row_of(tables.closures, **facts))
        _told_before(store, connection, seal)
    store.keyring.shred(gone)
    store.close()
    return settings


def _told_before(store, connection, seal):
    """A desk with a digest at eight, what it was told, and what it waits to be told: as the outbox was."""
    body = json.dumps(["desk", "e-mail", "desk@dcc.example", 8, "secret"]).encode()
    facts = {"kinds": "new", "created_at": NOW, "sealed": seal(SERVICE_OWNER, "recipients", "sealed", b"r1", 1, body)}
    connection.execute(row_of(tables.metadata.tables["recipients"], id="r1", **facts))
    then = sa.MetaData()
    then.reflect(connection, only=["messages", "notifications"])
    micros, message, told, waits = to_micros(NOW), *(new_row_id() for _ in range(3))
    facts = {"made_at": micros, "state": "sent", "due_at": micros + 1, "attempts": 2, "failures": 1, "fault": "late"}
    facts |= {"id": message, "recipient_id": "r1", "settled_at": micros + 2}
    connection.execute(sa.insert(then.tables["messages"]).values(facts))
    for row_id, of_message in ((told, message), (waits, None)):
        body = json.dumps(["new", bytes(16).hex(), 1]).encode()
        sealed = seal(SERVICE_OWNER, "notifications", "sealed", row_id, 1, body)
        facts = {"id": row_id, "recipient_id": "r1", "recorded_at": micros, "message_id": of_message, "sealed": sealed}
        connection.execute(sa.insert(then.tables["notifications"]).values(facts))


def test_the_outbox_comes_along(before):
    service = prepare(before, NOW)
    with service.store.reading() as connection:
        (desk,) = list_recipients(service.store, connection).whole
        (message,) = list_messages(service.store, connection, list(MessageState), 10)
        assert (desk.address, desk.digest_hour, desk.secret) == ("desk@dcc.example", 8, "secret")
        later = timedelta(microseconds=1)
        times = (message.made_at, message.due_at, message.settled_at)
        assert times == (NOW, NOW + later, NOW + 2 * later)
        assert (message.state, message.attempts, message.failures, message.fault) == ("sent", 2, 1, "late")
        assert len(notifications_of(service.store, connection, message.id)) == 1
        waiting = list_waiting(connection)
        assert (waiting["r1"].count, waiting["r1"].due_at) == (1, datetime(2026, 11, 25, 8, 0, tzinfo=UTC))
        assert set(sa.inspect(connection).get_table_names()) == {*tables.metadata.tables, "alembic_version"}
    service.close()


def test_what_stood_is_served_and_verifies(before):
    service = prepare(before, NOW)
    store = service.store
    assert verify_record(service.register).faults == ()
    assert [(account.email, account.role) for account in list_accounts(store)] == [("a@example.org", Role.ADMIN)]
    assert [(shared.gateway.code, shared.users) for shared in list_gateways(store)] == [("GW-1", ("ALPHA",))]
    assert [(issued.token.label, issued.token.role) for issued in list_tokens(store)] == [("upload", Role.DCC)]
    assert service.register.rulebook().thresholds.closed == 2
    acts = tables.metadata.tables["acts"]
    with store.reading() as connection:
        found = [open_act(store, *row) for row in connection.execute(sa.select(acts).order_by(acts.c.position))]
    stood = [row[0] for act in found if act.deed is Deed.STOOD for row in act.rows]
    assert stood == [
        "users",
        "users",
        "gateways",
        "user_gateways",
        "accounts",
        "tokens",
        "policies",
        "recipients",
        "closures",
        "closures",
    ]
    service.close()


def test_what_stood_once_does_not_stand_again(before):
    service = prepare(before, NOW)
    with service.store.writing() as connection:
        connection.execute(sa.text("UPDATE tokens SET role = 'admin'"))
        connection.execute(sa.text("UPDATE policies SET sealed = '' WHERE kind = 'thresholds'"))
    service.close()
    again = prepare(before, NOW)
    (policy, token) = sorted(verify_record(again.register).faults)
    assert (policy[:9], token[:8]) == ("A policy ", "A token ")
    again.close()


def test_the_week_index_is_made_anew(store, alpha, give, announce, clock):
    give(alpha, announce("a", "2027-02-07T02:00"), announce("b", "2027-03-07T22:00"))
    give(alpha, announce("a", "2027-04-04T02:00"), at=clock.forward(minutes=1))  # moved: one week of it is past

    def index():
        with store.reading() as connection:
            return sorted(tuple(row) for row in connection.execute(sa.select(tables.weeks)))

    before = index()
    with store.writing() as connection:
        for week, *_ in before:
            other = tables.weeks.update().where(tables.weeks.c.week == week)
            connection.execute(other.values(week=bytes(reversed(week))))
        index_again(store, connection)
    assert index() == before
    assert len({row[-1] for row in before}) == 2


@pytest.mark.parametrize("altered", [False, True])
@pytest.mark.parametrize(("migration", "grown"), [("r0004", ()), ("r0006", ("index_epoch",))])
def test_a_head_is_proven_with_what_it_got_unless_it_was_altered(settings, migration, grown, altered):
    keyring = open_keyring(settings, create=True)
    engine = make_engine(settings.database, create=True)
    migrate(engine, migration)
    engine.dispose()
    store = open_empty_store(settings.database, keyring, utc_now)
    with store.writing() as connection:
        names = ("change", "parties", "rules", "log_size", "log_edge", "stamped_at", "others_at", "database_id")
        query = sa.select(*(tables.head.c[name] for name in ("id", *names, *grown)))
        proof = proofs_of(connection).of("head", connection.execute(query).one())
        connection.execute(sa.update(tables.head).values(proof=proof, **({"parties": 5} if altered else {})))
    upgrade_store(store)
    with store.reading() as connection:
        if altered:
            with pytest.raises(SealBroken):
                read_head(connection)
        else:
            assert (read_head(connection).index_epoch, read_head(connection).forgotten) == (1, 0)
    store.close()
