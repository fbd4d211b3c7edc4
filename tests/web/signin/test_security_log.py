"""What is done to sign-ins, credentials, rights, copies and keys leaves a line, and in no line is a secret."""

import json
import re
from base64 import b64encode

import pytest
import structlog

from app.domain.access import Role
from app.factory import configure_log
from app.register.key_rotation import end_rotation, rotate_keys, rotate_root
from app.register.people import accounts, enrolment
from app.security.security_log import SecurityAction, security_event
from app.security.tokens import TokenKind, mint
from tests.conftest import NOW
from tests.web.signin.person import PASSWORD, code_of, hidden

HOSTILE = 'a\r\n{"event.action":"sign-in"}\x1b[31m\u2028@example.org'


class Lines:
    """The lines of the security log, as they stand in a file."""

    def __init__(self, path):
        self.path, self.seen = path, 0

    def new(self):
        """Return the lines since the last look."""
        held = self.path.read_bytes().splitlines() if self.path.exists() else []
        found, self.seen = held[self.seen :], len(held)
        return [json.loads(line) for line in found]

    def told(self):
        """Return the action and the outcome of each line since the last look."""
        return [(line["event.action"], line["event.outcome"]) for line in self.new()]


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "security.jsonl"
    configure_log("json", str(path))
    yield Lines(path)
    structlog.reset_defaults()


@pytest.fixture
def admin(invited):
    found = invited("admin@example.org", Role.ADMIN)
    found.choose_password()
    found.add_factor()
    return found


def id_of(store, email):
    return next(one.id.hex() for one in accounts.list_accounts(store) if one.email == email)


def test_a_line_says_when_what_who_whence_and_in_which_request(ann, person, lines, store):
    lines.new()
    assert person(ann.email, "192.0.2.7").sign_in("wrong").status_code == 422
    (line,) = lines.new()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line.pop("@timestamp"))
    assert re.fullmatch(r"[0-9a-f]{32}", line.pop("http.request.id"))
    assert line == {
        "log.level": "warning",
        "message": "sign-in failure",
        "ecs.version": "8.11.0",
        "event.dataset": "closures.security",
        "event.kind": "event",
        "event.category": ["authentication"],
        "event.action": "sign-in",
        "event.outcome": "failure",
        "event.reason": "wrong-password",
        "closures.step": "password",
        "user.id": id_of(store, ann.email),
        "source.ip": "192.0.2.7",
    }


def test_each_of_214_wrong_passwords_leaves_a_line(ann, person, lines, clock):
    lines.new()
    statuses = []
    for number in range(214):
        clock.forward(seconds=20)
        statuses.append(person(ann.email, f"192.0.{number % 9}.1").sign_in("wrong horse").status_code)
    found = lines.told()
    assert len(found) == 214
    assert found.count(("sign-in", "failure")) == statuses.count(422)
    assert found.count(("throttled", "failure")) == statuses.count(429) > 0


def test_an_address_that_is_unknown_leaves_a_line_of_nobody(person, lines):
    assert person("nobody@example.org").sign_in().status_code == 422
    (line,) = lines.new()
    assert (line["event.action"], line["event.reason"], "user.id" in line) == ("sign-in", "unknown-account", False)


def test_a_whole_sign_in_and_its_end(ann, lines):
    ann.sign_out()
    lines.new()
    ann.sign_in()
    ann.give_code("000000")
    ann.give_code()
    ann.sign_out()
    found = lines.new()
    assert [(line["event.action"], line["event.outcome"], line.get("closures.step")) for line in found] == [
        ("sign-in", "success", "password"),
        ("sign-in", "failure", "code"),
        ("sign-in", "success", "second-factor"),
        ("sign-out", "success", None),
    ]
    assert len({line["user.id"] for line in found}) == 1
    assert len({line["http.request.id"] for line in found}) == 4


def test_a_recovery_code_that_is_used(ann, lines):
    ann.sign_out()
    ann.sign_in()
    lines.new()
    ann.give_code(ann.codes[0])
    assert [(line["event.action"], line.get("closures.step")) for line in lines.new()] == [
        ("code-used", None),
        ("sign-in", "recovery-code"),
    ]


def test_another_second_factor_and_a_wrong_proof_of_one(ann, lines):
    lines.new()
    page = ann.client.get("/set-up/second-factor")
    form = {name: hidden(page, name) for name in ("form_id", "authenticator")}
    form |= {"csrf_token": ann.csrf(page), "present_password": PASSWORD}
    assert ann.client.post("/set-up/second-factor", data=form | {"one_time_code": "000000"}).status_code == 422
    assert lines.told() == [("sign-in", "success"), ("factor-set", "failure")]
    code = code_of(form["authenticator"], ann.clock)
    assert ann.client.post("/set-up/second-factor", data=form | {"one_time_code": code}).status_code == 303
    assert lines.told() == [("sign-in", "success"), ("factor-replaced", "success"), ("codes-renewed", "success")]


def test_rights_closing_and_opening_again_name_who_did_it_and_to_whom(admin, ann, lines, store):
    lines.new()
    about, by = id_of(store, ann.email), id_of(store, admin.email)
    page = f"/service/accounts/{about}"
    admin.post(f"{page}/rights", page, role="ops")
    (ended, changed) = sorted(lines.new(), key=lambda line: line["event.action"], reverse=True)
    assert ended["event.action"] == "sessions-ended"
    assert [changed[name] for name in ("event.action", "user.id", "user.target.id", "user.target.roles")] == [
        "rights-changed", by, about, ["ops"],
    ]  # fmt: skip
    admin.post(f"{page}/close", page)
    admin.post(f"{page}/open-again", page)
    assert lines.told() == [("account-closed", "success"), ("account-reopened", "success")]
    assert ann.sign_in("wrong").status_code == 422
    assert lines.new()[0]["event.reason"] == "wrong-password"


def test_an_account_that_is_let_in_and_starts_afresh(person, lines, store, clock):
    token = enrolment.open_account(store, "new@example.org", Role.OPS, (), clock())
    assert lines.told() == [("account-opened", "success"), ("link-made", "success")]
    person("new@example.org").follow(token)
    assert lines.told() == [("link-used", "success")]
    assert person("new@example.org").client.get(f"/sign-in/{token}").status_code == 403
    assert [(line["event.action"], line["event.reason"]) for line in lines.new()] == [
        ("access-refused", "sign-in-link")
    ]
    accounts.start_afresh(store, "new@example.org", clock())
    assert lines.told() == [("factor-removed", "success"), ("sessions-ended", "success"), ("link-made", "success")]


def test_a_token_is_made_used_for_the_first_time_revoked_and_refused(web, alpha, lines, store):
    token_id, token = enrolment.issue_token(store, label="x", now=NOW, user_code="ALPHA")
    client = web.test_client()
    for _ in range(2):
        assert client.get("/api/v1/closures", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    enrolment.revoke_token(store, token_id.hex(), NOW)
    for wrong in (token, mint(TokenKind.APP_PASSWORD), "nothing"):
        assert client.get("/api/v1/closures", headers={"Authorization": f"Bearer {wrong}"}).status_code == 401
    found = lines.new()
    assert [(line["event.action"], line.get("event.reason"), line.get("closures.token.id")) for line in found] == [
        ("token-made", None, token_id.hex()),
        ("token-first-used", None, token_id.hex()),
        ("token-revoked", None, token_id.hex()),
        ("token-refused", "ended", token_id.hex()),
        ("token-refused", "unknown", None),
        ("token-refused", "no-token", None),
    ]
    assert found[0]["organization.id"] == alpha.id.hex()


def test_a_feed_is_made_refused_and_ended(web, lines, store):
    made = enrolment.add_subscription(
        store, scope_text="all", label="x", secret_url=True, past_days=1, horizon_days=9, now=NOW
    )
    client, path = web.test_client(), f"/feeds/{made.subscription.id}.ics"
    assert client.get(path).status_code == 401
    assert client.get(path, headers={"Authorization": f"Bearer {made.token}"}).status_code == 200
    assert client.get(path, headers={"Authorization": f"Bearer {mint(TokenKind.FEED)}"}).status_code == 401
    enrolment.revoke_subscription(store, made.subscription.id, NOW)
    assert client.get(path, headers={"Authorization": f"Bearer {made.token}"}).status_code == 401
    assert client.get(f"/feeds/s/{made.secret_token}/closures.ics").status_code in {404, 410}
    assert [(line["event.action"], line["closures.kind"]) for line in lines.new()] == [
        ("token-made", "feed"),
        ("token-made", "secret-address"),
        ("token-refused", "feed"),
        ("token-revoked", "feed"),
        ("token-refused", "feed"),
        ("token-refused", "secret-address"),
    ]


def test_calendars_refuse_and_slow_down_a_wrong_password(web, alpha, lines):
    client = web.test_client()
    stated = b64encode(f"ALPHA:{mint(TokenKind.APP_PASSWORD)}".encode()).decode()
    for _ in range(11):
        client.open("/dav/", method="PROPFIND", headers={"Authorization": f"Basic {stated}"})
    assert lines.told() == [("token-refused", "failure")] * 10 + [("throttled", "failure")]


def test_what_policy_refuses(ann, lines, store):
    lines.new()
    assert ann.client.get("/service/keys").status_code == 403
    assert ann.client.get("/closures/CN-0000000000").status_code == 404
    assert ann.client.get("/there-is-no-such-page").status_code == 404
    assert ann.client.post("/sign-out", data={"csrf_token": "forged"}).status_code == 400
    found = lines.new()
    assert [(line["event.action"], line["http.response.status_code"], line["closures.route"]) for line in found] == [
        ("access-refused", 403, "service_keys.show"),
        ("access-refused", 404, "closure.show"),
        ("form-refused", 400, "session.sign_out"),
    ]
    # A forged form comes with the session of whom it is forged for.
    assert [line.get("user.id") for line in found] == [id_of(store, ann.email)] * 3


def test_a_limit_that_is_reached(web, credentials, lines):
    lines.new()
    client = web.test_client()
    answer = client.post("/api/v1/notices?gateway=GW-A1", data=b"x" * 2_100_000, headers=credentials[0])
    assert answer.status_code == 413
    assert [action for action, _ in lines.told() if action != "token-first-used"] == ["limit-reached"]


def test_copies_and_keys(admin, alpha, lines, store):
    lines.new()
    assert admin.client.get("/closures.csv").status_code == 200
    rotate_keys(store, None)
    rotate_root(store, None, NOW)
    end_rotation(store, 2)
    enrolment.shred_user(store, "ALPHA", NOW)
    found = lines.new()
    assert [(line["event.action"], line.get("closures.kind"), line.get("organization.id")) for line in found] == [
        ("exported", "csv", None),
        ("keys-rotated", None, None),
        ("root-rotated", None, None),
        ("rotation-ended", None, None),
        ("keys-shredded", None, alpha.id.hex()),
    ]
    assert found[0]["user.id"] == id_of(store, admin.email)


def test_what_is_rolled_back_never_happened_and_what_failed_did(lines, store):
    def fail():
        with store.writing():
            security_event(SecurityAction.KEYS_ROTATED)
            security_event(SecurityAction.SIGN_IN, failed=True)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert lines.told() == [("sign-in", "failure")]
    with store.writing():
        security_event(SecurityAction.KEYS_ROTATED)
        assert lines.told() == []
    assert lines.told() == [("keys-rotated", "success")]


@pytest.mark.parametrize("form", ["json", "console"])
def test_nothing_that_anybody_wrote_comes_into_a_line(person, lines, capsys, form, web):
    configure_log(form, str(lines.path))
    stranger = person(HOSTILE, "192.0.2.1")
    stranger.client.environ_base["HTTP_USER_AGENT"] = HOSTILE.replace("\r\n", "")
    assert stranger.sign_in(HOSTILE).status_code == 422
    stranger.client.environ_base["REMOTE_ADDR"] = HOSTILE
    assert stranger.sign_in(HOSTILE).status_code == 422
    stated = b64encode(f"{HOSTILE}:{HOSTILE}".encode()).decode()
    web.test_client().open("/dav/", method="PROPFIND", headers={"Authorization": f"Basic {stated}"})
    web.test_client().get("/api/v1/closures", headers={"Authorization": f"Bearer {HOSTILE[:1]}\x1b[31m"})
    found = lines.new()
    assert [line.get("source.ip") for line in found] == ["192.0.2.1", None, "127.0.0.1", "127.0.0.1"]
    shown = capsys.readouterr().err
    assert len(shown.splitlines()) == 4
    for text in (shown, lines.path.read_text()):
        assert [mark for mark in ("\x1b", "\\u001b", "[31m", "\u2028", "example.org") if mark in text] == []


def test_no_secret_and_no_name_is_in_any_line(admin, ann, web, alpha, credentials, lines, store, clock, give, announce):
    ann.sign_out()
    ann.sign_in("an unlucky wrong password")
    ann.sign_in()
    used = code_of(ann.secret, clock)
    ann.give_code(used)
    give(alpha, announce("uid", "2027-02-07T02:00"))
    ann.client.get("/closures")
    for headers in credentials:
        web.test_client().get("/api/v1/closures", headers=headers)
    link = enrolment.issue_sign_in(store, ann.email, clock())
    ann.follow(link)
    tokens = [headers["Authorization"].split()[1] for headers in credentials]
    secrets = [PASSWORD, "an unlucky wrong password", used, ann.secret, link, *ann.codes, *tokens]
    names = [ann.email, admin.email, "example.org", "ALPHA", "GW-A1", "2027-02-07", "20270207"]
    text = lines.path.read_text()
    assert [line["event.action"] for line in lines.new()] == [
        "sign-out", "sign-in", "sign-in", "sign-in", "token-first-used", "token-first-used", "link-made", "link-used",
    ]  # fmt: skip
    assert [word for word in (*secrets, *names) if word.lower() in text.lower()] == []
