"""What a one-time link opens: a password to choose, a second factor where none is; never past one that is there."""

import re

import pytest
import structlog

from app.domain.access import Role
from app.factory import configure_log
from app.register.people import accounts, enrolment
from app.store import proofs
from tests.web.signin.person import PASSWORD, code_of, hidden

OTHER = "another horse entirely"
PAGES = ("/", "/horizon", "/closures", "/account", "/subscriptions", "/connect", "/notices/form", "/record", "/nothing")


@pytest.fixture
def link_of(store, clock):
    """Return a function that gives a new link of an account as an operator makes it."""
    return lambda email: enrolment.issue_sign_in(store, email, clock())


def held_by(store, email):
    account = next(one for one in accounts.list_accounts(store) if one.email == email)
    with store.reading() as connection:
        return proofs.proofs_of(store, connection, account.id)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.DCC])
def test_who_needs_a_second_factor_does_nothing_before_it_is_set_up(invited, web, role, csrf):
    one = invited("staff@example.org", role)
    for stage in ("/set-up/password", "/set-up/second-factor"):
        for path in PAGES[:-1]:
            assert one.client.get(path).location == "/sign-in", path
            assert one.client.get("/sign-in").location == "/set-up/password"
        assert one.client.get("/api/v1/closures").status_code == 401
        token = csrf(one.client.get(stage))
        for path in ("/subscriptions", "/connect", "/service/accounts", "/account/sessions/end-others"):
            assert one.client.post(path, data={"csrf_token": token}).location == "/sign-in", path
        assert one.client.post("/set-up/recovery-codes", data={"csrf_token": token}).location == "/sign-in"
        if stage == "/set-up/password":
            assert one.choose_password().location == "/set-up/second-factor"
            assert one.client.get("/set-up/password").location == "/set-up/second-factor"
    assert one.add_factor().location.startswith("/shown-once/")
    assert len(one.codes) == 10
    assert one.client.get("/").status_code == 200
    assert "Set up my sign-in" not in one.client.get("/").text


@pytest.mark.parametrize("role", [Role.USER, Role.OPS])
def test_others_are_in_by_the_link_and_led_to_set_up_theirs(invited, alpha, role):
    one = invited("a@example.org", role, *(("ALPHA",) if role is Role.USER else ()))
    assert "Set up my sign-in" in one.client.get("/").text
    one.choose_password()
    assert "Set up my sign-in" in one.client.get("/").text


def test_other_rights_ask_for_the_second_factor_of_who_was_in_without(invited, alpha, store, clock, link_of, person):
    one = invited("a@example.org", Role.USER, "ALPHA")
    assert one.client.get("/").status_code == 200
    (account,) = accounts.list_accounts(store)
    accounts.change_rights(store, account, Role.DCC, (), clock())
    again = person(one.email)
    assert again.follow(link_of(one.email)).location == "/set-up/password"
    assert again.client.get("/").location == "/sign-in"


def test_the_tokens_of_its_programs_are_not_asked(newcomer, web, credentials):
    assert [web.test_client().get("/api/v1/closures", headers=one).status_code for one in credentials] == [200, 200]


def test_a_form_of_another_that_took_effect_sets_nothing_up(newcomer, ann, invited, alpha):
    """The id of a form that was sent is known to its sender; sending it on as the set-up's proves no second factor."""
    user = invited("a@example.org", Role.USER, "ALPHA")
    page = user.client.get("/subscriptions/new?scope=user:ALPHA")
    form = {"form_id": hidden(page, "form_id"), "csrf_token": user.csrf(page), "scope": "user:ALPHA", "label": "x"}
    assert user.client.post("/subscriptions", data=form | {"past_days": "1", "horizon_days": "9"}).status_code == 303
    thief = invited("thief@example.org", Role.ADMIN)
    thief.choose_password()
    thief.post("/set-up/second-factor", form_id=form["form_id"], authenticator="A" * 32, one_time_code="000000")
    assert thief.client.get("/").location == "/sign-in"


def test_a_link_stands_for_the_password_and_not_for_the_second_factor(ann, person, link_of):
    finder = person(ann.email)
    assert finder.follow(link_of(ann.email)).location == "/sign-in/second-factor"
    assert finder.client.get("/").status_code == 303
    assert finder.client.get("/set-up/password").location == "/sign-in"
    assert finder.client.get("/set-up/second-factor").location == "/sign-in"
    assert ann.client.get("/").status_code == 200


def test_who_forgot_the_password_chooses_another_after_link_and_code(ann, person, link_of):
    again = person(ann.email)
    again.secret = ann.secret
    again.follow(link_of(ann.email))
    assert again.give_code().location == "/"
    assert "Choose a password now" in again.client.get("/").text
    assert "Present password" not in again.client.get("/set-up/password").text
    assert again.choose_password(OTHER).location == "/account"
    assert ann.client.get("/").status_code == 303  # every other session has ended
    assert "Choose a password now" not in again.client.get("/").text
    assert "Present password" in again.client.get("/set-up/password").text
    assert again.choose_password(PASSWORD).status_code == 422
    again.sign_out()
    assert again.sign_in().status_code == 422
    assert again.sign_in(OTHER).status_code == 303


@pytest.fixture
def console():
    """The log as it is shown, whatever a test before set up."""
    configure_log("console")
    yield
    structlog.reset_defaults()


def test_starting_afresh_forgets_both_ends_what_was_open_and_tells(
    ann, person, store, clock, link_of, read, console, capsys
):
    before = link_of(ann.email)
    link = accounts.start_afresh(store, ann.email, clock())
    assert held_by(store, ann.email) == proofs.Proofs(None, None, None, None, 0)
    assert ann.client.get("/").status_code == 303
    assert ann.sign_in().status_code == 422
    assert person(ann.email).client.get(f"/sign-in/{before}").status_code == 403
    again = person(ann.email)
    assert again.follow(link).location == "/set-up/password"
    assert again.client.get("/").location == "/sign-in"
    again.choose_password()
    again.add_factor()
    page = read(again.client.get("/account"))
    assert "A link replaced your password and second factor. It was used Tue 24 Nov 2026" in page
    assert "To start afresh with password and second factor: made Tue 24 Nov 2026" in page
    assert re.search(r"In place of a password: made [^:]*:\d\d GMT \([^)]*\), not used\.", page)
    said = capsys.readouterr().err
    assert "link-used success" in said
    assert "closures.kind='start afresh'" in said
    assert "example.org" not in said
    clock.forward(days=31)
    again.sign_in()
    again.give_code()
    assert "A link replaced" not in again.client.get("/account").text


def test_another_second_factor_ends_every_other_session_and_link(ann, person, link_of, clock):
    other = person(ann.email)
    other.secret = ann.secret
    other.sign_in()
    other.give_code()
    clock.forward(seconds=30)
    unused = link_of(ann.email)
    page = ann.client.get("/set-up/second-factor")
    fields = {name: hidden(page, name) for name in ("form_id", "authenticator", "csrf_token")}
    wrong = ann.client.post("/set-up/second-factor", data=fields | {"one_time_code": "0", "present_password": PASSWORD})
    assert (wrong.status_code, other.client.get("/").status_code) == (422, 200)
    ann.secret = fields["authenticator"]
    fields |= {"form_id": hidden(wrong, "form_id"), "csrf_token": ann.csrf(wrong), "present_password": PASSWORD}
    assert (
        ann.client.post(
            "/set-up/second-factor", data=fields | {"one_time_code": code_of(ann.secret, clock)}
        ).status_code
        == 303
    )
    assert [one.client.get("/").status_code for one in (ann, other)] == [200, 303]
    assert other.client.get(f"/sign-in/{unused}").status_code == 403
