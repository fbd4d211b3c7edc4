"""Who did what, as admins read it: by page and by API, and nobody else does."""

import pytest

from app.domain.access import Role
from app.register.people import accounts, enrolment
from app.register.questions import who_did_what
from app.store.acts import Deed
from tests.conftest import NOW


@pytest.fixture
def admin(sign_in):
    return sign_in("admin@example.org", Role.ADMIN)


@pytest.fixture
def done(admin, csrf, store, alpha, add_account):
    """An admin changed the rights of somebody and closed the account; a token was made from elsewhere."""
    somebody = add_account("somebody@example.org", Role.DCC)
    page = f"/service/accounts/{somebody.id.hex()}"
    for path, more in ((f"{page}/rights", {"role": "ops"}), (f"{page}/close", {})):
        admin.post(path, data={"csrf_token": csrf(admin.get(page)), **more})
    return enrolment.issue_token(store, label="x", now=NOW, user_code="ALPHA")[0].hex()


def test_the_page_says_when_who_what_and_about_what_the_latest_first(done, admin, read):
    page = read(admin.get("/record/acts"))
    when = "Tue 24 Nov 2026 09:00 GMT 2026-11-24 09:00 UTC"
    closed = f"{when} admin admin@example.org account closed account somebody@example.org"
    changed = f"{when} admin admin@example.org role or Users of an account changed account somebody@example.org"
    assert f"token made token {done}" in page
    assert closed in page
    assert page.index(closed) < page.index(changed)


def test_one_kind_of_act_is_narrowed_to(done, admin, read):
    page = read(admin.get("/record/acts?act=account+closed")).partition("Entry")[2]
    assert "account closed account somebody@example.org" in page
    assert "account opened account" not in page
    assert admin.get("/record/acts?act=secret").status_code == 400
    assert "No act Nothing of this kind" in read(admin.get("/record/acts?act=source+added"))


def test_pages_follow_each_other_and_leave_nothing_out(store, add_account, monkeypatch):
    monkeypatch.setattr(who_did_what, "_LOOKED_AT", 7)
    for number in range(60):
        account = add_account(f"a{number:02}@example.org", Role.OPS)
        if number % 2:
            accounts.close_account(store, account, NOW)
    for deed, expected in ((None, None), (Deed.ACCOUNT_CLOSED, 30)):
        found, before = [], None
        while True:
            page = who_did_what.read_acts(store, deed, before)
            found += [act["entry"] for act in page.acts]
            before = page.older
            if before is None:
                break
        assert found == sorted(set(found), reverse=True)
        if expected is None:
            assert found == list(range(found[0], found[0] - len(found), -1))
        else:
            assert len(found) == expected


def test_an_act_about_many_things_names_a_few(admin, store, alpha):
    with_codes = next(one for one in accounts.list_accounts(store) if one.email == "admin@example.org")
    from app.register.people.sign_in import renew_recovery_codes

    renew_recovery_codes(store, with_codes)
    (act,) = who_did_what.read_acts(store, Deed.CODES_RENEWED, None).acts
    assert len(act["about"]) == 4
    assert act["about"][-1] == "7 more of these"


def test_the_api_answers_an_admin_by_span_and_nobody_else(done, admin, dcc_client, web, credentials):
    answer = admin.get("/api/v1/acts?from=2026-11-01T00:00:00Z").json
    assert [(one["by"], one["about"]) for one in answer["acts"] if one["act"] == "account closed"] == [
        ("admin admin@example.org", ["account somebody@example.org"])
    ]
    assert answer["answer"] == f"{len(answer['acts'])} acts."
    assert admin.get("/api/v1/acts?from=2026-10-01T00:00:00Z&to=2026-10-02T00:00:00Z").json["acts"] == []
    assert dcc_client.get("/api/v1/acts").status_code == 403
    assert [web.test_client().get("/api/v1/acts", headers=one).status_code for one in credentials] == [403, 403]
