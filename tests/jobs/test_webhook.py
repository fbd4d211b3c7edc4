"""Letters by webhook, against a real receiver over TLS on loopback that verifies what it gets."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address

import pytest
import time_machine
from standardwebhooks import Webhook, WebhookVerificationError

from app.domain.refusal import Refusal
from app.jobs.letter import Letter, NotDelivered
from app.jobs.notify import Sent, deliver
from app.jobs.post import Outside, is_public
from app.jobs.post_office import PostOffice
from app.jobs.webhook import send_webhook
from app.store.recipients import Carrier

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SECRET = "whsec_" + "QUJD" * 11


@pytest.fixture
def outside(receiver, certificate):
    """How a post reaches the receiver: everything as it ships, but for loopback, its port and its certificate."""
    return Outside(
        ports=frozenset({receiver.server_port}), may_reach=lambda address: address.is_loopback, trust=certificate[1],
        resolve=lambda host, port: ["127.0.0.1"],
    )  # fmt: skip


def letter(url, **facts):
    whole = {
        "id": "0f" * 16, "address": url, "secret": SECRET, "subject": "", "text": "", "payload": '{"name":"Ærø"}'.encode(),
        "sent_at": NOW,
    }  # fmt: skip
    return Letter(**whole | facts)


def test_the_receiver_can_tell_whose_it_is(receiver, outside):
    send_webhook(outside.post, letter(receiver.url))
    ((path, headers, body),) = receiver.posts
    assert (path, headers["Content-Type"], headers["webhook-id"]) == (
        "/hooks/closures?to=ops",
        "application/json",
        "0f" * 16,
    )
    with time_machine.travel(NOW + timedelta(minutes=4)):
        assert Webhook(SECRET).verify(body, headers) == {"name": "Ærø"}
        for altered in (body + b" ", body.replace("Ærø".encode(), b"Aro")):
            with pytest.raises(WebhookVerificationError):
                Webhook(SECRET).verify(altered, headers)
        with pytest.raises(WebhookVerificationError):
            Webhook("whsec_" + "QUJE" * 11).verify(body, headers)
    with time_machine.travel(NOW + timedelta(minutes=6)), pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body, headers)


@pytest.mark.parametrize(("status", "for_good"), [(302, False), (400, False), (410, True), (500, False)])
def test_any_other_answer_is_a_failure_and_no_redirect_is_followed(receiver, outside, status, for_good):
    receiver.status = status
    with pytest.raises(NotDelivered) as refused:
        send_webhook(outside.post, letter(receiver.url))
    assert (refused.value.fault, refused.value.for_good) == (f"the webhook answered {status}", for_good)
    assert len(receiver.posts) == 1


def test_end_to_end_with_the_secret_that_was_shown(
    register, alpha, announce, give, add_recipient, receiver, outside, publisher, clock
):
    shown = add_recipient("ops", "new", carrier=Carrier.WEBHOOK, address=receiver.url)
    give(alpha, announce("u1", "2027-02-07T02:00"))
    office = PostOffice(publisher, {Carrier.WEBHOOK: partial(send_webhook, outside.post)})
    assert deliver(register, office, clock) == Sent(1, 0)
    ((_, headers, body),) = receiver.posts
    with time_machine.travel(NOW):
        facts = Webhook(shown.secret).verify(body, headers)
    assert (facts["id"], facts["timestamp"]) == (headers["webhook-id"], "2026-11-24T09:00:00Z")
    (one,) = facts["data"]["closures"]
    assert (one["kinds"], one["closure"]["gateway_code"], one["closure"]["starts"]) == (
        ["new"],
        "GW-A1",
        "2027-02-07T02:00:00Z",
    )
    assert json.loads(body) == facts


# The shipped rules: nothing is connected to.

NOWHERE = (
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.0.8", "198.18.0.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::1",
    "fe80::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1",
)  # fmt: skip


@pytest.mark.parametrize("address", NOWHERE)
def test_no_way_inside(address):
    assert is_public(ip_address(address)) is False
    for found in ([address], ["93.184.215.14", address]):  # one bad address among good ones is enough
        with pytest.raises(NotDelivered, match="could not be reached"):
            Outside(resolve=lambda host, port, found=found: found).post("https://hook.example/", {}, b"")


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:93.184.215.14"])
def test_the_open_internet_may_be_reached(address):
    assert is_public(ip_address(address)) is True


@pytest.mark.parametrize("url", ["http://hook.example/", "https://hook.example:22/", "https://hook.example:8080/"])
def test_only_https_on_its_ports(url):
    with pytest.raises(NotDelivered) as refused:
        Outside(resolve=lambda host, port: pytest.fail("looked up")).post(url, {}, b"")
    assert refused.value.for_good is True


def test_a_name_is_looked_up_once_so_that_it_cannot_change_in_between(receiver, certificate):
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    outside = Outside(
        frozenset({receiver.server_port}), lambda address: address.is_loopback, lambda host, port: answers.pop(0),
        certificate[1],
    )  # fmt: skip
    assert outside.post(receiver.url, {}, b"{}") == 204
    assert len(answers) == 1


def test_a_receiver_that_cannot_prove_who_it_is_gets_nothing(receiver):
    outside = Outside(frozenset({receiver.server_port}), lambda address: True, lambda host, port: ["127.0.0.1"])
    with pytest.raises(NotDelivered, match="could not be reached"):
        outside.post(receiver.url, {}, b"{}")
    assert receiver.posts == []


@pytest.mark.parametrize(
    "address",
    [
        "http://hook.example/", "https://", "https://user@hook.example/", "https://hook.example/#x", "https://hook.example/a b",
        "https://hook.example:0/", "https://hook.example:x/", "https://hook.example/\x00", "ftp://hook.example/", "https://hööк.example/",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_asked_is_refused_at_once(add_recipient, address):
    with pytest.raises(Refusal, match="not the address of a webhook"):
        add_recipient("ops", "new", carrier=Carrier.WEBHOOK, address=address)


@pytest.mark.parametrize(
    "address", ["", "a", "a@", "@b", "a@b\r\nBcc: c@d", "a@b, c@d", "A <a@b>", "é@b.example", "a" * 250 + "@b.example"]
)
def test_an_e_mail_address_that_is_none_is_refused_at_once(add_recipient, address):
    with pytest.raises(Refusal, match="not an e-mail address"):
        add_recipient("dcc", "new", address=address or " ")


def test_receipts_and_reminders_are_for_users(add_recipient):
    with pytest.raises(Refusal, match="for a User"):
        add_recipient("dcc", "receipt")
