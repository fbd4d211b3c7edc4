"""Whom to call: the User names it itself, DCC reads it, and the record tells of it."""

from app.domain.access import Role
from app.store.acts import Deed, acts_before
from app.store.engine import read_head


def name(client, csrf, text, code="ALPHA"):
    path = f"/users/{code}/contact"
    return client.post(path, data={"csrf_token": csrf(client.get("/account")), "contact": text})


def test_a_user_names_whom_to_call_and_dcc_reads_it(alpha, alpha_client, dcc_client, sign_in, csrf, read, store):
    assert '<a href="/users/ALPHA/contact">' in alpha_client.get("/account").text
    assert name(alpha_client, csrf, " Duty desk +44 20 7946 0000 ").location == "/users/ALPHA/contact"
    assert "Whoever looks up an alarm of ALPHA reads: Duty desk +44 20 7946 0000" in read(alpha_client.get("/account"))
    assert 'value="Duty desk +44 20 7946 0000"' in alpha_client.get("/users/ALPHA/contact").text
    assert "Whom to call Duty desk +44 20 7946 0000 ALPHA" in read(dcc_client.get("/planned?q=GW-A1"))
    assert "Call Duty desk +44 20 7946 0000" in read(sign_in("admin@example.org", Role.ADMIN).get("/service/users"))
    name(alpha_client, csrf, "Duty desk +44 20 7946 0000")
    name(alpha_client, csrf, "")
    assert "Whom to call Nobody named yet." in read(dcc_client.get("/planned?q=GW-A1"))
    with store.reading() as connection:
        deeds = [(act.deed, act.actor) for act in acts_before(store, connection, read_head(connection).log_size, 50)]
    assert [deed for deed in deeds if deed[0] is Deed.CONTACT_NAMED] == [
        (Deed.CONTACT_NAMED, "user alpha@example.org")
    ] * 2  # fmt: skip


def test_what_is_too_long_or_no_line_is_refused_and_not_lost(alpha, alpha_client, csrf, read):
    for text in ("x" * 121, "a\u202eb"):
        page = name(alpha_client, csrf, text)
        assert page.status_code == 422
        assert f'value="{text}"' in page.text
        assert "Give at most 120 characters" in read(page)


def test_another_user_and_dcc_may_not_name_it(alpha, enrolled, alpha_client, dcc_client, csrf):
    enrolled("BETA", "GW-B1")
    assert alpha_client.get("/users/BETA/contact").status_code == 404
    assert name(alpha_client, csrf, "x", "BETA").status_code == 404
    assert name(dcc_client, csrf, "x").status_code == 403


def test_feeds_and_the_names_in_memory_are_not_made_anew_for_it(alpha, store, alpha_client, csrf):
    with store.reading() as connection:
        before = read_head(connection).parties
    name(alpha_client, csrf, "Desk")
    with store.reading() as connection:
        assert read_head(connection).parties == before
