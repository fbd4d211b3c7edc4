"""Rotating the keys: those in use alone, or the root secret too, after a leak; and how far sealing anew has come."""

from dataclasses import dataclass
from datetime import datetime

from app.security.security_log import SecurityAction, security_event
from app.store import runs, sessions
from app.store.acts import Deed, first_act_at, record_act
from app.store.engine import Connection, Store
from app.store.sealing_anew import count_left


@dataclass(frozen=True, slots=True)
class KeysStatus:
    """``epoch`` is the number of the root secret, from 1; ``left`` values are still open to keys of before it.

    ``is_settled`` tells that the rotation has ended: nothing is taken any more that those keys prove.
    """

    epoch: int
    is_settled: bool
    left: int
    signing_key: str


def rotate_keys(store: Store, new_kek: bytes | None) -> int:
    """Wrap all keys under a new KEK and seal by new data keys from now on; return how many owners have keys.

    Raise as ``Keyring.rotate``.
    """
    store.keyring.rotate(new_kek)
    with store.writing() as connection:
        record_act(store, connection, Deed.KEYS_ROTATED, [])
        _note_rotation(connection, store.now(), "data keys and key-encryption key")
    return len(store.keyring.owners())


def rotate_root(store: Store, new_kek: bytes | None, now: datetime) -> int:
    """Do the same with another root secret: a new epoch. Every session ends; the scheduler seals anew what is stored.

    Return how many owners have keys. Raise as ``Keyring.rotate``.
    """
    # In the writer's transaction: nobody writes by the old keys between this act and the new ring.
    with store.writing() as connection:
        note = f"the signing key {store.keyring.signing_key.id} signs nothing after this"
        record_act(store, connection, Deed.ROOT_ROTATED, [], note=note)
        _note_rotation(connection, now, "root secret, data keys and key-encryption key")
        sessions.end_all_sessions(store, connection, now)
        store.keyring.rotate(new_kek, root=True)
    return len(store.keyring.owners())


def _note_rotation(connection: Connection, now: datetime, what: str) -> None:
    runs.write_run(connection, runs.JobRun(runs.KEYS_ROTATED, 0, now, what))


def keys_since(connection: Connection) -> datetime | None:
    """Return when the keys in use were made: by the last rotation, else at the set-up; None before that."""
    rotated = runs.read_run(connection, runs.KEYS_ROTATED)
    return first_act_at(connection) if rotated is None else rotated.ran_at


def end_rotation(store: Store, epoch: int) -> None:
    """Take nothing any more that keys of epochs before ``epoch`` prove, once nothing is left of them.

    Raise as ``Keyring.settle``.
    """
    with store.writing() as connection:
        note = f"epoch {epoch}; receipts and checkpoints are signed by {store.keyring.signing_key.id}"
        record_act(store, connection, Deed.ROTATION_ENDED, [], note=note)
        store.keyring.settle(epoch)
        security_event(SecurityAction.ROTATION_ENDED)


def keys_status(store: Store) -> KeysStatus:
    """Return where the keys stand. It looks at every sealed value's first octets, unless the rotation has ended."""
    keyring = store.keyring
    settled = keyring.is_settled
    left = 0
    if not settled:
        with store.reading() as connection:
            left = count_left(store, connection)
    return KeysStatus(keyring.epoch, settled, left, keyring.signing_key.id)
