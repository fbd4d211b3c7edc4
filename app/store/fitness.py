"""Whether the keys are those of the data: a start on the keys of other data would seal what nobody can open again."""

import sqlalchemy as sa

from app.domain.refusal import StoreUnfit
from app.security.keyring import SERVICE_OWNER, Keyring
from app.security.sealing import SealBroken
from app.store.engine import Store
from app.store.tables import accounts, users

_ONE_ACCOUNT = sa.select(accounts.c.id, accounts.c.row_version, accounts.c.sealed).limit(1)


def require_fitting_keys(store: Store) -> None:
    """Raise ``StoreUnfit`` unless the ring has had a key of every User, and opens what the service itself sealed."""
    with store.reading() as connection:
        known = all(store.keyring.knows(user_id) for user_id in connection.execute(sa.select(users.c.id)).scalars())
        account = connection.execute(_ONE_ACCOUNT).first()
    if not known or (account is not None and not _opens(store, account)):
        raise StoreUnfit(
            "The key folder is that of other data, or an old copy.",
            "Restore the newest copy of the one that belongs to this database, or name it in CLOSURES_KEY_DIR.",
        )


def require_unused_keys(keyring: Keyring, database: str) -> None:
    """Raise ``StoreUnfit`` where the keys are those of a database that was there before: none is made in its place."""
    mark = keyring.high_water.read()
    if mark is None and keyring.is_unused():
        return
    seen = "" if mark is None else f" On {mark.at:%d %B %Y at %H:%M:%S} UTC its log held {mark.size} entries."
    raise StoreUnfit(
        f"The database {database} is missing or empty, and the key folder is that of one that was there.{seen}",
        "Nothing was made in its place. Look whether its disk is mounted, and CLOSURES_DATA_DIR or "
        "CLOSURES_DATABASE_URL right; put it back, or run `closures restore FILE` with the newest backup. "
        "To begin anew without what it held, name an empty folder in CLOSURES_KEY_DIR.",
    )


def _opens(store: Store, account: sa.Row[bytes, int, bytes]) -> bool:
    try:
        store.keyring.unseal(SERVICE_OWNER, "accounts", "sealed", account.id, account.row_version, account.sealed)
    except SealBroken:
        return False
    return True
