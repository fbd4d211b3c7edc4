"""Journeys of people, with script and without: the first admin to a second factor, and a feed from making to its end."""

import re

import pyotp
import pytest

from app.domain.access import Role
from app.register.people import accounts, enrolment

PASSWORD = "correct horse battery staple"


@pytest.fixture(params=[True, False], ids=["script on", "script off"])
def page(request, chromium, address, watch):
    """A browser window, with script and without."""
    context = chromium.new_context(viewport={"width": 390, "height": 800}, java_script_enabled=request.param)
    found = context.new_page()
    found.set_default_timeout(15_000)
    watch.on(found)
    yield found
    context.close()


@pytest.fixture
def link(service, clock):
    """Return a function that gives the path of the first link of a new account."""
    return lambda email, role: f"/sign-in/{enrolment.open_account(service.store, email, role, (), clock())}"


@pytest.fixture
def dcc(page, link, use_link):
    """A member of DCC staff, signed in."""
    link("dcc@example.org", Role.DCC)
    use_link(page, "dcc@example.org")
    return page


def heading(page):
    return page.get_by_role("heading", level=1).inner_text()


def test_the_first_admin_comes_by_a_link_and_back_by_password_and_second_factor(page, address, link, clock):
    page.goto(address + link("admin@example.org", Role.ADMIN))
    page.get_by_role("button", name="Sign in").click()
    assert heading(page) == "Choose a password"
    page.goto(address + "/service/accounts")  # nothing else opens before a second factor is set up
    assert heading(page) == "Choose a password"
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    assert heading(page) == "Add a second factor"
    assert page.get_by_role("img", name="QR code").bounding_box()["width"] > 200
    page.get_by_text("Or type the key into the app").click()
    secret = page.locator("code.secret").inner_text().replace(" ", "")
    page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).at(clock()))
    page.get_by_role("button", name="Continue").click()
    assert heading(page) == "Your recovery codes"
    assert page.get_by_role("listitem").count() == 10
    page.get_by_role("button", name="I have kept them").click()
    assert heading(page) == "My account"
    page.get_by_text("Menu", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("E-mail address").fill("admin@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    assert heading(page) == "Your second factor"
    clock.forward(seconds=30)
    page.get_by_label("Code").fill(pyotp.TOTP(secret).at(clock()))
    page.get_by_role("button", name="Continue").click()
    assert heading(page) == "Now"
    page.get_by_text("Menu", exact=True).click()
    page.get_by_role("link", name="Service", exact=True).click()
    assert "Password and second factor" in page.get_by_role("main").inner_text()


def test_a_feed_is_made_copied_fetched_seen_and_ended(dcc, web):
    page = dcc
    page.get_by_text("Menu", exact=True).click()
    page.get_by_role("link", name="Feeds").click()
    page.get_by_role("link", name="Make a feed").first.click()
    page.get_by_label("For whom and which program").fill("Outlook, planning desk")
    page.get_by_role("button", name="Make the feed").click()
    assert heading(page) == "Your feed is ready"
    feed, name, token = (
        page.get_by_label(label, exact=True).input_value() for label in ("Address", "User name", "Password")
    )
    page.wait_for_load_state()  # the browser may still be putting the page in its place
    page.go_back()
    page.go_forward()
    assert page.get_by_label("Password", exact=True).input_value() == token
    page.get_by_role("button", name="I have copied it").click()
    page.wait_for_load_state()
    page.go_back()
    assert heading(page) == "This is not shown again"
    page.go_forward()
    fetched = web.test_client().get(
        feed.removeprefix("http://127.0.0.1:8000"), auth=(name, token), headers={"User-Agent": "Microsoft Office/16.0"}
    )
    assert fetched.status_code == 200
    web.extensions["closures"].read_log.flush()
    page.get_by_role("link", name="Outlook, planning desk").click()
    assert "Outlook last fetched just now, has the latest." in page.get_by_role("main").inner_text()
    page.get_by_text("End it…").click()
    page.get_by_role("button", name="End this feed now").click()
    assert "is ended" in page.get_by_role("status").inner_text()
    assert web.test_client().get(f"/feeds/{name}.ics", auth=(name, token)).status_code == 401


def test_what_was_typed_outlives_the_session(dcc, address, clock, use_link):
    page = dcc
    page.goto(address + "/subscriptions/new")
    page.get_by_label("For whom and which program").fill("Typed with care")
    clock.forward(minutes=31)
    page.get_by_role("button", name="Make the feed").click()
    assert heading(page) == "Sign in"
    assert "Nothing is lost" in page.get_by_role("status").inner_text()
    use_link(page, "dcc@example.org")
    assert heading(page) == "Where you left off"
    assert "Typed with care" in page.get_by_role("main").inner_text()
    page.get_by_role("button", name="Send it now").click()
    assert heading(page) == "Your feed is ready"
    assert re.match("gwff_", page.get_by_label("Password", exact=True).input_value())


def test_who_lost_the_phone_starts_afresh_and_is_told(page, address, link, use_link, service, clock):
    link("dcc@example.org", Role.DCC)
    use_link(page, "dcc@example.org")
    page.goto(f"{address}/sign-in/{accounts.start_afresh(service.store, 'dcc@example.org', clock())}")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("Or type the key into the app").click()
    secret = page.locator("code.secret").inner_text().replace(" ", "")
    page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).at(clock()))
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="I have kept them").click()
    assert heading(page) == "My account"
    assert "A link replaced your password and second factor." in page.get_by_role("main").inner_text()
    assert page.get_by_role("heading", name="One-time links").is_visible()


def test_who_forgot_the_password_chooses_another_after_link_and_code(page, address, link, use_link):
    link("dcc@example.org", Role.DCC)
    use_link(page, "dcc@example.org")
    page.get_by_role("link", name="Set up my sign-in").click()
    assert heading(page) == "Choose a password"
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Change it").click()
    assert heading(page) == "My account"
