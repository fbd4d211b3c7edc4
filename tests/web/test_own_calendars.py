"""Sources by page: tried without a trace, added once, read now, removed; and nobody's but one's own."""

import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from app.domain.access import Role
from app.factory import create_app
from app.register.sources import list_sources

FILE = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//b//EN\r\nBEGIN:VEVENT\r\nUID:one\r\nDTSTAMP:20261101T000000Z\r\n"
    b"DTSTART:20261206T020000Z\r\nDTEND:20261206T060000Z\r\nSUMMARY:Gateway work\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


class _Calendar(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/calendar")
        self.send_header("Content-Length", str(len(FILE)))
        self.end_headers()
        self.wfile.write(FILE)

    def do_OPTIONS(self):
        self.send_response(405)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_PROPFIND(self):
        self.do_OPTIONS()

    def log_message(self, *_):
        pass


@pytest.fixture
def calendar():
    """An .ics file on loopback; its address."""
    server = HTTPServer(("127.0.0.1", 0), _Calendar)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/changes.ics"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def web(service, settings, clock):
    """The application of a site that hosts both the service and the calendars."""
    app = create_app(settings.model_copy(update={"allow_private_sources": True}), now=clock)
    app.testing = True
    yield app
    app.extensions["closures"].store.close()


@pytest.fixture
def send(csrf, calendar):
    """Return a function that fills the form in and presses one of its two buttons."""

    def press(client, button, **fields):
        form = client.get("/connect/sources/new")
        form_id = re.findall(r'name="form_id" value="([^"]+)"', form.text)
        sent = {
            "csrf_token": csrf(form), "form_id": form_id[-1] if form_id else "ab" * 16, "url": calendar,
            "username": "", "calendar_password": "", "gateway": "ALPHA GW-A1", "word": "", "category": "",
            "minutes": "15", "do": button,
        } | fields  # fmt: skip
        return client.post("/connect/sources", data=sent)

    return press


def test_trying_says_what_would_be_taken_and_keeps_nothing(alpha_client, send, read, store, calendar):
    page = send(alpha_client, "try", username="ann", calendar_password="of the other place")
    assert "It can be read. 1 event taken; nothing is recorded." in read(page)
    assert "Sun 6 Dec 2026 02:00 GMT to 06:00 GMT" in read(page)
    assert f'value="{calendar}"' in page.text
    assert 'value="ann"' in page.text
    assert "of the other place" not in page.text
    assert list_sources(store) == []
    assert "CN-" not in alpha_client.get("/").text


def test_it_is_added_once_read_now_and_removed(alpha_client, send, read, store, csrf):
    form_id = "cd" * 16
    for _ in range(2):
        assert send(alpha_client, "add", form_id=form_id).location == "/connect/sources"
    (one,) = list_sources(store)
    path = f"/connect/sources/{one.source.id.hex()}"
    listed = alpha_client.get("/connect/sources")
    assert "GW-A1 of ALPHA not read yet http://127.0.0.1" in read(listed)
    tried = alpha_client.post(f"{path}/poll", data={"csrf_token": csrf(listed), "do": "try"})
    assert "What reading it would change" in read(tried)
    assert "CN-" not in alpha_client.get("/").text
    done = alpha_client.post(f"{path}/poll", data={"csrf_token": csrf(listed), "do": "poll"})
    assert "What reading it changed" in read(done)
    assert "It was read. 1 event taken." in read(done)
    assert "CN-" in alpha_client.get("/").text
    assert "Last read just now : 1 event taken." in read(alpha_client.get("/connect/sources"))
    assert alpha_client.post(f"{path}/remove", data={"csrf_token": csrf(listed)}).status_code == 303
    assert list_sources(store) == []
    assert alpha_client.post(f"{path}/remove", data={"csrf_token": csrf(listed)}).status_code == 404


def test_what_cannot_be_read_says_why_and_what_helps(alpha_client, send, read, store, csrf, calendar):
    wrong = "http://127.0.0.1:1/nothing.ics"
    assert "The source could not be reached over a trusted connection." in read(send(alpha_client, "try", url=wrong))
    send(alpha_client, "add", url=wrong)
    (one,) = list_sources(store)
    shown = alpha_client.get("/connect/sources")
    alpha_client.post(f"/connect/sources/{one.source.id.hex()}/poll", data={"csrf_token": csrf(shown), "do": "poll"})
    page = read(alpha_client.get("/connect/sources"))
    assert "not read" in page
    assert "Check its address and its certificate" in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": "ftp://example.org/"}, "That is not an address that may be asked."),
        ({"minutes": "often"}, "The minutes are not a whole number."),
        ({"minutes": "1"}, "That is too often or too seldom."),
        ({"word": "a", "category": "b"}, "A word and a category do not go together."),
        ({"gateway": "ALPHA GW-B9"}, "That User has no such gateway."),
        ({"gateway": "BETA GW-B1"}, "There is no such User."),
    ],
)
def test_a_refused_form_keeps_what_was_typed(alpha_client, send, read, store, fields, words):
    for button in ("try", "add"):
        answer = send(alpha_client, button, username="ann", **fields)
        assert answer.status_code == 422
        assert words in read(answer)
        assert 'value="ann"' in answer.text
    assert list_sources(store) == []


def test_another_users_source_is_not_there(alpha_client, send, store, enrolled, sign_in, read, csrf):
    send(alpha_client, "add")
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
