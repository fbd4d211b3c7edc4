"""``closures maintenance source``: an address of DCC's own dates, against a server on loopback."""

import http.server
import threading

import pytest

NEAR = {"CLOSURES_ALLOW_PRIVATE_SOURCES": "true"}
EVENT = (
    "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:{day}T220000Z\r\nDTEND:{day}T235900Z\r\n"
    "SUMMARY:DSP release canary\r\nEND:VEVENT\r\n"
)


def ics(*events):
    body = "".join(EVENT.format(uid=uid, day=day) for uid, day in events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//dcc//EN\r\n{body}END:VCALENDAR\r\n"


@pytest.fixture
def served():
    """A server of one file; ``served.text`` is what it holds, None for a fault."""

    class Talk(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(500 if self.server.text is None else 200)
            body = (self.server.text or "").encode()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Talk)
    server.text = ics(("m1", "20261206"), ("m2", "20261213"))
    server.url = f"http://127.0.0.1:{server.server_address[1]}/dcc.ics"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def dates(closures):
    """Return a function that runs ``closures maintenance source`` where loopback may be asked."""
    return lambda *words, **options: closures("maintenance", "source", *words, **(NEAR | options))


def test_an_address_is_added_polled_listed_and_removed(dates, closures, served, clock_hand):
    said = dates("add", "--url", served.url, "--kind", "release", "--json")
    source_id = said.json["id"]
    assert said.json == {"id": source_id, "dates": "release", "url": served.url, "every_minutes": 15}
    tried = dates("poll", source_id, "--dry-run")
    assert (tried.exit_code, tried.lines[0]) == (
        *(0, "2 events taken: would be 2 added, 0 moved, 0 withdrawn, 0 unchanged."),
    )
    assert closures("maintenance", "list", "--from", "2026-12-01", "--to", "2027-01-01", "--json").json == {
        "maintenance": []
    }
    polled = dates("poll", source_id, "--json").json
    assert [(one["kind"], one["starts"]) for one in polled["added"]] == [
        ("release", "2026-12-06T22:00:00Z"),
        ("release", "2026-12-13T22:00:00Z"),
    ]
    assert (polled["state"], polled["events"], polled["unchanged"], polled["problems"]) == ("ok", 2, 0, [])

    clock_hand.shift(60)
    served.text = ics(("m1", "20261207"), ("m2", "20261213"))
    moved = dates("poll", source_id.upper())
    assert moved.lines == [
        "2 events taken: 0 added, 1 moved, 0 withdrawn, 0 unchanged.",
        f"  {polled['added'][0]['reference']}  Mon 7 Dec 2026 22:00 GMT to Mon 7 Dec 2026 23:59 GMT  moved.",
    ]
    (listed,) = dates("list", "--json").json["sources"]
    next_poll = listed.pop("next_poll")
    assert "2026-11-24T09:16:00Z" <= next_poll <= "2026-11-24T09:17:30Z"
    assert listed == {
        "id": source_id, "dates": "release", "url": served.url, "username": None, "word": None, "category": None,
        "every_minutes": 15, "created": "2026-11-24T09:00:00Z", "state": "ok", "problem": None, "remedy": None,
        "failures": 0, "last_poll": "2026-11-24T09:01:00Z", "kind": "file", "events": 2, "missing": 0, "doubted": False,
        "last_change": {"accepted": 1, "unchanged": 0, "withdrawn": 0}, "problems": [],
    }  # fmt: skip
    assert dates("remove", source_id).exit_code == 0
    assert dates("list").lines == ["No address is read for DCC's own dates."]
    assert [dates("poll", source_id).exit_code, dates("remove", source_id).exit_code] == [1, 1]
    kept = closures("maintenance", "list", "--from", "2026-12-01", "--to", "2027-01-01", "--json").json["maintenance"]
    assert len(kept) == 2


def test_what_vanishes_is_announced_and_then_withdrawn(dates, served):
    source_id = dates("add", "--url", served.url, "--json").json["id"]
    dates("poll", source_id)
    served.text = ics(("m1", "20261206"))
    assert dates("poll", source_id).lines == [f"{source_id}: 1 event missing; the next poll withdraws what still is."]
    assert [one["starts"] for one in dates("poll", source_id, "--json").json["withdrawn"]] == ["2026-12-13T22:00:00Z"]


def test_why_nothing_was_taken_is_said_and_stays_in_the_list(dates, served):
    source_id = dates("add", "--url", served.url, "--json").json["id"]
    served.text = None
    polled = dates("poll", source_id)
    words = f"{source_id}: The source answered with HTTP status 500. Ask whoever keeps the source. Nothing was changed."
    assert (polled.exit_code, polled.lines) == (1, [words])
    assert dates("list").lines[-1] == words
    assert "DSP" not in polled.stdout + polled.stderr


def test_the_sweep_polls_it_too(dates, closures, served, clock_hand):
    dates("add", "--url", served.url)
    swept = closures("sweep", "--json", **NEAR).json
    assert (swept["polled"], swept["polled_without_result"]) == (1, 0)
    assert len(closures("maintenance", "list", "--json", "--to", "2027-01-01").json["maintenance"]) == 2


def test_neither_list_knows_of_the_others_sources(dates, alpha_closures, served):
    of_dcc = dates("add", "--url", served.url, "--json").json["id"]
    words = ("source", "add", "--user", "ALPHA", "--gateway", "GW-A1", "--url", served.url, "--json")
    of_alpha = alpha_closures(*words, **NEAR).json["id"]
    assert [one["id"] for one in dates("list", "--json").json["sources"]] == [of_dcc]
    assert [one["id"] for one in alpha_closures("source", "list", "--json").json["sources"]] == [of_alpha]
    for verb in ("poll", "remove"):
        assert dates(verb, of_alpha).exit_code == 1
        assert alpha_closures("source", verb, of_dcc, **NEAR).exit_code == 1


@pytest.mark.parametrize(
    ("url", "variables"),
    [
        ("http://calendar.example.org/dcc.ics", {"CLOSURES_ALLOW_PRIVATE_SOURCES": "false"}),
        ("https://dcc:sesame@calendar.example.org/", {}),
        ("ftp://calendar.example.org/", {}),
    ],
)
def test_an_address_that_is_not_fetched_is_refused_when_it_is_added(dates, url, variables):
    said = dates("add", "--url", url, CLOSURES_LOG="console", **variables)
    assert (said.exit_code, said.stderr.splitlines()[0]) == (1, "That is not an address that may be asked.")
    assert dates("list", "--json").json["sources"] == []


@pytest.mark.parametrize(
    "more", [("--every", "4"), ("--word", "a", "--category", "b"), ("--username", "dcc"), ("--kind", "party")]
)
def test_what_is_not_understood_is_usage(dates, served, more):
    assert dates("add", "--url", served.url, *more, text="").exit_code == 2


def test_an_address_is_read_once_for_each_kind(dates, served):
    kinds = ("maintenance", "maintenance", "release")
    assert [dates("add", "--url", served.url, "--kind", kind).exit_code for kind in kinds] == [0, 1, 0]
