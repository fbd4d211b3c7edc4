"""Who an account is at the organisation's own sign-in: issuer and subject, sealed, found by a blind index."""

import json
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.domain.refusal import AlreadyThere
from app.security.keyring import SERVICE_OWNER
from app.store.engine import Store
from app.store.tables import identities


@dataclass(frozen=True, slots=True)
class Identity:
    """An account's name at an OpenID provider; only the two together name anybody (OpenID Connect Core 5.7)."""

    issuer: str
    subject: str


def link_identity(
    store: Store, connection: sa.Connection, account_id: bytes, identity: Identity, now: datetime
) -> None:
    """Link an identity to an account; once more is no fault. Raise ``AlreadyThere`` if another account has it."""
    index = _index(store, identity)
    held = account_of(store, connection, identity)
    if held == account_id:
        return
    if held is not None:
        raise AlreadyThere("That identity is linked to another account already.", "Unlink it there first.")
    body = json.dumps([identity.issuer, identity.subject]).encode()
    connection.execute(
        sa.insert(identities).values(
            subject=index,
            account_id=account_id,
            linked_at=now,
            sealed=store.keyring.seal(SERVICE_OWNER, "identities", "sealed", index, 1, body),
        )
    )


def account_of(store: Store, connection: sa.Connection, identity: Identity) -> bytes | None:
    """Return the row id of the account that an identity is linked to."""
    query = sa.select(identities.c.account_id).where(identities.c.subject == _index(store, identity))
    return connection.execute(query).scalar()


def identities_of(store: Store, connection: sa.Connection, account_id: bytes) -> list[Identity]:
    """Return the identities of an account, in order."""
    rows = connection.execute(sa.select(identities).where(identities.c.account_id == account_id))
    found = (store.keyring.unseal(SERVICE_OWNER, "identities", "sealed", row.subject, 1, row.sealed) for row in rows)
    return sorted(
        (Identity(*json.loads(body)) for body in found), key=lambda identity: (identity.issuer, identity.subject)
    )


def unlink_identities(connection: sa.Connection, account_id: bytes) -> None:
    """Forget every identity of an account."""
    connection.execute(sa.delete(identities).where(identities.c.account_id == account_id))


def _index(store: Store, identity: Identity) -> bytes:
    # The length first, so that no two pairs share one text. A subject is case-sensitive, and the index is not.
    return store.blind.subject("identity", f"{len(identity.issuer)}|{identity.issuer}{identity.subject}")
