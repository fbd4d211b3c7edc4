"""``closures source``: added, listed, polled and removed by the command line, against a server on loopback."""

import http.server
import sqlite3
import threading

import pytest

ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//them//EN
BEGIN:VEVENT
UID:u1
DTSTAMP:20261101T000000Z
DTSTART:20261206T020000Z
DTEND:20261206T060000Z
SUMMARY:Gateway
END:VEVENT
END:VCALENDAR
"""
NEAR = {"CLOSURES_ALLOW_PRIVATE_SOURCES": "true"}


@pytest.fixture
def served():
    """A server of one file, for alpha with its password alone; ``served.text`` is what it holds, None for a fault."""

    class Talk(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
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
    server.text, server.url = ICS, f"http://127.0.0.1:{server.server_address[1]}/changes.ics"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def add(run, url, *more, text="sesame\n", **variables):
    words = ("source", "add", "--user", "alpha", "--gateway", "gw-a1", "--url", url, *more)
    return run(*words, text=text, **(variables or NEAR))


def test_a_source_is_added_polled_and_its_closures_are_there(alpha_closures, served, clock_hand):
    said = add(alpha_closures, served.url, "--username", "alpha", "--json")
    assert said.exit_code == 0, said.stderr
    source_id = said.json.pop("id")
    assert said.json == {
        "id": source_id, "user": "ALPHA", "gateway": "GW-A1", "url": served.url, "every_minutes": 15,
    }  # fmt: skip
    (new,) = alpha_closures("source", "list", "--json").json["sources"]
    assert (new["state"], new["last_poll"], new["events"]) == ("new", None, 0)

    polled = alpha_closures("source", "poll", source_id, "--json", **NEAR)
    (accepted,) = polled.json["accepted"]
    assert (polled.exit_code, accepted["starts"], accepted["change"], polled.json["state"]) == (
        *(0, "2026-12-06T02:00:00Z", "first notice", "ok"),
    )
    (row,) = alpha_closures("closure", "show", accepted["reference"], "--json").json["revisions"]
    assert row["channel"] == "pull"

    clock_hand.shift(60)
    served.text = ICS.replace("20261206T", "20261207T")
    moved = alpha_closures("source", "poll", source_id.upper(), **NEAR)
    assert moved.lines[0] == "1 event taken: 1 accepted, 0 unchanged, 0 superseded, 0 withdrawn."
    assert moved.lines[1].startswith(f"  {accepted['reference']}  GW-A1  Mon 7 Dec 2026")
    (listed,) = alpha_closures("source", "list", "--json").json["sources"]
    next_poll = listed.pop("next_poll")
    assert "2026-11-24T09:16:00Z" <= next_poll <= "2026-11-24T09:17:30Z"
    assert listed == {
        "id": source_id, "user": "ALPHA", "gateway": "GW-A1", "url": served.url, "username": "alpha", "word": None,
        "category": None, "every_minutes": 15, "created": "2026-11-24T09:00:00Z", "state": "ok", "problem": None,
        "remedy": None, "failures": 0, "last_poll": "2026-11-24T09:01:00Z", "kind": "file", "events": 1, "missing": 0,
        "doubted": False, "last_change": {"accepted": 1, "unchanged": 0, "superseded": 0, "withdrawn": 0},
        "problems": [],
    }  # fmt: skip
    assert alpha_closures("source", "remove", source_id).exit_code == 0
    assert alpha_closures("source", "list").lines == ["There are no sources yet."]
    assert alpha_closures("source", "poll", source_id).exit_code == 1
    assert alpha_closures("source", "remove", source_id).exit_code == 1
    assert alpha_closures("closure", "show", accepted["reference"]).exit_code == 0


def test_why_nothing_was_taken_is_said_and_stays_in_the_list(alpha_closures, served):
    source_id = add(alpha_closures, served.url, "--username", "alpha", "--json").json["id"]
    served.text = None
    polled = alpha_closures("source", "poll", source_id, **NEAR)
    assert (polled.exit_code, polled.lines) == (
        1,
        [f"{source_id}: The source answered with HTTP status 500. Ask whoever keeps the source. Nothing was changed."],
    )
    listed = alpha_closures("source", "list")
    assert listed.lines[1].split()[4:6] == ["answer", "500"]
    assert listed.lines[2] == polled.lines[0]


def test_a_dry_run_says_what_would_change_and_writes_nothing(alpha_closures, served):
    source_id = add(alpha_closures, served.url, "--username", "alpha", "--json").json["id"]
    before = alpha_closures("source", "list", "--json").json
    said = alpha_closures("source", "poll", source_id, "--dry-run", **NEAR)
    assert said.lines[0] == "1 event taken: would be 1 accepted, 0 unchanged, 0 superseded, 0 withdrawn."
    as_json = alpha_closures("source", "poll", source_id, "--dry-run", "--json", **NEAR).json
    assert ([one["receipt"] for one in as_json["accepted"]], as_json["dry_run"]) == ([None], True)
    assert alpha_closures("source", "list", "--json").json == before
    assert alpha_closures("record", "verify").lines == ["0 entries: the record is sound."]
    served.text = None
    assert alpha_closures("source", "poll", source_id, "--dry-run", **NEAR).exit_code == 1


def test_a_wrong_password_is_named(alpha_closures, served):
    source_id = add(alpha_closures, served.url, "--username", "alpha", "--json", text="open\n").json["id"]
    polled = alpha_closures("source", "poll", source_id, "--json", **NEAR)
    assert (polled.exit_code, polled.json["state"], polled.json["accepted"]) == (1, "sign-in", [])


def test_missing_events_are_announced_before_they_are_withdrawn(alpha_closures, served, clock_hand):
    second = ICS[ICS.index("BEGIN:VEVENT") : ICS.index("END:VCALENDAR")].replace("UID:u1", "UID:u2")
    served.text = ICS.replace("END:VCALENDAR", second + "END:VCALENDAR")
    source_id = add(alpha_closures, served.url, "--username", "alpha", "--json").json["id"]
    alpha_closures("source", "poll", source_id, **NEAR)
    served.text = ICS
    first = alpha_closures("source", "poll", source_id, **NEAR)
    assert first.lines == [f"{source_id}: 1 event missing; the next poll withdraws what still is."]
    then = alpha_closures("source", "poll", source_id, "--json", **NEAR)
    assert [one["change"] for one in then.json["withdrawn"]] == ["withdrawn"]


def test_the_sweep_polls_what_is_due(alpha_closures, served, clock_hand):
    add(alpha_closures, served.url, "--username", "alpha")
    swept = alpha_closures("sweep", "--json", **NEAR).json
    assert (swept["polled"], swept["polled_without_result"]) == (1, 0)
    assert alpha_closures("sweep", "--json", **NEAR).json["polled"] == 0
    clock_hand.shift(17 * 60)
    assert alpha_closures("sweep", **NEAR).lines[-1].endswith("1 sources polled, 0 of them without result.")


@pytest.mark.parametrize(
    ("url", "variables"),
    [
        ("http://calendar.example.org/changes.ics", {}),
        ("https://alpha:sesame@calendar.example.org/", NEAR),
        ("https://calendar.example.org:22/", {}),
        ("ftp://calendar.example.org/", NEAR),
    ],
)
def test_an_address_that_is_not_fetched_is_refused_when_it_is_added(alpha_closures, url, variables):
    said = add(alpha_closures, url, CLOSURES_LOG="console", **variables)
    assert (said.exit_code, said.stderr.splitlines()[0]) == (1, "That is not an address that may be asked.")
    assert alpha_closures("source", "list", "--json").json["sources"] == []


def test_a_source_is_of_a_user_and_a_gateway_that_are_there_and_once(alpha_closures, served):
    words = ("source", "add", "--url", served.url)
    assert alpha_closures(*words, "--user", "NOBODY", "--gateway", "GW-A1", **NEAR).exit_code == 1
    assert alpha_closures(*words, "--user", "ALPHA", "--gateway", "GW-9", **NEAR).exit_code == 1
    assert [add(alpha_closures, served.url).exit_code for _ in range(2)] == [0, 1]
    assert alpha_closures(*words, "--user", "ALPHA", "--gateway", "GW-A2", **NEAR).exit_code == 0


@pytest.mark.parametrize(
    "more",
    [
        ("--every", "4"),
        ("--word", "a", "--category", "b"),
        ("--username", "alpha"),
    ],
)
def test_what_is_not_understood_is_usage(alpha_closures, served, more):
    assert add(alpha_closures, served.url, *more, text="").exit_code == 2


def test_a_control_character_is_kept_out(alpha_closures, served):
    assert add(alpha_closures, served.url, "--word", "a\x1b[2J").exit_code == 1


def test_nothing_of_a_source_stands_in_the_database_in_clear(alpha_closures, served, settings, request):
    if request.config.getoption("--database") != "sqlite":
        return
    add(
        alpha_closures,
        served.url + "?canary-in-url",
        "--username",
        "canary-name",
        "--word",
        "canary-word",
        text="canary-password\n",
    )
    with sqlite3.connect(settings.database.removeprefix("sqlite:///")) as connection:
        rows = connection.execute("SELECT * FROM sources").fetchall()
    connection.close()
    assert [b"canary" in bytes(str(rows), "utf-8"), b"127.0.0.1" in bytes(str(rows), "utf-8"), len(rows)] == [
        False,
        False,
        1,
    ]
