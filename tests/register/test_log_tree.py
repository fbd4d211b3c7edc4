"""The tree in parts: the same roots and proofs as over every leaf, with little read."""

from hashlib import sha256

import pytest
import sqlalchemy as sa

from app.domain.refusal import StoreUnfit
from app.register.log_tree import LogTree
from app.security.merkle import consistency_proof, inclusion_proof, root_of
from app.store import tables

LEAVES = [sha256(number.to_bytes(4)).digest() for number in range(2_900)]


@pytest.fixture
def logged(store):
    """A log of these leaves alone."""
    with store.writing() as connection:
        rows = [{"position": at, "kind": "notice", "leaf": leaf} for at, leaf in enumerate(LEAVES)]
        connection.execute(sa.delete(tables.log))
        connection.execute(sa.insert(tables.log), rows)
    return store


def whole(start, end):
    return root_of(LEAVES[start:end])


SIZES = (
    1,
    2,
    3,
    127,
    255,
    256,
    257,
    300,
    511,
    512,
    513,
    767,
    768,
    1_023,
    1_024,
    1_025,
    1_279,
    1_280,
    1_300,
    2_047,
    2_048,
    2_049,
    2_600,
    2_900,
)


def test_roots_and_proofs_are_those_over_all_leaves(logged):
    tree = LogTree()
    with logged.reading() as connection:
        assert tree.subtrees(connection, 0)(0, 0) == whole(0, 0)
        for size in SIZES:
            subtree = tree.subtrees(connection, size)
            assert subtree(0, size) == whole(0, size)
            for index in {0, 1, size // 3, size // 2, size - 2, size - 1} & set(range(size)):
                assert inclusion_proof(subtree, index, size) == inclusion_proof(whole, index, size)
            for first in filter(size.__ge__, SIZES):
                assert consistency_proof(subtree, first, size) == consistency_proof(whole, first, size)


def test_what_was_read_once_is_not_read_again(logged):
    tree, read = LogTree(), []
    with logged.reading() as connection:
        tree.subtrees(connection, 1_280)

        @sa.event.listens_for(connection, "before_cursor_execute")
        def _note(_connection, _cursor, _statement, parameters, *_):
            read.append(parameters)

        subtree = tree.subtrees(connection, 1_290)
        assert (inclusion_proof(subtree, 700, 1_290), subtree(0, 1_290)) == (
            inclusion_proof(whole, 700, 1_290),
            whole(0, 1_290),
        )
    # The ragged end, and the 256 leaves about the one that was asked for.
    assert sorted(tuple(one.values()) if isinstance(one, dict) else tuple(one) for one in read) == [
        (512, 768),
        (1_280, 1_290),
    ]


def test_a_leaf_that_was_changed_or_lost_is_noticed(logged):
    tree = LogTree()
    with logged.reading() as connection:
        tree.subtrees(connection, 512)
    with logged.writing() as connection:
        connection.execute(sa.update(tables.log).where(tables.log.c.position == 300).values(leaf=bytes(32)))
    with logged.reading() as connection, pytest.raises(StoreUnfit):
        inclusion_proof(tree.subtrees(connection, 512), 301, 512)
    with logged.writing() as connection:
        connection.execute(sa.delete(tables.log).where(tables.log.c.position == 600))
    with logged.reading() as connection, pytest.raises(StoreUnfit):
        tree.subtrees(connection, 700)(0, 700)
