"""Telling of a closure as it happens, and of one that is not certain yet: by one press, on a phone, with script off."""

from datetime import UTC, datetime

import pytest

from app.domain.access import Role

PHONE = 390


@pytest.fixture
def night(alpha, give, announce, clock):
    """GW-A1 is closed from 02:00 to 06:00; it is 02:10."""
    give(alpha, announce("a", "2026-12-06T02:00"))
    clock.now = datetime(2026, 12, 6, 2, 10, tzinfo=UTC)


@pytest.fixture
def alpha_phone(night, sign_in):
    """Somebody of ALPHA on a phone, with script off."""
    return sign_in("alpha@example.org", Role.USER, "ALPHA", width=PHONE, script=False)


def tags(page):
    return page.locator(".tags .tag").all_inner_texts()


def press(page, name):
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).click()


def test_a_user_tells_closed_then_longer_then_re_opened_and_takes_it_back(alpha_phone, clock):
    page = alpha_phone
    page.get_by_role("link", name="GW-A1").first.click()
    press(page, "Closed")
    assert tags(page) == ["planned", "closed now", "short notice"]
    page.get_by_label("Time").fill("2026-12-06T08:00")
    press(page, "Still closed")
    assert tags(page) == ["planned", "closed now", "over time by 2 h", "short notice"]
    clock.now = datetime(2026, 12, 6, 2, 25, tzinfo=UTC)
    press(page, "Re-opened")
    assert tags(page) == ["finished", "early by 3 h 35 min", "short notice"]
    press(page, "Take back what was told last")
    assert tags(page) == ["planned", "closed now", "over time by 2 h", "short notice"]


def test_one_press_on_the_first_page_tells_that_it_has_re_opened(alpha_phone):
    page = alpha_phone
    press(page, "Tell that GW-A1 has re-opened")
    assert tags(page) == ["finished", "early by 3 h 50 min", "short notice"]
    assert page.get_by_text("It is told re-opened.").is_visible()


def test_a_doubt_is_asked_back_where_it_was_typed(alpha_phone):
    page = alpha_phone
    page.get_by_role("link", name="GW-A1").first.click()
    page.get_by_label("Time").fill("2026-12-06T05:00")
    press(page, "Re-opened")
    assert page.get_by_role("alert").inner_text().startswith("That time is still to come.")
    assert page.get_by_label("Time").input_value() == "2026-12-06T05:00"


def test_a_provisional_closure_is_confirmed(alpha_phone):
    page = alpha_phone
    page.get_by_role("link", name="Give notice of one").click()
    page.goto(page.url.replace("/notices/new", "/notices/form"))
    page.get_by_label("Gateway", exact=True).select_option("GW-A2")
    for day, clock_time in (("Closes", "02:00"), ("Re-opens", "06:00")):
        fields = page.get_by_role("group", name=day)
        fields.get_by_label("Date").fill("2027-01-10")
        fields.get_by_label("London time").fill(clock_time)
    page.get_by_label("Provisional: it is not certain yet").check()
    press(page, "Show how much notice that is")
    press(page, "Record this notice")
    page.goto(page.url.split("/notices")[0] + "/closures")
    page.get_by_role("link", name="GW-A2").first.click()
    assert tags(page) == ["planned", "provisional"]
    page.get_by_role("link", name="Push back or change").click()
    page.get_by_label("Provisional: it is not certain yet").uncheck()
    press(page, "Show what that changes")
    press(page, "Record this notice")
    page.goto(page.url.split("/notices")[0] + "/closures")
    page.get_by_role("link", name="GW-A2").first.click()
    assert tags(page) == ["planned"]
    assert page.get_by_role("heading", name="Confirmed").is_visible()
