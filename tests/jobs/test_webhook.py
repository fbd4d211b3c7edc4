"""Letters by webhook, against a real receiver over TLS on loopback that verifies what it gets."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import time_machine
from standardwebhooks import Webhook, WebhookVerificationError

from app.domain.refusal import Refusal
from app.jobs.letter import Letter, NotDelivered
from app.jobs.notify import Sent, deliver
from app.jobs.post_office import PostOffice
from app.jobs.webhook import send_webhook
from app.pulling.http_client import Outbound
from app.store.recipients import Carrier

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SECRET = "whsec_" + "QUJD" * 11


@pytest.fixture
def outbound(certificate):
    """The way out as it ships, but that it may lead to loopback and trusts the receiver's certificate."""
    return Outbound(allow_private=True, resolve=lambda host, port: ["127.0.0.1"], trust=certificate[1])


def letter(url, **facts):
    whole = {
        "id": "0f" * 16, "address": url, "secret": SECRET, "subject": "", "text": "", "payload": '{"name":"Ærø"}'.encode(),
        "sent_at": NOW,
    }  # fmt: skip
    return Letter(**whole | facts)


def test_the_receiver_can_tell_whose_it_is(receiver, outbound):
    send_webhook(outbound, letter(receiver.url))
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
def test_any_other_answer_is_a_failure_and_no_redirect_is_followed(receiver, outbound, status, for_good):
    receiver.status = status
    with pytest.raises(NotDelivered) as refused:
        send_webhook(outbound, letter(receiver.url))
    assert (refused.value.fault, refused.value.for_good) == (f"the webhook answered {status}", for_good)
    assert len(receiver.posts) == 1


def test_end_to_end_with_the_secret_that_was_shown(
    register, alpha, announce, give, add_recipient, receiver, outbound, publisher, clock
):
    shown = add_recipient("ops", "new", carrier=Carrier.WEBHOOK, address=receiver.url)
    give(alpha, announce("u1", "2027-02-07T02:00"))
    office = PostOffice(publisher, {Carrier.WEBHOOK: partial(send_webhook, outbound)})
    assert deliver(register, office, clock) == Sent(1, 0)
    ((_, headers, body),) = receiver.posts
    with time_machine.travel(NOW):
        facts = Webhook(shown.secret).verify(body, headers)
    assert (facts["id"], facts["timestamp"]) == (headers["webhook-id"], "2026-11-24T09:00:00Z")
    (one,) = facts["data"]["closures"]
    assert (one["kinds"], one["closure"]["gateway"], one["closure"]["starts"]) == (
        ["new"],
        "GW-A1",
        "2027-02-07T02:00:00Z",
    )
    assert json.loads(body) == facts


NOWHERE = [
    "http://hook.example/", "https://hook.example:8080/", "https://user@hook.example/", "https://127.0.0.1/",
    "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/", "https://localhost/",
]  # fmt: skip


@pytest.mark.parametrize("url", NOWHERE)
def test_a_webhook_leads_nowhere_that_a_source_does_not(url):
    def dial(address, port, seconds):
        pytest.fail(f"{address} was connected to")

    with pytest.raises(NotDelivered) as refused:
        send_webhook(Outbound(dial=dial), letter(url))
    assert (refused.value.fault, refused.value.for_good) == ("the webhook could not be reached", False)


def test_a_receiver_that_cannot_prove_who_it_is_gets_nothing(receiver):
    with pytest.raises(NotDelivered, match="could not be reached"):
        send_webhook(Outbound(allow_private=True, resolve=lambda host, port: ["127.0.0.1"]), letter(receiver.url))
    assert receiver.posts == []


@pytest.mark.parametrize(
    "address", ["", "a", "a@", "@b", "a@b\r\nBcc: c@d", "a@b, c@d", "A <a@b>", "é@b.example", "a" * 250 + "@b.example"]
)
def test_an_e_mail_address_that_is_none_is_refused_at_once(add_recipient, address):
    with pytest.raises(Refusal, match="not an e-mail address"):
        add_recipient("dcc", "new", address=address or " ")


def test_receipts_and_reminders_are_for_users(add_recipient):
    with pytest.raises(Refusal, match="for a User"):
        add_recipient("dcc", "receipt")
