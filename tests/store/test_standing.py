"""A database of before acts comes under them once: what stood is sealed anew and has an act that says no more."""

import json
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from app.domain.access import Role
from app.factory import open_keyring, prepare, utc_now
from app.register.people.accounts import list_accounts
from app.register.people.enrolment import list_gateways, list_tokens
from app.register.verification import verify_record
from app.security.keyring import SERVICE_OWNER
from app.security.tokens import new_row_id
from app.store import tables
from app.store.acts import Deed, open_act
from app.store.engine import make_engine, open_store
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
    engine = make_engine(settings.database)
    migrate(engine, "r0001")
    engine.dispose()
    store = open_store(settings.database, open_keyring(settings, create=True), utc_now, check=False)
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
    store.keyring.shred(gone)
    store.close()
    return settings


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
