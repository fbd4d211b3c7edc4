"""Invitations and ways back in by mail: what leaves, what it opens, and that asking tells nobody who is there."""

import re
from dataclasses import replace

import pytest

from app.domain.access import Role
from app.factory import publisher_of
from app.jobs.letter import NotDelivered
from app.jobs.notify import deliver
from app.jobs.post_office import PostOffice
from app.register.people import accounts
from app.register.verification import verify_record
from app.store.recipients import Carrier
from app.web.site import EXTENSION
from tests.web.signin.person import PASSWORD

OTHER = "another horse entirely"


@pytest.fixture
def mails(web):
    """The service with a mail server; the letters that it was handed."""
    web.extensions[EXTENSION] = replace(web.extensions[EXTENSION], sends_mail=True)
    return []


@pytest.fixture
def send(service, clock, mails):
    """Return a function that does the scheduler's work once."""
    office = PostOffice(publisher_of(service.settings), {Carrier.EMAIL: mails.append})
    return lambda: deliver(service.register, office, clock)


def link_in(letter):
    return re.search(r"https?://\S+/sign-in/(\S+)", letter.text)[1]


def test_an_invitation_goes_by_mail_and_lets_its_owner_set_up_a_sign_in(
    mails, send, sign_in, csrf, person, read, settings, register
):
    admin = sign_in("admin@example.org", Role.ADMIN)
    page = admin.get("/service/accounts/new")
    form = dict(re.findall(r'name="(csrf_token|form_id)" value="([^"]+)"', page.text.partition("<main")[2]))
    form |= {"email": "New@Example.org", "role": "dcc", "by_mail": "yes"}
    for _ in range(2):
        answer = admin.post("/service/accounts", data=form)
        assert (answer.status_code, answer.location) == (303, "/service/accounts")
    assert "An invitation is on its way by e-mail." in read(admin.get("/service/accounts"))
    assert "new@example.org (a sign-in link)" in read(admin.get("/service/messages"))
    send()
    send()
    (letter,) = mails
    assert (letter.address, letter.subject) == ("new@example.org", "Your invitation to Planned gateway closures")
    assert letter.leave == ""  # nobody asked for more than this one
    assert letter.text == (
        "You are invited to Planned gateway closures. Users tell the DCC there when they plan to close a gateway.\n\n"
        "Open this link, press the button, and choose a password and a second factor:\n"
        f"{settings.base_url}/sign-in/{link_in(letter)}\n\n"
        "The link works once, until Wed 25 Nov 2026 09:00 GMT, for whoever opens it first: pass it on to nobody.\n"
    )
    new = person("new@example.org")
    new.follow(link_in(letter))
    assert new.choose_password().location == "/set-up/second-factor"
    assert new.client.get(f"/sign-in/{link_in(letter)}").status_code == 403
    assert verify_record(register).faults == ()


def test_without_a_mail_server_or_unticked_the_link_is_shown(web, sign_in, csrf, mails, send):
    admin = sign_in("admin@example.org", Role.ADMIN)
    page = admin.get("/service/accounts/new")
    form = dict(re.findall(r'name="(csrf_token|form_id)" value="([^"]+)"', page.text.partition("<main")[2]))
    answer = admin.post("/service/accounts", data=form | {"email": "new@example.org", "role": "dcc"})
    assert "/sign-in/gwfr_" in admin.get(answer.location).text
    send()
    assert mails == []
    web.extensions[EXTENSION] = replace(web.extensions[EXTENSION], sends_mail=False)
    assert "by_mail" not in admin.get("/service/accounts/new").text
    assert "This service sends no e-mail." in web.test_client().get("/sign-in/forgotten").text


def test_a_way_back_asks_for_the_second_factor_and_lets_choose_a_new_password(mails, send, ann, person):
    ann.sign_out()
    back = person("dcc@example.org", "203.0.113.9")
    back.post("/sign-in/forgotten", email=" DCC@example.org ")
    send()
    (letter,) = mails
    assert (letter.address, letter.subject) == ("dcc@example.org", "Your way back in to Planned gateway closures")
    assert back.follow(link_in(letter)).location == "/sign-in/second-factor"
    assert back.client.get("/").location == "/sign-in"
    back.secret = ann.secret
    assert back.give_code().location == "/"
    assert back.choose_password(OTHER).status_code == 303
    assert ann.sign_in(PASSWORD).status_code == 422
    assert ann.sign_in(OTHER).location == "/sign-in/second-factor"


def test_asking_says_the_same_of_an_address_that_is_known_closed_or_nobodys(
    mails, send, person, add_account, store, clock, read
):
    add_account("known@example.org", Role.OPS)
    accounts.close_account(store, add_account("closed@example.org", Role.OPS), clock())
    said = []
    for name in ("known", "closed", "nobody"):
        answer = person("x").post("/sign-in/forgotten", email=f"{name}@example.org")
        said.append((answer.status_code, read(answer).replace(name, "NAME"), sorted(answer.headers.keys())))
    assert said[0] == said[1] == said[2]
    assert "If NAME@example.org has an account here, a link is on its way." in said[0][1]
    send()
    assert [letter.address for letter in mails] == ["known@example.org"]


@pytest.mark.parametrize("name", ["known", "nobody"])
def test_an_address_gets_three_letters_an_hour_known_or_not(mails, send, person, add_account, clock, name):
    add_account("known@example.org", Role.OPS)
    asked = [
        person("x", f"203.0.{number}.9").post("/sign-in/forgotten", email=f"{name}@example.org") for number in range(5)
    ]
    assert [answer.status_code for answer in asked] == [200, 200, 200, 429, 429]
    assert asked[-1].headers["Retry-After"] == "3600"
    assert "There were too many tries just now." in asked[-1].text
    send()
    assert len(mails) == (3 if name == "known" else 0)
    clock.forward(hours=1)
    assert person("x").post("/sign-in/forgotten", email=f"{name}@example.org").status_code == 200


def test_a_network_asks_twenty_times_an_hour(mails, person):
    one = person("x", "203.0.113.9")
    found = [one.post("/sign-in/forgotten", email=f"n{number}@example.org").status_code for number in range(21)]
    assert found == [200] * 20 + [429]


def test_a_letter_that_fails_is_tried_again_with_a_link_that_works_and_dropped_once_its_account_is_closed(
    mails, service, clock, person, add_account, store
):
    account = add_account("ops@example.org", Role.OPS)
    person("x").post("/sign-in/forgotten", email="ops@example.org")

    def fail(letter):
        mails.append(letter)
        raise NotDelivered("the mail server declined (452)")

    office = PostOffice(publisher_of(service.settings), {Carrier.EMAIL: fail})
    deliver(service.register, office, clock)
    deliver(service.register, office, lambda: clock.forward(minutes=2))
    assert len({link_in(letter) for letter in mails}) == len(mails) == 2
    assert person("ops@example.org").follow(link_in(mails[-1])).status_code == 303
    accounts.close_account(store, account, clock())
    deliver(service.register, office, lambda: clock.forward(minutes=20))
    assert len(mails) == 2


def test_an_admin_sends_a_link_from_the_page_of_an_account(mails, send, sign_in, add_account, read):
    admin, account = sign_in("admin@example.org", Role.ADMIN), add_account("ops@example.org", Role.OPS)
    page = admin.get(f"/service/accounts/{account.id.hex()}")
    form = page.text.partition("/mail-link")[2].partition("</form>")[0]
    fields = dict(re.findall(r'name="(csrf_token|form_id)" value="([^"]+)"', form))
    for _ in range(2):
        admin.post(f"/service/accounts/{account.id.hex()}/mail-link", data=fields)
    send()
    assert [letter.subject for letter in mails] == ["Your invitation to Planned gateway closures"]
    shown = admin.get(f"/shown-once/{fields['form_id']}")
    assert "A one-time link goes to ops@example.org by e-mail." in read(shown)
