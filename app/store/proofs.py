"""What people prove themselves by: hashes of passwords, secrets of authenticators, digests of recovery codes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.store.acts import Deed, change_rows, insert_row, record_act, remove_rows
from app.store.chains import chains_of
from app.store.deciding import DECIDING, open_row
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
        None if password is None else _unseal(store, passwords, password),
        None if password is None else password.set_at,
        None if factor is None else _unseal(store, second_factors, factor),
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


def put_recovery_codes(store: Store, connection: sa.Connection, account_id: bytes, digests: Iterable[bytes]) -> None:
    """Write the digests of new recovery codes in place of those before."""
    gone = sa.delete(recovery_codes).where(recovery_codes.c.account_id == account_id)
    before = connection.execute(gone.returning(recovery_codes.c.digest)).scalars().all()
    stands = chains_of(connection).token
    new = [{"digest": stands(digest), "account_id": account_id} for digest in digests]
    connection.execute(sa.insert(recovery_codes), new)
    _record_codes(store, connection, Deed.CODES_RENEWED, [*before, *(row["digest"] for row in new)])


def _record_codes(store: Store, connection: sa.Connection, deed: Deed, digests: Iterable[bytes]) -> None:
    record_act(store, connection, deed, [(DECIDING[recovery_codes.name], (digest,)) for digest in digests])


def take_recovery_code(
    store: Store, connection: sa.Connection, account_id: bytes, digest: bytes, now: datetime
) -> bool:
    """Use a recovery code up; tell whether it was there to use."""
    stored = chains_of(connection).token(digest)
    query = sa.update(recovery_codes).where(
        recovery_codes.c.digest == stored,
        recovery_codes.c.account_id == account_id,
        recovery_codes.c.used_at.is_(None),
    )
    if connection.execute(query.values(used_at=now)).rowcount != 1:
        return False
    _record_codes(store, connection, Deed.CODE_USED, [stored])
    return True


def forget_proofs(store: Store, connection: sa.Connection, account_id: bytes) -> None:
    """Forget an account's password, authenticator and recovery codes."""
    held = {table: table.c.account_id == account_id for table in (passwords, second_factors, recovery_codes)}
    remove_rows(store, connection, Deed.PROOFS_FORGOTTEN, held)


def _put(  # noqa: PLR0917 - one row of either table
    store: Store, connection: sa.Connection, table: sa.Table, account_id: bytes, secret: str, facts: dict[str, object]
) -> None:
    deed = Deed.PASSWORD_SET if table is passwords else Deed.FACTOR_SET
    which = [table.c.account_id == account_id]
    if not change_rows(store, connection, deed, table, which, facts, secret.encode()):
        values = {"account_id": account_id, "row_version": 1, **facts}
        insert_row(store, connection, deed, table, values, secret.encode())


def _unseal(store: Store, table: sa.Table, row: Any) -> str:
    return open_row(store, table, row._asdict()).decode()
