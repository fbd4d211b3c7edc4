"""My notices: all that a User told us stays listed with its receipts, and nobody else's is among it."""

import csv
import io
import re

import pytest

from app.domain.access import Role
from app.register.retention import purge_expired


@pytest.fixture
def told(alpha, enrolled, give, announce, clock):
    """ALPHA told of two closures, moved one, said it again; BETA told of one."""
    beta = enrolled("BETA", "GW-B1")
    give(alpha, announce("a", "2026-12-06T02:00"), announce("b", "2026-12-13T02:00", gateway="GW-A2"))
    for _ in range(2):
        clock.forward(minutes=1)
        give(alpha, announce("a", "2026-12-07T02:00"), at=clock())
    give(beta, announce("c", "2026-12-06T02:00", gateway="GW-B1"))


def sheet_of(client):
    return list(csv.DictReader(io.StringIO(client.get("/notices.csv").data.decode("utf-8-sig"))))


def test_every_notice_is_listed_with_what_became_of_it_and_its_receipts(told, alpha_client, read):
    page = alpha_client.get("/notices")
    rows = re.findall(r"<tr>(.*?)</tr>", page.text.partition("<tbody>")[2], re.DOTALL)
    words = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows]
    a, b = (re.findall(r"CN-[0-9A-Z]{10}", words[2])[at] for at in (0, 1))
    assert words == [
        (
            "Tue 24 Nov 2026 09:02 GMT (2026-11-24 09:02 UTC) the API "
            "Nothing changed: it repeated what stands, or no closure could be read in it."
        ),
        (
            "Tue 24 Nov 2026 09:01 GMT (2026-11-24 09:01 UTC) the API "
            f"Moved GW-A1 {a} Mon 7 Dec 2026 02:00 GMT to 06:00 GMT Receipt"
        ),
        (
            "Tue 24 Nov 2026 09:00 GMT (2026-11-24 09:00 UTC) the API "
            f"First notice: 2 GW-A1 {a} Sun 6 Dec 2026 02:00 GMT to 06:00 GMT Receipt "
            f"GW-A2 {b} Sun 13 Dec 2026 02:00 GMT to 06:00 GMT Receipt"
        ),
    ]
    links = re.findall(r'href="([^"]+receipt.json)"', page.text)
    assert [(one.json["reference"], one.json["revision"]) for one in map(alpha_client.get, links)] == [
        (a, 2), (a, 1), (b, 1),
    ]  # fmt: skip


def test_the_sheet_has_a_row_for_each_change_and_one_for_a_notice_without_any(told, alpha_client, settings):
    rows = sheet_of(alpha_client)
    names = ("received_at", "channel", "change", "gateway", "starts", "revision")
    assert [[row[name] for name in names] for row in rows] == [
        ["2026-11-24T09:02:00+00:00", "api", "", "", "", ""],
        ["2026-11-24T09:01:00+00:00", "api", "moved", "GW-A1", "2026-12-07T02:00:00Z", "2"],
        ["2026-11-24T09:00:00+00:00", "api", "first notice", "GW-A1", "2026-12-06T02:00:00Z", "1"],
        ["2026-11-24T09:00:00+00:00", "api", "first notice", "GW-A2", "2026-12-13T02:00:00Z", "1"],
    ]
    assert rows[1]["receipt"] == f"{settings.base_url}/closures/{rows[1]['reference']}/revisions/2/receipt.json"


def test_pages_follow_the_log(alpha, give, announce, alpha_client):
    for number in range(51):
        give(alpha, announce(f"u{number}", "2027-03-07T02:00"))
    first = alpha_client.get("/notices")
    (older,) = re.findall(r'rel="next" href="([^"]+)"', first.text)
    second = alpha_client.get(older)
    shown = [re.findall(r">Receipt<", page.text) for page in (first, second)]
    assert [len(page) for page in shown] == [50, 1]
    assert 'rel="next"' not in second.text
    references = [re.findall(r"CN-[0-9A-Z]{10}</span>", page.text) for page in (first, second)]
    assert len(set(references[0] + references[1])) == 51


def test_what_retention_let_go_is_counted(told, sign_in, register, clock, read):
    purge_expired(register, clock.forward(days=4000))
    page = read(sign_in("alpha@example.org", Role.USER, "ALPHA").get("/notices"))
    assert "not kept 2 closures of it are kept no more." in page
    assert "CN-" not in page


def test_nobody_else_finds_them_and_an_empty_list_says_so(told, sign_in, dcc_client, read, enrolled):
    beta = read(sign_in("beta@example.org", Role.USER, "BETA").get("/notices"))
    assert ("GW-B1" in beta, "GW-A1" in beta) == (True, False)
    enrolled("GAMMA", "GW-G1")
    assert "No notice yet" in read(sign_in("gamma@example.org", Role.USER, "GAMMA").get("/notices"))
    assert dcc_client.get("/notices").status_code == 403
