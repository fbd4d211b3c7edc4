import pytest

from app.caldav.backend import Condition

GATEWAY = "/dav/calendars/ALPHA/GW-1/"
OTHER = "/dav/calendars/ALPHA/GW-2/"
MEMBER = GATEWAY + "a%20b.ics"
NS = {"D": "DAV:", "C": "urn:ietf:params:xml:ns:caldav"}


def test_a_move_to_another_gateway_keeps_octets_and_name(client, held):
    moved = client.ask("MOVE", MEMBER, destination=f"http://closures.example{OTHER}a%20b.ics", host="closures.example")
    assert (moved.status, moved.headers["Location"]) == (201, OTHER + "a%20b.ics")
    assert client.ask("GET", MEMBER).status == 404
    assert client.ask("GET", OTHER + "a%20b.ics").body == held


def test_a_move_is_one_step_for_the_backend_and_one_change_in_each_calendar(client, backend, held):
    before = [client.sync(path=path).xml.findtext("D:sync-token", namespaces=NS) for path in (GATEWAY, OTHER)]
    assert client.ask("MOVE", MEMBER, destination=OTHER + "c.ics").headers["X-Closure-Receipt"] == "CN-MOVED"
    assert client.sync(before[0]).rows() == {MEMBER: "404"}
    assert client.sync(before[1], path=OTHER).rows() == {OTHER + "c.ics": "200"}


def test_a_move_within_a_calendar_is_another_name(client, held):
    tag = client.ask("GET", MEMBER).headers["ETag"]
    renamed = client.ask("MOVE", MEMBER, destination=GATEWAY + "c.ics")
    assert (renamed.status, renamed.headers["Location"], renamed.headers["ETag"]) == (201, GATEWAY + "c.ics", tag)
    assert client.propfind(GATEWAY, "D:getetag", depth="1").hrefs() == [GATEWAY, GATEWAY + "c.ics"]
    assert client.ask("GET", GATEWAY + "c.ics").body == held


def test_what_stands_at_the_destination_is_replaced_unless_overwrite_is_f(client, held, calendar, event):
    there = calendar(event(uid="two"))
    client.put("c.ics", there, collection=OTHER)
    refused = client.ask("MOVE", MEMBER, destination=OTHER + "c.ics", overwrite="F")
    assert refused.refusal() == (412,)
    assert (client.ask("GET", MEMBER).body, client.ask("GET", OTHER + "c.ics").body) == (held, there)
    moved = client.ask("MOVE", MEMBER, destination=OTHER + "c.ics", overwrite="T")
    assert (moved.status, moved.body, "Location" in moved.headers) == (204, b"", False)
    assert (client.ask("GET", MEMBER).status, client.ask("GET", OTHER + "c.ics").body) == (404, held)


def test_a_uid_that_stands_at_the_destination_is_in_the_way(client, held):
    assert client.ask("COPY", MEMBER, destination=OTHER + "c.ics").status == 201
    refused = client.ask("MOVE", MEMBER, destination=OTHER + "d.ics")
    assert refused.refusal() == (403, "no-uid-conflict")
    assert refused.xml.findtext("C:no-uid-conflict/D:href", namespaces=NS) == OTHER + "c.ics"
    assert client.ask("GET", MEMBER).body == held


def test_a_member_that_went_while_it_was_asked_for_is_a_404(client, backend, held, monkeypatch):
    entry = backend.entry
    monkeypatch.setattr(backend, "entry", lambda *args: (entry(*args), backend.delete(*args, Condition()))[0])
    for method in ("MOVE", "COPY"):
        assert client.ask(method, MEMBER, destination=OTHER + "a.ics").status == 404
        client.put("a b.ics", held)


def test_a_copy_stays(client, held, calendar, event):
    copied = client.ask("COPY", MEMBER, destination=OTHER + "c.ics")
    assert (copied.status, copied.headers["X-Closure-Also-At"], b"also stands at GW-1" in copied.body) == (
        201,
        GATEWAY,
        True,
    )
    assert client.ask("GET", MEMBER).body == client.ask("GET", OTHER + "c.ics").body == held
    assert client.ask("COPY", MEMBER, destination=OTHER + "c.ics", overwrite="F").status == 412
    assert client.ask("COPY", MEMBER, destination=OTHER + "c.ics").status == 204


@pytest.mark.parametrize(
    ("destination", "status"),
    [
        ("http://elsewhere.example" + OTHER + "a.ics", 502),
        ("", 400),
        (OTHER, 400),
        ("/dav/calendars/BETA/GW-9/a.ics", 409),
        (MEMBER, 403),
        ("http://[", 502),
    ],
)
def test_a_move_goes_nowhere_else(client, held, destination, status):
    assert client.ask("MOVE", MEMBER, destination=destination, host="closures.example").status == status
    assert client.ask("GET", MEMBER).body == held
    stale = client.ask("MOVE", MEMBER, destination=OTHER + "a.ics", if_match='"x"')
    assert stale.status == 412


def test_nothing_is_moved_out_of_a_list_that_one_reads(client, backend, held):
    shelf = backend.shelves["ALPHA", "LIST"]
    shelf.members["a b.ics"] = backend.shelves["ALPHA", "GW-1"].members["a b.ics"]
    source = "/dav/calendars/ALPHA/LIST/a%20b.ics"
    assert client.ask("MOVE", source, destination=OTHER + "a.ics").refusal() == (403, "need-privileges")
    assert client.ask("DELETE", source).refusal() == (403, "need-privileges")
    assert client.ask("COPY", source, destination=OTHER + "a.ics").status == 201


def test_delete_removes_once(client, held):
    assert client.ask("DELETE", MEMBER).status == 204
    assert client.ask("DELETE", MEMBER).status == 404
    assert client.ask("DELETE", MEMBER, if_match='"x"').status == 404
    assert client.ask("GET", MEMBER).status == 404
