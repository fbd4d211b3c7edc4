import pytest

ROOT = "/dav/"
PRINCIPALS = "/dav/principals/"
ME = "/dav/principals/ALPHA/"
GATEWAY = "/dav/calendars/ALPHA/GW-1/"


def search(name, text):
    return f"<D:property-search><D:prop><{name}/></D:prop><D:match>{text}</D:match></D:property-search>"


@pytest.mark.parametrize(
    ("searches", "found"),
    [
        (search("D:displayname", "ALPHA en"), [ME]),
        (search("C:calendar-user-address-set", "alpha@EXAMPLE"), [ME]),
        (search("D:displayname", "Beta"), []),
        (search("D:displayname", "alpha") + search("C:calendar-user-address-set", "beta"), []),
        (search("D:owner", "alpha"), []),
        (search("D:displayname", ""), [ME]),
        ("", [ME]),
    ],
)
def test_a_search_answers_only_what_one_may_see(client, say, searches, found):
    body = say.xml("D:principal-property-search", f"{searches}<D:prop><D:displayname/><D:email/></D:prop>")
    for path in (ROOT, PRINCIPALS):
        assert client.report(body, path=path, depth="0").hrefs() == found


def test_one_search_of_several_may_be_enough(client, say):
    searches = search("D:displayname", "alpha") + search("D:displayname", "beta")
    body = say.xml("D:principal-property-search", searches + "<D:prop><D:displayname/></D:prop>")
    assert client.report(body, path=PRINCIPALS, depth="0").hrefs() == []
    some = body.replace("<D:principal-property-search", '<D:principal-property-search test="anyof"')
    assert client.report(some, path=PRINCIPALS, depth="0").value("D:displayname") == "Alpha Energy"


def test_properties_beside_the_prop_are_asked_too(client, say):
    """As python-caldav 3.6 asks."""
    body = say.xml("D:principal-property-search", search("D:displayname", "alpha") + "<D:prop/><D:displayname/>")
    assert client.report(body, path=ROOT, depth="0").value("D:displayname") == "Alpha Energy"


def test_what_can_be_searched_is_said(client, say):
    found = client.report(say.xml("D:principal-search-property-set"), path=PRINCIPALS, depth="0")
    assert found.status == 200
    assert [one[0].tag.partition("}")[2] for one in found.all(".//D:prop")] == [
        "displayname",
        "calendar-user-address-set",
    ]


@pytest.mark.parametrize(
    "body",
    ["<D:property-search/>", "<D:property-search><D:prop/></D:property-search>"],
)
def test_a_search_without_property_or_text_is_refused(client, say, body):
    assert client.report(say.xml("D:principal-property-search", body), path=ROOT, depth="0").status == 400
    whole = say.xml("D:principal-property-search", search("D:displayname", "a"))
    assert client.report(whole, path=ROOT, depth="1").status == 400


def test_hrefs_are_followed(client, say):
    inner = """<D:property name="current-user-principal">
        <D:property name="calendar-home-set" namespace="urn:ietf:params:xml:ns:caldav">
          <D:property name="displayname"/></D:property>
        <D:property name="displayname"/></D:property>
        <D:property name="displayname"/><D:property name="nothing"/>"""
    found = client.report(say.xml("D:expand-property", inner), path=GATEWAY, depth="0")
    assert found.rows() == {GATEWAY: "200/200/404"}
    principal = found.all("D:response/D:propstat/D:prop/D:current-user-principal/D:response")[0]
    assert principal.findtext("{DAV:}href") == ME
    home = principal.findall(".//{urn:ietf:params:xml:ns:caldav}calendar-home-set/{DAV:}response")[0]
    assert home.findtext("{DAV:}href") == "/dav/calendars/ALPHA/"
    assert [one.text for one in principal.iter("{DAV:}displayname")] == ["Alpha Energy", "Alpha Energy"]


def test_a_foreign_owner_is_not_followed_further(client, backend, say):
    from dataclasses import replace

    shelf = backend.shelves["ALPHA", "GW-1"]
    backend.shelves["ALPHA", "GW-1"].collection = replace(shelf.collection, owner="BETA")
    backend.collection = lambda owner, name: shelf.collection
    inner = '<D:property name="owner"><D:property name="displayname"/></D:property>'
    found = client.report(say.xml("D:expand-property", inner), path=GATEWAY, depth="0")
    assert found.all(".//D:owner/D:response/D:status")[0].text == "HTTP/1.1 404 Not Found"


def test_members_expand_too(client, held, say):
    inner = '<D:property name="getetag"/><D:property name="owner"><D:property name="displayname"/></D:property>'
    found = client.report(say.xml("D:expand-property", inner), path=GATEWAY + "a%20b.ics", depth="0")
    assert found.rows() == {GATEWAY + "a%20b.ics": "200"}
    receipt = '<D:property name="receipt" namespace="urn:closure-notices:dav"/>'
    found = client.report(say.xml("D:expand-property", receipt), path=GATEWAY + "a%20b.ics", depth="0")
    assert found.value("N:receipt") == '{"reference": "CN-0"}'


def test_expansion_is_bounded(client, say):
    deep = "".join('<D:property name="owner">' for _ in range(9)) + "</D:property>" * 9
    assert client.report(say.xml("D:expand-property", deep), path=GATEWAY, depth="0").status == 400
    wide = '<D:property name="owner"/>' * 201
    assert client.report(say.xml("D:expand-property", wide), path=GATEWAY, depth="0").status == 400
    assert client.report(say.xml("D:expand-property", "<D:property/>"), path=GATEWAY, depth="0").status == 400


def test_who_one_is_among_principals_and_what_is_ones_own(client, say):
    me = say.xml("D:principal-match", "<D:self/><D:prop><D:displayname/></D:prop>")
    assert client.report(me, path=PRINCIPALS, depth="0").hrefs() == [ME]
    mine = say.xml("D:principal-match", "<D:principal-property><D:owner/></D:principal-property>")
    assert client.report(mine, path="/dav/calendars/", depth="0").hrefs() == ["/dav/calendars/ALPHA/"]
    assert client.report(say.xml("D:principal-match"), path=PRINCIPALS, depth="0").status == 400
    assert client.report(me, path=PRINCIPALS, depth="1").status == 400


def test_whom_an_access_list_names(client, say):
    body = say.xml("D:acl-principal-prop-set", "<D:prop><D:displayname/></D:prop>")
    assert client.report(body, path=GATEWAY, depth="0").value("D:displayname") == "Alpha Energy"
