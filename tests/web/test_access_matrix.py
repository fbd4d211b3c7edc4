"""Every route, by every method, for everybody: held against a table that people read (docs/targets.md, 6).

The table is tests/golden/access-matrix.txt. What ALPHA owns is asked for by each; a row says what each gets: ``+`` taken
(also where only the fields were wrong), ``-`` sent to sign in, ``x`` refused to the role, ``?`` answered as if it did
not exist. A new route, or one that opens to somebody else, makes the test red until a person has changed the table.
"""

import itertools
from base64 import b64encode
from datetime import timedelta
from pathlib import Path

import pytest

from app.domain.access import AT_A_DESK, Action, Role
from app.domain.maintenance import MaintenanceKind
from app.domain.notification import Kind
from app.register.messages.leaving import leave_address
from app.register.messages.recipients import add_recipient, find_recipient
from app.register.people.accounts import list_accounts
from app.register.people.desks import living_desks, open_desk
from app.register.people.enrolment import add_subscription, issue_token
from app.register.rulebook import set_desk_policy
from app.register.sources import add_source, make_source
from app.store.engine import read_head
from app.store.recipients import Carrier
from app.store.sources import GatewayOf
from tests.conftest import NOW

TABLE = Path(__file__).parents[1] / "golden" / "access-matrix.txt"
PEOPLE = {
    "admin": (Role.ADMIN,), "dcc": (Role.DCC,), "ops": (Role.OPS,), "alpha": (Role.USER, "ALPHA"),
    "beta": (Role.USER, "BETA"),
}  # fmt: skip
PROGRAMS = ("alpha", "beta", "dcc", "ops")
COLUMNS = ("nobody", *PEOPLE, *(f"{name}'s program" for name in PROGRAMS))
# The rest of WebDAV's methods are one answer of one function; tests/caldav holds them.
DAV_METHODS = ("OPTIONS", "GET", "PROPFIND", "REPORT", "PUT", "DELETE", "PROPPATCH", "MKCALENDAR")
READING = ("GET", "PROPFIND", "REPORT", "OPTIONS")
EVENT = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//b//EN\r\nBEGIN:VEVENT\r\nUID:m\r\nDTSTAMP:20261101T000000Z\r\n"
    b"DTSTART:20270606T010000Z\r\nDTEND:20270606T050000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def letter(answer):
    """What an answer means for whoever asked."""
    assert answer.status_code != 500, (answer.request.method, answer.request.path, answer.text[:300])
    if answer.status_code == 401 or (answer.status_code in (302, 303) and answer.location.startswith("/sign-in")):
        return "-"
    if "/dav/" in answer.request.path and answer.status_code == 409:
        return "?"  # a PUT to a collection that is not there (RFC 4918 9.7.1)
    return {403: "x", 404: "?", 410: "?"}.get(answer.status_code, "+")


@pytest.fixture
def world(web, store, alpha, enrolled, announce, give, dates, add_account, use_link):
    """Return (a function that makes what an address names, a function that gives a client who has just come in)."""
    enrolled("BETA", "GW-B1")
    accounts = {name: add_account(f"{name}@example.org", *who) for name, who in PEOPLE.items()}
    made = itertools.count()

    def program(name, **who):
        token_id, token = issue_token(store, label="x", now=NOW, **who)
        return token_id.hex(), {"Authorization": "Basic " + b64encode(f"{name}:{token}".encode()).decode()}

    programs = {
        "alpha": program("ALPHA", user_code="ALPHA"), "beta": program("BETA", user_code="BETA"),
        "dcc": program("dcc", role=Role.DCC), "ops": program("ops", role=Role.OPS),
    }  # fmt: skip

    def feed():
        return add_subscription(
            store, scope_text="user:ALPHA", label="x", secret_url=True, past_days=30, horizon_days=90, now=NOW,
            account_id=accounts["alpha"].id,
        ).subscription.id  # fmt: skip

    def source(topic):
        new = make_source(
            topic, url=f"https://calendars.example.org/{next(made)}.ics", username="", password="", word="", category="",
            every_minutes=60, now=NOW,
        )  # fmt: skip
        add_source(store, new)
        return new.id.hex()

    def recipient():
        return add_recipient(
            store, label="x", carrier=Carrier.EMAIL, address="a@example.org", kinds=[Kind.NEW], digest_hour=None,
            user_code="ALPHA", now=NOW,
        ).recipient.id  # fmt: skip

    def leaving_link():
        held = find_recipient(store, recipient()).recipient
        return leave_address(store, held, "").rpartition("/")[2]

    def desk():
        set_desk_policy(store, allowed=True, now=NOW)
        open_desk(store, accounts["alpha"], "a desk", NOW)
        return living_desks(store, NOW)[-1].token.id.hex()

    def somebody():
        return add_account(f"{next(made)}@example.org", Role.USER, "ALPHA").id.hex()

    def day():
        return f"{NOW + timedelta(days=30 + next(made)):%Y-%m-%d}T02:00"

    # Whatever an address may name is made anew for each write. It is ALPHA's where it is anybody's.
    makers = {
        "reference": lambda: give(alpha, announce(f"m{next(made)}", day())).accepted[0].closure.reference,
        "account_id": somebody,
        "token_id": lambda: program("ALPHA", user_code="ALPHA")[0],
        "subscription_id": feed,
        "source_id": lambda: source(GatewayOf(alpha.id, "GW-A1")),
        "recipient_id": recipient,
        "desk_id": desk,
        **{name: lambda: "0" * 32 for name in ("form_id", "message_id")},
        **{name: lambda value=value: value for name, value in {
            "code": "ALPHA", "number": 1, "form": "ics", "filename": "site.css", "token": "gwfr_0",
            "rest": "calendars/ALPHA/GW-A1/",
        }.items()},
    }  # fmt: skip
    dccs = {"reference": lambda: dates(day()).reference, "source_id": lambda: source(MaintenanceKind.MAINTENANCE)}

    def make(rule):
        """Return what the address of a rule names, made anew."""
        others = {"/service/maintenance": dccs, "/leave": {"token": leaving_link}}
        chosen = next((makers | other for start, other in others.items() if rule.rule.startswith(start)), makers)
        return {name: chosen[name]() for name in rule.arguments}

    def come_in(name, client=None):
        client = client or web.test_client()
        if name in PEOPLE:
            use_link(client, accounts[name])
        return client, programs[name.partition("'")[0]][1] if name.endswith("program") else {}

    return make, come_in


def asked_of(web):
    """Every (method, address as the application has it, endpoint), in the order of the table."""
    for rule in sorted(web.url_map.iter_rules(), key=lambda one: (one.rule, sorted(one.methods))):
        if rule.endpoint in ("caldav.root", "caldav.discover") or rule.rule in ("/principals", "/principals/", "/dav"):
            continue
        methods = DAV_METHODS if rule.endpoint == "caldav.serve" else sorted(rule.methods - {"HEAD", "OPTIONS"})
        yield from ((method, rule) for method in methods)


@pytest.mark.slow
def test_everybody_gets_what_the_table_says(web, world, csrf, tmp_path):
    make, come_in = world
    guests = {name: come_in(name) for name in COLUMNS}
    found = {}
    # Those who only read come first: a write may end what they read with.
    for method, rule in sorted(asked_of(web), key=lambda one: one[0] not in READING):
        row = found[f"{method:<11}{rule.rule}"] = []
        values = make(rule)
        for name in COLUMNS:
            if method not in READING:
                values, guests[name] = make(rule), come_in(name)
            client, headers = guests[name]
            path = web.url_map.bind("x").build(rule.endpoint, values, method)
            data = None
            if method == "POST" and (not headers or rule.action is Action.SIGN_IN):
                data = {"csrf_token": csrf(client.get("/account" if name in PEOPLE else "/sign-in"))}
            if method == "PROPFIND":
                headers = headers | {"Depth": "0"}
            if method == "PUT":
                data, path, headers = EVENT, f"{path}new.ics", headers | {"Content-Type": "text/calendar"}
            elsewhere = {"REMOTE_ADDR": "203.0.113.9"}  # /metrics is open on the machine itself
            with client.open(path, method=method, data=data, headers=headers, environ_base=elsewhere) as answer:
                row.append(letter(answer))
    order = [f"{method:<11}{rule.rule}" for method, rule in asked_of(web)]
    lines = [" " * 70 + " ".join(f"{name:<15}" for name in COLUMNS)]
    lines += [f"{one:<70}" + " ".join(f"{each:<15}" for each in found[one]) for one in order]
    found_table = tmp_path / TABLE.name
    found_table.write_text("".join(f"{line.rstrip()}\n" for line in lines), encoding="utf-8")
    known, now_found = (one.read_text(encoding="utf-8").splitlines() for one in (TABLE, found_table))
    assert now_found == known, f"what was found is in {found_table}"


# What is let in by a header alone, or asks for everything anew; one asks for nothing but the form of its page.
NO_SESSION = ("caldav.serve", "session.sign_out", "leaving.show", "leaving.leave")


@pytest.mark.slow
@pytest.mark.parametrize("name", PEOPLE)
def test_a_desk_session_writes_nothing_and_reads_what_its_account_may(web, world, store, csrf, clock, name):
    make, come_in = world
    set_desk_policy(store, allowed=True, now=clock())
    account = next(one for one in list_accounts(store) if one.email == f"{name}@example.org")
    token = open_desk(store, account, "a desk", clock())

    def sit_down():
        client = web.test_client()
        client.set_cookie("closures-desk", token)
        return client

    whole, wrong = come_in(name)[0], []
    for method, rule in asked_of(web):
        if rule.endpoint in NO_SESSION:
            continue
        path, client = web.url_map.bind("x").build(rule.endpoint, make(rule), method), sit_down()
        if method == "GET":
            with client.get(path) as at_desk, whole.get(path) as signed_in:
                found, expected = letter(at_desk), letter(signed_in) if rule.action in AT_A_DESK else "-"
            if rule.action is Action.SIGN_IN:
                continue  # its pages ask for a sign-in themselves, or lead there
        else:
            page = client.get("/")
            before = written(store)
            answer = client.open(path, method=method, data={"csrf_token": csrf(page)})
            found, expected = (letter(answer), written(store)), ("-", before)
            if rule.action is Action.SIGN_IN:
                found, expected = client.get("/account").location, "/sign-in"
        if found != expected:
            wrong.append((method, rule.rule, found, expected))
    assert wrong == []


def written(store):
    """What stands in the log: whatever anybody changes leaves an entry there."""
    with store.reading() as connection:
        return read_head(connection).log_size


# A program presses this for whoever reads the mail, and has no token of a page.
NO_TOKEN = ("leaving.leave",)
# Nobody need be signed in for these; what they ask for is typed anew.
SIGNING_IN = ("session", "oidc")


def forms_of(web):
    """Every address that takes a form of a page, with its endpoint."""
    rules = (
        rule for rule in web.url_map.iter_rules() if "POST" in rule.methods and rule.rule[:4] not in ("/api", "/dav")
    )
    return [
        rule for rule in rules if rule.endpoint not in ("caldav.serve", "caldav.root", "caldav.discover", *NO_TOKEN)
    ]


def test_no_form_of_any_page_is_taken_without_its_token(web, world):
    make, come_in = world
    client, _ = come_in("admin")
    rules = forms_of(web)
    paths = [web.url_map.bind("x").build(rule.endpoint, make(rule), "POST") for rule in rules]
    assert [path for path in paths if client.post(path, data={"label": "x"}).status_code != 400] == []
    assert len(paths) > 50


def test_what_was_typed_into_any_form_waits_for_whoever_comes_back(web, world, clock, csrf, read):
    make, come_in = world
    lost = []
    for rule in forms_of(web):
        if rule.endpoint.partition(".")[0] in SIGNING_IN or rule.endpoint.startswith("resumed_forms."):
            continue
        path = web.url_map.bind("x").build(rule.endpoint, make(rule), "POST")
        client, _ = come_in("admin")
        typed = {"csrf_token": csrf(client.get("/account")), "label": "Typed with care"}
        clock.forward(minutes=31)
        answer = client.post(path, data=typed)
        come_in("admin", client)
        waiting = read(client.get("/unfinished"))
        if answer.location != "/sign-in" or "Typed with care" not in waiting:
            lost.append(rule.rule)
    assert lost == []
