import pytest

GATEWAY = "/dav/calendars/ALPHA/GW-1/"


def test_each_href_has_one_row_as_it_was_asked(client, held, backend):
    asked = [
        GATEWAY + "a%20b.ics",
        "/dav/calendars/alpha/gw-1/%61%20b.ics",
        GATEWAY + "missing.ics",
        "/dav/calendars/BETA/GW-9/x.ics",
        "/dav/calendars/ALPHA/GW-2/a%20b.ics",
        GATEWAY,
        "/etc/passwd",
    ]
    found = client.multiget(*asked)
    assert found.hrefs() == asked
    assert list(found.rows().values()) == ["200", "200", "404", "404", "404", "404", "404"]


def test_absolute_hrefs_of_this_host_count_and_of_others_do_not(client, held):
    here, there = (f"https://{host}{GATEWAY}a%20b.ics" for host in ("Closures.example:8000", "evil.example"))
    found = client.multiget(here, there, "a%20b.ics", host="closures.example:8000")
    assert found.rows() == {
        GATEWAY + "a%20b.ics": "200",
        there: "404",
    } | {GATEWAY + "a%20b.ics": "200"}
    assert len(found.hrefs()) == 3


def test_an_href_repeated_is_answered_once(client, held):
    assert client.multiget(GATEWAY + "a%20b.ics", GATEWAY + "a%20b.ics").hrefs() == [GATEWAY + "a%20b.ics"]


def test_depth_makes_no_difference_and_no_href_is_refused(client, held):
    for depth in ("0", "1", "infinity"):
        assert client.multiget(GATEWAY + "a%20b.ics", depth=depth).rows() == {GATEWAY + "a%20b.ics": "200"}
    assert client.multiget().status == 400


def test_a_multiget_of_a_member_is_of_that_member(client, held, calendar, event):
    client.put("c.ics", calendar(event(uid="c")))
    found = client.multiget(GATEWAY + "a%20b.ics", GATEWAY + "c.ics", path=GATEWAY + "a%20b.ics")
    assert found.rows() == {GATEWAY + "a%20b.ics": "200", GATEWAY + "c.ics": "404"}


@pytest.mark.parametrize("property_name", ["D:getetag", "C:calendar-data", "N:receipt", "D:getcontenttype"])
def test_each_property_may_be_asked_alone(client, held, property_name):
    found = client.multiget(GATEWAY + "a%20b.ics", prop=f"<{property_name}/>")
    assert found.value(property_name)
    assert found.rows() == {GATEWAY + "a%20b.ics": "200"}
    absent = client.multiget(GATEWAY + "a%20b.ics", prop="<D:quota/>")
    assert absent.rows() == {GATEWAY + "a%20b.ics": "404"}
    assert client.multiget(GATEWAY + "a%20b.ics", prop="<D:quota/>", prefer="return=minimal").rows() == {
        GATEWAY + "a%20b.ics": "200"
    }
