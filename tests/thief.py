"""Who has a copy of the key folder and reads the database: what of it opens."""

import json
from itertools import pairwise, product

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.security.ring import PURPOSES, derived, read_ring
from app.security.sealing import aad_for
from app.store.tables import metadata


class Thief:
    """Holds every key that a copy of the key folder gives, and those that can be derived from it."""

    def __init__(self, folder):
        octets = (folder / "ring.json").read_bytes()
        ring = read_ring(octets)
        kek = bytes.fromhex((folder / json.loads(octets)["kek"]).read_text())
        self.owners = {owner: ring.open_keys(kek, owner) for owner in ring.owners}
        root = ring.open_root(kek)
        past = [key for number in range(1, ring.epoch) for key in ring.open_past(kek, number).values()]
        self.others = [root, *(derived(root, purpose) for purpose in PURPOSES), *past]

    def opens(self, table, column, row):
        """Tell whether a value opens from some place that its row could mean."""
        value = row[column]
        if value[0] == 2:
            value = self.peeled(value)
        if value is None:
            return False
        keys = [value for name, value in row.items() if not name.startswith("sealed")]
        octets = [one.encode() if isinstance(one, str) else one for one in keys if isinstance(one, bytes | str)]
        numbers = [one for one in keys if isinstance(one, int) and 0 <= one < 1 << 32]
        pairs = [left + right for left, right in pairwise(octets)]
        names = [*octets, *pairs, *(number.to_bytes(8) for number in numbers)]
        places = product([name for name in names if len(name) < 256], [1, *numbers])
        version = int.from_bytes(value[1:3])
        for (name, number), (owner, held) in product(places, self.owners.items()):
            if version in held and _opens(held[version], value, aad_for(table, column, owner, name, number)):
                return True
        return False

    def peeled(self, value):
        every = [*self.others, *(key for held in self.owners.values() for key in held.values())]
        for key in every:
            for aad in (value[:3], b"", None):
                try:
                    return AESGCM(key).decrypt(value[3:15], value[15:], aad)
                except InvalidTag:
                    continue
        return None

    def opened(self, engine):
        """Return (how many sealed values open, how many there are) of a database, every column of every table."""
        found = [self.opens(*place) for place in stored(engine)]
        return sum(found), len(found)


def stored(engine):
    """Yield (table, column, row) of each sealed value, as it is stored."""
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            sealed = [column.name for column in table.columns if column.name.startswith("sealed")]
            if sealed:
                columns = ", ".join(f'"{column.name}"' for column in table.columns)
                for row in connection.execute(sa.text(f"SELECT {columns} FROM {table.name}")):
                    for column in sealed:
                        if row._mapping[column]:
                            yield table.name, column, dict(row._mapping)


def _opens(key, value, aad):
    try:
        AESGCM(key).decrypt(value[3:15], value[15:], aad)
    except InvalidTag:
        return False
    return True
