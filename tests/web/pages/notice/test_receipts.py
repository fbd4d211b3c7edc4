"""Receipts again: the same octets as were given, and a page that says what holds."""

import json

import pytest

from app.domain.access import Role


@pytest.fixture
def given(alpha, give, announce):
    """An acknowledgement with its receipt."""
    return give(alpha, announce("one", "2027-02-07T02:00")).accepted[0]


@pytest.fixture
def check(dcc_client, csrf, read):
    """Return a function that hands a text in and gives what the page says."""

    def hand_in(text, client=dcc_client):
        return read(client.post("/receipts", data={"csrf_token": csrf(client.get("/receipts")), "receipt": text}))

    return hand_in


def test_every_revisions_receipt_can_be_had_again_as_it_was_given(alpha, given, give, announce, dcc_client):
    moved = give(alpha, announce("one", "2027-02-08T02:00")).accepted[0]
    gone = give(alpha, announce("one", "2027-02-08T02:00", withdrawn=True)).withdrawn[0]
    path = f"/closures/{given.closure.reference}/revisions"
    found = [dcc_client.get(f"{path}/{number}/receipt.json") for number in (1, 2, 3)]
    assert [page.json for page in found] == [given.receipt, moved.receipt, gone.receipt]
    assert found[0].headers["Content-Disposition"] == f"attachment; filename=receipt-{given.closure.reference}-1.json"
    assert dcc_client.get(f"{path}/4/receipt.json").status_code == 404


def test_nobody_gets_the_receipt_of_another_user(given, enrolled, sign_in):
    enrolled("BETA", "GW-B1")
    beta = sign_in("beta@example.org", Role.USER, "BETA")
    assert beta.get(f"/closures/{given.closure.reference}/revisions/1/receipt.json").status_code == 404


def test_a_receipt_of_ours_holds_in_all_that_is_looked_at(given, check):
    page = check(json.dumps(given.receipt))
    assert (
        f"✓ It holds Receipt of {given.closure.reference}, revision 1. "
        "Holds: It is signed by this service, and nothing in it was altered since. "
        f"Holds: Entry {given.receipt['leaf_index']} of the record is the one that it names. "
        f"Holds: The first {given.receipt['tree_size']} entries of the record are those that it was signed over. "
        "Holds: It is about the gateway and window that the record has for this revision. "
        "Gateway GW-A1 Window Sun 7 Feb 2027 02:00 GMT to 06:00 GMT"
    ) in page
    assert "✓ It holds" in check(json.dumps({"reference": given.closure.reference, "receipt": given.receipt}))


def test_an_altered_receipt_does_not_hold(given, check):
    page = check(json.dumps({**given.receipt, "revision": 2}))
    assert "✗ It does not hold" in page
    assert "Does not hold: It is not signed by this service, or something in it was altered since." in page


def test_a_receipt_shows_when_the_record_was_altered(given, check, store):
    from app.store.tables import log

    place, size = given.receipt["leaf_index"], given.receipt["tree_size"]
    with store.writing() as connection:
        connection.execute(log.update().where(log.c.position == place).values(leaf=bytes(32)))
    page = check(json.dumps(given.receipt))
    assert "✗ It does not hold" in page
    assert f"Does not hold: Entry {place} of the record is not the one that it names: the record was altered." in page
    assert f"Does not hold: The first {size} entries of the record are not those that it was signed over." in page


def test_a_receipt_of_another_user_says_nothing_of_its_closure(given, check, enrolled, sign_in):
    enrolled("BETA", "GW-B1")
    page = check(json.dumps(given.receipt), sign_in("beta@example.org", Role.USER, "BETA"))
    assert "✓ It holds" in page
    assert "GW-A1" not in page


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "[" * 9000, "{}", '{"receipt": 1}', "9" * 19_000, "x" * 20_001])
def test_what_is_no_receipt_is_refused_beside_the_form(dcc_client, csrf, text):
    data = {"csrf_token": csrf(dcc_client.get("/receipts")), "receipt": text}
    page = dcc_client.post("/receipts", data=data)
    assert page.status_code == 400
    assert 'role="alert" id="fault"' in page.text


def test_a_file_will_do_and_must_be_text(given, dcc_client, csrf, read):
    from io import BytesIO

    token = csrf(dcc_client.get("/receipts"))
    for octets, status in ((json.dumps(given.receipt).encode(), 200), (b"\xff\xfe", 400)):
        data = {"csrf_token": token, "receipt": "", "file": (BytesIO(octets), "receipt.json")}
        assert dcc_client.post("/receipts", data=data, content_type="multipart/form-data").status_code == status
