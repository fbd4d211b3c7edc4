"""``closures notify``: who is told what, and what became of each message."""

import base64

import pytest


def test_a_recipient_is_added_listed_and_removed(alpha_closures):
    said = alpha_closures(
        "notify", "add", "--email", "change@alpha.example", "--user", "alpha", "--label", "Alpha", "--json"
    )
    made = said.json
    assert (said.exit_code, made["user"], made["carrier"], made["secret"], made["digest_hour"]) == (
        0,
        "ALPHA",
        "e-mail",
        None,
        None,
    )
    assert made["kinds"] == [
        "new", "moved", "withdrawn", "late", "clash", "starts", "open", "over-time", "re-opened", "expired", "receipt", "reminder",
    ]  # fmt: skip
    del made["secret"]
    assert alpha_closures("notify", "list", "--json").json == {"recipients": [made], "altered": []}
    assert alpha_closures("notify", "list").lines == [
        "ID                LABEL  FOR    BY      ADDRESS               WHEN     KINDS",
        f"{made['id']}  Alpha  ALPHA  e-mail  change@alpha.example  at once  {' '.join(made['kinds'])}",
    ]
    assert alpha_closures("notify", "remove", made["id"]).lines == ["The recipient is removed."]
    again = alpha_closures("notify", "remove", made["id"])
    assert (again.exit_code, again.stderr.splitlines()[0]) == (
        1,
        "There is no such recipient, or it is removed already.",
    )
    assert alpha_closures("notify", "list").lines == ["Nobody is told anything yet."]


def test_a_webhooks_secret_is_shown_once(closures):
    made = closures(
        "notify", "add", "--webhook", "https://ops.example/hook", "--label", "ops", "--kind", "open", "--kind", "new", "--json"
    ).json  # fmt: skip
    assert (made["kinds"], made["user"]) == (["new", "open"], None)
    assert len(base64.b64decode(made["secret"].removeprefix("whsec_"), validate=True)) == 32
    for words in (("notify", "list", "--json"), ("notify", "list")):
        assert made["secret"].removeprefix("whsec_") not in closures(*words).stdout


def test_a_mailbox_is_invited_to_every_closure(alpha_closures):
    words = ("notify", "add", "--invitation", "desk@dcc.example", "--label", "desk")
    made = alpha_closures(*words, "--digest", "8", "--json").json
    assert (made["carrier"], made["address"], made["kinds"], made["digest_hour"], made["user"], made["secret"]) == (
        "invitation", "desk@dcc.example", ["revision"], 8, None, None,
    )  # fmt: skip
    assert "CLOSURES_SMTP_URL is not set here" in alpha_closures(*words).lines[-1]
    said = alpha_closures("notify", "change", made["id"], "--address", "other@dcc.example", "--at-once", "--json").json
    assert (said["address"], said["kinds"], said["digest_hour"]) == ("other@dcc.example", ["revision"], None)
    refused = alpha_closures(*words, "--kind", "new")
    assert (refused.exit_code, refused.stderr.splitlines()[0]) == (
        1, "Invitations follow each closure: there are no kinds to choose.",
    )  # fmt: skip


def test_somebody_at_dcc_gets_no_receipts(closures):
    made = closures("notify", "add", "--email", "a@dcc.example", "--label", "DCC", "--digest", "8", "--json").json
    assert (made["kinds"][-1], len(made["kinds"]), made["digest_hour"]) == ("expired", 10, 8)
    said = closures("notify", "add", "--email", "a@dcc.example", "--label", "DCC", "--kind", "receipt")
    assert (said.exit_code, said.stderr.splitlines()[0]) == (1, "Receipts and reminders are for a User.")


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("--label", "x"), 2),
        (("--label", "x", "--email", "a@b.example", "--webhook", "https://b.example"), 2),
        (("--label", "x", "--email", "a@b.example", "--digest", "24"), 2),
        (("--label", "x", "--email", "a@b.example", "--kind", "breach"), 2),
        (("--label", "x", "--email", "a@b.example", "--kind", "revision"), 2),
        (("--label", "x", "--email", "a@b.example", "--invitation", "a@b.example"), 2),
        (("--label", "x", "--invitation", "a b"), 1),
        (("--label", "x", "--email", "a b"), 1),
        (("--label", "x", "--webhook", "http://b.example"), 1),
        (("--label", "x", "--webhook", "https://user@b.example"), 1),
        (("--label", "x", "--webhook", "https://b.example:22/hook"), 1),
        (("--label", "x", "--webhook", " "), 1),
        (("--label", "x", "--email", "a@b.example", "--user", "NOBODY"), 1),
        (("--label", "", "--email", "a@b.example"), 1),
        (("--label", "x", "--email", "a@b.example", "--gateway", "GW-A1"), 2),
        (("--label", "x", "--alertmanager", "https://am.example", "--kind", "open"), 2),
        (("--label", "x", "--alertmanager", "https://am.example", "--gateway", "GW-A1"), 1),
        (("--label", "x", "--alertmanager", "https://am.example", "--matchers", 'a="b"'), 1),
        (("--label", "x", "--alertmanager", "http://am.example"), 1),
        (("--label", "x", "--alertmanager", "https://am.example:9093"), 1),
    ],
)
def test_what_does_not_fit_is_refused(closures, words, status):
    assert closures("notify", "add", *words).exit_code == status
    assert closures("notify", "list", "--json").json == {"recipients": [], "altered": []}


def test_a_recipient_is_changed_in_what_is_said_alone(alpha_closures):
    made = alpha_closures(
        "notify", "add", "--email", "a@alpha.example", "--user", "ALPHA", "--label", "Alpha", "--digest", "8", "--json"
    ).json  # fmt: skip
    del made["secret"]
    said = alpha_closures("notify", "change", made["id"], "--address", "desk@alpha.example")
    assert said.lines == ["desk@alpha.example is told as you say from now on."]
    changed = made | {"address": "desk@alpha.example"}
    assert alpha_closures("notify", "list", "--json").json == {"recipients": [changed], "altered": []}
    changed |= {"label": "Desk", "kinds": ["moved", "receipt"], "digest_hour": None}
    words = ("--label", "Desk", "--kind", "receipt", "--kind", "moved", "--at-once", "--json")
    assert alpha_closures("notify", "change", made["id"], *words).json == changed
    assert alpha_closures("notify", "change", made["id"], "--digest", "0", "--json").json == changed | {
        "digest_hour": 0
    }


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ((), 2),
        (("--digest", "8", "--at-once"), 2),
        (("--kind", "breach"), 2),
        (("--label", ""), 1),
        (("--kind", "receipt"), 1),
        (("--address", "http://b.example"), 1),
        (("--address", "a@b.example"), 1),
    ],
)
def test_a_change_that_does_not_fit_is_refused(closures, words, status):
    made = closures("notify", "add", "--webhook", "https://b.example", "--label", "x", "--json").json
    del made["secret"]
    assert closures("notify", "change", made["id"], *words).exit_code == status
    assert closures("notify", "list", "--json").json == {"recipients": [made], "altered": []}
    assert closures("notify", "change", "nobody", "--label", "y").exit_code == 1


def test_an_alertmanager_is_added_changed_and_never_shows_its_sign_in(alpha_closures):
    words = ("--alertmanager", "https://ops:hunter2@am.example:8443/x/", "--label", "ops", "--user", "ALPHA")
    said = alpha_closures("notify", "add", *words, "--gateway", "gw-a1", "--gateway", "GW-A2", "--json")
    made = said.json
    assert made == {
        "id": made["id"], "label": "ops", "user": "ALPHA", "carrier": "alertmanager", "digest_hour": None, "kinds": [],
        "address": "https://am.example:8443/x", "matchers": 'gateway="{gateway}"', "gateways": ["GW-A1", "GW-A2"],
        "created": made["created"], "secret": None,
    }  # fmt: skip
    del made["secret"]
    words = ("--matchers", 'site=~"{gateway}"', "--gateway", "GW-A2")
    changed = made | {"matchers": 'site=~"{gateway}"', "gateways": ["GW-A2"]}
    assert alpha_closures("notify", "change", made["id"], *words, "--json").json == changed
    changed |= {"label": "desk"}
    words = ("--label", "desk", "--address", "https://ops:hunter3@am.example:8443/x", "--json")
    assert alpha_closures("notify", "change", made["id"], *words).json == changed
    listed = alpha_closures("notify", "list")
    assert listed.lines[1].split(maxsplit=4) == [
        made["id"], "desk", "ALPHA", "alertmanager", 'https://am.example:8443/x  at once  site=~"{gateway}"',
    ]  # fmt: skip
    assert "hunter" not in said.stdout + listed.stdout
    for words, status in (
        (("--address", "https://other.example"), 1), (("--matchers", ""), 1), (("--gateway", "GW-9"), 1),
        (("--kind", "open"), 2), (("--digest", "8"), 2),
    ):  # fmt: skip
        assert alpha_closures("notify", "change", made["id"], *words).exit_code == status
    assert alpha_closures("notify", "list", "--json").json == {"recipients": [changed], "altered": []}
    assert alpha_closures("notify", "remove", made["id"]).exit_code == 0


def test_a_missing_mail_server_is_said(closures):
    words = ("notify", "add", "--email", "a@b.example", "--label", "x")
    assert "CLOSURES_SMTP_URL is not set here" in closures(*words).lines[-1]
    assert len(closures(*words, CLOSURES_SMTP_URL="smtp://mail.example").lines) == 1


@pytest.mark.parametrize(
    "url", ["http://mail.example", "smtps://", "smtp://h:0", "smtp://h:x", "smtp://h/path", "smtp://[::1"]
)
def test_a_mail_server_that_cannot_be_read_stops_the_start(closures, url):
    said = closures("notify", "list", CLOSURES_SMTP_URL=url)
    assert (said.exit_code, "CLOSURES_SMTP_URL" in said.stderr) == (1, True)


def test_what_failed_is_seen_and_sent_again(notified, alpha_closures, clock, publisher_office):
    closures = alpha_closures
    assert closures("notify", "outbox").lines == ["Nothing waits, and nothing has failed."]
    closures("notify", "add", "--email", "a@dcc.example", "--label", "DCC", "--kind", "starts")
    clock.now = clock.now.replace(month=12, day=5, hour=12)
    publisher_office(clock)
    (found,) = closures("notify", "outbox", "--json").json["messages"]
    assert (found["state"], found["attempts"], found["label"], found["fault"]) == ("dead", 1, "DCC", "refused (550)")
    assert closures("notify", "resend", found["id"]).lines == ["The message waits for its next attempt."]
    assert closures("notify", "outbox", "--json").json["messages"][0]["state"] == "waiting"
    assert closures("notify", "resend", found["id"]).lines == ["The message waits for its next attempt."]
    for unknown in ("00", "no id"):
        assert closures("notify", "resend", unknown).exit_code == 1


@pytest.fixture
def publisher_office(settings):
    """Return a function that does the scheduler's work at a time, with a mail server that refuses for good."""
    from app.factory import open_service, publisher_of
    from app.jobs.letter import NotDelivered
    from app.jobs.notify import deliver
    from app.jobs.post_office import PostOffice
    from app.jobs.sweep import sweep
    from app.store.recipients import Carrier

    def refuse(letter):
        raise NotDelivered("refused (550)", for_good=True)

    def work(clock):
        service = open_service(settings)
        sweep(service.register, clock())
        deliver(service.register, PostOffice(publisher_of(settings), {Carrier.EMAIL: refuse}), clock)
        service.close()

    return work
