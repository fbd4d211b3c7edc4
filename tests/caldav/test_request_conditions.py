"""What a change depends on: entity tags, times, and the lists of an If header (RFC 9110 13, RFC 4918 10.4)."""

import pytest

GATEWAY = "/dav/calendars/ALPHA/GW-1/"
OTHER = "/dav/calendars/ALPHA/GW-2/"
MEMBER = GATEWAY + "a%20b.ics"
HOST = "closures.example"
EARLIER = "Tue, 01 Sep 2026 11:00:00 GMT"
NS = {"D": "DAV:"}


@pytest.fixture
def changed(calendar, event):
    return calendar(event("SEQUENCE:1"))


@pytest.fixture
def stated(client, held):
    """What of an If header ``{tag}``, ``{other}`` and ``{token}`` stand for: two members, and their calendar's state."""
    client.ask("COPY", MEMBER, destination=OTHER + "c.ics")
    state = client.propfind(GATEWAY, "D:sync-token").value("D:sync-token")
    tags = [client.ask("GET", path).headers["ETag"] for path in (MEMBER, OTHER + "c.ics")]
    return lambda text: text.replace("{tag}", tags[0]).replace("{other}", tags[1]).replace("{token}", state)


def test_a_change_since_a_time_is_stale(client, held, changed):
    known = client.ask("GET", MEMBER).headers["Last-Modified"]
    assert client.put("a b.ics", changed, if_unmodified_since=EARLIER).status == 412
    assert client.ask("DELETE", MEMBER, if_unmodified_since=EARLIER).status == 412
    assert client.ask("MOVE", MEMBER, destination=OTHER + "a.ics", if_unmodified_since=EARLIER).status == 412
    assert client.ask("GET", MEMBER, if_unmodified_since=EARLIER).status == 412
    assert client.ask("GET", MEMBER, if_unmodified_since=known).body == held
    assert client.put("a b.ics", changed, if_unmodified_since=known).status == 204
    assert client.ask("DELETE", MEMBER, if_unmodified_since=known).status == 412
    assert client.ask("GET", MEMBER).body == changed


def test_a_tag_goes_before_a_time_and_what_is_no_date_counts_for_nothing(client, held, changed):
    tag = client.ask("GET", MEMBER).headers["ETag"]
    assert client.put("a b.ics", changed, if_match=tag, if_unmodified_since=EARLIER).status == 204
    assert client.put("a b.ics", held, if_unmodified_since="yesterday").status == 204
    assert client.put("a b.ics", changed, if_unmodified_since="Tue, 01 Sep 99999999999 11:00:00 GMT").status == 204


def test_a_time_says_nothing_of_what_is_not_there(client, changed):
    assert client.ask("DELETE", MEMBER, if_unmodified_since=EARLIER).status == 404
    assert client.put("a b.ics", changed, if_unmodified_since=EARLIER).status == 201


@pytest.mark.parametrize(
    "lists",
    [
        "([{tag}])",
        '(Not ["old"])',
        '(["old"]) ([{tag}])',
        "([{tag}] Not <DAV:no-lock>)",
        "(<opaquelocktoken:1>) (Not <opaquelocktoken:1>)",
        f"<{MEMBER}> ([{{tag}}])",
        f"<http://{HOST}/dav/calendars/alpha/gw-1/a%20%62.ics> ([{{tag}}])",
        f"<{OTHER}c.ics> ([{{other}}])",
        f'<{MEMBER}> (["old"]) <{OTHER}c.ics> (["old"]) ([{{other}}])',
        f"<{GATEWAY}> (<{{token}}>)",
        f"<{OTHER}missing.ics> (Not [{{other}}])",
    ],
)
def test_an_if_header_lets_a_change_through(client, stated, changed, lists):
    made = client.put("a b.ics", changed, **{"if": stated(lists)}, host=HOST)
    assert made.status == 204
    assert client.ask("GET", MEMBER).body == changed


@pytest.mark.parametrize(
    "lists",
    [
        '(["old"])',
        "([W/{tag}])",
        "(Not [{tag}])",
        '([{tag}] ["old"])',
        "([{tag}] <opaquelocktoken:1>)",
        "(<DAV:no-lock>)",
        f'<{MEMBER}> (["old"])',
        f'<{OTHER}c.ics> (["x"])',
        f"<{OTHER}c.ics> ([W/{{other}}])",
        f"<{OTHER}missing.ics> ([{{other}}])",
        f"<http://elsewhere.example{OTHER}c.ics> ([{{other}}])",
        "</dav/calendars/BETA/GW-9/> (<{token}>)",
        f"<{GATEWAY}> (<{{token}}0>)",
        "(<{token}>)",
    ],
)
def test_an_if_header_holds_a_change_back(client, stated, held, changed, lists):
    lists = stated(lists)
    for answer in (
        client.put("a b.ics", changed, **{"if": lists}, host=HOST),
        client.ask("DELETE", MEMBER, **{"if": lists}, host=HOST),
        client.ask("MOVE", MEMBER, destination=OTHER + "d.ics", **{"if": lists}, host=HOST),
        client.ask("COPY", MEMBER, destination=OTHER + "d.ics", **{"if": lists}, host=HOST),
        client.ask("GET", MEMBER, **{"if": lists}, host=HOST),
    ):
        assert answer.refusal() == (412,)
    assert client.ask("GET", MEMBER).body == held


@pytest.mark.parametrize(
    "lists", ["", "()", "(", '["a"]', "([a])", '(["a"]', f'(["a"]) <{MEMBER}> (["a"])', '(["a"]),', "(a)"]
)
def test_an_if_header_that_is_none_is_refused(client, held, changed, lists):
    assert client.put("a b.ics", changed, **{"if": lists}).refusal() == (400,)
    assert client.ask("GET", MEMBER).body == held


HOSTILE = {
    "open": "(" * 8_000,
    "quote": '(["' + "a" * 8_000,
    "token": "(<" + "a" * 8_000,
    "blank": "(" + " " * 8_000,
    "not": "(" + "not " * 2_000,
    "tokens": "(" + "<a>" * 2_600 + ")",
    "lists": "(<a>)" * 1_600,
    "tagged": "</dav/calendars/ALPHA/GW-2/c>(<a>)" * 230,
}


@pytest.mark.parametrize("lists", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_if_header_is_refused_in_time(client, held, changed, lists, no_blow_up):
    assert client.put("a b.ics", changed, **{"if": lists}).status in {400, 412}


def test_if_decides_over_what_is_not_there_too(client, changed):
    assert client.put("a b.ics", changed, **{"if": '(["old"])'}).status == 412
    assert client.put("a b.ics", changed, **{"if": '(Not ["old"])'}).status == 201


def test_an_older_sequence_without_a_condition_is_stale_once_another_door_wrote_a_newer_one(
    client, backend, held, calendar, event
):
    ours = calendar(event("SEQUENCE:3", starts="DTSTART:20261206T030000Z"))
    backend.change_elsewhere(backend.collection("ALPHA", "GW-1"), "a b.ics", ours)
    renamed = calendar(event("SEQUENCE:2", "SUMMARY:Renamed"))
    refused = client.put("a b.ics", renamed)
    assert refused.refusal() == (412,)
    assert refused.xml.findtext("D:responsedescription", namespaces=NS) == (
        "The event was changed elsewhere since this was fetched: fetch it again, then change it."
    )
    shown = client.put("a b.ics", renamed, prefer="return=representation")
    assert (shown.status, shown.body) == (412, ours)
    assert shown.headers["ETag"] == client.ask("GET", MEMBER).headers["ETag"]
    assert shown.headers["Content-Location"] == MEMBER
    assert client.put("a b.ics", calendar(event("SEQUENCE:3", "SUMMARY:Renamed"))).status == 204
