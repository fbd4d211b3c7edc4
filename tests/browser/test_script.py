"""What pages gain where script runs: they stay fresh, and addresses are copied. And the wall view."""

import re

import pytest

from app.domain.access import Role

MINUTE = 61_000


@pytest.fixture
def now_page(alpha, give, announce, dcc_page):
    """Now, as somebody of DCC staff sees it, with a clock that the test moves."""
    give(alpha, announce("a", "2026-11-24T08:00"))
    dcc_page.clock.install()
    dcc_page.reload()
    return dcc_page


def wait(page, clock, minutes=1):
    """Let time pass for the page and for the service alike."""
    clock.forward(minutes=minutes)
    with page.expect_response("**/*"):
        page.clock.fast_forward(MINUTE)


def as_of(page):
    return page.locator("[data-fresh]").inner_text()


def test_now_keeps_itself_fresh_and_keeps_focus_scroll_and_what_was_opened(now_page, clock, alpha, give, announce):
    page = now_page
    assert as_of(page) == "09:00 GMT"
    page.get_by_role("link", name="GW-A1").first.focus()
    page.evaluate("() => scrollTo(0, 120)")
    give(alpha, announce("b", "2026-11-24T08:30", gateway="GW-A2"))
    wait(page, clock)
    page.get_by_role("link", name="GW-A2").first.wait_for()
    assert as_of(page) == "09:01 GMT"
    assert page.evaluate("() => document.activeElement.textContent") == "GW-A1"
    assert page.evaluate("() => scrollY") == 120
    assert page.get_by_role("status").filter(has_text="fresh").count() == 0


def test_it_waits_while_somebody_types_or_has_typed(now_page, clock):
    page, asked = now_page, []
    page.on("request", lambda request: asked.append(request.url) if request.resource_type == "fetch" else None)
    field = page.locator("header input:not([type=hidden]):visible").first
    field.fill("GW-A")
    for _ in range(2):
        clock.forward(minutes=1)
        page.clock.fast_forward(MINUTE)
        page.locator("h1").click()
    assert (as_of(page), field.input_value(), asked) == ("09:00 GMT", "GW-A", [])
    field.fill(field.evaluate("one => one.defaultValue"))
    page.locator("h1").click()
    wait(page, clock)
    page.get_by_text("09:03 GMT").wait_for()


def test_it_can_be_stopped_and_begun_again(now_page, clock):
    page = now_page
    page.get_by_role("button", name="Stop refreshing").click()
    clock.forward(minutes=1)
    page.clock.fast_forward(MINUTE)
    assert as_of(page) == "09:00 GMT"
    page.get_by_role("button", name="Refresh again").click()
    page.get_by_text("09:01 GMT").wait_for()
    assert page.evaluate("() => document.activeElement.textContent") == "Stop refreshing"


def test_it_says_since_when_it_is_not_fresh_and_once_it_is_again(now_page, clock, watch):
    page = now_page
    page.route("**/*", lambda route: route.abort())
    clock.forward(minutes=1)
    page.clock.fast_forward(MINUTE)
    note = page.get_by_role("status").filter(has_text="Not fresh since 09:00 GMT. We go on trying.")
    note.wait_for()
    page.unroute("**/*")
    wait(page, clock)
    page.get_by_text("09:02 GMT").wait_for()
    assert note.count() == 0
    watch.faults.clear()  # what the test made fail


def test_a_page_that_stays_open_does_not_keep_the_session_alive(now_page, clock):
    page = now_page
    for _ in range(4):
        wait(page, clock, minutes=9)
    page.get_by_role("status").filter(has_text="Not fresh since 09:27 GMT. Sign in again").wait_for()
    page.get_by_role("link", name="Sign in again").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Sign in"


def test_what_is_shown_once_is_copied_by_a_button_that_script_alone_makes(sign_in, address, alpha, open_page):
    page = sign_in("ann@example.org", Role.USER, "ALPHA")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{address}/connect")
    page.get_by_label("For whom and which program").fill("Outlook")
    page.get_by_role("button", name="Make it").click()
    page.get_by_role("button", name="Copy: Password").click()
    page.get_by_role("status").filter(has_text="Copied: Password").wait_for()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert re.fullmatch("gwfp_[0-9A-Z]{59}", copied)
    assert copied == page.get_by_label("Password", exact=True).input_value()


@pytest.mark.parametrize("script", [True, False], ids=["script on", "script off"])
def test_the_wall_view_says_what_is_closed_and_keeps_itself_fresh(
    script, alpha, give, announce, open_page, use_link, service, clock, address, add_staff
):
    give(alpha, announce("a", "2026-11-24T08:00"))
    give(alpha, announce("b", "2026-11-25T02:00", gateway="GW-A2"))
    page = open_page(script=script)
    use_link(page, add_staff("wall@example.org"))
    page.clock.install()
    page.goto(f"{address}/wall")
    assert page.get_by_role("heading", level=1).inner_text() == "1 gateway closed now"
    assert page.locator(".wall-next li").inner_text().split("\n")[0] == "GW-A2"
    assert page.locator("meta[http-equiv=refresh]").count() == (0 if script else 1)
    assert page.get_by_role("navigation").count() == 0
    give(alpha, announce("c", "2026-11-24T08:30", gateway="GW-A2"))
    clock.forward(minutes=1)
    if script:
        page.clock.fast_forward(MINUTE)
    else:
        page.reload()  # what the browser does by itself after a minute
    page.get_by_text("2 gateways closed now").wait_for()
    assert as_of(page) == "09:01 GMT"
