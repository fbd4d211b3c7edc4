"""Sources by page: tried without a trace, added once, read now, removed; and nobody's but one's own.

Users' calendars and DCC's own dates go through the same tests; then what concerns one of the two.
"""

import re
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.domain.access import Role
from app.domain.window import ClosureWindow
from app.factory import create_app
from app.register.maintenance import find_maintenance
from app.register.sources import (
    CLOSURES,
    DCC_DATES,
    Topic,
    add_source,
    gateway_of,
    list_sources,
    make_source,
    sources_about,
)
from tests.conftest import window

FILE = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//b//EN\r\nBEGIN:VEVENT\r\nUID:one\r\nDTSTAMP:20261101T000000Z\r\n"
    b"DTSTART:20261212T220000Z\r\nDTEND:20261213T060000Z\r\nSUMMARY:DSP upgrade\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
TIMES = "Sat 12 Dec 2026 22:00 GMT to Sun 13 Dec 2026 06:00 GMT"
CONNECT, SERVICE = "/connect/sources", "/service/maintenance/sources"


@dataclass(frozen=True)
class Pages:
    """One of the two topics: where its pages are, what its form names, and how its list calls it."""

    topic: Topic
    base: str
    list_page: str
    list_title: str
    names: dict
    called: str
    heading: str


OF_USERS = Pages(
    CLOSURES, CONNECT, CONNECT, "Linked calendars", {"gateway": "ALPHA GW-A1"}, "calendar", "GW-A1 of ALPHA",
)  # fmt: skip
OF_DCC = Pages(
    DCC_DATES, SERVICE, "/service/maintenance", "DCC's own dates", {"kind": "release"}, "address", "SEC Releases",
)  # fmt: skip


@pytest.fixture(params=[OF_USERS, OF_DCC], ids=["users", "dcc"])
def pages(request):
    """Each of the two topics."""
    return request.param


@pytest.fixture
def client(pages, request):
    """A browser of somebody who may keep such sources."""
    return request.getfixturevalue("alpha_client" if pages is OF_USERS else "dcc_client")


@pytest.fixture
def served():
    """A server of one .ics file on loopback, ``served.url``; ``served.answer`` is its status and body."""

    class Talk(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.agents.append(self.headers["User-Agent"])
            status, body = self.server.answer
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Talk)
    server.agents = []
    server.answer, server.url = (200, FILE), f"http://127.0.0.1:{server.server_port}/dcc.ics"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def web(service, settings, clock):
    """The application of a site that hosts both the service and the calendars."""
    app = create_app(settings.model_copy(update={"allow_private_sources": True}), now=clock)
    app.testing = True
    yield app
    app.extensions["closures"].store.close()


@pytest.fixture
def send(csrf, served):
    """Return a function that fills a form in and presses one of its two buttons."""

    def press(client, pages, button, **fields):
        form = client.get(f"{pages.base}/new")
        form_id = re.findall(r'name="form_id" value="([^"]+)"', form.text)
        sent = {
            "csrf_token": csrf(form), "form_id": form_id[-1] if form_id else "ab" * 16, "url": served.url,
            "username": "", "calendar_password": "", "word": "", "category": "", "minutes": "60", "do": button,
        } | pages.names | fields  # fmt: skip
        return client.post(pages.base, data=sent)

    return press


@pytest.fixture
def standing(alpha_client, register):
    """Return a function that gives what sources brought: whether Users' closures, and the dates of DCC's."""
    return lambda: ("/closures/CN-" in alpha_client.get("/").text, held(register))


def held(register):
    """Return the kind and UID of each date that stands."""
    span = ClosureWindow(window("2026-01-01T00:00").starts, window("2028-01-01T00:00").ends)
    return [(one.kind.value, one.uid) for one in find_maintenance(register, span)]


def test_trying_says_what_would_be_taken_and_keeps_nothing(client, pages, send, read, store, served, standing):
    page = send(client, pages, "try", username="ann", calendar_password="of the other place", category="")
    assert "It can be read. 1 event taken; nothing is recorded." in read(page)
    assert TIMES in read(page)
    assert f'value="{served.url}"' in page.text
    assert 'value="ann"' in page.text
    assert re.search(r'value="ALPHA GW-A1" selected|value="release" checked', page.text)
    assert "of the other place" not in page.text
    assert "DSP upgrade" not in page.text
    assert (list_sources(store), standing()) == ([], (False, []))


def test_it_is_added_once_read_now_and_removed(client, pages, send, read, store, csrf, standing):
    form_id = "cd" * 16
    for _ in range(2):
        assert send(client, pages, "add", form_id=form_id).location == pages.list_page
    (one,) = list_sources(store)
    of_users = pages is OF_USERS
    assert (one.about, one.source.every_minutes, one.user) == (pages.topic, 60, "ALPHA" if of_users else None)
    listed = client.get(pages.list_page)
    assert f"The {pages.called} is added; it is read within a minute." in read(listed)
    assert f"{pages.heading} not read yet http://127.0.0.1" in read(listed)
    path, token = f"{pages.base}/{one.source.id.hex()}", csrf(listed)
    tried = client.post(f"{path}/poll", data={"csrf_token": token, "do": "try"})
    assert read(tried).startswith(f"{pages.list_title} What reading it would change")
    assert standing() == (False, [])
    done = client.post(f"{path}/poll", data={"csrf_token": token, "do": "poll"})
    assert "What reading it changed" in read(done)
    assert "It was read. 1 event taken. New" in read(done)
    assert TIMES in read(done)
    again = client.post(f"{path}/poll", data={"csrf_token": token, "do": "poll"})
    assert "It was read. 1 event taken. Nothing new." in read(again)
    assert standing() == ((True, []) if of_users else (False, [("release", "one")]))
    page = client.get(pages.list_page)
    assert "Last read just now : 1 event taken." in read(page)
    assert of_users or "SEC Release DM-" in read(page)
    assert client.post(f"{path}/remove", data={"csrf_token": token}).status_code == 303
    assert f"The {pages.called} is read no more. {pages.topic.what_stays}" in read(client.get(pages.list_page))
    assert client.post(f"{path}/remove", data={"csrf_token": token}).status_code == 404
    assert (list_sources(store), standing()) == ([], (True, []) if of_users else (False, [("release", "one")]))


def test_what_cannot_be_read_says_why_and_what_helps(client, pages, send, read, store, csrf, served, standing):
    send(client, pages, "add")
    (one,) = list_sources(store)
    token = csrf(client.get(pages.list_page))
    served.answer = (200, b"<!DOCTYPE html><html>Sign in</html>")
    for _ in range(2):
        page = client.post(f"{pages.base}/{one.source.id.hex()}/poll", data={"csrf_token": token, "do": "poll"})
        assert "What the source sent is not a calendar." in read(page)
    listed = read(client.get(pages.list_page))
    assert f"{pages.heading} not read http://127.0.0.1" in listed
    assert "Nothing was changed; 2 times in a row." in listed
    assert standing() == (False, [])
    served.answer = (500, b"")
    assert "The source answered with HTTP status 500." in read(send(client, pages, "try"))


def test_how_it_was_read_is_said_as_it_is_read_and_in_the_list(client, pages, send, read, store, csrf, served):
    undefined = FILE.replace(b"START:", b"START;TZID=GMT Standard Time:").replace(
        b"DTEND:", b"DTEND;TZID=GMT Standard Time:"
    )
    served.answer = (200, undefined.replace(b"20000Z", b"20000").replace(b"60000Z", b"60000"))
    said = "The time zone GMT Standard Time is not defined here: Europe/London was taken."
    assert f"How it was read {said}" in read(send(client, pages, "try"))
    send(client, pages, "add")
    (one,) = list_sources(store)
    token = csrf(client.get(pages.list_page))
    client.post(f"{pages.base}/{one.source.id.hex()}/poll", data={"csrf_token": token, "do": "poll"})
    assert f"How the last change was read {said}" in read(client.get(pages.list_page))


def test_the_agent_is_stated_tried_and_changed(client, pages, send, read, store, csrf, served):
    assert "It can be read." in read(send(client, pages, "try", agent="Mozilla/5.0"))
    send(client, pages, "add", agent="Mozilla/5.0")
    (one,) = list_sources(store)
    listed = client.get(pages.list_page)
    assert "asked as “ Mozilla/5.0 ”" in read(listed)
    path = f"{pages.base}/{one.source.id.hex()}"
    changed = client.post(f"{path}/agent", data={"csrf_token": csrf(listed), "agent": "Other/1"})
    assert changed.location == pages.list_page
    client.post(f"{path}/poll", data={"csrf_token": csrf(listed), "do": "poll"})
    assert served.agents == ["Mozilla/5.0", "Other/1"]
    assert client.post(f"{path}/agent", data={"csrf_token": csrf(listed), "agent": "é"}).status_code == 400
    assert list_sources(store)[0].source.agent == "Other/1"


def test_what_is_left_out_is_said_in_the_list_and_after_a_look(client, pages, send, read, store, csrf, served):
    odd = FILE.partition(b"BEGIN:VEVENT")[2].replace(b"UID:one", b"UID:two").replace(b"DTEND:20261213T060000Z\r\n", b"")
    other = FILE.partition(b"BEGIN:VEVENT")[2].replace(b"UID:one", b"UID:three").replace(b"DSP", b"Dentist")
    ended = FILE.removesuffix(b"END:VCALENDAR\r\n")
    served.answer = (200, b"BEGIN:VEVENT".join([ended, odd.removesuffix(b"END:VCALENDAR\r\n"), other]))
    words = "Left out: 1 by its word or category, 1 could not be read."
    assert f"1 event taken; nothing is recorded. {words}" in read(send(client, pages, "try", word="dsp"))
    send(client, pages, "add", word="dsp")
    (one,) = list_sources(store)
    token = csrf(client.get(pages.list_page))
    for _ in range(2):
        page = client.post(f"{pages.base}/{one.source.id.hex()}/poll", data={"csrf_token": token, "do": "poll"})
        assert words in read(page)
        assert "Could not be read" in read(page)
    assert f"1 event taken. {words}" in read(client.get(pages.list_page))


def test_an_address_that_cannot_be_reached_says_what_helps(client, pages, send, read, store, csrf):
    wrong = "http://127.0.0.1:1/nothing.ics"
    assert "The source could not be reached over a trusted connection." in read(send(client, pages, "try", url=wrong))
    send(client, pages, "add", url=wrong)
    (one,) = list_sources(store)
    token = csrf(client.get(pages.list_page))
    client.post(f"{pages.base}/{one.source.id.hex()}/poll", data={"csrf_token": token, "do": "poll"})
    page = read(client.get(pages.list_page))
    assert "not read" in page
    assert "Check its address and its certificate" in page


_FOR_BOTH = [
    ({"url": "ftp://example.org/"}, "That is not an address that may be asked."),
    ({"minutes": "often"}, "The minutes are not a whole number."),
    ({"minutes": "1"}, "That is too often or too seldom."),
    ({"word": "a", "category": "b"}, "A word and a category do not go together."),
]


@pytest.mark.parametrize(
    ("pages", "fields", "words"),
    [
        *((pages, *fault) for pages in (OF_USERS, OF_DCC) for fault in _FOR_BOTH),
        (OF_USERS, {"gateway": "ALPHA GW-B9"}, "That User has no such gateway."),
        (OF_USERS, {"gateway": "BETA GW-B1"}, "There is no such User."),
        (OF_DCC, {"kind": "party"}, "It is not said what the calendar holds."),
    ],
)
def test_a_refused_form_keeps_what_was_typed(client, pages, send, read, store, fields, words):
    for button in ("try", "add"):
        answer = send(client, pages, button, username="ann", **fields)
        assert answer.status_code == 422
        assert words in read(answer)
        assert 'value="ann"' in answer.text
    assert list_sources(store) == []


def test_health_counts_what_could_not_be_read(dcc_client, send, store, csrf, served, read):
    send(dcc_client, OF_DCC, "add")
    (one,) = list_sources(store)
    served.answer = (500, b"")
    token = csrf(dcc_client.get("/service/maintenance"))
    dcc_client.post(f"{SERVICE}/{one.source.id.hex()}/poll", data={"csrf_token": token, "do": "poll"})
    assert "1 of 1 could not be read last time. 1 is of DCC's own dates." in read(dcc_client.get("/service/health"))


def test_another_users_source_is_not_there(alpha_client, send, store, enrolled, sign_in, read, csrf):
    send(alpha_client, OF_USERS, "add")
    enrolled("BETA", "GW-B1")
    beta = sign_in("beta@example.org", Role.USER, "BETA")
    (one,) = list_sources(store)
    shown = beta.get("/connect/sources")
    assert "127.0.0.1" not in read(shown)
    for step in ("poll", "remove"):
        path = f"/connect/sources/{one.source.id.hex()}/{step}"
        assert beta.post(path, data={"csrf_token": csrf(shown)}).status_code == 404
        assert alpha_client.post(path).status_code == 400
    assert [client.get("/connect/sources").status_code for client in (sign_in("d@x.org", Role.DCC), sign_in("o@x.org", Role.OPS))] == [403, 403]  # fmt: skip
    assert "GW-A1 of ALPHA" in read(sign_in("admin@example.org", Role.ADMIN).get("/connect/sources"))


def test_one_address_is_added_once_for_its_kind(dcc_client, send, read, store):
    send(dcc_client, OF_DCC, "add")
    again = send(dcc_client, OF_DCC, "add")
    assert (again.status_code, "That calendar is read for the same already." in read(again)) == (422, True)
    assert send(dcc_client, OF_DCC, "add", kind="maintenance").status_code == 303
    assert len(sources_about(store, DCC_DATES)) == 2


def test_it_is_for_dcc_and_admins_and_a_users_calendar_is_not_there(
    dcc_client, alpha_client, sign_in, send, store, csrf, served, clock, read
):
    send(dcc_client, OF_DCC, "add")
    gateway = gateway_of(store, "ALPHA", "GW-A1")
    add_source(
        store,
        make_source(
            gateway, url=served.url + "?alpha", username="", password="", word="", category="", every_minutes=15,
            now=clock(),
        ),
    )  # fmt: skip
    (of_dcc,), (of_alpha,) = sources_about(store, DCC_DATES), sources_about(store, CLOSURES)
    admin, ops = sign_in("admin@example.org", Role.ADMIN), sign_in("ops@example.org", Role.OPS)
    clients = {"admin": admin, "dcc": dcc_client, "user": alpha_client, "ops": ops}
    seen = {name: client.get(f"{SERVICE}/new").status_code for name, client in clients.items()}
    assert seen == {"admin": 200, "dcc": 200, "user": 403, "ops": 403}
    for client in (alpha_client, ops):
        token = csrf(client.get("/account"))
        for path in ("", f"/{of_dcc.source.id.hex()}/poll", f"/{of_dcc.source.id.hex()}/remove"):
            assert client.post(f"{SERVICE}{path}", data={"csrf_token": token}).status_code == 403
    for verb in ("poll", "remove"):
        paths = (f"{SERVICE}/{of_alpha.source.id.hex()}", f"/connect/sources/{of_dcc.source.id.hex()}")
        for client in (admin, alpha_client):
            token = csrf(client.get("/connect/sources"))
            assert client.post(f"{paths[1]}/{verb}", data={"csrf_token": token}).status_code == 404
        for client in (admin, dcc_client):
            token = csrf(client.get("/service/maintenance"))
            assert client.post(f"{paths[0]}/{verb}", data={"csrf_token": token}).status_code == 404
            assert client.post(f"{SERVICE}/{of_dcc.source.id.hex()}/{verb}").status_code == 400
    assert dcc_client.post(SERVICE).status_code == 400
    assert "?alpha" not in read(dcc_client.get("/service/maintenance")) + read(admin.get("/service/maintenance"))
    assert "dcc.ics Every" not in read(admin.get("/connect/sources"))
    assert (len(sources_about(store, DCC_DATES)), len(sources_about(store, CLOSURES))) == (1, 1)


def test_its_pages_are_in_the_menu_under_service(dcc_client):
    page = dcc_client.get(f"{SERVICE}/new")
    assert re.search(r'<a href="/service/maintenance" aria-current="true">DCC&#39;s dates|aria-current="true">DCC\'s dates', page.text)  # fmt: skip


def test_a_session_that_ends_meanwhile_sends_to_sign_in_and_keeps_no_password(
    dcc_client, send, clock, store, csrf, served
):
    form = dcc_client.get(f"{SERVICE}/new")
    form_id = re.findall(r'name="form_id" value="([^"]+)"', form.text)[-1]
    sent = {
        "csrf_token": csrf(form), "form_id": form_id, "url": served.url, "username": "dan", "calendar_password": "x",
        "kind": "release", "word": "", "category": "", "minutes": "60", "do": "add",
    }  # fmt: skip
    clock.forward(minutes=31)
    assert dcc_client.post(SERVICE, data=sent).location == "/sign-in"
    assert "Nothing is lost" not in dcc_client.get("/sign-in").text
    assert sources_about(store, DCC_DATES) == []


def test_an_address_of_mail_is_named_and_never_read(alpha_client, send, read, csrf):
    page = send(alpha_client, OF_USERS, "try", url="mailto:Anna@Alpha.example")
    assert "Notices come by mail from that address: there is nothing to read. Send one from it." in read(page)
    assert send(alpha_client, OF_USERS, "add", url="mailto:Anna@Alpha.example").location == CONNECT
    listed = alpha_client.get(CONNECT)
    assert "GW-A1 of ALPHA by mail mailto:anna@alpha.example A signed mail from this address is a notice" in read(
        listed
    )
    assert "Read it now" not in read(listed)
    (source_id,) = re.findall(r"/connect/sources/([0-9a-f]{32})/remove", listed.text)
    token = {"csrf_token": csrf(listed)}
    assert alpha_client.post(f"{CONNECT}/{source_id}/poll", data=token).status_code == 400
    assert alpha_client.post(f"{CONNECT}/{source_id}/remove", data=token).location == CONNECT
    assert send(alpha_client, OF_USERS, "add", url="mailto:anna").status_code == 422


def test_dcc_has_no_address_of_mail(dcc_client, send, read):
    page = send(dcc_client, OF_DCC, "add", url="mailto:anna@alpha.example")
    assert (page.status_code, "Only a User names an address of mail, and that alone." in read(page)) == (422, True)
