"""A desk session: a machine reads on for 30 days and changes nothing, and whatever is done to its account ends it."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.domain.access import Role
from app.register.key_rotation import rotate_root
from app.register.people import accounts, desks
from app.register.people.sign_in import set_up_second_factor
from app.register.rulebook import desk_history, set_desk_policy
from app.security.second_factor import new_secret
from app.security.tokens import TokenKind, mint
from app.store.acts import Deed, acts_before
from app.store.metadata import metadata
from tests.web.signin.person import PASSWORD, code_of
from tests.web.signin.test_security_log import lines as lines  # noqa: PLC0414 - its fixture

TICK = "Keep this desk signed in for reading, 30 days"
COOKIE = "closures-desk"


@pytest.fixture
def allowed(store, clock):
    set_desk_policy(store, allowed=True, now=clock())


def sign_in_at_desk(person):
    """Sign somebody in with the tick."""
    person.sign_out()
    assert person.sign_in().location == "/sign-in/second-factor"
    page = person.client.get("/sign-in/second-factor")
    assert TICK in page.text
    answer = person.post("/sign-in/second-factor", one_time_code=person.code(), desk="yes")
    assert (answer.status_code, person.client.get_cookie(COOKIE) is not None) == (303, True)
    return answer


@pytest.fixture
def ann_at_desk(allowed, ann, clock):
    """Ann, who signed in with the tick and then went away for an hour."""
    sign_in_at_desk(ann)
    clock.forward(hours=1)
    return ann


def account_of(store, email):
    return next(one for one in accounts.list_accounts(store) if one.email == email)


def reads(person):
    return person.client.get("/").status_code == 200


def test_nobody_is_asked_before_it_is_allowed_and_a_forged_tick_opens_nothing(ann, store, clock):
    ann.sign_out()
    ann.sign_in()
    assert TICK not in ann.client.get("/sign-in/second-factor").text
    ann.post("/sign-in/second-factor", one_time_code=ann.code(), desk="yes")
    assert ann.client.get_cookie(COOKIE) is None
    assert desks.living_desks(store, clock()) == []


def test_without_the_tick_a_session_ends_as_ever(allowed, ann, clock):
    ann.sign_out()
    ann.sign_in()
    ann.give_code()
    clock.forward(minutes=31)
    assert not reads(ann)


def test_the_desk_reads_on_for_thirty_days_and_no_longer(ann_at_desk, clock):
    for _ in range(29):
        page = ann_at_desk.client.get("/")
        assert (page.status_code, "reading only" in page.text) == (200, True)
        clock.forward(days=1)
    clock.forward(hours=22)
    assert reads(ann_at_desk)
    clock.forward(hours=2)
    assert not reads(ann_at_desk)
    assert ann_at_desk.client.get_cookie(COOKIE) is None


def test_the_cookie_is_kept_for_thirty_days_out_of_the_reach_of_scripts_and_other_sites(allowed, ann):
    stated = next(
        one for one in sign_in_at_desk(ann).headers.getlist("Set-Cookie") if one.startswith(f"{COOKIE}=gwfd_")
    )
    (_, *parts) = stated.split("; ")
    assert {part for part in parts if not part.startswith("Expires")} == {
        "Max-Age=2592000", "HttpOnly", "Path=/", "SameSite=Lax",
    }  # fmt: skip


def test_only_a_digest_of_it_is_stored_and_it_is_no_password_of_any_other_door(ann_at_desk, web, store):
    token = ann_at_desk.client.get_cookie(COOKIE).value
    with store.reading() as connection:
        stored = [row for table in metadata.sorted_tables for row in connection.execute(sa.select(table))]
    assert [row for row in stored if token in repr(row) or token[5:40] in repr(row)] == []
    for headers in ({"Authorization": f"Bearer {token}"}, {"Cookie": f"closures={token}"}):
        assert web.test_client().get("/api/v1/closures", headers=headers).status_code == 401


def test_what_changes_is_asked_for_a_whole_sign_in_and_then_goes_on(ann_at_desk, alpha, store):
    form = {"gateway": "GW-A1", "starts": "2027-02-07T02:00", "note": "typed with care"}
    page = ann_at_desk.client.get("/notices/form?user=ALPHA")
    assert page.status_code == 200
    answer = ann_at_desk.client.post("/notices/form", data={"csrf_token": ann_at_desk.csrf(page), **form})
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    page = ann_at_desk.client.get("/sign-in")
    assert 'value="dcc@example.org"' in page.text
    assert "Reading needs no sign-in at this desk; this does." in page.text
    ann_at_desk.sign_in()
    assert TICK not in ann_at_desk.client.get("/sign-in/second-factor").text
    assert ann_at_desk.give_code().location == "/unfinished"
    assert "typed with care" in ann_at_desk.client.get("/unfinished").text
    assert len(desks.living_desks(store, ann_at_desk.clock())) == 1


@pytest.mark.parametrize(
    "path", ["/account", "/record/acts", "/record/reads", "/service/maintenance", "/connect/sources"]
)
def test_what_shows_secrets_or_people_is_asked_for_a_whole_sign_in_and_leads_back(ann_at_desk, path):
    answer = ann_at_desk.client.get(path)
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    ann_at_desk.sign_in()
    assert ann_at_desk.give_code().location == path


def test_signing_out_ends_it_on_our_side(ann_at_desk, store, clock):
    cookie = ann_at_desk.client.get_cookie(COOKIE).value
    ann_at_desk.post("/sign-out", "/")
    assert (reads(ann_at_desk), desks.living_desks(store, clock())) == (False, [])
    ann_at_desk.client.set_cookie(COOKIE, cookie)
    assert not reads(ann_at_desk)


def test_a_cookie_that_was_killed_or_made_up_opens_nothing_and_is_taken_away(ann_at_desk, person):
    cookie = ann_at_desk.client.get_cookie(COOKIE).value
    for made_up in (cookie[:-1] + ("0" if cookie[-1] != "0" else "1"), mint(TokenKind.DESK), "x" * 500, ""):
        somebody = person("dcc@example.org")
        somebody.client.set_cookie(COOKIE, made_up)
        assert not reads(somebody)
        assert somebody.client.get_cookie(COOKIE) is None or not made_up


def forbid(store, clock, ann):
    set_desk_policy(store, allowed=False, now=clock())
    set_desk_policy(store, allowed=True, now=clock())


def close(store, clock, ann):
    account = account_of(store, ann.email)
    accounts.close_account(store, account, clock())
    accounts.open_again(store, account)


def change_role(store, clock, ann):
    accounts.change_rights(store, account_of(store, ann.email), Role.OPS, (), clock())


def change_password(store, clock, ann):
    whole = elsewhere(ann)
    new = "another horse battery staple"
    whole.post("/set-up/password", present_password=PASSWORD, password=new, password_again=new)


def change_factor(store, clock, ann):
    secret = new_secret()
    set_up_second_factor(store, account_of(store, ann.email), secret, code_of(secret, clock), clock())


def start_afresh(store, clock, ann):
    accounts.start_afresh(store, ann.email, clock())


def rotate(store, clock, ann):
    rotate_root(store, None, clock())


def end_others(store, clock, ann):
    elsewhere(ann).post("/account/sessions/end-others", "/account")


def end_own(store, clock, ann):
    (desk,) = desks.living_desks(store, clock())
    assert elsewhere(ann).post("/account/desks/end", "/account", desk=desk.token.id.hex()).status_code == 303


def elsewhere(ann):
    """Ann at another machine, wholly signed in."""
    found = type(ann)(ann.client.application.test_client(), ann.csrf, ann.clock, ann.email)
    found.secret = ann.secret
    ann.clock.forward(seconds=30)
    found.sign_in()
    found.give_code()
    return found


@pytest.mark.parametrize(
    "end",
    [forbid, close, change_role, change_password, change_factor, start_afresh, rotate, end_others, end_own],
)
def test_it_ends_with(ann_at_desk, store, clock, end):
    assert reads(ann_at_desk)
    end(store, clock, ann_at_desk)
    assert not reads(ann_at_desk)
    assert desks.living_desks(store, clock()) == []


def test_whoever_else_signs_in_at_the_machine_ends_it(ann_at_desk, invited, clock):
    bob = invited("bob@example.org", Role.OPS)
    bob.choose_password()
    bob.add_factor()
    ann_at_desk.sign_in(email="bob@example.org")
    clock.forward(hours=1)
    assert not reads(ann_at_desk)


def test_admins_see_every_desk_and_end_each(ann_at_desk, sign_in, csrf, store, clock, read):
    admin = sign_in("admin@example.org", Role.ADMIN)
    reads(ann_at_desk)
    page = admin.get("/service/desks")
    assert read(page).endswith(
        "dcc@example.org A browser from 127.0.0.1 Since Tue 24 Nov 2026 09:01 GMT (2026-11-24 09:01 UTC); last used "
        "Tue 24 Nov 2026 10:01 GMT (2026-11-24 10:01 UTC); until Thu 24 Dec 2026 09:01 GMT (2026-12-24 09:01 UTC) End it"
    )
    (path,) = re.findall(r'action="(/service/desks/[^"]+)"', page.text)
    assert admin.post(path, data={"csrf_token": csrf(page)}).status_code == 303
    assert not reads(ann_at_desk)
    assert admin.post(path, data={"csrf_token": csrf(page)}).status_code == 404


def test_the_policy_page_allows_and_forbids_by_version(ann, sign_in, csrf, store):
    admin = sign_in("admin@example.org", Role.ADMIN)
    for expected in (True, False):
        page = admin.get("/service/policy")
        form = dict(re.findall(r'name="(version|allowed)" value="([^"]+)"', page.text.partition('id="desks"')[2]))
        sent = {"csrf_token": csrf(page), **form}
        assert admin.post("/service/policy/desks", data=sent).status_code == 303
        assert admin.post("/service/policy/desks", data=sent).status_code == 422
        assert desk_history(store)[-1][0].allowed is expected


def test_its_opening_and_its_end_are_in_the_record_and_in_the_security_log(allowed, ann, lines, store, clock):
    sign_in_at_desk(ann)
    lines.new()
    clock.forward(hours=1)
    cookie = ann.client.get_cookie(COOKIE).value
    set_desk_policy(store, allowed=False, now=clock())
    ann.client.get("/")
    ann.client.set_cookie(COOKIE, mint(TokenKind.DESK))
    ann.client.get("/")
    (desk_id,) = {line["closures.token.id"] for line in lines.new() if "closures.token.id" in line}
    lines.seen = 0
    about = [
        (line["event.action"], line.get("event.reason"))
        for line in lines.new()
        if line.get("closures.kind") == "desk-session"
    ]
    assert about == [
        ("token-made", None), ("token-revoked", None), ("token-refused", "ended"), ("token-refused", "unknown"),
    ]  # fmt: skip
    with store.reading() as connection:
        found = [
            act for act in acts_before(store, connection, None, 50) if act.deed in {Deed.DESK_OPENED, Deed.DESK_ENDED}
        ]
    assert [(act.deed, act.rows[0][1][0].hex()) for act in found] == [
        (Deed.DESK_ENDED, desk_id), (Deed.DESK_OPENED, desk_id),
    ]  # fmt: skip
    assert cookie not in lines.path.read_text()


def test_its_use_is_noted_every_five_minutes(ann_at_desk, store, clock):
    for forward, noted in ((0, 0), (4, 4), (2, 0)):
        clock.forward(minutes=forward)
        assert reads(ann_at_desk)
        (desk,) = desks.living_desks(store, clock())
        assert clock() - desk.token.last_used_at == timedelta(minutes=noted)
