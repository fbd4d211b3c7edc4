"""Every column of octets is sealed, moves with the key of the blind index, or is named here with what it is."""

from app.store.digest_move import BLIND
from app.store.metadata import Octets
from app.store.tables import metadata

RANDOM = {
    "head.database_id", "users.id", "gateways.id", "accounts.id", "sign_in_tries.id", "sent_forms.id", "tokens.id",
    "subscriptions.account_id", "notices.id", "closures.id", "assessments.closure_id", "maintenance.id", "exports.id",
    "drafts.id", "sources.id", "members.id", "messages.id", "lead.holder",
}  # fmt: skip
"""At random, or what names such a row in another table."""
OF_WHAT_IS_RANDOM = {"sessions.digest"}
"""A digest without a key, of what was made at random."""
OF_WHAT_IS_SEALED = {"head.log_edge", "notices.log_root", "log.leaf", "cosignatures.root"}
"""Hashes over what is sealed, of the log and its tree."""
WRAPPED = {"ring.octets"}
"""The ring of keys, which only a key that is kept elsewhere opens."""
PROOFS = {f"{table.name}.proof" for table in metadata.tables.values() if "proof" in table.c}


def octets():
    return {
        f"{table.name}.{column.name}": column
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Octets) and not column.foreign_keys
    }


def test_every_column_of_octets_is_of_a_kind():
    moves = {f"{table}.{name}" for table, names in BLIND.items() for name in names}
    sealed = {name for name in octets() if name.partition(".")[2].startswith("sealed")}
    kinds = moves, sealed, RANDOM, OF_WHAT_IS_RANDOM, OF_WHAT_IS_SEALED, WRAPPED, PROOFS
    assert set().union(*kinds) == {*octets()}
    assert sum(map(len, kinds)) == len(octets())


def test_nothing_refers_to_a_digest_that_moves():
    keys = {
        f"{key.column.table.name}.{key.column.name}" for table in metadata.tables.values() for key in table.foreign_keys
    }
    assert not keys & {f"{table}.{name}" for table, names in BLIND.items() for name in names}
