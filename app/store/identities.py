"""Who an account is at the organisation's own sign-in: issuer and subject, sealed, found by a blind index."""

import json
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.domain.refusal import AlreadyThere
from app.security.security_log import SecurityAction, security_event
from app.store.acts import Deed, insert_row, remove_rows
from app.store.chains import chains_of
from app.store.deciding import open_row
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
    held = account_of(store, connection, identity)
    if held == account_id:
        return
    if held is not None:
        raise AlreadyThere("That identity is linked to another account already.", "Unlink it there first.")
    body = json.dumps([identity.issuer, identity.subject]).encode()
    values = {"subject": _index(store, connection, identity), "account_id": account_id, "linked_at": now}
    insert_row(store, connection, Deed.IDENTITY_LINKED, identities, values, body)
    security_event(SecurityAction.IDENTITY_LINKED, about=account_id)


def account_of(store: Store, connection: sa.Connection, identity: Identity) -> bytes | None:
    """Return the row id of the account that an identity is linked to."""
    row = connection.execute(
        sa.select(identities).where(identities.c.subject == _index(store, connection, identity))
    ).first()
    if row is None:
        return None
    open_row(store, identities, row._asdict())
    account_id: bytes = row.account_id
    return account_id


def identities_of(store: Store, connection: sa.Connection, account_id: bytes) -> list[Identity]:
    """Return the identities of an account, in order."""
    rows = connection.execute(sa.select(identities).where(identities.c.account_id == account_id))
    found = (open_row(store, identities, row._asdict()) for row in rows)
    return sorted(
        (Identity(*json.loads(body)) for body in found), key=lambda identity: (identity.issuer, identity.subject)
    )


def unlink_identities(store: Store, connection: sa.Connection, account_id: bytes) -> None:
    """Forget every identity of an account."""
    remove_rows(store, connection, Deed.IDENTITIES_UNLINKED, {identities: identities.c.account_id == account_id})
    security_event(SecurityAction.IDENTITIES_UNLINKED, about=account_id)


def _index(store: Store, connection: sa.Connection, identity: Identity) -> bytes:
    # The length first, so that no two pairs share one text. A subject is case-sensitive, and the index is not.
    digest = store.blind.subject("identity", f"{len(identity.issuer)}|{identity.issuer}{identity.subject}")
    return chains_of(connection).index(digest)
