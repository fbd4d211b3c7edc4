"""Addresses of DCC's own dates by page: tried without a trace, added once, read now, removed; for DCC and admins."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.domain.access import Role
from app.domain.window import ClosureWindow
from app.factory import create_app
from app.register.maintenance import find_maintenance
from app.register.sources import add_source, gateway_of, list_dccs_sources, list_users_sources, make_source
from tests.conftest import window

FILE = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//b//EN\r\nBEGIN:VEVENT\r\nUID:one\r\nDTSTAMP:20261101T000000Z\r\n"
    b"DTSTART:20261212T220000Z\r\nDTEND:20261213T060000Z\r\nSUMMARY:DSP upgrade\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
LIST = "/service/maintenance"


@pytest.fixture
def served():
    """A server of one .ics file on loopback, ``served.url``; ``served.answer`` is its status and body."""

    class Talk(BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = self.server.answer
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Talk)
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
    """Return a function that fills the form in and presses one of its two buttons."""

    def press(client, button, **fields):
        form = client.get(f"{LIST}/sources/new")
        sent = {
            "csrf_token": csrf(form), "form_id": re.findall(r'name="form_id" value="([^"]+)"', form.text)[-1],
            "url": served.url, "username": "", "calendar_password": "", "kind": "release", "word": "", "category": "",
            "minutes": "60", "do": button,
        } | fields  # fmt: skip
        return client.post(f"{LIST}/sources", data=sent)

    return press


@pytest.fixture
def held(register):
    """Return a function that gives the kind and UID of each date that stands."""
    return lambda: [(one.kind.value, one.uid) for one in find_maintenance(register, span())]


def span():
    return ClosureWindow(window("2026-01-01T00:00").starts, window("2028-01-01T00:00").ends)


def test_trying_says_what_would_be_taken_and_keeps_nothing(dcc_client, send, read, store, served, held):
    page = send(dcc_client, "try", username="dan", calendar_password="of the other place", category="")
    assert "It can be read. 1 event taken; nothing is recorded." in read(page)
    assert "New Sat 12 Dec 2026 22:00 GMT to Sun 13 Dec 2026 06:00 GMT" in read(page)
    assert f'value="{served.url}"' in page.text
    assert re.search(r'value="release" checked', page.text)
    assert "of the other place" not in page.text
    assert "DSP upgrade" not in page.text
    assert (list_dccs_sources(store), held()) == ([], [])


def test_it_is_added_once_read_now_and_removed(dcc_client, send, read, store, csrf, held):
    form_id = "cd" * 16
    for _ in range(2):
        assert send(dcc_client, "add", form_id=form_id).location == LIST
    (one,) = list_dccs_sources(store)
    assert (one.source.topic.value, one.source.every_minutes, one.user) == ("release", 60, None)
    listed = dcc_client.get(LIST)
    assert "The address is added; it is read within a minute." in read(listed)
    assert "SEC Releases not read yet http://127.0.0.1" in read(listed)
    path, token = f"{LIST}/sources/{one.source.id.hex()}", csrf(listed)
    tried = dcc_client.post(f"{path}/poll", data={"csrf_token": token, "do": "try"})
    assert read(tried).startswith("DCC's own dates What reading it would change")
    assert held() == []
    done = dcc_client.post(f"{path}/poll", data={"csrf_token": token, "do": "poll"})
    assert "It was read. 1 event taken. New Sat 12 Dec 2026 22:00 GMT" in read(done)
    again = dcc_client.post(f"{path}/poll", data={"csrf_token": token, "do": "poll"})
    assert "It was read. 1 event taken. Nothing new." in read(again)
    assert held() == [("release", "one")]
    page = read(dcc_client.get(LIST))
    assert "Last read just now : 1 event taken." in page
    assert "SEC Release DM-" in page
    assert dcc_client.post(f"{path}/remove", data={"csrf_token": token}).status_code == 303
    assert dcc_client.post(f"{path}/remove", data={"csrf_token": token}).status_code == 404
    assert (list_dccs_sources(store), held()) == ([], [("release", "one")])


def test_what_cannot_be_read_says_why_and_what_helps(dcc_client, send, read, store, csrf, served, held):
    send(dcc_client, "add")
    (one,) = list_dccs_sources(store)
    token = csrf(dcc_client.get(LIST))
    served.answer = (200, b"<!DOCTYPE html><html>Sign in</html>")
    for _ in range(2):
        page = dcc_client.post(f"{LIST}/sources/{one.source.id.hex()}/poll", data={"csrf_token": token, "do": "poll"})
        assert "What the source sent is not a calendar." in read(page)
    listed = read(dcc_client.get(LIST))
    assert "SEC Releases not read http://127.0.0.1" in listed
    assert "Nothing was changed; 2 times in a row." in listed
    assert held() == []
    served.answer = (500, b"")
    assert "The source answered with HTTP status 500." in read(send(dcc_client, "try"))
    assert "1 of 1 could not be read last time. 1 is of DCC's own dates." in read(dcc_client.get("/service/health"))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": "ftp://example.org/"}, "That is not an address that may be asked."),
        ({"minutes": "often"}, "The minutes are not a whole number."),
        ({"minutes": "1"}, "That is too often or too seldom."),
        ({"word": "a", "category": "b"}, "A word and a category do not go together."),
        ({"kind": "party"}, "It is not said what the calendar holds."),
    ],
)
def test_a_refused_form_keeps_what_was_typed(dcc_client, send, read, store, fields, words):
    for button in ("try", "add"):
        answer = send(dcc_client, button, username="dan", **fields)
        assert answer.status_code == 422
        assert words in read(answer)
        assert 'value="dan"' in answer.text
    assert list_dccs_sources(store) == []


def test_one_address_is_added_once_for_its_kind(dcc_client, send, read, store):
    send(dcc_client, "add")
    again = send(dcc_client, "add")
    assert (again.status_code, "That calendar is read for the same already." in read(again)) == (422, True)
    assert send(dcc_client, "add", kind="maintenance").status_code == 303
    assert len(list_dccs_sources(store)) == 2


def test_it_is_for_dcc_and_admins_and_a_users_calendar_is_not_there(
    dcc_client, alpha_client, sign_in, send, store, csrf, served, clock, read
):
    send(dcc_client, "add")
    gateway = gateway_of(store, "ALPHA", "GW-A1")
    add_source(
        store,
        make_source(
            gateway, url=served.url + "?alpha", username="", password="", word="", category="", every_minutes=15,
            now=clock(),
        ),
    )  # fmt: skip
    (of_dcc,), (of_alpha,) = list_dccs_sources(store), list_users_sources(store)
    admin, ops = sign_in("admin@example.org", Role.ADMIN), sign_in("ops@example.org", Role.OPS)
    clients = {"admin": admin, "dcc": dcc_client, "user": alpha_client, "ops": ops}
    seen = {name: client.get(f"{LIST}/sources/new").status_code for name, client in clients.items()}
    assert seen == {"admin": 200, "dcc": 200, "user": 403, "ops": 403}
    for client in (alpha_client, ops):
        token = csrf(client.get("/account"))
        for path in ("", f"/{of_dcc.source.id.hex()}/poll", f"/{of_dcc.source.id.hex()}/remove"):
            assert client.post(f"{LIST}/sources{path}", data={"csrf_token": token}).status_code == 403
    for verb in ("poll", "remove"):
        paths = (f"{LIST}/sources/{of_alpha.source.id.hex()}", f"/connect/sources/{of_dcc.source.id.hex()}")
        for client in (admin, alpha_client):
            token = csrf(client.get("/connect/sources"))
            assert client.post(f"{paths[1]}/{verb}", data={"csrf_token": token}).status_code == 404
        for client in (admin, dcc_client):
            token = csrf(client.get(LIST))
            assert client.post(f"{paths[0]}/{verb}", data={"csrf_token": token}).status_code == 404
            assert client.post(f"{LIST}/sources/{of_dcc.source.id.hex()}/{verb}").status_code == 400
    assert dcc_client.post(f"{LIST}/sources").status_code == 400
    assert "?alpha" not in read(dcc_client.get(LIST)) + read(admin.get(LIST))
    assert "dcc.ics Every" not in read(admin.get("/connect/sources"))
    assert (len(list_dccs_sources(store)), len(list_users_sources(store))) == (1, 1)


def test_its_pages_are_in_the_menu_under_service(dcc_client):
    page = dcc_client.get(f"{LIST}/sources/new")
    assert re.search(r'<a href="/service/maintenance" aria-current="true">DCC&#39;s dates|aria-current="true">DCC\'s dates', page.text)  # fmt: skip


def test_a_session_that_ends_meanwhile_sends_to_sign_in_and_keeps_no_password(
    dcc_client, send, clock, store, csrf, served
):
    form = dcc_client.get(f"{LIST}/sources/new")
    form_id = re.findall(r'name="form_id" value="([^"]+)"', form.text)[-1]
    sent = {
        "csrf_token": csrf(form), "form_id": form_id, "url": served.url, "username": "dan", "calendar_password": "x",
        "kind": "release", "word": "", "category": "", "minutes": "60", "do": "add",
    }  # fmt: skip
    clock.forward(minutes=31)
    assert dcc_client.post(f"{LIST}/sources", data=sent).location == "/sign-in"
    assert "Nothing is lost" not in dcc_client.get("/sign-in").text
    assert list_dccs_sources(store) == []
