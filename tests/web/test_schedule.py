"""The forward schedule: who sees what, by which day, in which words."""

import re

import pytest

from app.domain.access import Role


def references(page):
    return re.findall(r'href="/closures/(CN-[0-9A-Z]{10})"', page.text)


@pytest.fixture
def beta(enrolled):
    return enrolled("BETA", "GW-B1")


def test_a_schedule_without_users_says_how_to_add_the_first(dcc_client, read):
    page = read(dcc_client.get("/"))
    assert "No gateways closed now, no windows start in the next 24 hours. No closures in the days below." in page
    assert "There are no Users yet. Add the first with closures user add CODE NAME" in page


def test_an_empty_schedule_of_a_user_leads_to_giving_notice_and_proves_nothing(alpha_client, read):
    page = alpha_client.get("/")
    assert "that does not prove that there is none. Give notice of one, or choose other days." in read(page)
    assert '<a href="/notices/new">Give notice of one</a>' in page.text


def test_ops_who_may_not_give_notice_are_not_led_there(alpha, sign_in):
    page = sign_in("ops@example.org", Role.OPS).get("/")
    assert page.status_code == 200
    assert "/notices/new" not in page.text


def test_a_closure_is_shown_by_its_london_day_in_london_time_and_utc(alpha, give, announce, dcc_client, read):
    outcome = give(alpha, announce("one", "2026-12-06T02:00"))
    page = dcc_client.get("/")
    assert references(page) == [outcome.accepted[0].reference]
    assert (
        "Sunday 6 December 2026 GW-A1 "
        f"{outcome.accepted[0].reference} ALPHA · Alpha Energy "
        "Sun 6 Dec 2026 02:00 GMT to 06:00 GMT 2026-12-06 02:00 to 06:00 UTC · 4 h short notice 5 to 9 Working Days' notice"
    ) in read(page)


def test_the_sentence_counts_gateways_closed_now_and_windows_that_start_within_a_day(
    alpha, beta, give, announce, dcc_client, read
):
    give(alpha, announce("a", "2026-11-24T08:00"), announce("b", "2026-11-24T07:00", gateway="GW-A2"))
    give(beta, announce("c", "2026-11-25T08:59", gateway="GW-B1"), announce("d", "2026-11-25T09:00", gateway="GW-B1"))
    page = dcc_client.get("/")
    assert "2 gateways closed now, 1 window starts in the next 24 hours. 4 closures in the days below" in read(page)
    assert page.text.count('<span class="tag tag-now">closed now</span>') == 2


def test_a_user_sees_its_own_closures_and_its_own_gateways_only(alpha, beta, give, announce, alpha_client):
    own = give(alpha, announce("a", "2026-12-06T02:00")).accepted[0].reference
    give(beta, announce("b", "2026-12-06T02:00", gateway="GW-B1"))
    for path in ("/", "/?user=BETA", "/?gateway=GW-B1"):
        page = alpha_client.get(path)
        assert references(page) == ([own] if path == "/" else [])
        assert not re.search(r"Beta|>GW-B1", page.text)


def test_dcc_staff_see_every_user_and_narrow_by_user_gateway_and_state(alpha, beta, give, announce, dcc_client, read):
    give(alpha, announce("a", "2026-12-06T02:00"), announce("b", "2026-12-13T02:00", gateway="GW-A2"))
    give(beta, announce("c", "2026-12-06T02:00", gateway="GW-B1"))
    give(beta, announce("c", "2026-12-06T02:00", gateway="GW-B1", withdrawn=True))
    found = {path: len(references(dcc_client.get(path))) for path in (
        "/", "/?user=alpha", "/?gateway=GW-A2", "/?state=withdrawn", "/?state=planned&user=BETA",
    )}  # fmt: skip
    assert list(found.values()) == [3, 2, 1, 1, 0]
    assert "Nothing that matches is planned in these days." in read(dcc_client.get("/?state=planned&user=BETA"))


def test_the_days_asked_for_are_london_days_both_included(alpha, give, announce, dcc_client, read):
    # 23:30 UTC on 5 June 2027 is half an hour into the 6th in London.
    reference = give(alpha, announce("a", "2027-06-05T23:30", hours=1)).accepted[0].reference
    assert references(dcc_client.get("/?from=2027-06-06&to=2027-06-06")) == [reference]
    assert references(dcc_client.get("/?from=2027-06-05&to=2027-06-05")) == []
    assert "Sunday 6 June 2027" in read(dcc_client.get("/?from=2027-06-06&to=2027-06-06"))


def test_a_moved_and_a_withdrawn_closure_are_marked_in_words(alpha, give, announce, dcc_client, read):
    give(alpha, announce("a", "2026-12-06T02:00"))
    give(alpha, announce("a", "2026-12-07T02:00"))
    assert "moved once" in read(dcc_client.get("/"))
    give(alpha, announce("a", "2026-12-07T02:00", withdrawn=True))
    assert "withdrawn short notice moved once" in read(dcc_client.get("/"))


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("from=2026-13-01", "That is not a date."),
        ("from=2026-12-02&to=2026-12-01", "The last day is before the first."),
        ("from=2026-01-01&to=2028-01-01", "One page shows at most 400 days."),
        ("from=0001-01-01&to=0001-01-02", "One page shows at most 400 days."),
        ("from=9999-12-31", "The last day is before the first."),
        ("from=9999-12-30&to=9999-12-31", "One page shows at most 400 days."),
        ("state=open", "That is not a state."),
        ("user=%00", "That is not a code."),
        ("gateway=a%20b", "That is not a code."),
    ],
)
def test_a_filter_that_cannot_be_read_is_named_beside_the_form(dcc_client, query, text):
    page = dcc_client.get(f"/?{query}")
    assert page.status_code == 400
    assert f'role="alert" id="filter-fault"><p><strong>{text}</strong>' in page.text


def test_hostile_names_are_text(enrolled, store, give, announce, dcc_client):
    from app.domain.party import User
    from app.security.tokens import new_row_id
    from app.store import parties

    user = User(new_row_id(), "EVIL", '<script>alert(1)</script>" \u202e' + "W" * 200)
    store.keyring.ensure(user.id)
    with store.writing() as connection:
        parties.add_user(store, connection, user)
        parties.add_gateway(store, connection, user, "GW-E", "<b>bold</b>")
    give(user, announce("x", "2026-12-06T02:00", gateway="GW-E"))
    page = dcc_client.get("/")
    assert "<script" not in page.text
    assert "<b>" not in page.text
    assert "<bdi>&lt;script&gt;" in page.text


def test_no_page_carries_a_script_or_a_style_of_its_own(dcc_client, alpha):
    for path in ("/", "/sign-in", "/notices/new", "/notices/new?user=ALPHA", "/nowhere"):
        text = dcc_client.get(path).text
        assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|https?://(?!www\.w3\.org)", text)
