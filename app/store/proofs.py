"""What people prove themselves by: hashes of passwords, secrets of authenticators, digests of recovery codes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.security.keyring import SERVICE_OWNER
from app.store.engine import Store
from app.store.tables import passwords, recovery_codes, second_factors


@dataclass(frozen=True, slots=True)
class Proofs:
    """What an account can prove itself by: its password's hash, its authenticator's secret, recovery codes left."""

    password: str | None
    password_set_at: datetime | None
    secret: str | None
    secret_set_at: datetime | None
    recovery_codes: int


def proofs_of(store: Store, connection: sa.Connection, account_id: bytes) -> Proofs:
    """Return what an account can prove itself by."""
    password = connection.execute(sa.select(passwords).where(passwords.c.account_id == account_id)).first()
    factor = connection.execute(sa.select(second_factors).where(second_factors.c.account_id == account_id)).first()
    left = connection.execute(
        sa.select(sa.func.count())
        .select_from(recovery_codes)
        .where(recovery_codes.c.account_id == account_id, recovery_codes.c.used_at.is_(None))
    ).scalar_one()
    return Proofs(
        None if password is None else _unseal(store, passwords.name, password),
        None if password is None else password.set_at,
        None if factor is None else _unseal(store, second_factors.name, factor),
        None if factor is None else factor.set_at,
        left,
    )


def put_password(store: Store, connection: sa.Connection, account_id: bytes, hashed: str, now: datetime) -> None:
    """Write the hash of an account's password in place of the one that it had."""
    _put(store, connection, passwords, account_id, hashed, {"set_at": now})


def put_second_factor(  # noqa: PLR0917 - a step is one more fact
    store: Store, connection: sa.Connection, account_id: bytes, secret: str, step: int, now: datetime
) -> None:
    """Write an authenticator's secret in place of the one before; ``step`` is that of the code that proved it."""
    _put(store, connection, second_factors, account_id, secret, {"set_at": now, "last_step": step})


def take_step(connection: sa.Connection, account_id: bytes, step: int) -> bool:
    """Use a code up; tell whether it was later than every one taken before."""
    query = sa.update(second_factors).where(
        second_factors.c.account_id == account_id, second_factors.c.last_step < step
    )
    return connection.execute(query.values(last_step=step)).rowcount == 1


def put_recovery_codes(connection: sa.Connection, account_id: bytes, digests: Iterable[bytes]) -> None:
    """Write the digests of new recovery codes in place of those before."""
    connection.execute(sa.delete(recovery_codes).where(recovery_codes.c.account_id == account_id))
    connection.execute(sa.insert(recovery_codes), [{"digest": digest, "account_id": account_id} for digest in digests])


def take_recovery_code(connection: sa.Connection, account_id: bytes, digest: bytes, now: datetime) -> bool:
    """Use a recovery code up; tell whether it was there to use."""
    query = sa.update(recovery_codes).where(
        recovery_codes.c.digest == digest,
        recovery_codes.c.account_id == account_id,
        recovery_codes.c.used_at.is_(None),
    )
    return connection.execute(query.values(used_at=now)).rowcount == 1


def forget_proofs(connection: sa.Connection, account_id: bytes) -> None:
    """Forget an account's password, authenticator and recovery codes."""
    for table in (passwords, second_factors, recovery_codes):
        connection.execute(sa.delete(table).where(table.c.account_id == account_id))


def _put(  # noqa: PLR0917 - one row of either table
    store: Store, connection: sa.Connection, table: sa.Table, account_id: bytes, secret: str, facts: dict[str, object]
) -> None:
    held = connection.execute(sa.select(table.c.row_version).where(table.c.account_id == account_id)).scalar()
    version = (held or 0) + 1
    sealed = store.keyring.seal(SERVICE_OWNER, table.name, "sealed", account_id, version, secret.encode())
    values = {"row_version": version, "sealed": sealed, **facts}
    if held is None:
        connection.execute(sa.insert(table).values(account_id=account_id, **values))
    else:
        connection.execute(sa.update(table).where(table.c.account_id == account_id).values(values))


def _unseal(store: Store, table: str, row: Any) -> str:
    return store.keyring.unseal(SERVICE_OWNER, table, "sealed", row.account_id, row.row_version, row.sealed).decode()
