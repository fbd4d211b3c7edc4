"""Requests as no browser sends them: an answer all the same, and never a fault of ours."""

from datetime import UTC, datetime
from http import HTTPStatus

import pytest
import time_machine
from gunicorn.http.errors import InvalidChunkSize
from werkzeug.test import EnvironBuilder, run_wsgi_app

from app.register.people.enrolment import issue_token

STRANGE_HOSTS = ["", "a b", "x" * 300, "[::1", "a/b?c#d", "\u00e9", ".", "evil.example:99999"]


@pytest.mark.parametrize("host", STRANGE_HOSTS)
@pytest.mark.parametrize("path", ["/", "/nothing", "/livez", "/feeds/x.ics", "/api/v1/closures"])
def test_the_host_that_a_client_names_changes_nothing(web, host, path):
    # Within one second, since a session's cookie states the time.
    with time_machine.travel(datetime.now(UTC), tick=False):
        usual, strange = web.test_client().get(path), web.test_client().get(path, headers={"Host": host})
    for answer in (usual, strange):
        del answer.headers["X-Request-Id"]  # of each request its own
    assert (strange.status_code, strange.data, dict(strange.headers)) == (
        usual.status_code, usual.data, dict(usual.headers),
    )  # fmt: skip


@pytest.mark.parametrize("path", ["/", "/livez", "/api/v1/closures", "/notices/new", "/nothing"])
@pytest.mark.parametrize("credential", ["Basic \xe9", "Basic /w==", "Bearer \xff", "X a*=x''%zz", "Basic \x00"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_credential_that_cannot_be_read_is_none(web, method, path, credential):
    without = web.test_client().open(path, method=method)
    strange = web.test_client().open(path, method=method, headers={"Authorization": credential})
    assert (strange.status_code < 500, strange.status_code in {without.status_code, 401, 404, 405}) == (True, True)


class BrokenBody:
    """What gunicorn hands over where a chunk's size is no number."""

    def read(self, size):
        raise InvalidChunkSize(size)


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/api/v1/notices", "text/calendar"),
        ("/notices/preview", "multipart/form-data; boundary=x"),
        ("/sign-out", "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_with_broken_chunks_is_the_clients_fault(web, alpha_client, service, clock, path, content_type):
    _, token = issue_token(service.store, label="t", now=clock(), user_code="ALPHA")
    program = {"headers": {"Authorization": f"Bearer {token}"}} if path.startswith("/api/") else {}
    response = alpha_client.post(
        path, content_type=content_type, **program,
        environ_overrides={"wsgi.input": BrokenBody(), "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )  # fmt: skip
    assert response.status_code == 400


class EndlessBody:
    """A body that goes on, and counts what is read of it."""

    def __init__(self):
        self.read_of_it = 0

    def read(self, size):
        self.read_of_it += size
        return b"a" * size


@pytest.mark.parametrize("path", ["/livez", "/nothing", "/feeds/x.ics", "/api/v1/closures", "/dav/"])
@pytest.mark.parametrize(
    ("framing", "read"),
    [
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, 32_047_104),
        ({"CONTENT_LENGTH": "32000000"}, 32_047_104),
        ({"CONTENT_LENGTH": "32000001"}, 0),
    ],
)
def test_what_no_view_reads_of_a_body_is_dropped_within_bounds(web, path, framing, read):
    body = EndlessBody()
    response = web.test_client().post(
        path, environ_overrides={"wsgi.input": body, "wsgi.input_terminated": True, **framing}
    )
    assert (response.status_code in {401, 404, 405}, body.read_of_it) == (True, read)


@pytest.mark.parametrize("problem", [InvalidChunkSize(b"x"), ConnectionResetError(), TimeoutError()])
def test_a_body_that_breaks_off_while_it_is_dropped_changes_no_answer(web, problem):
    class Breaking:
        def read(self, size):
            raise problem

    response = web.test_client().post(
        "/nothing", environ_overrides={"wsgi.input": Breaking(), "HTTP_TRANSFER_ENCODING": "chunked"}
    )
    assert response.status_code == 404


@pytest.mark.parametrize(("protocol", "status"), [("HTTP/1.1", 400), ("HTTP/1.0", 200), ("HTTP/2", 200)])
def test_a_request_of_http_1_1_without_a_host_is_refused(web, protocol, status):
    builder = EnvironBuilder("/livez")
    environ = builder.get_environ()
    del environ["HTTP_HOST"]
    environ["SERVER_PROTOCOL"] = protocol
    assert run_wsgi_app(web.wsgi_app, environ)[1] == f"{status} {HTTPStatus(status).phrase}".upper()
