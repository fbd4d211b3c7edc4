"""Pages of what cannot be done: whoever is signed in keeps the menu, and what is too large is told the limit."""

import re

import pytest

from app.domain.access import Role


def menu(page):
    return re.findall(r'<nav aria-label="Pages" class="masthead-nav wide-only">(.*?)</nav>', page.text, re.DOTALL)


def test_an_address_that_is_nothing_keeps_the_menu_of_whoever_is_signed_in(dcc_client, web, read):
    page = dcc_client.get("/nowhere")
    assert page.status_code == 404
    assert read(page) == (
        "There is nothing at this address. Check it for a mistyped letter, or begin from the menu. "
        "To the closures Status 404."
    )
    (links,) = menu(page)
    assert re.findall(r">([\w ]+)</a>", links) == re.findall(r">([\w ]+)</a>", menu(dcc_client.get("/closures"))[0])
    assert menu(web.test_client().get("/nowhere")) == []


@pytest.mark.parametrize("path", ["/notices/preview", "/receipts"])
def test_what_is_too_large_is_told_the_limit_under_the_menu(alpha, sign_in, path, read):
    client = sign_in("alpha@example.org", Role.USER, "ALPHA")
    page = client.post(path, data={"file": "x" * 2_000_001})
    assert page.status_code == 413
    assert read(page).startswith(
        "That is too large. A notice may have at most 1 MB and 1,000 events. Send it in parts."
    )
    assert len(menu(page)) == 1


def test_a_program_is_told_as_before_and_asked_for_nothing(credentials, web):
    answer = web.test_client().get("/api/v1/nowhere", headers=credentials[0])
    assert (answer.status_code, answer.json["title"]) == (404, "There is nothing at this address.")
