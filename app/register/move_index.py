"""After the root secret was rotated: the blind index and the digests of tokens move to its key, in one transaction."""

from dataclasses import replace

from app.register.checks.evidence import Evidence
from app.register.checks.fold import fold_acts, is_as_left
from app.store.acts import Deed, record_act
from app.store.chains import index_epoch, stored_digests
from app.store.deciding import DECIDING, PURGED, Deciding, Key
from app.store.digest_move import BLIND, DigestMove, moved_key, moving
from app.store.engine import Connection, Store, read_head, write_head
from app.store.groups import in_groups


def move_index(store: Store) -> bool:
    """Move every keyed digest to the newest epoch of the ring; tell whether there was anything to do.

    Readers go on; writers wait until it is done. A process that dies in it leaves everything as it was.
    """
    store.keyring.require_there()
    with store.reading() as connection:
        digests, begins = stored_digests(connection), index_epoch(connection)
        if begins >= digests.newest:
            return False
        chains = digests.between(begins, digests.newest)
        move = DigestMove(store, chains)
        move.prepare(connection)
    with moving(store) as connection:
        if read_head(connection, lock=True).index_epoch != begins:
            return False
        stood = _as_left(store, connection)
        move.move(connection)
        rows = []
        for one, key in stood:
            after = moved_key(one, key, chains)
            rows += [(one, key)] if key == after else [(one, key), (one, after)]
        for group in in_groups(rows):
            record_act(store, connection, Deed.INDEX_MOVED, group)
        write_head(connection, replace(read_head(connection, lock=True), index_epoch=chains.epoch))
    return True


def _as_left(store: Store, connection: Connection) -> list[tuple[Deciding, Key]]:
    """Return the rows with digests that stand as the last act about them left them.

    Of these alone another act is written: what was altered before the move is named by verification after it too.
    """
    evidence = Evidence(store, connection, {})
    acts, found = fold_acts(evidence), []
    for one in (*DECIDING.values(), PURGED["notices"]):
        if one.table.name in BLIND:
            parts = len(one.key)
            for row in evidence.rows(one.table.name, *one.key, *one.columns, only=one.only):
                key = tuple(row[:parts])
                if is_as_left(acts, one, key, tuple(row[parts:])):
                    found.append((one, key))
    return found
