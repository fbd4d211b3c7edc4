from dataclasses import replace

import pytest

GATEWAY = "/dav/calendars/ALPHA/GW-1/"
OTHER = "/dav/calendars/ALPHA/GW-2/"
MEMBER = GATEWAY + "a%20b.ics"


def test_a_member_is_created_and_returned_octet_for_octet(client, calendar, event):
    octets = calendar(event("SUMMARY:ü\u2028 and\\, more", 'X-ODD;P="a:b":1'))
    made = client.put("a b.ics", octets)
    assert (made.status, made.body) == (201, b"")
    assert made.headers["X-Closure-Receipt"] == "CN-0123456789"
    got = client.ask("GET", MEMBER)
    assert (got.status, got.body, got.headers["ETag"]) == (200, octets, made.headers["ETag"])
    assert got.headers["Content-Type"] == "text/calendar; charset=utf-8; component=VEVENT"
    assert client.multiget(MEMBER).value("C:calendar-data").encode() == octets
    assert client.multiget(MEMBER).value("D:getetag") == made.headers["ETag"]


def test_an_update_needs_no_condition_and_a_repetition_is_harmless(client, held, calendar, event):
    tag = client.ask("GET", MEMBER).headers["ETag"]
    again = client.put("a b.ics", held)
    assert (again.status, again.headers["ETag"]) == (204, tag)
    moved = client.put("a b.ics", calendar(event(starts="DTSTART:20261206T030000Z")))
    assert moved.status == 204
    assert moved.headers["ETag"] != tag


def test_conditions_decide(client, held, calendar, event):
    tag = client.ask("GET", MEMBER).headers["ETag"]
    changed = calendar(event("SEQUENCE:1"))
    assert client.put("a b.ics", changed, if_none_match="*").status == 412
    assert client.put("a b.ics", changed, if_match='"other"').status == 412
    assert client.put("a b.ics", changed, if_match=f"W/{tag}").status == 412
    assert client.ask("GET", MEMBER).body == held
    assert client.put("a b.ics", changed, if_match=f'"other", {tag}').status == 204
    assert client.put("new.ics", calendar(event(uid="two")), if_none_match="*").status == 201


def test_a_tag_is_given_only_for_octets_that_are_returned(client, backend, calendar, event, monkeypatch):
    put = backend.put
    monkeypatch.setattr(backend, "put", lambda *args: replace(put(*args), is_as_sent=False))
    made = client.put("a b.ics", calendar(event()))
    assert made.status == 201
    assert "ETag" not in made.headers


def test_an_answer_says_where_the_same_event_also_stands(client, calendar, event):
    assert "X-Closure-Also-At" not in client.put("a b.ics", calendar(event()), collection=OTHER).headers
    made = client.put("a b.ics", calendar(event()))
    assert (made.status, made.headers["X-Closure-Also-At"]) == (201, OTHER)
    assert made.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert made.body == (
        b"This event also stands at GW-2, where it is a closure of its own. If it has moved, delete it there.\n"
    )
    changed = client.put("a b.ics", calendar(event("SEQUENCE:1")))
    assert (changed.status, changed.body, changed.headers["X-Closure-Also-At"]) == (204, b"", OTHER)
    octets = calendar(event("SEQUENCE:2"))
    shown = client.put("a b.ics", octets, prefer="return=representation")
    assert (shown.body, shown.headers["X-Closure-Also-At"]) == (octets, OTHER)
    client.ask("DELETE", OTHER + "a%20b.ics")
    assert "X-Closure-Also-At" not in client.put("a b.ics", calendar(event("SEQUENCE:3"))).headers


def test_the_representation_comes_back_where_it_is_preferred(client, calendar, event):
    first, second = calendar(event()), calendar(event("SEQUENCE:1"))
    made = client.put("a b.ics", first, prefer="return=representation")
    assert (made.status, made.body, made.headers["Content-Location"]) == (201, first, MEMBER)
    assert made.headers["Preference-Applied"] == "return=representation"
    changed = client.put("a b.ics", second, prefer="return=representation")
    assert (changed.status, changed.body) == (200, second)
    stale = client.put("a b.ics", first, if_match=made.headers["ETag"], prefer="return=representation")
    assert (stale.status, stale.body, stale.headers["ETag"]) == (412, second, changed.headers["ETag"])
    assert stale.headers["Preference-Applied"] == "return=representation"


@pytest.mark.parametrize("name", ["a b.ics", "ü€𝄞.ics", "%2e%2e.ics", "no-extension", "a&b<c>'\".ics", "x" * 200])
def test_names_are_the_clients(client, calendar, event, name):
    from urllib.parse import quote, unquote

    assert client.put(name, calendar(event())).status == 201
    listed = client.propfind(GATEWAY, "D:getetag", depth="1").names()[1]
    assert unquote(listed) == name
    assert client.ask("GET", GATEWAY + listed).status == 200
    assert client.ask("GET", GATEWAY + quote(name, safe="")).status == 200


def test_content_types_that_clients_send(client, calendar, event):
    for at, kind in enumerate(
        ("", "text/calendar", "TEXT/CALENDAR; CHARSET=UTF-8; component=vevent", 'text/calendar;charset="utf-8"')
    ):
        assert client.put(f"{at}.ics", calendar(event(uid=f"{at}")), content_type=kind).status == 201


def test_overrides_stand_in_one_member_with_or_without_their_master(client, calendar, event):
    master = event("RRULE:FREQ=WEEKLY;COUNT=3")
    moved = event("RECURRENCE-ID:20261213T020000Z", starts="DTSTART:20261214T020000Z", ends="DTEND:20261214T060000Z")
    assert client.put("a.ics", calendar(master, moved)).status == 201
    assert client.put("b.ics", calendar(moved.replace("one@", "two@"))).status == 201


def test_get_knows_what_the_client_has(client, held):
    got = client.ask("GET", MEMBER)
    tag = got.headers["ETag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        same = client.ask("GET", MEMBER, if_none_match=known)
        assert (same.status, same.body, same.headers["ETag"]) == (304, b"", tag)
    assert client.ask("GET", MEMBER, if_modified_since=got.headers["Last-Modified"]).status == 304
    assert client.ask("GET", MEMBER, if_modified_since="Tue, 01 Sep 2026 11:00:00 GMT").status == 200
    assert client.ask("GET", MEMBER, if_modified_since="yesterday").status == 200
    assert client.ask("GET", MEMBER, if_match='"other"').status == 412
    assert (
        client.ask("GET", MEMBER, if_none_match='"other"', if_modified_since=got.headers["Last-Modified"]).status == 200
    )
    assert client.ask("HEAD", MEMBER).headers == got.headers
    assert client.ask("GET", GATEWAY).headers["Allow"] == "OPTIONS, PROPFIND, PROPPATCH, REPORT, POST"


def test_options_claims_what_is_there_and_no_more(client, held):
    for path in ("/dav/", GATEWAY, MEMBER, GATEWAY + "missing.ics", "/dav/calendars/BETA/GW-9/"):
        found = client.ask("OPTIONS", path)
        assert (found.status, found.headers["DAV"]) == (200, "1, 3, access-control, calendar-access")
    assert "PUT" in client.ask("OPTIONS", MEMBER).headers["Allow"].split(", ")
    assert "LOCK" not in client.ask("OPTIONS", MEMBER).headers["Allow"]


def test_post_adds_a_member_under_a_name_of_its_own(client, calendar, event):
    where = client.propfind(GATEWAY, "D:add-member").all(".//D:add-member/D:href")[0].text
    octets = calendar(event())
    made = client.ask("POST", where, octets, content_type="text/calendar")
    assert made.status == 201
    assert client.ask("GET", made.headers["Location"]).body == octets
    again = client.ask("POST", where, octets, content_type="text/calendar")
    assert again.refusal() == (403, "no-uid-conflict")
    assert client.ask("POST", made.headers["Location"], octets).status == 405
