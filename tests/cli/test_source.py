"""``closures source`` and ``closures maintenance source``: added, listed, polled and removed, against a server on loopback.

Users' calendars and DCC's own dates go through the same tests; then what concerns one of the two.
"""

import http.server
import sqlite3
import threading
from dataclasses import dataclass

import pytest

EVENT = (
    "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:{day}T220000Z\r\nDTEND:{day}T235900Z\r\n"
    "SUMMARY:DSP release canary\r\nEND:VEVENT\r\n"
)
NEAR = {"CLOSURES_ALLOW_PRIVATE_SOURCES": "true"}


def ics(*events):
    body = "".join(EVENT.format(uid=uid, day=day) for uid, day in events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//them//EN\r\n{body}END:VCALENDAR\r\n"


@pytest.fixture
def served():
    """A server of one file, for alpha with its password; ``served.text`` is what it holds, None for a fault."""

    class Talk(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.agents.append(self.headers.get("User-Agent"))
            entered = self.headers.get("Authorization") == "Basic YWxwaGE6c2VzYW1l"  # alpha:sesame
            status = 401 if not entered else 500 if self.server.text is None else 200
            body = (self.server.text or "").encode() if status == 200 else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Talk)
    server.agents = []
    server.text, server.url = ics(("u1", "20261206")), f"http://127.0.0.1:{server.server_address[1]}/changes.ics"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@dataclass(frozen=True)
class Commands:
    """One of the two topics: its commands, what its sources are read for, in words and as facts, and what it says."""

    words: tuple
    stated: tuple
    heads: dict
    polled: str
    first: str
    counted: dict
    empty: str
    stays: str


OF_USERS = Commands(
    ("source",),
    ("--user", "alpha", "--gateway", "gw-a1"),
    {"user": "ALPHA", "gateway": "GW-A1"},
    "1 accepted, 0 unchanged, 0 superseded, 0 withdrawn.",
    "accepted",
    {"accepted": 1, "unchanged": 0, "superseded": 0, "withdrawn": 0},
    "There are no sources yet.",
    "The source is removed. The closures that it announced stay as they are.",
)
OF_DCC = Commands(
    ("maintenance", "source"),
    ("--kind", "release"),
    {"dates": "release"},
    "1 added, 0 moved, 0 withdrawn, 0 unchanged.",
    "added",
    {"accepted": 1, "unchanged": 0, "withdrawn": 0},
    "No address is read for DCC's own dates.",
    "The source is removed. The dates that it brought stay as they are.",
)


@pytest.fixture(params=[OF_USERS, OF_DCC], ids=["users", "dcc"])
def topic(request):
    """Each of the two topics."""
    return request.param


@pytest.fixture
def run(alpha_closures, topic):
    """Return a function that runs a command of the topic where loopback may be asked."""
    return lambda *words, **options: alpha_closures(*topic.words, *words, **(NEAR | options))


@pytest.fixture
def add(run, topic, served):
    """Return a function that adds the served file."""

    def adding(*more, url=served.url, text="sesame\n", **options):
        return run("add", *topic.stated, "--url", url, *more, text=text, **options)

    return adding


@pytest.fixture
def added(add):
    """The id of the served file, added with its password."""
    return add("--username", "alpha", "--json").json["id"]


def test_a_source_is_added_polled_listed_and_removed(run, add, topic, served, clock_hand):
    said = add("--username", "alpha", "--json")
    assert said.exit_code == 0, said.stderr
    source_id = said.json["id"]
    assert said.json == {"id": source_id, **topic.heads, "url": served.url, "every_minutes": 15}
    (new,) = run("list", "--json").json["sources"]
    assert (new["state"], new["last_poll"], new["events"]) == ("new", None, 0)
    polled = run("poll", source_id, "--json").json
    assert (polled["state"], polled["events"], polled["problems"]) == ("ok", 1, [])
    assert {name: polled[name] for name in topic.heads} == topic.heads
    (first,) = polled[topic.first]
    assert first["starts"] == "2026-12-06T22:00:00Z"

    clock_hand.shift(60)
    served.text = ics(("u1", "20261207"))
    moved = run("poll", source_id.upper())
    told = {"accepted": topic.polled, "added": "0 added, 1 moved, 0 withdrawn, 0 unchanged."}[topic.first]
    assert moved.lines[0] == f"1 event taken: {told}"
    gateway = f"{topic.heads['gateway']}  " if "gateway" in topic.heads else ""
    span = "Mon 7 Dec 2026 22:00 GMT to Mon 7 Dec 2026 23:59 GMT"
    assert moved.lines[1].startswith(f"  {first['reference']}  {gateway}{span}  ")
    (listed,) = run("list", "--json").json["sources"]
    next_poll = listed.pop("next_poll")
    assert "2026-11-24T09:16:00Z" <= next_poll <= "2026-11-24T09:17:30Z"
    assert listed == {
        "id": source_id, **topic.heads, "url": served.url, "username": "alpha", "word": None, "category": None,
        "every_minutes": 15, "agent": None, "created": "2026-11-24T09:00:00Z", "state": "ok", "problem": None, "remedy": None,
        "failures": 0, "last_poll": "2026-11-24T09:01:00Z", "kind": "file", "events": 1, "missing": 0, "doubted": False,
        "left_out": {"unwanted": 0, "over": 0, "unread": 0}, "last_change": topic.counted, "problems": [],
        "remarks": [],
    }  # fmt: skip
    assert run("remove", source_id).lines == [topic.stays]
    assert run("list").lines == [topic.empty]
    assert [run("poll", source_id).exit_code, run("remove", source_id).exit_code] == [1, 1]


def test_what_a_users_source_brought_stays_as_a_closure(alpha_closures, served):
    words = ("--user", "alpha", "--gateway", "gw-a1", "--url", served.url, "--username", "alpha", "--json")
    source_id = alpha_closures("source", "add", *words, text="sesame\n", **NEAR).json["id"]
    (accepted,) = alpha_closures("source", "poll", source_id, "--json", **NEAR).json["accepted"]
    assert accepted["change"] == "first notice"
    (row,) = alpha_closures("closure", "show", accepted["reference"], "--json").json["revisions"]
    assert row["channel"] == "pull"
    alpha_closures("source", "remove", source_id)
    assert alpha_closures("closure", "show", accepted["reference"]).exit_code == 0


@pytest.fixture
def dates(closures):
    """Return a function that lists DCC's own dates."""
    words = ("maintenance", "list", "--from", "2026-12-01", "--to", "2027-01-01", "--json")
    return lambda: [(one["kind"], one["starts"]) for one in closures(*words).json["maintenance"]]


def test_what_an_address_of_dcc_brought_stays_as_a_date(alpha_closures, served, dates, clock_hand):
    words = ("--kind", "release", "--url", served.url, "--username", "alpha", "--json")
    source_id = alpha_closures("maintenance", "source", "add", *words, text="sesame\n", **NEAR).json["id"]
    alpha_closures("maintenance", "source", "poll", source_id, "--dry-run", **NEAR)
    assert dates() == []
    polled = alpha_closures("maintenance", "source", "poll", source_id, "--json", **NEAR).json
    assert ([one["kind"] for one in polled["added"]], polled["unchanged"]) == (["release"], 0)
    served.text = ics(("u1", "20261207"))
    moved = alpha_closures("maintenance", "source", "poll", source_id, **NEAR)
    assert moved.lines[1].endswith("  moved.")
    alpha_closures("maintenance", "source", "remove", source_id)
    assert dates() == [("release", "2026-12-07T22:00:00Z")]


def test_why_nothing_was_taken_is_said_and_stays_in_the_list(run, added, served):
    served.text = None
    polled = run("poll", added)
    remedy = (
        "Some publishers, Microsoft 365 among them, answer so to a program that they do not know: give the source the "
        "agent (User-Agent) of one that they do. Else ask whoever keeps the source."
    )
    words = f"{added}: The source answered with HTTP status 500. {remedy} Nothing was changed."
    assert (polled.exit_code, polled.lines) == (1, [words])
    listed = run("list")
    assert " ".join(listed.lines[1].split()).partition(served.url)[2].startswith(" answer 500")
    assert listed.lines[2] == words
    assert "DSP" not in polled.stdout + polled.stderr


def test_a_dry_run_says_what_would_change_and_writes_nothing(run, topic, added, served, alpha_closures):
    before, record = run("list", "--json").json, alpha_closures("record", "verify").lines[0]
    said = run("poll", added, "--dry-run")
    assert (said.exit_code, said.lines[0]) == (0, f"1 event taken: would be {topic.polled}")
    as_json = run("poll", added, "--dry-run", "--json").json
    assert ([one.get("receipt") for one in as_json[topic.first]], as_json["dry_run"]) == ([None], True)
    assert run("list", "--json").json == before
    assert alpha_closures("record", "verify").lines[0] == record
    served.text = None
    assert run("poll", added, "--dry-run").exit_code == 1


def test_the_agent_is_chosen_when_a_source_is_added_and_later(run, add, served):
    source_id = add("--username", "alpha", "--agent", "Mozilla/5.0 (x)", "--json").json["id"]
    asked = []
    for agent in (None, "Other/1", ""):
        if agent is not None:
            assert run("agent", source_id, agent).exit_code == 0
        run("poll", source_id)
        (listed,) = run("list", "--json").json["sources"]
        asked.append((served.agents[-1], listed["agent"], listed["username"], listed["state"]))
    assert asked == [
        ("Mozilla/5.0 (x)", "Mozilla/5.0 (x)", "alpha", "ok"), ("Other/1", "Other/1", "alpha", "ok"),
        ("closure-notices", None, "alpha", "ok"),
    ]  # fmt: skip


@pytest.mark.parametrize("agent", ["é", "a\r\nX: y", "x" * 201])
def test_an_agent_that_cannot_be_sent_is_refused(run, add, added, agent):
    assert [add("--agent", agent).exit_code, run("agent", added, agent).exit_code] == [1, 1]


def test_what_a_source_leaves_out_is_said_as_long_as_it_is_there(run, add, topic, served, clock_hand):
    def shown(day):
        odd = ics(("u2", "20261213")).partition("BEGIN:VEVENT")[2].replace("DTEND:20261213T235900Z\r\n", "")
        other = ics(("u3", "20261220")).partition("BEGIN:VEVENT")[2].replace("DSP", "A dentist's")
        no_uid = ics(("", "20261227")).partition("BEGIN:VEVENT")[2].replace("UID:\r\n", "")
        events = [
            f"BEGIN:VEVENT{text.removesuffix('END:VCALENDAR' + chr(13) + chr(10))}" for text in (odd, other, no_uid)
        ]
        return ics(("u1", day)).replace("END:VCALENDAR", "".join(events) + "END:VCALENDAR")

    served.text = shown("20261206")
    source_id = add("--username", "alpha", "--word", "DSP", "--json").json["id"]
    for day in ("20261206", "20261207"):
        clock_hand.shift(60)
        served.text = shown(day)
        polled = run("poll", source_id)
        assert polled.lines[0].startswith("2 events taken: ")
        assert f"{source_id}: Left out: 1 by its word or category, 1 could not be read." in polled.lines
        (listed,) = run("list", "--json").json["sources"]
        assert (listed["events"], listed["left_out"]) == (2, {"unwanted": 1, "over": 0, "unread": 1})
        assert [problem["code"] for problem in listed["problems"]] == ["no-end"]
    assert run("list").lines[-1] == f"{source_id}: Left out: 1 by its word or category, 1 could not be read."
    served.text = ics(("u1", "20261207"))
    run("poll", source_id)
    (listed,) = run("list", "--json").json["sources"]
    assert (listed["left_out"], listed["problems"]) == ({"unwanted": 0, "over": 0, "unread": 0}, [])


def test_an_operator_is_not_told_the_words_of_a_calendar_that_it_does_not_hold(run, add, served):
    served.text = ics(("u1", "20261206")).replace("DTEND:20261206T235900Z", "DTEND:20261206T215900Z")
    source_id = add("--username", "alpha", "--json").json["id"]
    assert run("poll", source_id, "--dry-run").lines[-1].startswith("  Line 8, DTEND: The end is not after the start. ")
    (problem,) = run("poll", source_id, "--dry-run", "--json").json["problems"]
    assert (problem["line"], problem["property"], problem["event"]) == (8, "DTEND", "")


def test_a_wrong_password_is_named(run, add, topic):
    source_id = add("--username", "alpha", "--json", text="open\n").json["id"]
    polled = run("poll", source_id, "--json")
    assert (polled.exit_code, polled.json["state"], polled.json[topic.first]) == (1, "sign-in", [])


def test_missing_events_are_announced_before_they_are_withdrawn(run, added, served):
    served.text = ics(("u1", "20261206"), ("u2", "20261213"))
    run("poll", added)
    served.text = ics(("u1", "20261206"))
    assert run("poll", added).lines == [f"{added}: 1 event missing; the next poll withdraws what still is."]
    then = run("poll", added, "--json").json
    assert [one["starts"] for one in then["withdrawn"]] == ["2026-12-13T22:00:00Z"]


def test_the_sweep_polls_what_is_due(added, alpha_closures, clock_hand):
    swept = alpha_closures("sweep", "--json", **NEAR).json
    assert (swept["polled"], swept["polled_without_result"]) == (1, 0)
    assert alpha_closures("sweep", "--json", **NEAR).json["polled"] == 0
    clock_hand.shift(17 * 60)
    assert alpha_closures("sweep", **NEAR).lines[-1].endswith("1 sources polled, 0 of them without result.")


@pytest.mark.parametrize(
    ("url", "variables"),
    [
        ("http://calendar.example.org/changes.ics", {"CLOSURES_ALLOW_PRIVATE_SOURCES": "false"}),
        ("https://alpha:sesame@calendar.example.org/", NEAR),
        ("https://calendar.example.org:22/", {"CLOSURES_ALLOW_PRIVATE_SOURCES": "false"}),
        ("ftp://calendar.example.org/", NEAR),
    ],
)
def test_an_address_that_is_not_fetched_is_refused_when_it_is_added(run, add, url, variables):
    said = add(url=url, CLOSURES_LOG="console", **variables)
    assert (said.exit_code, said.stderr.splitlines()[0]) == (1, "That is not an address that may be asked.")
    assert run("list", "--json").json["sources"] == []


def test_a_source_is_of_a_user_and_a_gateway_that_are_there_and_once(alpha_closures, served):
    of = (("NOBODY", "GW-A1"), ("ALPHA", "GW-9"), ("ALPHA", "GW-A1"), ("ALPHA", "GW-A1"), ("ALPHA", "GW-A2"))
    words = ("source", "add", "--url", served.url)
    found = [alpha_closures(*words, "--user", user, "--gateway", gateway, **NEAR).exit_code for user, gateway in of]
    assert found == [1, 1, 0, 1, 0]


def test_an_address_is_read_once_for_each_kind(closures, served):
    words = ("maintenance", "source", "add", "--url", served.url)
    kinds = ((), ("--kind", "maintenance"), ("--kind", "release"))
    assert [closures(*words, *kind, **NEAR).exit_code for kind in kinds] == [0, 1, 0]
    assert closures(*words, "--kind", "party", **NEAR).exit_code == 2


def test_neither_list_knows_of_the_others_sources(alpha_closures, served):
    of_users, of_dcc = (
        alpha_closures(*one.words, "add", *one.stated, "--url", served.url, "--json", **NEAR).json["id"]
        for one in (OF_USERS, OF_DCC)
    )
    for own, others, group in ((of_users, of_dcc, OF_USERS), (of_dcc, of_users, OF_DCC)):
        assert [one["id"] for one in alpha_closures(*group.words, "list", "--json").json["sources"]] == [own]
        assert [alpha_closures(*group.words, verb, others, **NEAR).exit_code for verb in ("poll", "remove")] == [1, 1]


@pytest.mark.parametrize("more", [("--every", "4"), ("--word", "a", "--category", "b"), ("--username", "alpha")])
def test_what_is_not_understood_is_usage(add, more):
    assert add(*more, text="").exit_code == 2


def test_a_control_character_is_kept_out(add):
    assert add("--word", "a\x1b[2J").exit_code == 1


def test_nothing_of_a_source_stands_in_the_database_in_clear(add, served, settings, request):
    if request.config.getoption("--database") != "sqlite":
        return
    canaries = ("--username", "canary-name", "--word", "canary-word")
    assert add(*canaries, url=served.url + "?canary-in-url", text="canary-password\n").exit_code == 0
    with sqlite3.connect(settings.database.removeprefix("sqlite:///")) as connection:
        rows = connection.execute("SELECT * FROM sources").fetchall()
    connection.close()
    found = [b"canary" in bytes(str(rows), "utf-8"), b"127.0.0.1" in bytes(str(rows), "utf-8"), len(rows)]
    assert found == [False, False, 1]


def test_an_address_of_mail_is_named_listed_and_never_polled(alpha_closures):
    stated = ("--user", "alpha", "--gateway", "gw-a1", "--url", "mailto:Anna@alpha.example")
    said = alpha_closures("source", "add", *stated)
    (listed,) = alpha_closures("source", "list", "--json").json["sources"]
    assert said.lines == [f"Source {listed['id']} is added; signed mails from that address are notices from now on."]
    assert (listed["url"], listed["state"], listed["next_poll"]) == ("mailto:anna@alpha.example", "by mail", None)
    for more in ((), ("--dry-run",)):
        refused = alpha_closures("source", "poll", listed["id"], *more)
        assert (refused.exit_code, "Notices come by mail from that address" in refused.stderr) == (1, True)
    assert alpha_closures("sweep", "--json").exit_code == 0
    assert alpha_closures("source", "list", "--json").json["sources"] == [listed]
