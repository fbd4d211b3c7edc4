import pytest

HOME = "/dav/calendars/ALPHA/"
GATEWAY = "/dav/calendars/ALPHA/GW-1/"
ZONE = "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VTIMEZONE\nTZID:Europe/London\nEND:VTIMEZONE\nEND:VCALENDAR\n"


@pytest.fixture
def patch(client, say):
    def _patch(set_="", remove="", path=GATEWAY, **headers):
        steps = f"<D:set><D:prop>{set_}</D:prop></D:set>" if set_ else ""
        steps += f"<D:remove><D:prop>{remove}</D:prop></D:remove>" if remove else ""
        return client.ask("PROPPATCH", path, say.xml("D:propertyupdate", steps), **headers)

    return _patch


def test_what_calendar_programs_set_is_kept(client, patch):
    values = {
        "D:displayname": "Süd & Nord",
        "A:calendar-color": "#FF0000FF",
        "A:calendar-order": "3",
        "C:calendar-description": "Ours",
        "C:calendar-timezone": ZONE,
    }
    set_ = "".join(f"<{name}>{value.replace('&', '&amp;')}</{name}>" for name, value in values.items())
    for path in (GATEWAY, "/dav/calendars/ALPHA/LIST/"):
        assert patch(set_, path=path).rows() == {path: "200"}
        found = client.propfind(path, *values)
        assert {name: found.value(name) for name in values} == values
        assert found.rows() == {path: "200"}


def test_dead_properties_keep_their_structure_and_language(client, patch, say):
    dead = '<x:note xmlns:x="urn:x" xml:lang="de"><x:part a="&lt;&quot;">Grüße &amp; mehr</x:part></x:note>'
    assert patch(dead, path=HOME).rows() == {HOME: "200"}
    body = say.xml("D:propfind", '<D:prop><note xmlns="urn:x"/></D:prop>')
    found = client.ask("PROPFIND", HOME, body, depth="0")
    note = found.all(".//{urn:x}note")[0]
    assert note.get("{http://www.w3.org/XML/1998/namespace}lang") == "de"
    assert (note[0].get("a"), note[0].text) == ('<"', "Grüße & mehr")
    every = client.ask("PROPFIND", HOME, depth="0")
    assert len(every.all(".//{urn:x}note")) == 1
    names = client.ask("PROPFIND", HOME, say.xml("D:propfind", "<D:propname/>"), depth="0")
    assert len(names.all(".//{urn:x}note")) == 1
    assert patch(remove='<note xmlns="urn:x"/>', path=HOME).rows() == {HOME: "200"}
    assert client.ask("PROPFIND", HOME, body, depth="0").rows() == {HOME: "404"}


def test_language_is_inherited_from_the_request(client, say):
    body = '<D:propertyupdate xmlns:D="DAV:" xml:lang="cy"><D:set><D:prop><D:displayname>Cau</D:displayname></D:prop></D:set></D:propertyupdate>'
    assert client.ask("PROPPATCH", GATEWAY, body).rows() == {GATEWAY: "200"}
    found = client.propfind(GATEWAY, "D:displayname").all(".//D:displayname")[0]
    assert found.get("{http://www.w3.org/XML/1998/namespace}lang") == "cy"


def test_removing_a_name_gives_the_calendar_its_own_back(client, patch):
    patch("<D:displayname>Mine</D:displayname>")
    assert patch(remove="<D:displayname/>").rows() == {GATEWAY: "200"}
    assert client.propfind(GATEWAY, "D:displayname").value("D:displayname") == "GW-1 <closures>"


def test_one_fault_undoes_all(client, patch):
    found = patch("<D:displayname>Mine</D:displayname><D:getetag>x</D:getetag>", "<D:sync-token/>")
    assert [one.text for one in found.all(".//D:status")] == [
        "HTTP/1.1 424 Failed Dependency",
        "HTTP/1.1 403 Forbidden",
    ]
    assert [one[0].tag for one in found.all(".//D:error")] == ["{DAV:}cannot-modify-protected-property"]
    assert client.propfind(GATEWAY, "D:displayname").value("D:displayname") == "GW-1 <closures>"


def test_a_time_zone_must_be_one(patch):
    found = patch("<C:calendar-timezone>Europe/London</C:calendar-timezone>")
    assert found.rows() == {GATEWAY: "403"}
    assert found.all(".//D:error/*")[0].tag.endswith("}valid-calendar-data")


def test_a_value_has_a_size(patch):
    assert patch(f"<D:displayname>{'x' * 70_000}</D:displayname>").rows() == {GATEWAY: "507"}


def test_minimal_success_has_no_body(patch):
    found = patch("<D:displayname>Mine</D:displayname>", prefer="return=minimal")
    assert (found.status, found.body) == (200, b"")
    assert found.headers["Preference-Applied"] == "return=minimal"


def test_nothing_is_kept_beside_members_or_of_others(client, patch, held):
    assert patch("<D:displayname>x</D:displayname>", path=GATEWAY + "a%20b.ics").rows() == {
        GATEWAY + "a%20b.ics": "403"
    }
    assert patch("<D:displayname>x</D:displayname>", path="/dav/calendars/BETA/GW-9/").status == 404


@pytest.mark.parametrize("inner", ["", "<D:set/>", "<D:set><D:prop/></D:set>", "<D:other/>"])
def test_an_update_of_nothing_is_refused(client, say, inner):
    assert client.ask("PROPPATCH", GATEWAY, say.xml("D:propertyupdate", inner)).status == 400
