"""A User gives notice by form, pushes it back, withdraws it and plans it again; an admin finds all of it in the record."""

import re
from datetime import timedelta

import pytest

from app.domain.access import Role
from app.security.tokens import new_row_id
from app.store import accounts
from app.store.accounts import Account


@pytest.fixture(params=[True, False], ids=["script on", "script off"])
def page(request, chromium, address, watch):
    context = chromium.new_context(
        viewport={"width": 390, "height": 800}, java_script_enabled=request.param, locale="en-GB"
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    watch.on(page)
    yield page
    context.close()


@pytest.fixture
def enter(page, service, clock, use_link):
    """Return a function that signs an account in by a one-time link; once more, where it has one already."""

    def come(email, role, *users):
        with service.store.writing() as connection:
            if accounts.account_by_email(service.store, connection, email) is None:
                accounts.add_account(service.store, connection, Account(new_row_id(), email, role, users), clock())
        use_link(page, email)

    return come


def fill(page, day, starts="02:00", ends="06:00"):
    page.locator("#from_day").fill(day)
    page.locator("#from_time").fill(starts)
    page.locator("#to_day").fill(day)
    page.locator("#to_time").fill(ends)


def heading(page):
    return page.get_by_role("heading", level=1).inner_text()


def press(page, name):
    page.get_by_role("button", name=name).click()


def test_given_pushed_back_withdrawn_and_planned_again(alpha, page, address, enter):
    enter("ann@example.org", Role.USER, "ALPHA")
    page.goto(f"{address}/notices/form")
    page.get_by_label("Gateway").select_option("GW-A1")
    fill(page, "2026-12-06", ends="02:00")
    press(page, "Show how much notice that is")
    alert = page.get_by_role("alert")
    assert "One thing needs attention." in alert.inner_text()
    alert.get_by_role("link", name="The end is not after the start. Check both.").click()
    assert page.locator("#from_day").input_value() == "2026-12-06"
    page.locator("#to_time").fill("06:00")
    press(page, "Show how much notice that is")
    assert heading(page) == "What this would change"
    assert "8 Working Days' notice; 20 are recommended." in page.locator("main").inner_text()
    page.get_by_role("link", name="Change what I typed").click()
    assert page.locator("#from_time").input_value() == "02:00"
    page.go_back()
    press(page, "Record this notice")
    assert heading(page) == "Receipt"
    assert "Recorded for ALPHA" in page.get_by_role("status").inner_text()
    receipt = page.url
    page.reload()
    assert (heading(page), page.url) == ("Receipt", receipt)
    with page.expect_download() as saved:
        page.get_by_role("link", name="As a calendar file").click()
    assert re.fullmatch(r"CN-[0-9A-Z]{10}\.ics", saved.value.suggested_filename)
    page.get_by_role("link", name="Change it").click()
    fill(page, "2026-12-13")
    press(page, "Show what that changes")
    assert "Would be" in page.locator("main").inner_text()
    press(page, "Record this notice")
    assert "Moved, revision 2." in page.locator("main").inner_text()
    page.get_by_role("link", name="Withdraw it").click()
    press(page, "Withdraw it")
    page.get_by_role("link", name="Reinstate closure").click()
    press(page, "Show what that changes")
    press(page, "Record this notice")
    assert "Planned again, revision 4." in page.locator("main").inner_text()


def test_the_fields_of_a_repeat_show_where_they_are_needed(alpha, page, address, enter):
    enter("ann@example.org", Role.USER, "ALPHA")
    page.goto(f"{address}/notices/form")
    assert not page.locator("#until").is_visible()
    page.get_by_label("Repeats").select_option("weeks")
    assert page.locator("#every").is_visible()
    page.get_by_label("Gateway").select_option("GW-A2")
    fill(page, "2026-12-06")
    page.get_by_label("or a number of times").check()
    page.locator("#count").fill("3")
    press(page, "Show how much notice that is")
    assert "has 3 new, 0 changed" in page.locator("main").inner_text()


def test_what_was_typed_outlives_the_session(alpha, page, address, enter, clock):
    enter("ann@example.org", Role.USER, "ALPHA")
    page.goto(f"{address}/notices/form")
    page.get_by_label("Gateway").select_option("GW-A1")
    fill(page, "2026-12-06")
    page.get_by_label("Your reference").fill("CHG-77")
    clock.now += timedelta(minutes=31)
    press(page, "Show how much notice that is")
    enter("ann@example.org", Role.USER, "ALPHA")
    assert "CHG-77" in page.locator("main").inner_text()
    page.get_by_role("button", name="Send it now").click()
    assert heading(page) == "What this would change"


def test_dcc_finds_it_in_the_record_and_the_record_sound(alpha, page, address, enter, give, announce, clock):
    give(alpha, announce("a", "2026-12-06T02:00"))
    clock.forward(minutes=1)
    enter("dcc@example.org", Role.DCC)
    page.goto(f"{address}/record/changes")
    assert "1 change between" in page.get_by_role("status").inner_text()
    page.get_by_role("navigation", name="Record").get_by_role("link", name="Check").click()
    button = page.get_by_role("button", name=re.compile(r"^Check \d+ entries now$"))
    count = re.findall(r"\d+", button.inner_text())[0]
    press(page, f"Check {count} entries now")
    assert f"The record is sound. {count} entries checked" in page.get_by_role("status").inner_text()


def test_dcc_sees_it_coming_marks_it_as_seen_and_hears_when_it_moves(alpha, page, address, enter, clock):
    enter("ann@example.org", Role.USER, "ALPHA")
    page.goto(f"{address}/notices/form")
    page.get_by_label("Gateway").select_option("GW-A1")
    fill(page, "2026-12-06")
    press(page, "Show how much notice that is")
    press(page, "Record this notice")
    assert heading(page) == "Receipt"

    clock.forward(minutes=1)
    enter("dee@example.org", Role.DCC)
    look = page.get_by_role("region", name="Needs attention")
    assert "1 late change that nobody has seen yet" in page.locator(".headline").inner_text()
    assert "GW-A1" in look.get_by_role("listitem").inner_text()
    look.get_by_role("button", name=re.compile("^Seen: GW-A1, Sun 6 Dec 2026 02:00-06:00 GMT$")).click()
    assert page.get_by_role("status").filter(has_text="1 item seen.").is_visible()
    assert "Nothing is left to look at." in look.inner_text()

    page.goto(f"{address}/horizon")
    assert page.locator(".headline").inner_text().startswith("1 closure of ALPHA from")
    page.get_by_role("region", name="The same in words").get_by_role("link", name="Sun 6 Dec 2026 02:00-06:00").click()
    assert "GW-A1" in heading(page)
    closure = page.url

    enter("ann@example.org", Role.USER, "ALPHA")
    page.goto(closure)
    page.get_by_role("link", name="Push back or change").click()
    fill(page, "2026-12-08")
    press(page, "Show what that changes")
    press(page, "Record this notice")

    clock.forward(minutes=1)
    enter("dee@example.org", Role.DCC)
    assert "was Sun 6 Dec 2026 02:00-06:00 GMT" in look.get_by_role("listitem").first.inner_text()


def test_an_admin_shreds_a_user_only_by_typing_its_code(alpha, page, address, enter):
    enter("admin@example.org", Role.ADMIN)
    page.goto(f"{address}/service/keys")
    page.get_by_label("User", exact=True).select_option("ALPHA")
    page.get_by_label("Type its code to confirm").fill("ALPA")
    press(page, "Destroy its key for good")
    assert "not the code of the User that you chose" in page.get_by_role("alert").inner_text()
    page.get_by_label("Type its code to confirm").fill("ALPHA")
    press(page, "Destroy its key for good")
    assert "The data key of ALPHA is destroyed." in page.get_by_role("status").inner_text()


def test_a_conflict_is_seen_in_the_preview_and_its_free_slot_taken(alpha, page, address, enter, give, announce):
    (told,) = give(alpha, announce("earlier", "2026-12-06T02:00")).accepted
    enter("ann@example.org", Role.USER, "ALPHA")
    page.goto(f"{address}/notices/form")
    page.get_by_label("Gateway").select_option("GW-A1")
    fill(page, "2026-12-06")
    press(page, "Show how much notice that is")
    met = page.locator(".met")
    assert f"The same times are told already, as {told.closure.reference}." in met.inner_text()
    assert "Next free at these hours: Mon 7 Dec 2026 02:00-06:00 GMT." in met.inner_text()
    met.get_by_role("link", name="Use these times").click()
    assert (page.locator("#from_day").input_value(), page.locator("#to_time").input_value()) == ("2026-12-07", "06:00")
    press(page, "Show how much notice that is")
    assert page.locator(".met").count() == 0
    press(page, "Record this notice")
    assert heading(page) == "Receipt"
    assert "Mon 7 Dec 2026 02:00 GMT to 06:00 GMT" in page.locator("main").inner_text()
