from random import Random

import pytest

GATEWAY = "/dav/calendars/ALPHA/GW-1/"


def token_of(found):
    return found.xml.findtext("{DAV:}sync-token")


@pytest.fixture
def three(client, calendar, event):
    for name in ("a", "b", "c"):
        client.put(f"{name}.ics", calendar(event(uid=name)))
    return client


def test_an_initial_sync_lists_what_is_there_and_nothing_that_is_gone(three):
    three.ask("DELETE", GATEWAY + "b.ics")
    found = three.sync()
    assert found.rows() == {GATEWAY + "a.ics": "200", GATEWAY + "c.ics": "200"}
    assert token_of(found) == three.propfind(GATEWAY, "D:sync-token").value("D:sync-token") == "data:,4"


def test_a_later_sync_lists_changes_and_removals_as_404_without_propstat(three, calendar, event):
    token = token_of(three.sync())
    three.put("a.ics", calendar(event("SEQUENCE:1", uid="a")))
    three.ask("DELETE", GATEWAY + "b.ics")
    three.put("d ü.ics", calendar(event(uid="d")))
    three.put("e.ics", calendar(event(uid="e")))
    three.ask("DELETE", GATEWAY + "e.ics")
    found = three.sync(token)
    assert found.rows() == {
        GATEWAY + "a.ics": "200",
        GATEWAY + "d%20%C3%BC.ics": "200",
        GATEWAY + "b.ics": "404",
        GATEWAY + "e.ics": "404",
    }
    assert found.all("D:response[D:status]/D:propstat") == []
    assert three.sync(token_of(found)).rows() == {}


@pytest.mark.parametrize("depth", ["0", "1", None])
def test_depth_0_1_or_none_is_the_same(three, say, depth):
    body = say.xml("D:sync-collection", "<D:sync-token/><D:prop><D:getetag/></D:prop>")
    headers = {} if depth is None else {"depth": depth}
    assert len(three.ask("REPORT", GATEWAY, body, **headers).hrefs()) == 3
    assert three.ask("REPORT", GATEWAY, body, depth="infinity").status == 400


def test_a_cut_is_said_so_by_a_507_row(three):
    found = three.sync(limit=2)
    assert found.rows() == {GATEWAY + "a.ics": "200", GATEWAY + "b.ics": "200", GATEWAY: "507"}
    assert found.all(f"D:response[D:href='{GATEWAY}']/D:error/*")[0].tag == "{DAV:}number-of-matches-within-limits"
    rest = three.sync(token_of(found), limit=2)
    assert rest.rows() == {GATEWAY + "c.ics": "200"}


def test_a_sync_shows_data_where_asked(three, calendar, event):
    found = three.sync(prop="<D:getetag/><C:calendar-data/>")
    assert found.value("C:calendar-data").encode() == calendar(event(uid="a"))
    assert three.sync(prop="").rows() == {GATEWAY + f"{name}.ics": "200" for name in "abc"}


@pytest.mark.parametrize(
    "inner",
    [
        "<D:prop/>",
        "<D:sync-token/><D:sync-level>2</D:sync-level>",
        "<D:sync-token/><D:limit><D:nresults>some</D:nresults></D:limit>",
        "<D:sync-token/><D:limit><D:nresults>-1</D:nresults></D:limit>",
        "<D:sync-token/><D:limit><D:nresults>\u0661</D:nresults></D:limit>",
        "<D:sync-token/><D:limit/>",
    ],
)
def test_what_cannot_be_meant_is_refused(three, say, inner):
    assert three.report(say.xml("D:sync-collection", inner), depth="0").status == 400


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, None])
@pytest.mark.parametrize("seed", range(8))
def test_no_sequence_of_changes_and_limits_skips_one(seed, limit, fresh, calendar, event):
    """A client that syncs now and then, cut anywhere, while others change things, ends with what is there."""
    random = Random(seed)
    client = fresh()
    known, token = {}, ""
    for step in range(60):
        name = f"{random.randrange(6)}.ics"
        if random.random() < 0.6:
            client.put(name, calendar(event(f"SEQUENCE:{step}", uid=name)))
        else:
            client.ask("DELETE", GATEWAY + name)
        if random.random() < 0.4:
            token = pull(client, known, token, limit)
    while True:
        before = token
        token = pull(client, known, token, limit)
        if token == before:
            break
    listed = client.propfind(GATEWAY, "D:getetag", depth="1")
    there = {href: listed.value("D:getetag", row) for row, href in enumerate(listed.hrefs()) if href != GATEWAY}
    assert known == there


def pull(client, known, token, limit):
    found = client.sync(token, limit)
    for row, (href, status) in enumerate(found.rows().items()):
        if status == "404":
            assert token, "an initial sync lists nothing that is gone"
            known.pop(href, None)
        elif status == "200":
            known[href] = found.value("D:getetag", row)
    return token_of(found)
