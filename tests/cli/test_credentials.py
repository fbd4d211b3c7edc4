"""Accounts, app passwords and subscriptions by the command line; that they open the doors is tried on the doors."""

from datetime import timedelta

import pytest

from app.factory import create_app, utc_now
from app.security.tokens import TokenKind, kind_of
from app.store.subscriptions import FeedRead, insert_reads
from feeds.scope import SCOPES, Code, written


@pytest.fixture
def browse(alpha_closures, settings):
    """A client of the web application over the same database."""
    app = create_app(settings)
    yield app.test_client()
    app.extensions["closures"].read_log.flush()
    app.extensions["closures"].store.close()


def test_a_sign_in_link_opens_the_page_with_its_button(alpha_closures, browse):
    said = alpha_closures("account", "add", "Change@Alpha.example", "--role", "user", "--user", "alpha", "--json")
    facts = said.json
    assert (said.exit_code, facts["email"], facts["expires"]) == (0, "change@alpha.example", "2026-11-25T09:00:00Z")
    address, token = facts["sign_in_url"].rsplit("/", 1)
    assert address == "http://127.0.0.1:8000/sign-in"
    assert kind_of(token) is TokenKind.SIGN_IN
    assert browse.get(f"/sign-in/{token}").status_code == 200
    assert browse.get(f"/sign-in/{token[:-1]}{'0' if token[-1] != '0' else '1'}").status_code == 403


def test_accounts_are_listed_by_address(alpha_closures):
    alpha_closures("account", "add", "b@alpha.example", "--role", "user", "--user", "alpha")
    alpha_closures("account", "add", "a@dcc.example", "--role", "dcc")
    said = alpha_closures("account", "list", "--json").json
    assert said == {
        "accounts": [
            {"email": "a@dcc.example", "role": "dcc", "users": [], "closed": None},
            {"email": "b@alpha.example", "role": "user", "users": ["ALPHA"], "closed": None},
        ],
        "altered": [],
    }
    assert alpha_closures("account", "list").stdout.split() == [
        *("EMAIL", "ROLE", "USERS", "STATE", "a@dcc.example", "dcc", "-", "-"),
        *("b@alpha.example", "user", "ALPHA", "-"),
    ]


def test_an_account_gets_another_link_but_is_opened_once(closures):
    first = closures("account", "add", "a@dcc.example", "--role", "dcc", "--json").json["sign_in_url"]
    taken = closures("account", "add", "A@dcc.example", "--role", "dcc")
    assert taken.stderr.splitlines() == [
        "There is an account with that address already.",
        "`closures account link` makes it a new sign-in link.",
    ]
    assert taken.exit_code == 1
    again = closures("account", "link", "a@dcc.example")
    assert again.exit_code == 0
    assert again.lines[-1] != first
    assert closures("account", "link", "b@dcc.example").exit_code == 1


def test_who_lost_the_second_factor_starts_afresh(closures, reopen):
    from app.register.people import sign_in
    from app.store import accounts, proofs

    closures("account", "add", "a@dcc.example", "--role", "dcc")
    store = reopen().store
    with store.reading() as connection:
        account = accounts.account_by_email(store, connection, "a@dcc.example")
    sign_in.choose_password(store, account, "correct horse battery", utc_now())
    said = closures("account", "afresh", "A@dcc.example", "--json")
    assert (said.exit_code, said.json["email"]) == (0, "a@dcc.example")
    with store.reading() as connection:
        assert proofs.proofs_of(store, connection, account.id) == proofs.Proofs(None, None, None, None, 0)
    assert closures("account", "afresh", "b@dcc.example").exit_code == 1


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (
            ("a@x", "--role", "user"),
            "An account of the role user acts for at least one User, and the other roles for none.",
        ),
        (
            ("a@x", "--role", "dcc", "--user", "ALPHA"),
            "An account of the role user acts for at least one User, and the other roles for none.",
        ),
        (("a@x", "--role", "user", "--user", "NOBODY"), "There is no such User."),
        (("a b@x", "--role", "dcc"), "That is not an e-mail address."),
    ],
)
def test_an_account_that_does_not_fit_is_refused(alpha_closures, words, fault):
    said = alpha_closures("account", "add", *words)
    assert (said.exit_code, said.stderr.splitlines()[0]) == (1, fault)


def test_an_app_password_opens_the_api_until_it_is_revoked(alpha_closures, browse):
    made = alpha_closures("token", "add", "--user", "alpha", "--label", "Outlook", "--json").json
    assert kind_of(made["token"]) is TokenKind.APP_PASSWORD
    assert (made["username"], made["expires"]) == ("ALPHA", "2027-12-29T09:00:00Z")
    assert browse.get("/api/v1/closures", auth=(made["username"], made["token"])).status_code == 200
    row = {
        "id": made["id"],
        "for": "ALPHA",
        "label": "Outlook",
        "created": "2026-11-24T09:00:00Z",
        "expires": made["expires"],
    }
    listed = alpha_closures("token", "list", "--json").json["tokens"]
    assert listed == [{**row, "state": "live", "last_used": "2026-11-24T09:00:00Z"}]
    assert alpha_closures("token", "revoke", made["id"].upper()).exit_code == 0
    assert browse.get("/api/v1/closures", auth=(made["username"], made["token"])).status_code == 401
    assert alpha_closures("token", "list", "--json").json["tokens"][0]["state"] == "revoked"
    assert alpha_closures("token", "revoke", made["id"]).exit_code == 1
    assert alpha_closures("token", "revoke", "zz").exit_code == 1


def test_a_token_is_for_a_user_or_for_a_role(alpha_closures):
    assert alpha_closures("token", "add", "--role", "ops", "--label", "m", "--json").json["username"] == "ops"
    assert alpha_closures("token", "add", "--label", "m").exit_code == 2
    assert alpha_closures("token", "add", "--role", "ops", "--user", "ALPHA", "--label", "m").exit_code == 2
    assert alpha_closures("token", "add", "--role", "admin", "--label", "m").exit_code == 2


def test_no_list_shows_a_token(alpha_closures):
    secret = alpha_closures("token", "add", "--user", "ALPHA", "--label", "m", "--json").json["token"]
    feed = alpha_closures("subscription", "add", "--scope", "all", "--label", "m", "--secret-url", "--json").json
    shown = alpha_closures("token", "list", "--json").stdout + alpha_closures("subscription", "list", "--json").stdout
    assert [one for one in (secret, feed["token"], feed["secret_url"].split("/")[-2]) if one in shown] == []


def test_a_token_that_expired_is_listed_as_such(closures, clock_hand):
    closures("token", "add", "--role", "dcc", "--label", "m")
    clock_hand.shift(timedelta(days=400) - timedelta(seconds=1))
    assert closures("token", "list", "--json").json["tokens"][0]["state"] == "live"
    clock_hand.shift(timedelta(seconds=1))
    assert closures("token", "list", "--json").json["tokens"][0]["state"] == "expired"


def test_a_subscription_opens_its_feed_and_its_secret_address_until_it_is_revoked(alpha_closures, browse):
    said = alpha_closures(
        *("subscription", "add", "--scope", "gateway:gw-a1", "--label", "monitoring", "--secret-url"),
        *("--past-days", "1", "--horizon-days", "90", "--json"),
    )
    made = said.json
    base = "http://127.0.0.1:8000"
    assert (made["url"], made["username"]) == (f"{base}/feeds/{made['id']}.ics", made["id"])
    secret_path = made["secret_url"].removeprefix(base)
    feed = f"/feeds/{made['id']}.ics"
    assert browse.get(feed, auth=(made["id"], made["token"])).status_code == 200
    assert browse.get(secret_path).status_code == 200
    assert browse.get(feed).status_code == 401
    (one,) = alpha_closures("subscription", "list", "--json").json["subscriptions"]
    expected = {
        "id": made["id"],
        "scope": "gateway:GW-A1",
        "label": "monitoring",
        "state": "live",
        "past_days": 1,
        "horizon_days": 90,
        "has_secret_url": True,
        "created": "2026-11-24T09:00:00Z",
        "expires": "2027-12-29T09:00:00Z",
    }
    assert {name: value for name, value in one.items() if name != "last_read"} == expected
    assert alpha_closures("subscription", "revoke", made["id"].upper()).exit_code == 0
    assert browse.get(feed, auth=(made["id"], made["token"])).status_code == 401
    assert browse.get(secret_path).status_code == 410
    assert alpha_closures("subscription", "list", "--json").json["subscriptions"][0]["state"] == "revoked"
    assert alpha_closures("subscription", "revoke", made["id"]).exit_code == 1


def test_a_subscription_has_no_secret_address_unless_asked(closures):
    assert closures("subscription", "add", "--scope", "ALL", "--label", "m", "--json").json["secret_url"] is None


def test_the_list_says_when_what_read_last(closures, reopen, clock_hand):
    made = closures("subscription", "add", "--scope", "late", "--label", "m", "--json").json
    assert closures("subscription", "list").lines[1].split()[-3:] == ["never", "-", "-"]
    now = utc_now()
    with reopen().store.writing() as connection:
        early = FeedRead(made["id"], now - timedelta(hours=2), 200, 812, "curl/8")
        insert_reads(connection, [early, FeedRead(made["id"], now - timedelta(hours=1), 304, 0, "Outlook\x1b[2J")])
    (one,) = closures("subscription", "list", "--json").json["subscriptions"]
    assert one["last_read"] == {"at": "2026-11-24T08:00:00Z", "client": "Outlook\x1b[2J", "status": 304, "octets": 0}
    assert closures("subscription", "list").lines[1].split()[-3:] == ["2026-11-24T08:00:00Z", "Outlook?[2J", "304"]


@pytest.mark.parametrize(
    ("scope", "fault"),
    [
        ("everything", "That is not a scope."),
        ("user", "The scope user takes a code: 1 to 32 letters, digits, - or _, the first a letter or digit."),
        ("user:NOBODY", "There is no such User."),
        ("gateway:GW-9", "There is no such gateway."),
    ],
)
def test_a_scope_that_names_nothing_is_refused(alpha_closures, scope, fault):
    said = alpha_closures("subscription", "add", "--scope", scope, "--label", "m")
    choices = "Write all, user:CODE, gateway:CODE, late, clashes, maintenance, changes or full."
    assert (said.exit_code, said.stderr.splitlines()[0]) == (1, fault)
    assert fault.startswith("There is") or said.stderr.splitlines()[1] == choices


def test_every_scope_is_explained_and_taken(alpha_closures):
    said = alpha_closures("subscription", "add", "--help").stdout
    explained = [line.split(maxsplit=1) for line in said.partition("Scopes:\n")[2].splitlines()]
    assert explained == [[written(kind), row.words.format("CODE")] for kind, row in SCOPES.items()]
    codes = {Code.NOTHING: "", Code.USER: ":ALPHA", Code.GATEWAY: ":GW-A1"}
    stated = [f"{kind}{codes[row.code]}" for kind, row in SCOPES.items()]
    made = [
        alpha_closures("subscription", "add", "--scope", scope, "--label", "m", "--json").json["scope"]
        for scope in stated
    ]
    assert made == stated


def test_desk_sessions_are_listed_and_ended(closures, reopen):
    from app.register.people import accounts, desks

    closures("account", "add", "desk@dcc.example", "--role", "dcc")
    assert closures("account", "desks").lines == ["No desk is signed in."]
    closures("policy", "set", "--desk-sessions", "allowed")
    store = reopen().store
    (account,) = accounts.list_accounts(store)
    assert desks.open_desk(store, account, "Firefox on Windows from 192.0.2.7", utc_now())
    (found,) = closures("account", "desks", "--json").json["desks"]
    wanted = found.pop("id")
    assert found == {
        "account": "desk@dcc.example", "machine": "Firefox on Windows from 192.0.2.7", "since": "2026-11-24T09:00:00Z",
        "last_used": None, "until": "2026-12-24T09:00:00Z",
    }  # fmt: skip
    assert closures("account", "end-desk", wanted).exit_code == 0
    assert closures("account", "end-desk", wanted).exit_code == 1
    assert closures("account", "desks", "--json").json["desks"] == []
