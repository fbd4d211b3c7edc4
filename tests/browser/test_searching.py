"""Searching, with script off: each kind of words finds the closure that is meant, by the one field of the list."""

from datetime import UTC, datetime

import pytest

from app.domain.access import Role


@pytest.fixture
def searched(alpha, give, announce, clock, sign_in):
    """A page of ALPHA's, and the reference of its closure CHG-1001 of the coming night; there is another on the 13th."""
    reference = give(alpha, announce("sheet:CHG-1001", "2026-12-06T02:00")).accepted[0].closure.reference
    give(alpha, announce("other@outlook", "2026-12-13T02:00", gateway="GW-A2"))
    clock.now = datetime(2026, 12, 5, 20, tzinfo=UTC)
    page = sign_in("alpha@example.org", Role.USER, "ALPHA", script=False)
    return page, reference


def test_each_kind_of_words_finds_the_closure(searched, address):
    page, reference = searched
    kinds = (
        reference, reference[:9].lower(), "CHG-1001", "gw-a1", "Gateway GW-A1", "alpha tonight", "Alpha Energy 6 December",
        "sunday", f"{reference.lower()}@closures.example", "this weekend",
    )  # fmt: skip
    found = {}
    page.goto(address + "/closures")
    for words in kinds:
        page.get_by_label("Search").fill(words)
        page.get_by_role("button", name="Show").click()
        found[words] = [link.inner_text() for link in page.locator(".closure-what .reference").all()]
    assert found == {words: [reference] for words in kinds}


def test_a_preset_is_one_press(searched, address):
    page, reference = searched
    page.goto(address + "/closures")
    page.get_by_role("navigation", name="Times to look at").get_by_role("link", name="Tonight").click()
    assert [link.inner_text() for link in page.locator(".closure-what .reference").all()] == [reference]
    assert page.get_by_label("Search").input_value() == "tonight"
