"""Merkle trees: RFC 6962's own vectors, and the laws of growth and proof."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.refusal import StoreUnfit
from app.security.merkle import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
)
from tests.log_proofs import verify_consistency, verify_inclusion

# The inputs and roots of the reference tests of Certificate Transparency, for trees of one to eight leaves.
INPUTS = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    bytes(range(0x50, 0x58)),
    bytes(range(0x60, 0x70)),
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = st.lists(st.binary(max_size=8).map(leaf_hash), min_size=1, max_size=40)


def over(leaves):
    """What gives the roots of subtrees over these leaves."""
    return lambda start, end: root_of(leaves[start:end])


def slow_root(leaves):
    """RFC 6962 2.1, word for word."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = max(2**n for n in range(12) if 2**n < len(leaves))
    return node_hash(slow_root(leaves[:split]), slow_root(leaves[split:]))


def test_published_roots():
    leaves = [leaf_hash(content) for content in INPUTS]
    assert [root_of(leaves[:size]).hex() for size in range(1, 9)] == ROOTS


def test_an_empty_tree_has_the_hash_of_nothing():
    assert root_of([]) == sha256(b"").digest()


@given(LEAVES)
def test_growing_step_by_step_equals_the_definition(leaves):
    frontier = Frontier()
    for count, leaf in enumerate(leaves, 1):
        frontier = Frontier.from_bytes(frontier.size, frontier.to_bytes()).extend([leaf])
        assert (frontier.size, frontier.root()) == (count, slow_root(leaves[:count]))


@given(LEAVES, st.data())
def test_a_proof_shows_its_leaf_and_no_other(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof, root = inclusion_proof(over(leaves), index, len(leaves)), root_of(leaves)
    assert verify_inclusion(leaves[index], index, len(leaves), proof, root)
    assert not verify_inclusion(leaf_hash(b"another leaf"), index, len(leaves), proof, root)
    assert not verify_inclusion(leaves[index], len(leaves), len(leaves), proof, root)
    assert not verify_inclusion(leaves[index], index, len(leaves), [*proof, root], root)


def test_published_proofs():
    # RFC 6962 2.1.3: the tree of seven leaves a-d, e-g under j, with its audit paths and consistency proofs by name.
    d = [leaf_hash(bytes([n])) for n in range(7)]
    a, b, c, dd, e, f, j = d
    g, h, i = node_hash(a, b), node_hash(c, dd), node_hash(e, f)
    k, l = node_hash(g, h), node_hash(i, j)  # noqa: E741 - the letters of the RFC
    assert root_of(d) == node_hash(k, l)
    assert [inclusion_proof(over(d), at, 7) for at in (0, 3, 4, 6)] == [[b, h, l], [c, g, l], [f, j, k], [i, k]]
    assert [consistency_proof(over(d), first, 7) for first in (3, 4, 6)] == [[c, dd, g, l], [l], [i, j, k]]


def test_every_pair_of_small_trees_is_consistent_by_its_own_proof_only():
    leaves = [leaf_hash(bytes([n])) for n in range(17)]
    roots = [root_of(leaves[:size]) for size in range(18)]
    for second in range(1, 18):
        for first in range(1, second + 1):
            proof = consistency_proof(over(leaves), first, second)
            good = (first, second, roots[first], roots[second], proof)
            assert verify_consistency(*good)
            strange = leaf_hash(b"strange")
            for bad in (
                (first, second, strange, roots[second], proof),
                (first, second, roots[first], strange, proof),
                (first, second, roots[first], roots[second], [*proof, strange]),
                (first, second + 1, roots[first], roots[second + 1] if second < 17 else strange, proof),
                *(
                    (first, second, roots[first], roots[second], [*proof[:at], strange, *proof[at + 1 :]])
                    for at in range(len(proof))
                ),
                *(
                    (first, second, roots[first], roots[second], proof[:at] + proof[at + 1 :])
                    for at in range(len(proof))
                ),
            ):
                assert not verify_consistency(*bad), bad


def test_a_tree_grows_and_never_shrinks():
    root = leaf_hash(b"")
    assert [verify_consistency(*sizes, root, root, []) for sizes in ((0, 1), (2, 1), (0, 0), (1, 1))] == [
        False,
        False,
        False,
        True,
    ]


@given(LEAVES, st.data())
def test_a_rewritten_past_is_not_consistent(leaves, data):
    first = data.draw(st.integers(1, len(leaves)))
    at = data.draw(st.integers(0, first - 1))
    rewritten = [*leaves[:at], leaf_hash(b"rewritten"), *leaves[at + 1 :]]
    proof = consistency_proof(over(rewritten), first, len(leaves))
    assert verify_consistency(first, len(leaves), root_of(rewritten[:first]), root_of(rewritten), proof)
    assert not verify_consistency(first, len(leaves), root_of(leaves[:first]), root_of(rewritten), proof)


def test_no_proof_of_what_is_not_there():
    leaves = [leaf_hash(b"")] * 3
    for ask, number in ((inclusion_proof, -1), (inclusion_proof, 3), (consistency_proof, 0), (consistency_proof, 4)):
        with pytest.raises(IndexError):
            ask(over(leaves), number, 3)


@pytest.mark.parametrize(("size", "octets"), [(1, b""), (3, bytes(32)), (0, bytes(32))])
def test_an_edge_of_the_wrong_size_is_damaged(size, octets):
    with pytest.raises(StoreUnfit):
        Frontier.from_bytes(size, octets)
