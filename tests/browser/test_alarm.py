"""From an alarm to the answer, with script off: by the keyboard, on a phone, and from a link in an alert."""

from datetime import UTC, datetime

import pytest

from app.domain.access import Role
from app.register.people.contacts import name_contact


@pytest.fixture
def night(alpha, store, give, announce, clock):
    """GW-A1 is closed from 02:00 to 06:00; it is 02:10."""
    give(alpha, announce("a", "2026-12-06T02:00"), announce("b", "2026-12-13T02:00", gateway="GW-A2"))
    name_contact(store, "ALPHA", "Duty desk +44 20 7946 0000")
    clock.now = datetime(2026, 12, 6, 2, 10, tzinfo=UTC)


@pytest.fixture
def desk(sign_in):
    """Return a function that signs somebody of operations in, with script off."""
    return lambda width=1280: sign_in("desk@example.org", Role.OPS, width=width, script=False)


def test_by_keyboard_the_box_is_the_first_stop_after_the_skip_link_and_answers_in_one_action(night, desk):
    page = desk()
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    page.keyboard.press("Tab")
    page.keyboard.type("gw-a1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/planned?q=gw-a1")
    assert page.get_by_role("status").inner_text().startswith("PLANNED\n\nuntil Sun 6 Dec 2026 06:00 GMT")
    assert page.get_by_text("Duty desk +44 20 7946 0000").is_visible()
    assert page.title() == "Planned: GW-A1 – Planned gateway closures"


def test_on_a_phone_the_answer_is_in_view_at_once(night, desk):
    page = desk(390)
    page.get_by_role("searchbox", name="What the alarm is about").fill("GW-A2")
    page.get_by_role("button", name="Planned?").click()
    answer = page.get_by_role("status")
    assert answer.inner_text().startswith("NOT PLANNED\n\nNext: Sun 13 Dec 2026 02:00-06:00 GMT")
    box = answer.bounding_box()
    assert 0 <= box["y"] < box["y"] + box["height"] <= 844
    assert box["width"] <= 390


def test_a_link_in_an_alert_leads_to_the_answer_also_by_way_of_signing_in(
    night, open_page, use_link, add_staff, address
):
    page = open_page(width=390, script=False, path="/planned?q=GW-A1&at=2026-12-06T02:10Z")
    assert page.url == address + "/sign-in"
    add_staff("desk@example.org", Role.OPS)
    use_link(page, "desk@example.org")
    page.wait_for_url("**/planned?q=GW-A1&at=2026-12-06T02:10Z")
    assert page.get_by_role("status").inner_text().startswith("PLANNED")
    page.goto(address + "/planned?q=GW-A1&at=2026-12-06T06:10Z")
    assert page.get_by_role("status").inner_text().startswith("NOT PLANNED")


def test_several_gateways_are_told_apart_without_colour_too(night, desk, address):
    page = desk()
    page.emulate_media(forced_colors="active")
    page.goto(address + "/planned?q=alpha")
    lines = page.get_by_role("listitem").filter(has_text="GW-A")
    assert [line.inner_text().split("\n")[0] for line in lines.all()] == ["GW-A1 PLANNED", "GW-A2 NOT PLANNED"]
    shapes = [line.locator("svg").inner_html() for line in lines.all()]
    assert shapes[0] != shapes[1]
