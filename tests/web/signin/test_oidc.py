"""Sign-in by the organisation's own provider, against one of ours on loopback that keeps the protocol."""

import base64
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from app.domain.access import Role
from app.factory import create_app
from app.register.people import accounts
from app.register.rulebook import set_desk_policy
from app.settings import read_settings
from app.store import identities
from app.store.identities import Identity


def b64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


class FakeProvider:
    """An OpenID provider of ours: it hands out codes for ``subject`` and holds whoever redeems one to PKCE."""

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.subject, self.issued, self.asked = "subject-1", {}, []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                provider.get(self)

            def do_POST(self):
                provider.post(self)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.claims_issuer = self.issuer
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def answer(self, request, facts, status=200):
        body = json.dumps(facts).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def get(self, request):
        numbers = self.key.public_key().public_numbers()
        octets = [number.to_bytes((number.bit_length() + 7) // 8, "big") for number in (numbers.n, numbers.e)]
        if request.path == "/.well-known/openid-configuration":
            facts = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
            facts |= {f"{name}_endpoint": f"{self.issuer}/{name}" for name in ("authorization", "token")}
            facts["id_token_signing_alg_values_supported"] = ["RS256"]
            self.answer(request, facts)
        else:
            key = {"kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256", "n": b64(octets[0]), "e": b64(octets[1])}
            self.answer(request, {"keys": [key]})

    def post(self, request):
        form = parse_qs(request.rfile.read(int(request.headers["Content-Length"])).decode())
        challenge, nonce = self.issued.pop(form["code"][0])
        verifier = b64(hashlib.sha256(form["code_verifier"][0].encode()).digest())
        if verifier != challenge:
            self.answer(request, {"error": "invalid_grant"}, 400)
            return
        self.answer(
            request, {"access_token": "x", "token_type": "Bearer", "id_token": self.token(nonce), "expires_in": 60}
        )

    def token(self, nonce):
        now = int(time.time())
        claims = {"iss": self.claims_issuer, "sub": self.subject, "aud": "us", "iat": now, "exp": now + 60}
        parts = [{"alg": "RS256", "kid": "1"}, claims | {"nonce": nonce}]
        signed = ".".join(b64(json.dumps(part).encode()) for part in parts)
        return f"{signed}.{b64(self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def consent(self, location):
        """Do what a person at the provider does; return the query with which the browser comes back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        self.asked.append(asked)
        self.issued["the-code"] = (asked["code_challenge"], asked["nonce"])
        return {"code": "the-code", "state": asked["state"]}


@pytest.fixture
def provider():
    found = FakeProvider()
    yield found
    found.close()


@pytest.fixture
def web(service, environ, clock, provider):
    more = {
        "CLOSURES_OIDC_ISSUER": provider.issuer,
        "CLOSURES_OIDC_CLIENT_ID": "us",
        "CLOSURES_OIDC_CLIENT_SECRET": "secret",
    }
    app = create_app(read_settings(environ | more), now=clock)
    yield app
    app.extensions["closures"].read_log.flush()
    app.extensions["closures"].store.close()


@pytest.fixture
def go(provider, csrf):
    """Return a function that sends a browser to the provider and back: the answer to its coming back."""

    def there_and_back(client, page="/sign-in"):
        sent = client.post("/sign-in/provider", data={"csrf_token": csrf(client.get(page))})
        assert sent.status_code == 302
        assert sent.location.startswith(f"{provider.issuer}/authorization?")
        return client.get("/sign-in/provider/back", query_string=provider.consent(sent.location))

    return there_and_back


def test_a_linked_identity_signs_in(web, store, clock, add_account, provider, go):
    account = add_account("dcc@example.org", Role.DCC)
    with store.writing() as connection:
        identities.link_identity(store, connection, account.id, Identity(provider.issuer, "subject-1"), clock())
    browser = web.test_client()
    answer = go(browser)
    assert (answer.status_code, answer.location) == (303, "/")
    assert browser.get("/account").status_code == 200
    assert provider.asked[0]["code_challenge_method"] == "S256"
    assert provider.asked[0]["redirect_uri"] == "http://127.0.0.1:8000/sign-in/provider/back"


def test_an_identity_that_is_linked_to_nobody_is_told_its_subject_and_let_in_nowhere(web, go, read):
    browser = web.test_client()
    answer = go(browser)
    assert answer.status_code == 403
    assert "your subject there is subject-1" in read(answer)
    assert browser.get("/").status_code == 303


def test_who_came_by_an_invitation_links_it_in_place_of_a_second_factor_and_comes_back_by_it(
    web, provider, invited, go, csrf, read
):
    staff = invited("new@example.org", Role.DCC).client
    assert "Link my organisation's sign-in" in read(staff.get("/set-up/password"))
    assert staff.get("/account").location == "/sign-in"
    answer = go(staff, "/set-up/password")
    assert (answer.status_code, answer.location) == (303, "/account")
    assert "Linked as" in staff.get("/account").text
    staff.post("/sign-out", data={"csrf_token": csrf(staff.get("/account"))})
    assert go(staff).location == "/"
    other = invited("other@example.org", Role.DCC).client
    assert go(other, "/set-up/password").status_code == 409
    assert other.get("/account").location == "/sign-in"


def test_who_is_in_already_links_it_from_the_account(web, invited, alpha, go):
    user = invited("a@example.org", Role.USER, "ALPHA").client
    assert go(user, "/account").location == "/account"
    assert "Linked as" in user.get("/account").text


def test_a_password_alone_links_nothing_where_a_second_factor_is_asked_for(web, ann, go):
    ann.sign_out()
    ann.sign_in()
    assert go(ann.client, "/sign-in/second-factor").status_code == 403
    assert ann.client.get("/").location == "/sign-in"


def test_a_link_to_start_afresh_ends_what_the_provider_opened_since_it_was_made(
    web, store, clock, add_account, provider, go, person
):
    account = add_account("dcc@example.org", Role.DCC)
    with store.writing() as connection:
        identities.link_identity(store, connection, account.id, Identity(provider.issuer, "subject-1"), clock())
    link = accounts.start_afresh(store, account.email, clock())
    browser = web.test_client()
    assert go(browser).location == "/"
    assert person(account.email).follow(link).location == "/set-up/password"
    assert browser.get("/").location == "/sign-in"


def test_a_wrong_state_an_error_and_another_issuer_are_one_refusal(web, provider, go, csrf):
    browser = web.test_client()
    sent = browser.post("/sign-in/provider", data={"csrf_token": csrf(browser.get("/sign-in"))})
    query = provider.consent(sent.location)
    assert browser.get("/sign-in/provider/back", query_string=query | {"state": "other"}).status_code == 400
    assert browser.get("/sign-in/provider/back", query_string={"error": "access_denied"}).status_code == 400
    provider.claims_issuer = "http://127.0.0.1:1"
    assert go(browser).status_code == 400
    assert browser.get("/").status_code == 303


def test_another_browsers_answer_signs_nobody_in(web, store, clock, add_account, provider, csrf):
    account = add_account("dcc@example.org", Role.DCC)
    with store.writing() as connection:
        identities.link_identity(store, connection, account.id, Identity(provider.issuer, "subject-1"), clock())
    mine, victim = web.test_client(), web.test_client()
    sent = mine.post("/sign-in/provider", data={"csrf_token": csrf(mine.get("/sign-in"))})
    assert victim.get("/sign-in/provider/back", query_string=provider.consent(sent.location)).status_code == 400


def test_who_comes_back_from_the_provider_with_the_tick_keeps_the_desk(web, store, clock, add_account, provider, csrf):
    set_desk_policy(store, allowed=True, now=clock())
    account = add_account("dcc@example.org", Role.DCC)
    with store.writing() as connection:
        identities.link_identity(store, connection, account.id, Identity(provider.issuer, "subject-1"), clock())
    browser = web.test_client()
    form = {"csrf_token": csrf(browser.get("/sign-in")), "desk": "yes"}
    sent = browser.post("/sign-in/provider", data=form)
    browser.get("/sign-in/provider/back", query_string=provider.consent(sent.location))
    clock.forward(hours=1)
    assert (browser.get("/").status_code, browser.get("/account").location) == (200, "/sign-in")
