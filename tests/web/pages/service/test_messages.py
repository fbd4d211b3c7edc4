"""Service, messages: who is told is added, changed and ended by page; what waits and what failed is seen and sent again."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest

from app.domain.access import Role
from app.domain.notification import FOR_A_READER, FOR_THE_SENDER, Kind
from app.factory import publisher_of
from app.jobs.letter import NotDelivered
from app.jobs.notify import deliver
from app.jobs.post_office import PostOffice
from app.register.messages import recipients
from app.register.messages.recipients import ListedRecipient
from app.register.people import accounts
from app.register.people.enrolment import shred_user
from app.store import mails, runs
from app.store.mails import KeptMail
from app.store.outbox import MessageState
from app.store.recipients import Carrier, Recipient, Silencing
from tests.conftest import NOW

PAGE, NEW = "/service/messages", "/service/messages/recipients/new"
FOR_DCC = frozenset(FOR_A_READER) - FOR_THE_SENDER


@pytest.fixture
def admin(sign_in):
    return sign_in("admin@example.org", Role.ADMIN)


def fields_of(page, action=""):
    """The hidden fields of a page's form: of the last one, or of the one with this action."""
    forms = re.findall(r"<form[^>]* action=\"([^\"]+)\"[^>]*>(.*?)</form>", page.text.partition("<main")[2], re.DOTALL)
    found = [body for path, body in forms if action in path]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', found[-1]))


def filled(**more):
    """What a person fills in, in full."""
    return {
        "user": "DCC", "carrier": "e-mail", "address": "desk@dcc.example", "label": "DCC desk",
        "kinds": ["new", "starts"], "when": "at once",
    } | more  # fmt: skip


def faults_of(page):
    """What is said to be wrong, by field."""
    return {
        name: unescape(text)
        for name, text in re.findall(r'id="(\w+)-fault"><strong>Check this:</strong> ([^<]+)', page.text)
    }


def chosen_in(page):
    """What a form has ticked and selected."""
    ticked = re.findall(r'<input[^>]* name="(\w+)" value="([^"]+)"[^>]* checked>', page.text)
    selected = re.findall(r"<option(?: value=\"([^\"]+)\")? selected>([^<]+)", page.text)
    return [value for _, value in ticked], [value or words for value, words in selected]


@pytest.fixture
def add(admin):
    """Return a function that sends the form of a new recipient."""
    return lambda **more: admin.post(NEW, data=fields_of(admin.get(NEW)) | filled(**more))


@pytest.fixture
def let_in(store):
    """Return a function that lets a recipient in without a page."""

    def make(label="desk", *kinds, user=None, digest=None, carrier=Carrier.EMAIL, address="desk@dcc.example"):
        return recipients.add_recipient(
            store, label=label, carrier=carrier, address=address, kinds=kinds or {Kind.NEW}, digest_hour=digest,
            user_code=user, now=NOW,
        ).recipient  # fmt: skip

    return make


class Carriers:
    """What carries letters: it keeps them, or fails as it is told to."""

    def __init__(self):
        self.kept = []
        self.fault = None

    def __call__(self, letter):
        if self.fault is not None:
            raise self.fault
        self.kept.append(letter)


@pytest.fixture
def carriers():
    return Carriers()


@pytest.fixture
def send(service, clock, carriers):
    """Return a function that does the scheduler's work once."""
    office = PostOffice(publisher_of(service.settings), dict.fromkeys(Carrier, carriers))
    return lambda: deliver(service.register, office, clock)


@pytest.fixture
def failed(alpha, give, announce, let_in, carriers, send):
    """A recipient whose message the mail server refused for good."""
    held = let_in()
    give(alpha, announce("u1", "2026-12-06T02:00"))
    carriers.fault = NotDelivered("the mail server refused the address (550)", for_good=True)
    send()
    return held


def states(store):
    return [one.message.state for one in recipients.list_messages(store, tuple(MessageState))]


def test_nobody_and_nothing_is_said_in_words(admin, read):
    words = read(admin.get(PAGE))
    assert "Nobody is told anything yet A recipient hears of new, moved and withdrawn closures" in words
    assert "Nothing waits, and nothing has failed What is sent leaves from here within seconds" in words
    assert "could not be sent" not in words
    assert "Nothing was sent in the time for which messages are kept." in read(admin.get(f"{PAGE}?sent=yes"))


def test_a_recipient_by_e_mail_is_added_and_listed(admin, add, read, store):
    assert add(kinds=["starts", "new"], when="daily at 08:00 London time").location == PAGE
    (one,) = recipients.list_recipients(store)
    held = Recipient(
        id=one.recipient.id, label="DCC desk", carrier=Carrier.EMAIL, address="desk@dcc.example",
        kinds=frozenset({Kind.NEW, Kind.STARTS}), digest_hour=8, created_at=NOW,
    )  # fmt: skip
    assert one == ListedRecipient(held, "")
    words = read(admin.get(PAGE))
    assert "desk@dcc.example is told from now on." in words
    assert (
        "DCC desk E-mail to desk@dcc.example Since Tue 24 Nov 2026 09:00 GMT (2026-11-24 09:00 UTC) "
        "Every User's closures Told of new, starts Daily at 08:00 London time End…"
    ) in words


def test_a_mailbox_is_invited_whatever_is_ticked(admin, add, let_in, read, store):
    assert add(carrier="invitation", kinds=["new", "receipt"]).location == PAGE
    (one,) = recipients.list_recipients(store)
    assert (one.recipient.carrier, one.recipient.kinds) == (Carrier.INVITATION, {Kind.REVISION})
    words = read(admin.get(PAGE))
    assert "Invitation to desk@dcc.example" in words
    assert "Every User's closures Told of everything At once" in words
    assert "No mail server is set here." in words
    path = f"{PAGE}/recipients/{one.recipient.id}"
    page = admin.get(path)
    assert 'name="kinds"' not in page.text
    form = fields_of(page, path) | {"address": "other@dcc.example", "label": "x", "when": "daily at 08:00 London time"}
    assert admin.post(path, data=form).location == PAGE
    (changed,) = recipients.list_recipients(store)
    assert changed.recipient == replace(one.recipient, address="other@dcc.example", label="x", digest_hour=8)


def test_a_users_recipient_may_have_receipts_and_hears_of_it_alone(admin, add, alpha, read, store):
    assert add(user="ALPHA", kinds=[kind.value for kind in FOR_A_READER]).location == PAGE
    (one,) = recipients.list_recipients(store)
    assert (one.user, one.recipient.kinds, one.recipient.digest_hour) == ("ALPHA", frozenset(FOR_A_READER), None)
    assert "Closures of ALPHA alone Told of everything At once" in read(admin.get(PAGE))


def test_the_form_begins_with_everything_that_is_for_dcc(admin):
    page = admin.get(NEW)
    ticked, selected = chosen_in(page)
    assert (ticked[0], set(ticked[1:])) == ("e-mail", {kind.value for kind in FOR_DCC})
    assert selected == ["DCC", "at once"]


def test_a_webhooks_secret_is_shown_once(admin, add, store, csrf, read):
    shown = add(carrier="webhook", address=" https://ops.example/hook ").location
    (one,) = recipients.list_recipients(store)
    assert (one.recipient.carrier, one.recipient.address) == (Carrier.WEBHOOK, "https://ops.example/hook")
    page = admin.get(shown)
    assert f'value="{one.recipient.secret}" readonly' in unescape(page.text)
    assert "DCC desk is told from now on, at https://ops.example/hook." in read(page)
    for path in (PAGE, f"{PAGE}/recipients/{one.recipient.id}"):
        assert one.recipient.secret.removeprefix("whsec_") not in unescape(admin.get(path).text)
    assert admin.post(shown, data={"csrf_token": csrf(page)}).location == PAGE
    gone = admin.get(shown)
    assert (gone.status_code, f'<a href="{PAGE}">webhook</a>' in gone.text) == (410, True)


@pytest.mark.parametrize("carrier", [Carrier.EMAIL, Carrier.WEBHOOK, Carrier.INVITATION])
def test_a_form_sent_twice_adds_one(admin, store, carrier):
    address = "https://b.example" if carrier is Carrier.WEBHOOK else "a@b.example"
    form = fields_of(admin.get(NEW)) | filled(carrier=carrier.value, address=address)
    first, second = (admin.post(NEW, data=form) for _ in range(2))
    assert (first.status_code, first.location) == (303, second.location)
    assert [one.recipient.address for one in recipients.list_recipients(store)] == [address]
    # What goes by mail has no secret to show.
    assert admin.get(f"/shown-once/{form['form_id']}").status_code == (200 if carrier is Carrier.WEBHOOK else 410)
    assert admin.post(f"/shown-once/{form['form_id']}", data=form).status_code == 303


NO_WEBHOOK = (
    "That is not an address that may be asked. "
    "Give https:// with a host name, no user name in it, and port 443 or 8443."
)


def test_an_alertmanager_is_added_shown_with_how_it_stands_and_changed(
    admin, add, read, store, alpha, announce, give, clock
):
    give(alpha, announce("u1", "2026-11-27T02:00"), announce("u2", "2026-11-27T02:00", gateway="GW-A2"))
    typed = {"carrier": "alertmanager", "address": "https://ops:hunter2@am.example/", "kinds": [], "when": "",
             "matchers": 'site="{gateway}"', "gateways": "gw-a1, GW-A2"}  # fmt: skip
    assert add(**typed).location == PAGE
    (one,) = recipients.list_recipients(store)
    silencing = Silencing('site="{gateway}"', frozenset({"GW-A1", "GW-A2"}), "ops:hunter2")
    held = Recipient(
        id=one.recipient.id, label="DCC desk", carrier=Carrier.ALERTMANAGER, address="https://am.example",
        kinds=frozenset(), digest_hour=None, created_at=NOW, silencing=silencing,
    )  # fmt: skip
    assert one == ListedRecipient(held, "")
    stands = 'Every User\'s closures Silences site="{gateway}" of GW-A1, GW-A2 '
    page = admin.get(PAGE)
    assert f"{stands}Out of step since Tue 24 Nov 2026 09:00 GMT (2026-11-24 09:00 UTC)." not in read(page)
    assert f"{stands}In step at Tue 24 Nov 2026 09:00 GMT (2026-11-24 09:00 UTC), with 2 silences" in read(page)
    with store.writing() as connection:
        runs.write_bridge(connection, held.id, NOW, "it answered 500")
    page = admin.get(PAGE)
    assert f"{stands}Out of step since Tue 24 Nov 2026 09:00 GMT (2026-11-24 09:00 UTC). It answered 500." in read(page)
    path = f"{PAGE}/recipients/{held.id}"
    form = admin.get(path)
    assert "hunter2" not in page.text + form.text
    assert "Tell when" not in form.text
    wrong = filled(address="https://other.example", matchers='a="b"', gateways="GW A?")
    assert faults_of(admin.post(path, data=fields_of(form, path) | wrong)) == {
        "matchers": 'These matchers would silence other gateways too. Let one of them need the gateway, as gateway="{gateway}".',
        "gateways": "That is not a code. A code starts with a letter or digit and has at most 32 letters, digits, hyphens and underscores.",
    }  # fmt: skip
    elsewhere = admin.post(
        path, data=fields_of(form, path) | filled(address="https://other.example", matchers='a="{gateway}"')
    )
    assert (elsewhere.status_code, "An Alertmanager&#39;s address stays." in elsewhere.text) == (422, True)
    more = filled(label="Ops", address="https://am.example", matchers='gateway="{gateway}"', gateways="")
    assert admin.post(path, data=fields_of(form, path) | more).location == PAGE
    changed = replace(held, label="Ops", silencing=Silencing('gateway="{gateway}"', frozenset(), "ops:hunter2"))
    assert recipients.list_recipients(store) == [ListedRecipient(changed, "")]
    recipients.remove_recipient(store, held.id, NOW)
    assert "Ops was ended, and its silences are to be taken away yet: it answered 500." in read(admin.get(PAGE))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"address": "http://am.example"}, "address"), ({"address": "https://am.example:9093"}, "address"),
     ({"matchers": ""}, "matchers"), ({"label": ""}, "label")],
)  # fmt: skip
def test_an_alertmanager_that_cannot_be_is_named_at_its_field(add, store, wrong, field):
    page = add(**({"carrier": "alertmanager", "address": "https://am.example", "matchers": 'a="{gateway}"'} | wrong))
    assert (page.status_code, list(faults_of(page)), recipients.list_recipients(store)) == (422, [field], [])


@pytest.mark.parametrize(
    ("wrong", "faults"),
    [
        ({"user": "NOBODY"}, {"user": "Choose one of the list."}),
        ({"user": ""}, {"user": "Choose one of the list."}),
        ({"carrier": "pigeon"}, {"carrier": "Choose one of the list."}),
        ({"address": "nobody"}, {"address": "That is not an e-mail address. Write it as name@example.org."}),
        ({"address": "https://b.example"}, {"address": "That is not an e-mail address. Write it as name@example.org."}),
        ({"carrier": "webhook"}, {"address": NO_WEBHOOK}),
        ({"carrier": "webhook", "address": "http://b.example"}, {"address": NO_WEBHOOK}),
        ({"carrier": "webhook", "address": "https://a:b@b.example"}, {"address": NO_WEBHOOK}),
        (
            {"label": ""},
            {"label": "That is not a name. Give 1 to 200 characters on one line, without control characters."},
        ),
        ({"kinds": []}, {"kinds": "There is nothing to tell. Name at least one kind."}),
        ({"kinds": ["breach"]}, {"kinds": "There is nothing to tell. Name at least one kind."}),
        (
            {"kinds": ["new", "receipt"]},
            {"kinds": "Receipts and reminders are for a User. Name the User, or leave these kinds out."},
        ),
        ({"when": "never"}, {"when": "Choose one of the list."}),
        (
            {"address": "", "kinds": [], "when": ""},
            {
                "address": "That is not an e-mail address. Write it as name@example.org.",
                "kinds": "There is nothing to tell. Name at least one kind.",
                "when": "Choose one of the list.",
            },
        ),
    ],
)
def test_what_does_not_fit_is_named_at_its_field_and_nothing_typed_is_lost(admin, add, alpha, store, wrong, faults):
    page = add(**wrong)
    assert (page.status_code, faults_of(page), recipients.list_recipients(store)) == (422, faults, [])
    assert set(re.findall(r'<a href="#(\w+)">', page.text)) == set(faults)
    assert all(f' id="{name}"' in page.text for name in faults)
    sent = filled(**wrong)
    assert f'name="address" value="{sent["address"]}"' in page.text
    assert f'name="label" value="{sent["label"]}"' in page.text
    known = {*(one.value for one in Carrier), *(one.value for one in Kind), "DCC", "at once"}
    ticked, selected = chosen_in(page)
    assert set(ticked + selected) == {sent["user"], sent["carrier"], *sent["kinds"], sent["when"]} & known
    put_right = admin.post(NEW, data=fields_of(page) | filled())
    assert (put_right.status_code, len(recipients.list_recipients(store))) == (303, 1)


def test_a_form_without_its_id_is_refused_and_keeps_what_was_typed(admin, add, store):
    page = add(form_id="zz", label="Typed with care")
    assert (page.status_code, recipients.list_recipients(store)) == (422, [])
    assert "There is no such form. Open its page again." in page.text
    assert 'value="Typed with care"' in page.text


def test_a_recipient_is_shown_as_it_is_and_changed(admin, alpha, let_in, store, read):
    held = let_in("Alpha", Kind.NEW, Kind.RECEIPT, user="ALPHA", digest=8)
    path = f"{PAGE}/recipients/{held.id}"
    assert f'href="{path}"' in admin.get(PAGE).text
    page = admin.get(path)
    assert (page.status_code, chosen_in(page)) == (200, (["new", "receipt"], ["daily at 08:00 London time"]))
    assert 'value="desk@dcc.example"' in page.text
    assert (
        "Told of the closures of ALPHA alone By e-mail Since Tue 24 Nov 2026 09:00 GMT (2026-11-24 09:00 UTC)"
        in read(page)
    )
    # Carrier and User are no fields of this form: what is sent of them changes nothing.
    form = fields_of(page, path) | filled(
        kinds=["open", "reminder"], when="daily at 00:00 London time", carrier="webhook"
    )
    for _ in range(2):
        assert admin.post(path, data=form).location == PAGE
    changed = replace(held, label="DCC desk", kinds=frozenset({Kind.OPEN, Kind.REMINDER}), digest_hour=0)
    assert recipients.list_recipients(store) == [ListedRecipient(changed, "ALPHA")]
    assert "desk@dcc.example is told as you chose from now on." in read(admin.get(PAGE))


def test_a_webhook_keeps_its_secret_when_its_address_changes(admin, let_in, store):
    held = let_in(carrier=Carrier.WEBHOOK, address="https://b.example/1")
    path = f"{PAGE}/recipients/{held.id}"
    form = fields_of(admin.get(path), path) | filled(address="http://b.example/2")
    refused = admin.post(path, data=form)
    assert (refused.status_code, faults_of(refused)) == (422, {"address": NO_WEBHOOK})
    assert 'value="http://b.example/2"' in refused.text
    assert recipients.list_recipients(store) == [ListedRecipient(held, "")]
    assert admin.post(path, data=form | {"address": "https://b.example/2", "kinds": ["new"]}).location == PAGE
    changed = replace(held, address="https://b.example/2", label="DCC desk")
    assert recipients.list_recipients(store) == [ListedRecipient(changed, "")]


def test_somebody_at_dcc_is_offered_no_receipts(admin, let_in, store):
    held = let_in()
    path = f"{PAGE}/recipients/{held.id}"
    page = admin.get(path)
    assert set(re.findall(r'name="kinds" value="([\w-]+)"', page.text)) == {kind.value for kind in FOR_DCC}
    refused = admin.post(path, data=fields_of(page, path) | filled(kinds=["receipt"]))
    assert (refused.status_code, set(faults_of(refused))) == (422, {"kinds"})
    assert recipients.list_recipients(store) == [ListedRecipient(held, "")]


def test_a_recipient_is_ended_once_however_often_it_is_pressed(admin, let_in, store, read):
    held, stays = let_in("gone"), let_in("stays")
    path = f"{PAGE}/recipients/{held.id}"
    form = fields_of(admin.get(PAGE), path)
    for _ in range(2):
        assert admin.post(f"{path}/remove", data=form).location == PAGE
    assert [one.recipient.id for one in recipients.list_recipients(store)] == [stays.id]
    assert "The recipient is told nothing more; what waited for it is not sent." in read(admin.get(PAGE))
    again = fields_of(admin.get(f"{PAGE}/recipients/{stays.id}"), "/remove")
    assert admin.post(f"{path}/remove", data=again).status_code == 404
    assert [admin.get(path).status_code, admin.post(path, data=again | filled()).status_code] == [404, 404]
    # It was refused, so the form is still good for what it was made for.
    assert admin.post(f"{PAGE}/recipients/{stays.id}/remove", data=again).location == PAGE
    assert recipients.list_recipients(store) == []


def test_what_waits_says_when_it_is_tried_again_and_why_it_was_not_sent(
    admin, alpha, give, announce, let_in, carriers, send, clock, read
):
    let_in("desk")
    give(alpha, announce("u1", "2026-12-06T02:00"))
    carriers.fault = NotDelivered("the webhook answered 500")
    send()
    made = "Tue 24 Nov 2026 09:00 GMT (2026-11-24 09:00 UTC)"
    row = f"desk {made} Tried once: the webhook answered 500 Tue 24 Nov 2026 09:01 GMT (2026-11-24 09:01 UTC)"
    words = read(admin.get(PAGE))
    assert row in words
    assert "Nothing waits" not in words
    clock.forward(minutes=3)
    assert f"{row} Does the scheduler work?" not in read(admin.get(PAGE))
    clock.forward(seconds=1)
    assert f"{row} overdue Does the scheduler work?" in read(admin.get(PAGE))
    send()
    assert (
        f"desk {made} Tried twice: the webhook answered 500 Tue 24 Nov 2026 09:07 GMT (2026-11-24 09:07 UTC)"
        in read(admin.get(PAGE))
    )


def test_an_attempt_of_which_nobody_knows_the_end_is_said_to_be_one(
    admin, alpha, give, announce, let_in, carriers, send, read
):
    let_in("desk")
    give(alpha, announce("u1", "2026-12-06T02:00"))
    carriers.fault = KeyboardInterrupt()  # the process ends while a letter is with its carrier
    with pytest.raises(KeyboardInterrupt):
        send()
    assert "Tried once; of one attempt the end is not known Tue 24 Nov 2026 09:01 GMT" in read(admin.get(PAGE))


def test_what_gathers_for_a_digest_says_when_it_is_told(admin, alpha, give, announce, let_in, send, clock, read):
    let_in("digest", digest=10)
    for uid, day in (("u1", "06"), ("u2", "20")):
        give(alpha, announce(uid, f"2026-12-{day}T02:00"))
    send()
    row, at_ten = "digest 2 things to tell", "Tue 24 Nov 2026 10:00 GMT (2026-11-24 10:00 UTC)"
    found = []
    for minute in (0, 25, 50, 60, 62, 63):
        clock.now = NOW + timedelta(minutes=minute)
        found.append(re.search(rf"{row} (.*?) (?:Does|Show)", read(admin.get(PAGE)))[1])
    assert found == [at_ten, at_ten, at_ten, "Now", "Now", f"Since {at_ten} overdue"]


def test_a_message_that_failed_says_why_and_is_sent_again(admin, failed, carriers, send, store, read):
    page = admin.get(PAGE)
    made = "Tue 24 Nov 2026 09:00 GMT (2026-11-24 09:00 UTC)"
    assert "1 message could not be sent. See why" in read(page)
    assert f"desk {made} The mail server refused the address (550). Tried once, given up {made} Send again" in read(
        page
    )
    (path,) = re.findall(r'action="([^"]+/resend)"', page.text)
    form = fields_of(page, path)
    for _ in range(2):
        assert admin.post(path, data=form).location == f"{PAGE}#outbox"
    assert states(store) == [MessageState.WAITING]
    words = read(admin.get(PAGE))
    assert "The message waits for its next attempt, within seconds if the scheduler runs." in words
    assert "could not be sent" not in words
    carriers.fault = None
    send()
    assert [letter.id for letter in carriers.kept] == [path.split("/")[-2]]
    assert admin.post(path, data=form).status_code == 303
    words = read(admin.get(f"{PAGE}?sent=yes"))
    assert "Nothing to do: the message is sent." in words
    assert f"desk {made} Sent {made}" in words
    assert f"desk {made} Sent" not in read(admin.get(PAGE))
    assert states(store) == [MessageState.SENT]


def test_a_corrected_address_is_where_it_is_sent_again(admin, failed, carriers, send):
    path = f"{PAGE}/recipients/{failed.id}"
    admin.post(path, data=fields_of(admin.get(path), path) | filled(address="right@dcc.example"))
    page = admin.get(PAGE)
    (resend,) = re.findall(r'action="([^"]+/resend)"', page.text)
    admin.post(resend, data=fields_of(page, resend))
    carriers.fault = None
    send()
    assert [letter.address for letter in carriers.kept] == ["right@dcc.example"]


def test_what_failed_for_somebody_who_is_told_no_more_stays_as_history(
    admin, alpha, failed, give, announce, let_in, send, store, read, clock
):
    let_in("Alpha", user="ALPHA")
    give(alpha, announce("u2", "2026-12-20T02:00"))
    clock.forward(minutes=1)
    send()
    recipients.remove_recipient(store, failed.id, NOW)
    shred_user(store, "ALPHA", NOW)
    page = admin.get(PAGE)
    assert states(store) == [MessageState.DEAD] * 3
    words = read(page)
    assert words.count("Nothing: it has no recipient any more") == 3
    assert words.count("desk ended Tue 24 Nov 2026") == 2
    assert words.count("a User whose key was destroyed Tue 24 Nov 2026 09:01 GMT") == 1
    assert "could not be sent. See why" not in words
    assert "/resend" not in page.text


@pytest.mark.parametrize("message_id", ["00", "nothing", "0" * 32])
def test_a_message_that_is_not_there_is_not_sent_again(admin, csrf, message_id):
    form = {"csrf_token": csrf(admin.get(PAGE))}
    assert admin.post(f"{PAGE}/outbox/{message_id}/resend", data=form).status_code == 404


@pytest.fixture
def mail_server(environ):
    """A service whose settings name a mail server; to be asked for before the application is."""
    environ["CLOSURES_SMTP_URL"] = "smtp://mail.example"


MISSING = "No mail server is set here."


def test_a_missing_mail_server_is_said_where_e_mail_would_need_one(admin, let_in, read):
    assert (MISSING in read(admin.get(PAGE)), MISSING in read(admin.get(NEW))) == (False, True)
    let_in(carrier=Carrier.WEBHOOK, address="https://b.example")
    assert MISSING not in read(admin.get(PAGE))
    let_in()
    assert MISSING in read(admin.get(PAGE))


def test_where_there_is_a_mail_server_nothing_is_said(mail_server, admin, let_in, read):
    let_in()
    assert (MISSING in read(admin.get(PAGE)), MISSING in read(admin.get(NEW))) == (False, False)


def test_hostile_names_stay_text(admin, let_in, alpha, give, announce, carriers, send):
    let_in('"><script>alert(1)</script>', address="a@b.example")
    give(alpha, announce("u1", "2026-12-06T02:00"))
    carriers.fault = NotDelivered("<script>", for_good=True)
    send()
    page = admin.get(PAGE)
    assert (page.status_code, "<script>" in page.text) == (200, False)


@pytest.mark.parametrize("role", [Role.DCC, Role.USER, Role.OPS])
def test_these_pages_are_an_admins_alone(sign_in, alpha, failed, store, csrf, role):
    client = sign_in("somebody@example.org", role, *(("ALPHA",) if role is Role.USER else ()))
    form = filled(csrf_token=csrf(client.get("/account")), form_id="0" * 32)
    (dead,) = recipients.list_messages(store, [MessageState.DEAD])
    one = f"{PAGE}/recipients/{failed.id}"
    writes = (NEW, one, f"{one}/remove", f"{PAGE}/outbox/{dead.message.id.hex()}/resend")
    answers = [client.get(path).status_code for path in (PAGE, NEW, one)]
    answers += [client.post(path, data=form).status_code for path in writes]
    assert answers == [403] * 7
    assert recipients.list_recipients(store) == [ListedRecipient(failed, "")]
    assert states(store) == [MessageState.DEAD]
    assert f'href="{PAGE}"' not in client.get("/account").text


def test_it_stands_in_the_menu_of_service(admin):
    assert f'<a href="{PAGE}">Messages</a>' in admin.get("/service/accounts").text
    assert f'<a href="{PAGE}" aria-current="page">Messages</a>' in admin.get(PAGE).text
    assert f'<a href="{PAGE}" aria-current="true">Messages</a>' in admin.get(NEW).text


def test_what_was_typed_outlives_the_session(admin, clock, store, use_link, let_in):
    known = let_in("before")
    change = f"{PAGE}/recipients/{known.id}"
    for path, words, wanted in (
        (
            NEW,
            {"label": "Typed with care", "kinds": ["new", "late", "open"]},
            frozenset({Kind.NEW, Kind.LATE, Kind.OPEN}),
        ),
        (change, {"label": "Typed with care too", "kinds": ["moved", "late"]}, frozenset({Kind.MOVED, Kind.LATE})),
    ):
        form = fields_of(admin.get(path), path) | filled(user="DCC", when="daily at 07:00 London time", **words)
        clock.forward(minutes=31)
        assert admin.post(path, data=form).location == "/sign-in"
        (account,) = accounts.list_accounts(store)
        assert use_link(admin, account).location == "/unfinished"
        waiting = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', admin.get("/unfinished").text)
        kept = {}
        for name, value in waiting:
            kept.setdefault(name, []).append(unescape(value))
        kept["csrf_token"] = kept["csrf_token"][:1]
        answer = admin.post("/unfinished", data=kept)
        assert (answer.status_code, answer.location) == (307, path)
        assert admin.post(path, data=kept).location == PAGE
        (one,) = [one.recipient for one in recipients.list_recipients(store) if one.recipient.label == words["label"]]
        assert (one.kinds, one.digest_hour, one.address) == (wanted, 7, "desk@dcc.example")
    assert {one.recipient.label for one in recipients.list_recipients(store)} == {
        "Typed with care",
        "Typed with care too",
    }


def test_mail_that_was_put_aside_is_shown_with_why(admin, store, read):
    assert "Mail put aside" not in read(admin.get(PAGE))
    octets = b"From: <b>otto</b>@beta.example\r\nSubject: x\r\n\r\nHello \xff\0"
    with store.writing() as connection:
        kept = KeptMail(NOW, "no User has named the address that it is from", "otto@beta.example", "Hi <i>", octets)
        mails.insert_mail(store, connection, b"k" * 16, kept)
        mails.insert_mail(store, connection, b"l" * 16, KeptMail(NOW - timedelta(days=1), "it is larger than 5 MB"))
    page = admin.get(PAGE)
    words = read(page)
    assert (
        "otto@beta.example Tue 24 Nov 2026 09:00 GMT (2026-11-24 09:00 UTC) "
        "No User has named the address that it is from. What it says Hi <i> "
        "From: <b>otto</b>@beta.example Subject: x Hello ��"
    ) in words
    assert "nobody, or several Mon 23 Nov 2026 09:00 GMT (2026-11-23 09:00 UTC) It is larger than 5 MB." in words
    assert "<b>otto" not in page.text
