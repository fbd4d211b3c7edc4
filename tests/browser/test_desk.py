"""The alarm at 02:10 at a desk that stays signed in for reading, as a person meets it, script off."""

import pytest
from pyotp import TOTP, random_base32

from app.domain.access import Role
from app.register.people.sign_in import choose_password
from app.register.rulebook import set_desk_policy
from app.security.tokens import new_row_id
from app.store import accounts, proofs
from app.store.accounts import Account

PASSWORD = "correct horse battery staple"


@pytest.fixture
def ann(service, clock):
    """The account and the authenticator's secret of somebody of DCC staff."""
    store, account, secret = service.store, Account(new_row_id(), "ann@example.org", Role.DCC, ()), random_base32()
    with store.writing() as connection:
        accounts.add_account(store, connection, account, clock())
        proofs.put_second_factor(store, connection, account.id, secret, 0, clock())
    choose_password(store, account, PASSWORD, clock())
    set_desk_policy(store, allowed=True, now=clock())
    return secret


def sign_in(page, clock, secret, *, tick=False):
    page.get_by_label("E-mail address").fill("ann@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    clock.forward(seconds=30)
    page.get_by_label("Code").fill(TOTP(secret).at(clock()))
    if tick:
        page.get_by_label("Keep this desk signed in for reading, 30 days").check()
    page.get_by_role("button", name="Continue").click()


def test_an_answer_at_once_and_a_change_after_a_whole_sign_in(ann, alpha, give, announce, open_page, address, clock):
    give(alpha, announce("a", "2026-11-25T02:00"))
    page = open_page(script=False)
    sign_in(page, clock, ann, tick=True)
    page.wait_for_url("**/")
    clock.forward(hours=17)
    page.get_by_label("What the alarm is about").fill("gw-a1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/planned?q=gw-a1")
    assert "until Wed 25 Nov 2026 06:00 GMT" in page.get_by_role("main").inner_text()
    assert page.get_by_text("reading only").first.is_visible()
    page.goto(f"{address}/notices/form?user=ALPHA")
    page.get_by_label("Gateway").select_option("GW-A1")
    for name, value in {
        "from_day": "2027-02-07",
        "from_time": "02:00",
        "to_day": "2027-02-07",
        "to_time": "06:00",
    }.items():
        page.locator(f"#{name}").fill(value)
    page.get_by_role("button", name="Show how much notice that is").click()
    assert page.get_by_text("Reading needs no sign-in at this desk; this does.").is_visible()
    assert page.get_by_label("E-mail address").input_value() == "ann@example.org"
    sign_in(page, clock, ann)
    page.get_by_role("button", name="Send it now").click()
    assert page.get_by_role("heading", level=1).inner_text() == "What this would change"
    assert "Sun 7 Feb 2027 02:00" in page.get_by_role("main").inner_text()
