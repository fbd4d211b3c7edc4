"""Feeds and app passwords on their pages: who may make, see, replace and end which."""

import base64
import plistlib
import re
from datetime import timedelta

import pytest

from app.domain.access import Role
from app.domain.refusal import size_words
from app.register.people import accounts, enrolment
from app.web.agents import browser_words, client_words
from app.web.clients import feed_addresses
from app.web.pages.wording import ago_words
from feeds.scope import HELP, ScopeKind, scope_words


def fields_of(page):
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text.partition("<main")[2]))


def copied(page):
    """Return what the page gives to copy, by the name of its field."""
    return dict(re.findall(r'<input class="form-control" id="(\w+)" value="([^"]*)" readonly', page.text))


def basic(name, token):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{token}".encode()).decode()}


@pytest.fixture
def make_feed():
    def make(client, **more):
        form = fields_of(client.get("/subscriptions/new"))
        form |= {"scope": "all", "label": "Outlook", "past_days": "30", "horizon_days": "90"} | more
        answer = client.post("/subscriptions", data=form)
        return copied(client.get(answer.location)) if answer.status_code == 303 else answer

    return make


@pytest.fixture
def admin(sign_in):
    return sign_in("admin@example.org", Role.ADMIN)


def scopes_of(client):
    return re.findall(r'<option value="([^"]+)"', client.get("/subscriptions/new").text)


def test_a_feed_that_was_made_is_served_and_its_fetch_is_seen(web, dcc_client, make_feed, clock, read):
    shown = make_feed(dcc_client)
    path = shown["address"].removeprefix("http://127.0.0.1:8000")
    assert "Not fetched yet" in read(dcc_client.get("/subscriptions"))
    fetched = web.test_client().get(
        path, headers=basic(shown["username"], shown["token"]) | {"User-Agent": "Microsoft Office/16.0"}
    )
    assert fetched.status_code == 200
    web.extensions["closures"].read_log.flush()
    clock.forward(minutes=12)
    assert "Outlook last fetched 12 min ago, has the latest" in read(dcc_client.get("/subscriptions"))
    page = read(dcc_client.get(f"/subscriptions/{shown['username']}"))
    assert "Outlook last fetched 12 min ago, has the latest." in page
    assert f"Got {size_words(len(fetched.data))}" in page


def test_a_change_after_the_fetch_is_said(web, dcc_client, make_feed, clock, read, alpha, give, announce):
    shown = make_feed(dcc_client)
    web.test_client().get(
        shown["address"].removeprefix("http://127.0.0.1:8000"), headers=basic(shown["username"], shown["token"])
    )
    web.extensions["closures"].read_log.flush()
    give(alpha, announce("u", "2026-12-06T02:00"), at=clock.forward(minutes=5))
    assert "something changed since" in read(dcc_client.get("/subscriptions"))


def test_to_a_user_its_own_closures_are_on_offer_and_nothing_else(alpha_client, enrolled, make_feed):
    enrolled("BETA", "GW-B")
    assert scopes_of(alpha_client) == ["user:ALPHA"]
    for scope in ("all", "late", "full", "user:BETA", "gateway:GW-A1", "gateway:GW-B", ""):
        assert make_feed(alpha_client, scope=scope).status_code == 422
    assert make_feed(alpha_client, scope="user:ALPHA")["token"].startswith("gwff_")


def test_to_dcc_everything_is_on_offer(alpha, dcc_client):
    assert scopes_of(dcc_client) == [
        *("all", "late", "clashes", "maintenance", "changes", "full"), "user:ALPHA", "gateway:GW-A1", "gateway:GW-A2",
    ]  # fmt: skip
    assert {text.partition(":")[0] for text in scopes_of(dcc_client)} == set(ScopeKind)


def test_a_secret_address_is_an_admins_to_switch_on(web, admin, dcc_client, make_feed, csrf, read):
    assert "secret" not in make_feed(dcc_client, secret_url="yes")
    shown = make_feed(admin, secret_url="yes")
    path = shown["secret"].removeprefix("http://127.0.0.1:8000")
    assert web.test_client().get(path).status_code == 200
    mine = make_feed(dcc_client)["username"]
    token = {"csrf_token": csrf(dcc_client.get("/subscriptions/new"))}
    assert dcc_client.post(f"/subscriptions/{mine}/secret-address", data=token).status_code == 403
    form = fields_of(admin.get(f"/subscriptions/{mine}"))
    secret = copied(admin.get(admin.post(f"/subscriptions/{mine}/secret-address", data=form).location))
    assert list(secret) == ["secret"]
    assert web.test_client().get(secret["secret"].removeprefix("http://127.0.0.1:8000")).status_code == 200


def test_anothers_feed_is_not_there_but_for_an_admin(admin, dcc_client, sign_in, make_feed, read, csrf):
    made = make_feed(dcc_client)["username"]
    other = sign_in("other@example.org", Role.DCC)
    assert "No feed yet" in read(other.get("/subscriptions"))
    token = {"csrf_token": csrf(other.get("/subscriptions/new"))}
    for answer in (
        other.get(f"/subscriptions/{made}"),
        other.post(f"/subscriptions/{made}/revoke", data=token),
        other.post(f"/subscriptions/{made}/rotate", data=token),
        other.get("/subscriptions/0000000000000000"),
    ):
        assert answer.status_code == 404
    assert "dcc@example.org" in read(admin.get("/subscriptions"))


def test_a_feed_is_ended_at_once(web, dcc_client, make_feed, csrf, read):
    shown = make_feed(dcc_client)
    path, proof = shown["address"].removeprefix("http://127.0.0.1:8000"), basic(shown["username"], shown["token"])
    token = {"csrf_token": csrf(dcc_client.get("/subscriptions"))}
    for _ in range(2):
        assert dcc_client.post(f"/subscriptions/{shown['username']}/revoke", data=token).location == "/subscriptions"
    assert web.test_client().get(path, headers=proof).status_code == 401
    assert "Ended feeds (1)" in read(dcc_client.get("/subscriptions"))
    assert "This feed has ended." in read(dcc_client.get(f"/subscriptions/{shown['username']}"))


def test_a_feed_is_replaced_while_the_old_one_goes_on_for_a_week(web, dcc_client, make_feed, clock):
    old = make_feed(dcc_client)
    form = fields_of(dcc_client.get(f"/subscriptions/{old['username']}"))
    answers = [dcc_client.post(f"/subscriptions/{old['username']}/rotate", data=form).location for _ in range(2)]
    assert answers[0] == answers[1]
    new = copied(dcc_client.get(answers[0]))
    assert new["username"] != old["username"]

    def statuses():
        return [
            web.test_client()
            .get(f"/feeds/{one['username']}.ics", headers=basic(one["username"], one["token"]))
            .status_code
            for one in (old, new)
        ]

    assert statuses() == [200, 200]
    clock.forward(days=7, seconds=-1)
    assert statuses() == [200, 200]
    clock.forward(seconds=1)
    assert statuses() == [401, 200]


def test_a_stranger_and_a_program_see_no_page(web):
    assert web.test_client().get("/subscriptions").location == "/sign-in"


def test_an_app_password_opens_the_api_is_shown_once_and_ends(web, alpha_client, read, csrf):
    form = fields_of(alpha_client.get("/connect")) | {"label": "Thunderbird"}
    shown = copied(alpha_client.get(alpha_client.post("/connect", data=form).location))
    assert (shown["username"], shown["caldav"]) == ("ALPHA", "http://127.0.0.1:8000/dav/calendars/ALPHA/")
    proof = basic(shown["username"], shown["token"])
    assert web.test_client().get("/api/v1/closures", headers=proof).status_code == 200
    page = alpha_client.get("/connect")
    assert shown["token"] not in page.text
    assert "Last used just now" in read(page)
    path = re.search(r"/connect/[0-9a-f]{32}/revoke", page.text)[0]
    assert alpha_client.post(path, data={"csrf_token": csrf(page)}).location == "/connect"
    assert web.test_client().get("/api/v1/closures", headers=proof).status_code == 401
    assert "Ended app passwords (1)" in read(alpha_client.get("/connect"))


@pytest.mark.parametrize("holder", ["user:BETA", "role:dcc", "role:admin", "", "user:"])
def test_a_user_connects_for_itself_alone(alpha_client, enrolled, store, holder):
    enrolled("BETA", "GW-B")
    form = fields_of(alpha_client.get("/connect")) | {"label": "x", "holder": holder}
    assert alpha_client.post("/connect", data=form).status_code == 422
    assert enrolment.list_tokens(store) == []


@pytest.mark.parametrize(
    ("role", "path", "status"), [(Role.DCC, "/api/v1/late-changes", 200), (Role.OPS, "/metrics", 200)]
)
def test_staff_connect_as_their_role(web, sign_in, role, path, status):
    client = sign_in("staff@example.org", role)
    form = fields_of(client.get("/connect")) | {"label": "x"}
    shown = copied(client.get(client.post("/connect", data=form).location))
    assert web.test_client().get(path, headers=basic(role, shown["token"])).status_code == status


def test_the_profile_holds_the_account_and_no_password(alpha_client, enrolled):
    answer = alpha_client.get("/connect/alpha.mobileconfig")
    assert answer.content_type == "application/x-apple-aspen-config"
    profile = plistlib.loads(answer.data)
    (account,) = profile["PayloadContent"]
    assert {name: value for name, value in account.items() if name.startswith("CalDAV")} == {
        "CalDAVAccountDescription": "Planned closures of ALPHA",
        "CalDAVHostName": "127.0.0.1",
        "CalDAVPort": 8000,
        "CalDAVUseSSL": False,
        "CalDAVUsername": "ALPHA",
        "CalDAVPrincipalURL": "/dav/principals/ALPHA/",
    }
    assert alpha_client.get("/connect/alpha.mobileconfig").data == answer.data
    enrolled("BETA", "GW-B")
    assert alpha_client.get("/connect/beta.mobileconfig").status_code == 404


def test_what_an_account_made_ends_with_its_rights(web, store, clock, alpha, sign_in, make_feed):
    client = sign_in("staff@example.org", Role.DCC)
    feed = make_feed(client)
    form = fields_of(client.get("/connect")) | {"label": "x"}
    password = copied(client.get(client.post("/connect", data=form).location))
    account = next(one for one in accounts.list_accounts(store) if one.email == "staff@example.org")
    accounts.change_rights(store, account, Role.USER, ["ALPHA"], clock())
    assert client.get("/").status_code == 303
    assert (
        web.test_client()
        .get(f"/feeds/{feed['username']}.ics", headers=basic(feed["username"], feed["token"]))
        .status_code
        == 401
    )
    assert web.test_client().get("/api/v1/closures", headers=basic("dcc", password["token"])).status_code == 401


def test_the_addresses_of_a_feed():
    found = feed_addresses("https://c.example", {"id": "abc", "label": "DCC & co", "secret_token": "gwff_X"})
    assert (found.plain, found.webcal) == ("https://c.example/feeds/abc.ics", "webcal://c.example/feeds/abc.ics")
    assert found.secret == "https://c.example/feeds/s/gwff_X/closures.ics"
    assert found.secret_webcal == "webcal://c.example/feeds/s/gwff_X/closures.ics"
    assert found.outlook == (
        "https://outlook.office.com/calendar/0/addfromweb"
        "?url=https%3A%2F%2Fc.example%2Ffeeds%2Fs%2Fgwff_X%2Fclosures.ics&name=DCC%20%26%20co"
    )
    assert found.google == (
        "https://calendar.google.com/calendar/r?cid=webcal%3A%2F%2Fc.example%2Ffeeds%2Fs%2Fgwff_X%2Fclosures.ics"
    )


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0)", "Outlook"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.0", "Thunderbird"),
        ("Google-Calendar-Importer", "Google Calendar"),
        ("macOS/15.0 (24A335) dataaccessd/1.0", "Apple Calendar"),
        ("curl/8.5", "curl"),
        ("Acme Sync/2", "Acme Sync"),
        ("", "A program without a name"),
    ],
)
def test_a_client_is_called_by_its_name(agent, words):
    assert client_words(agent) == words


def test_a_browser_is_called_by_its_name():
    assert (
        browser_words("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0")
        == "Firefox on Windows"
    )
    assert (
        browser_words("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36")
        == "Chrome on Linux"
    )
    assert browser_words("x") == "A browser"


def test_words_for_scopes_and_ages(clock):
    assert [scope_words(one) for one in ("all", "user:ALPHA", "clashes")] == [
        "Every closure", "Closures of the User ALPHA", "Closures that clash",
    ]  # fmt: skip
    then = clock()
    ages = [("seconds", 59), ("minutes", 59), ("hours", 47), ("days", 2)]
    found = [ago_words(then, then + timedelta(**{unit: number})) for unit, number in ages]
    assert found == ["just now", "59 min ago", "47 h ago", "2 days ago"]


def test_each_scope_on_offer_is_explained_where_it_is_chosen(dcc_client, alpha_client, read):
    assert set(HELP) == set(ScopeKind)
    pages = [
        read(client.get("/subscriptions/new")).partition("Which one is for me? ")[2]
        for client in (dcc_client, alpha_client)
    ]
    assert [[words for words in HELP.values() if words in page] for page in pages] == [
        list(HELP.values()), [HELP[ScopeKind.USER]],
    ]  # fmt: skip
