"""What anybody may ask to check the record with, and the file of evidence: proofs that hold, and nothing beyond."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from app.domain.access import Role
from app.jobs.sweep import sweep
from app.security.notes import open_checkpoint, verifier_key
from app.store import tables
from app.store.engine import read_head
from tests.log_proofs import verify_consistency, verify_inclusion

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def client(web):
    return web.test_client()


@pytest.fixture
def given(alpha, announce, give, register, clock):
    """Five notices, published, and one that is not yet; the acknowledgements."""
    found = [give(alpha, announce(f"u{n}", f"2027-02-0{n}T02:00")).accepted[0] for n in range(1, 6)]
    sweep(register, NOW)
    return [*found, give(alpha, announce("u6", "2027-02-06T02:00")).accepted[0]]


@pytest.fixture
def shown(client, register):
    """Return a function that gives the published checkpoint."""
    return lambda: open_checkpoint(client.get("/checkpoint").text, register.public_keys)


def hashes(proof):
    return [bytes.fromhex(one) for one in proof]


def test_a_checkpoint_is_published_once_an_hour(given, shown, register, clock):
    size = shown().size
    sweep(register, clock.forward(minutes=59))
    assert shown().size == size
    sweep(register, clock.forward(minutes=1))
    assert shown().size > size


def test_an_empty_record_is_not_shown_for_an_hour(register, store, alpha, announce, give, shown):
    with store.reading() as connection:
        is_empty = read_head(connection).log_size == 0
    sweep(register, NOW)
    before = shown().size
    give(alpha, announce("u1", "2027-02-07T02:00"))
    assert (shown().size > before) is is_empty


def test_the_keys_are_a_list(client, register):
    (one,) = client.get("/checkpoint/keys").json["keys"]
    key = register.signing_key
    assert (one["id"], one["vkey"]) == (key.id, verifier_key("gateway-closures", key.public))
    assert load_pem_public_key(one["pem"].encode()) == key.public


def test_every_entry_is_proved_to_be_in_the_published_tree(client, given, shown):
    head = shown()
    for index in range(head.size):
        found = client.get(f"/checkpoint/inclusion?index={index}").json
        assert (found["index"], found["size"]) == (index, head.size)
        assert verify_inclusion(bytes.fromhex(found["leaf"]), index, head.size, hashes(found["proof"]), head.root)
    assert (
        client.get(f"/checkpoint/inclusion?index={given[1].receipt['leaf_index']}").json["leaf"]
        == (given[1].receipt["leaf"])
    )


def test_a_receipts_tree_is_proved_to_have_grown_into_the_published_one(client, given, shown):
    head = shown()
    for receipt in (one.receipt for one in given[:-1]):
        found = client.get(f"/checkpoint/consistency?first={receipt['tree_size']}").json
        root = bytes.fromhex(receipt["root"])
        assert verify_consistency(receipt["tree_size"], head.size, root, head.root, hashes(found["proof"]))
    first, second = (given[at].receipt for at in (0, 2))
    query = f"first={first['tree_size']}&second={second['tree_size']}"
    found = client.get(f"/checkpoint/consistency?{query}").json
    roots = [bytes.fromhex(one["root"]) for one in (first, second)]
    assert verify_consistency(first["tree_size"], second["tree_size"], *roots, hashes(found["proof"]))


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("inclusion", 400), ("inclusion?index=", 400), ("inclusion?index=-1", 400), ("inclusion?index=x", 400),
        ("inclusion?index=٣", 400), ("inclusion?index=1&size=1e3", 400), (f"inclusion?index={'9' * 19}", 400),
        (f"inclusion?index={'9' * 18}", 404), ("inclusion?index=3&size=3", 404), ("inclusion?index=0&size=0", 404),
        ("inclusion?index=0&size=BEYOND", 404), ("inclusion?index=SIZE", 404),
        ("consistency", 400), ("consistency?first=x", 400), ("consistency?first=0", 404),
        ("consistency?first=3&second=2", 404), ("consistency?first=3&second=BEYOND", 404), ("consistency?first=BEYOND", 404),
    ],
)  # fmt: skip
def test_bad_numbers_and_what_is_not_published_are_refused_in_words(client, given, shown, query, status):
    size = shown().size  # the sixth notice is not published
    stated = query.replace("SIZE", str(size)).replace("BEYOND", str(size + 1))
    answer = client.get(f"/checkpoint/{stated}")
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert answer.json["title"].endswith(".")
    assert answer.json["remedy"]


def test_a_log_that_is_not_what_was_signed_is_not_proved_from(client, given, store):
    def change(leaf):
        with store.writing() as connection:
            connection.execute(sa.update(tables.log).where(tables.log.c.position == 4).values(leaf=leaf))

    with store.reading() as connection:
        right = connection.execute(sa.select(tables.log.c.leaf).where(tables.log.c.position == 4)).scalar_one()
    change(bytes(32))
    asked = [client.get(f"/checkpoint/{one}").status_code for one in ("inclusion?index=0", "consistency?first=2")]
    assert asked == [503, 503]
    change(right)
    assert client.get("/checkpoint/inclusion?index=0").status_code == 200


def test_a_checkpoint_that_is_not_ours_is_not_shown(client, given, store):
    with store.writing() as connection:
        text = connection.execute(sa.select(tables.checkpoints.c.text)).scalar_one()
        connection.execute(sa.update(tables.checkpoints).values(text=text.replace("closures\n", "closures\n1")))
    paths = ("", "/inclusion?index=0", "/consistency?first=1")
    assert [client.get(f"/checkpoint{one}").status_code for one in paths] == [503] * 3


def test_evidence_by_page_and_api_is_one_file(client, given, dcc_client, credentials, register, enrolled, sign_in):
    reference, receipt = given[2].closure.reference, given[2].receipt
    page = dcc_client.get(f"/closures/{reference}/revisions/1/evidence.json")
    api = client.get(f"/api/v1/closures/{reference}/evidence?revision=1", headers=credentials[0])
    assert page.headers["Content-Disposition"] == f"attachment; filename=evidence-{reference}-1.json"
    assert api.json == page.json
    head = open_checkpoint(page.json["checkpoint"], register.public_keys)
    assert page.json["receipt"] == receipt
    leaf, proof = bytes.fromhex(receipt["leaf"]), hashes(page.json["inclusion_proof"])
    assert verify_inclusion(leaf, receipt["leaf_index"], head.size, proof, head.root)
    enrolled("BETA", "GW-B1")
    beta = sign_in("beta@example.org", Role.USER, "BETA")
    assert beta.get(f"/closures/{reference}/revisions/1/evidence.json").status_code == 404
    assert dcc_client.get(f"/closures/{reference}/revisions/2/evidence.json").status_code == 404


def test_evidence_of_what_is_not_published_yet_waits_for_the_hour(given, client, credentials, register, clock):
    path = f"/api/v1/closures/{given[-1].closure.reference}/evidence"
    early = client.get(path, headers=credentials[0])
    assert (early.status_code, early.json["title"]) == (
        404,
        "The published checkpoint does not hold this receipt's entry yet.",
    )
    sweep(register, clock.forward(hours=1))
    assert client.get(path, headers=credentials[0]).status_code == 200


def test_the_page_of_a_closure_leads_to_its_evidence(given, dcc_client):
    path = f"/closures/{given[0].closure.reference}"
    assert f'href="{path}/revisions/1/evidence.json"' in dcc_client.get(path).text


def test_an_hour_is_one_of_the_clock(given, shown, register, clock):
    size = shown().size
    sweep(register, clock.forward(minutes=30) + timedelta(minutes=30))
    assert shown().size > size
