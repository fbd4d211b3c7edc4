import pytest

HOME = "/dav/calendars/ALPHA/"
GATEWAY = "/dav/calendars/ALPHA/GW-1/"
PRINCIPAL = "/dav/principals/ALPHA/"


@pytest.mark.parametrize("path", ["/", "/dav", "/dav/", "/principals/", "/dav/principals/", "/dav/calendars/", HOME])
def test_every_place_on_the_way_points_to_the_principal(client, path):
    found = client.propfind(path, "D:current-user-principal", "D:resourcetype")
    assert (found.status, found.rows()) == (207, {path if path.endswith("/") else path + "/": "200"})
    assert found.all("D:response/D:propstat/D:prop/D:current-user-principal/D:href")[0].text == PRINCIPAL
    assert found.value("D:resourcetype") == ["collection"]


def test_the_root_and_the_principal_point_to_the_home(client):
    for path in ("/dav/", PRINCIPAL):
        found = client.propfind(path, "C:calendar-home-set", "C:calendar-user-address-set", "D:principal-URL")
        assert [one.text for one in found.all(".//D:href")[1:]] == [
            HOME,
            "mailto:alpha@example.org",
            PRINCIPAL,
            PRINCIPAL,
        ]


def test_a_home_lists_its_calendars(client):
    found = client.propfind(HOME, "D:resourcetype", "D:displayname", depth="1")
    assert found.hrefs() == [HOME, GATEWAY, HOME + "GW-2/", HOME + "LIST/"]
    assert found.value("D:resourcetype", 1) == ["collection", "calendar"]
    assert found.value("D:displayname", 1) == "GW-1 <closures>"


@pytest.mark.parametrize(
    "path",
    [
        "/dav/calendars/ALPHA/GW-1",
        "/dav/calendars/alpha/gw-1",
        "/dav/calendars/%41LPHA/GW-1",
    ],
)
def test_a_collection_is_found_without_its_slash_in_any_case_and_encoding(client, held, path):
    found = client.propfind(path, "D:getetag", depth="1")
    assert found.status == 207
    assert found.headers["Content-Location"] == path + "/"
    assert found.hrefs() == [path + "/", path + "/a%20b.ics"]


def test_members_are_listed_with_what_is_asked_and_404_for_the_rest(client, held):
    found = client.propfind(
        GATEWAY, "D:getetag", "D:getcontenttype", "D:getcontentlength", "D:lockdiscovery", "D:resourcetype", depth="1"
    )
    assert found.rows() == {GATEWAY: "200/404", GATEWAY + "a%20b.ics": "200/404"}
    assert found.value("D:getetag", 1) == client.ask("GET", GATEWAY + "a%20b.ics").headers["ETag"]
    assert found.value("D:getcontenttype", 1) == "text/calendar; component=VEVENT"
    assert found.value("D:getcontentlength", 1) == str(len(held))
    assert found.value("D:resourcetype", 1) == []


def test_every_property_that_clients_ask_of_a_collection_is_there(client):
    names = [
        "D:resourcetype",
        "D:displayname",
        "D:owner",
        "D:current-user-principal",
        "D:principal-collection-set",
        "D:current-user-privilege-set",
        "D:supported-report-set",
        "D:sync-token",
        "CS:getctag",
        "D:getlastmodified",
        "D:creationdate",
        "C:supported-calendar-component-set",
        "C:supported-calendar-data",
        "C:supported-collation-set",
        "C:max-resource-size",
        "C:min-date-time",
        "C:max-date-time",
        "C:max-instances",
        "C:max-attendees-per-instance",
        "C:calendar-timezone",
        "C:calendar-timezone-id",
        "C:calendar-description",
        "C:schedule-calendar-transp",
        "D:resource-id",
        "D:add-member",
        "D:supported-privilege-set",
        "D:acl",
    ]
    found = client.propfind(GATEWAY, *names)
    assert found.rows() == {GATEWAY: "200"}
    assert [found.value(name) for name in names if found.value(name) is None] == []
    assert found.value("C:max-resource-size") == "20000"
    assert found.value("C:min-date-time") == "20210828T120000Z"
    assert found.value("C:max-date-time") == "20310905T120000Z"
    assert found.value("C:max-attendees-per-instance") == "3"
    assert found.value("C:calendar-timezone-id") == "Europe/London"
    assert found.value("C:calendar-timezone").startswith("BEGIN:VCALENDAR\r\n")
    assert found.value("C:schedule-calendar-transp") == ["transparent"]
    assert found.value("D:sync-token") == "data:,0"
    assert found.value("CS:getctag") == "0"
    assert found.value("D:resource-id") == ["href"]


def test_privileges_are_a_flat_list_and_short_where_nothing_can_be_changed(client):
    def privileges(path):
        found = client.propfind(path, "D:current-user-privilege-set")
        return [one[0].tag.partition("}")[2] for one in found.all(".//D:privilege")]

    everything = "read write write-properties write-content bind unbind all read-current-user-privilege-set"
    assert privileges(GATEWAY) == [*everything.split(), "read-free-busy"]
    assert privileges(HOME + "LIST/") == ["read", "read-current-user-privilege-set", "read-free-busy"]


def test_allprop_names_webdav_properties_and_propname_all_names(client, held, say):
    every = client.ask("PROPFIND", GATEWAY + "a%20b.ics", depth="0")
    assert [one.tag.partition("}")[2] for one in every.all(".//D:prop/*")] == [
        "creationdate",
        "getcontentlength",
        "getcontenttype",
        "getetag",
        "getlastmodified",
        "resourcetype",
    ]
    more = say.xml("D:propfind", "<D:allprop/><D:include><D:owner/></D:include>")
    assert [
        one.tag.partition("}")[2] for one in client.ask("PROPFIND", GATEWAY, more, depth="0").all(".//D:prop/*")
    ] == [
        "creationdate",
        "displayname",
        "getlastmodified",
        "resourcetype",
        "owner",
    ]
    names = client.ask("PROPFIND", GATEWAY, say.xml("D:propfind", "<D:propname/>"), depth="1")
    assert names.rows() == {GATEWAY: "200", GATEWAY + "a%20b.ics": "200"}
    assert {one.text for one in names.all(".//D:prop/*")} == {None}
    assert "getetag" in {one.tag.partition("}")[2] for one in names.all("D:response[2]//D:prop/*")}


def test_minimal_leaves_out_what_is_absent(client, held):
    for headers in ({"prefer": "return=minimal"}, {"brief": "t"}):
        found = client.propfind(GATEWAY, "D:getetag", "D:lockdiscovery", depth="1", **headers)
        assert found.rows() == {GATEWAY: "200", GATEWAY + "a%20b.ics": "200"}
        assert found.headers["Preference-Applied"] == "return=minimal"
        assert found.headers["Vary"] == "Brief, Prefer"


def test_noroot_leaves_out_the_collection_itself(client, held):
    found = client.propfind(GATEWAY, "D:getetag", depth="1", prefer="depth-noroot, return=minimal")
    assert found.hrefs() == [GATEWAY + "a%20b.ics"]
    assert found.headers["Preference-Applied"] == "return=minimal, depth-noroot"


def test_depth_is_0_or_1(client, held):
    for depth in ("infinity", "Infinity"):
        assert client.propfind(GATEWAY, "D:getetag", depth=depth).refusal() == (403, "propfind-finite-depth")
    assert client.ask("PROPFIND", GATEWAY).refusal() == (403, "propfind-finite-depth")
    assert client.propfind(GATEWAY, "D:getetag", depth="2").status == 400
    assert client.propfind(GATEWAY + "a%20b.ics", "D:getetag", depth="infinity").status == 207


def test_a_receipt_is_a_property_of_its_member(client, held):
    for depth, path in (("0", GATEWAY + "a%20b.ics"), ("1", GATEWAY)):
        found = client.propfind(path, "N:receipt", "D:getetag", depth=depth)
        assert found.value("N:receipt", -1) == '{"reference": "CN-0"}'


@pytest.mark.parametrize(
    "path",
    [
        "/dav/calendars/BETA/",
        "/dav/calendars/BETA/GW-9/",
        "/dav/calendars/GAMMA/",
        "/dav/principals/BETA/",
        "/dav/principals/ALPHA/x/",
        "/dav/nothing/",
        GATEWAY + "missing.ics",
        GATEWAY + "a%20b.ics/",
        "/elsewhere/",
    ],
)
def test_what_is_foreign_looks_like_what_is_missing(client, held, path):
    found = client.propfind(path, "D:getetag")
    missing = client.propfind("/dav/calendars/ALPHA/GW-7/", "D:getetag")
    assert (found.status, found.body) == (404, missing.body)


def test_names_and_titles_cannot_break_out_of_the_xml(client, calendar, event):
    assert client.put("<b>&\"'.ics", calendar(event())).status == 201
    found = client.propfind(GATEWAY, "D:displayname", depth="1")
    assert found.hrefs() == [GATEWAY, GATEWAY + "%3Cb%3E%26%22%27.ics"]
    assert found.value("D:displayname") == "GW-1 <closures>"
