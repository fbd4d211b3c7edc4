"""A User's account chooses what it is told by mail: of its own Users alone, until it no longer acts for them."""

import json
import re

import pytest

from app.domain.access import Role
from app.factory import publisher_of
from app.jobs.notify import deliver
from app.jobs.post_office import PostOffice
from app.register.messages import recipients
from app.register.people import accounts
from app.store.recipients import Carrier


@pytest.fixture
def mails():
    return []


@pytest.fixture
def send(service, clock, mails):
    office = PostOffice(publisher_of(service.settings), {Carrier.EMAIL: mails.append})
    return lambda: deliver(service.register, office, clock)


@pytest.fixture
def choose(csrf):
    """Return a function that ticks kinds on the account's page."""

    def press(client, *kinds, when="at once"):
        sent = {"csrf_token": csrf(client.get("/account")), "kinds": list(kinds), "when": when}
        return client.post("/account/messages", data=sent, follow_redirects=True)

    return press


def ticked(client):
    page = client.get("/account").text
    return re.findall(r'name="kinds" value="(\w+)" checked', page), re.search(r"<option selected>([^<]+)", page)[1]


def held(store):
    """Return who is told of closures: address, User, kinds and hour."""
    return [
        (one.recipient.address, one.user, sorted(one.recipient.kinds), one.recipient.digest_hour)
        for one in recipients.list_recipients(store)
    ]


def test_what_is_chosen_comes_by_mail_and_of_the_own_user_alone(
    alpha, enrolled, give, announce, alpha_client, choose, send, mails, store
):
    beta = enrolled("BETA", "GW-B1")
    assert ticked(alpha_client) == ([], "at once")
    assert "You are told of what you chose, by e-mail." in choose(alpha_client, "new", "receipt").text
    assert ticked(alpha_client) == (["new", "receipt"], "at once")
    assert held(store) == [("alpha@example.org", "ALPHA", ["new", "receipt"], None)]
    give(alpha, announce("a", "2026-12-06T02:00"))
    give(beta, announce("b", "2026-12-06T02:00", gateway="GW-B1"))
    send()
    (letter,) = mails
    told = json.loads(letter.payload)["data"]["closures"]
    assert (letter.address, [(one["closure"]["gateway"], one["kinds"]) for one in told]) == (
        "alpha@example.org", [("GW-A1", ["new", "receipt"])],
    )  # fmt: skip


def test_a_choice_is_changed_and_ended(alpha, give, announce, alpha_client, choose, send, mails, store):
    choose(alpha_client, "new")
    choose(alpha_client, "moved", when="daily at 08:00 London time")
    assert held(store) == [("alpha@example.org", "ALPHA", ["moved"], 8)]
    assert ticked(alpha_client) == (["moved"], "daily at 08:00 London time")
    assert "You get no messages by e-mail." in choose(alpha_client).text
    assert held(store) == []
    give(alpha, announce("a", "2026-12-06T02:00"))
    send()
    assert mails == []
    assert choose(alpha_client, "new", when="sometimes").status_code == 400


def test_it_ends_with_the_right_to_know_and_follows_every_user(alpha, enrolled, sign_in, choose, store, clock):
    enrolled("BETA", "GW-B1")
    both = sign_in("both@example.org", Role.USER, "ALPHA", "BETA")
    choose(both, "withdrawn")
    assert sorted(held(store)) == [("both@example.org", code, ["withdrawn"], None) for code in ("ALPHA", "BETA")]
    account = next(one for one in accounts.list_accounts(store) if one.email == "both@example.org")
    accounts.change_rights(store, account, Role.USER, ["BETA"], clock())
    assert [one[1] for one in held(store)] == ["BETA"]
    accounts.close_account(store, account, clock())
    assert held(store) == []


def test_staff_choose_nothing_here(dcc_client, choose):
    assert "Messages by e-mail" not in dcc_client.get("/account").text
    assert choose(dcc_client, "new").status_code == 403
