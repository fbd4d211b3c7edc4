"""What an admin does without SQL: invite, change rights, help back in, close; let Users and gateways in."""

import re

import pytest

from app.domain.access import Role
from app.register.people import accounts, enrolment


def fields_of(page):
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text.partition("<main")[2]))


@pytest.fixture
def admin(sign_in):
    return sign_in("admin@example.org", Role.ADMIN)


@pytest.fixture
def invite(admin):
    """Return a function that invites somebody; it returns the path of the one-time link, or the refusing page."""

    def send(email, role, *users):
        form = fields_of(admin.get("/service/accounts/new")) | {"email": email, "role": role, "users": list(users)}
        answer = admin.post("/service/accounts", data=form)
        if answer.status_code != 303:
            return answer
        return re.search(r"/sign-in/gwfr_[0-9A-Z]+", admin.get(answer.location).text)[0]

    return send


def account_of(store, email):
    return next(one for one in accounts.list_accounts(store) if one.email == email)


def page_of(store, email):
    return f"/service/accounts/{account_of(store, email).id.hex()}"


def enter(web, csrf, path):
    browser = web.test_client()
    answer = browser.post(path, data={"csrf_token": csrf(browser.get(path))})
    return browser, answer


def test_an_invitation_is_a_link_that_signs_in_with_the_rights_that_were_chosen(
    web, invite, csrf, alpha, enrolled, store
):
    enrolled("BETA", "GW-B")
    browser, answer = enter(web, csrf, invite("Agent@Example.org", "user", "ALPHA", "BETA"))
    assert answer.location == "/"
    found = account_of(store, "agent@example.org")
    assert (found.role, found.users) == (Role.USER, ("ALPHA", "BETA"))
    assert browser.get("/service/accounts").status_code == 403


@pytest.mark.parametrize(
    ("email", "role", "users", "words"),
    [
        ("nobody", "dcc", [], "That is not an e-mail address."),
        ("a@example.org", "user", [], "acts for at least one User"),
        ("a@example.org", "boss", [], "That is not a role."),
        ("a@example.org", "user", ["NOBODY"], "There is no such User."),
        ("admin@example.org", "dcc", [], "There is an account with that address already."),
    ],
)
def test_an_invitation_that_does_not_fit_keeps_what_was_typed(invite, read, email, role, users, words):
    page = invite(email, role, *users)
    assert page.status_code == 422
    assert words in read(page)
    assert f'value="{email}"' in page.text


@pytest.mark.parametrize("role", [Role.DCC, Role.USER, Role.OPS])
def test_these_pages_are_an_admins_alone(sign_in, alpha, store, admin, role, csrf):
    client = sign_in("somebody@example.org", role, *(("ALPHA",) if role is Role.USER else ()))
    theirs = page_of(store, "admin@example.org")
    token = {"csrf_token": csrf(client.get("/account"))}
    for path in (
        "/service/accounts",
        "/service/accounts/new",
        theirs,
        "/service/users",
        "/service/users/new",
        "/service/gateways/new",
    ):
        assert client.get(path).status_code == 403, path
    for path in ("/service/accounts", "/service/users", "/service/gateways", *(f"{theirs}/{step}" for step in STEPS)):
        assert client.post(path, data=token).status_code == 403, path
    assert "Accounts" not in client.get("/account").text


STEPS = ("rights", "link", "afresh", "end-sessions", "close", "open-again", "identity")


def test_other_rights_take_effect_at_once(web, admin, invite, csrf, store, alpha):
    browser, _ = enter(web, csrf, invite("a@example.org", "dcc"))
    page = page_of(store, "a@example.org")
    form = fields_of(admin.get(page)) | {"role": "user", "users": ["ALPHA"]}
    assert admin.post(f"{page}/rights", data=form).location == page
    assert browser.get("/").status_code == 303
    assert account_of(store, "a@example.org").users == ("ALPHA",)
    same = admin.post(f"{page}/rights", data=form)
    assert same.status_code == 303
    assert admin.post(f"{page}/rights", data=form | {"users": []}).status_code == 422


def test_a_closed_account_signs_in_no_more_until_it_is_opened_again(web, admin, invite, csrf, store):
    spare = invite("a@example.org", "dcc")
    page = page_of(store, "a@example.org")
    token = {"csrf_token": csrf(admin.get(page))}
    browser, _ = enter(web, csrf, spare)
    form = fields_of(admin.get(page))
    another = re.search(r"/sign-in/gwfr_[0-9A-Z]+", admin.get(admin.post(f"{page}/link", data=form).location).text)[0]
    assert admin.post(f"{page}/close", data=token).location == page
    assert browser.get("/").status_code == 303
    assert web.test_client().get(another).status_code == 403
    assert "closed" in admin.get("/service/accounts").text
    assert admin.post(f"{page}/open-again", data=token).location == page
    assert account_of(store, "a@example.org").closed_at is None


def test_an_admin_cannot_shut_themselves_out(admin, store, csrf):
    page = page_of(store, "admin@example.org")
    token = {"csrf_token": csrf(admin.get(page))}
    assert admin.post(f"{page}/close", data=token).status_code == 403
    assert admin.post(f"{page}/rights", data=token | {"role": "dcc"}).status_code == 422
    assert account_of(store, "admin@example.org").role is Role.ADMIN


def test_everybody_can_be_signed_out_and_started_afresh(web, admin, invite, csrf, store):
    browser, _ = enter(web, csrf, invite("a@example.org", "dcc"))
    form = fields_of(browser.get("/set-up/password"))
    browser.post(
        "/set-up/password", data=form | {"password": "correct horse battery", "password_again": "correct horse battery"}
    )
    page = page_of(store, "a@example.org")
    token = {"csrf_token": csrf(admin.get(page))}
    admin.post(f"{page}/end-sessions", data=token)
    assert browser.get("/").status_code == 303
    form_id = re.findall(r'name="form_id" value="([^"]+)"', admin.get(page).text)[-1]
    answer = admin.post(f"{page}/afresh", data=token | {"form_id": form_id})
    path = re.search(r"/sign-in/gwfr_[0-9A-Z]+", admin.get(answer.location).text)[0]
    assert enter(web, csrf, path)[1].location == "/set-up/password"
    assert "None yet" in admin.get(page).text


def test_an_account_that_is_not_there(admin):
    assert admin.get("/service/accounts/zz").status_code == 404
    assert admin.get(f"/service/accounts/{'0' * 32}").status_code == 404


def test_a_user_and_its_gateways_are_let_in(admin, store, read):
    form = fields_of(admin.get("/service/users/new")) | {
        "code": "acme", "name": "Acme Energy", "category": "Other", "roles": ["Gas Supplier"],
    }  # fmt: skip
    assert admin.post("/service/users", data=form).location == "/service/gateways/new?user=ACME"
    again = admin.post("/service/users", data=form)
    assert (again.status_code, "There is a User with that code already." in read(again)) == (422, True)
    gateway = fields_of(admin.get("/service/gateways/new?user=ACME")) | {"user": "ACME", "code": "gw-1", "name": ""}
    assert admin.post("/service/gateways", data=gateway).location == "/service/users"
    assert admin.post("/service/gateways", data=gateway).status_code == 422
    (user,) = enrolment.list_users(store)
    assert (user.code, user.name, user.roles) == ("ACME", "Acme Energy", ("Gas Supplier",))
    assert [(one.gateway.code, one.users) for one in enrolment.list_gateways(store)] == [("GW-1", ("ACME",))]
    assert "ACME Acme Energy Other · Gas Supplier Nobody to call · Name whom to call about ACME GW-1" in read(
        admin.get("/service/users")
    )


def test_of_many_users_those_with_a_code_or_name_are_found(admin, store, read):
    for code, name, gateway in (
        ("ACME", "Acme Energy", "GW-1"),
        ("BETA", "شركة الطاقة", "GW-20"),
        ("CORK", "Cork", "X"),
    ):
        enrolment.enrol_user(store, code, name)
        enrolment.enrol_gateway(store, code, gateway)
    assert "3 Users. ACME" in read(admin.get("/service/users"))
    for sought, code in (("acm", "ACME"), ("الطاقة", "BETA"), ("gw-2", "BETA")):
        page = read(admin.get("/service/users", query_string={"q": f" {sought} "}))
        assert f"1 User of 3 with “ {sought} ” in a code or name. {code}" in page
        assert sum(one in page for one in ("ACME", "BETA", "CORK")) == 1
    nobody = admin.get("/service/users?q=zz")
    assert "No User of 3 with “ zz ” in a code or name." in read(nobody)
    assert ">Show all</a>" in nobody.text


@pytest.mark.parametrize("wrong", [{"code": "a b"}, {"name": ""}, {"category": "Friends"}, {"roles": ["King"]}])
def test_a_user_that_does_not_fit_keeps_what_was_typed(admin, store, wrong):
    form = {"code": "ACME", "name": "Acme Energy", "category": "Other"} | wrong
    page = admin.post("/service/users", data=fields_of(admin.get("/service/users/new")) | form)
    assert (page.status_code, enrolment.list_users(store)) == (422, [])
    assert f'value="{form["code"]}"' in page.text


def test_ones_own_sessions_are_listed_and_ended(web, add_account, add_link, csrf, read):
    account = add_account("a@example.org", Role.OPS)
    here, there, third = (enter(web, csrf, f"/sign-in/{add_link(account)}")[0] for _ in range(3))
    page = here.get("/account")
    listed = re.findall(r'name="session" value="([0-9a-f]{64})"', page.text)
    assert len(listed) == 2
    form = {"csrf_token": csrf(page), "session": listed[0]}
    assert here.post("/account/sessions/end", data=form).location == "/account"
    assert here.post("/account/sessions/end", data=form).status_code == 404
    assert sorted(client.get("/account").status_code for client in (there, third)) == [200, 303]
    here.post("/account/sessions/end-others", data={"csrf_token": csrf(page)})
    assert [client.get("/account").status_code for client in (here, there, third)] == [200, 303, 303]
    here.post("/account/sessions/end-others", data={"csrf_token": csrf(page)})
    assert "There was no other session." in read(here.get("/account"))
