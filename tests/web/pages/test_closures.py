"""The list of closures: who sees what, by which day, in which order and words; the same as CSV."""

import re
from datetime import UTC, datetime

import pytest

from app.domain.access import Role


def references(page):
    return re.findall(r'href="/closures/(CN-[0-9A-Z]{10})"', page.text)


@pytest.fixture
def beta(enrolled):
    return enrolled("BETA", "GW-B1")


@pytest.mark.parametrize("path", ["/", "/closures"])
def test_without_users_an_admin_is_led_to_add_the_first_and_others_are_told_who_can(sign_in, dcc_client, read, path):
    admin = sign_in("admin@example.org", Role.ADMIN).get(path)
    assert "There are no Users yet. Add the first and its gateway; then notices can come in." in read(admin)
    assert '<a href="/service/users/new">Add the first</a>' in admin.text
    page = read(dcc_client.get(path))
    assert "There are no Users yet. An admin adds the first, and its gateway; then notices can come in." in page


def test_an_empty_schedule_of_a_user_leads_to_giving_notice_and_proves_nothing(alpha_client, read):
    page = alpha_client.get("/closures")
    assert "there may be one all the same. Give notice of one, or choose other days." in read(page)
    assert '<a href="/notices/new">Give notice of one</a>' in page.text


def test_ops_who_may_not_give_notice_are_not_led_there(alpha, sign_in):
    page = sign_in("ops@example.org", Role.OPS).get("/closures")
    assert page.status_code == 200
    assert "/notices/new" not in page.text


def test_a_closure_is_shown_by_its_london_day_in_london_time_and_utc(alpha, give, announce, dcc_client, read):
    outcome = give(alpha, announce("one", "2026-12-06T02:00"))
    page = dcc_client.get("/closures")
    assert references(page) == [outcome.accepted[0].closure.reference]
    assert (
        "Sunday 6 December 2026 GW-A1 "
        f"{outcome.accepted[0].closure.reference} ALPHA · Alpha Energy "
        "Sun 6 Dec 2026 02:00 GMT to 06:00 GMT 2026-12-06 02:00 to 06:00 UTC · 4 h short notice 5 to 9 Working Days' notice"
    ) in read(page)


def test_what_was_found_is_counted_in_words(alpha, beta, give, announce, dcc_client, read):
    give(alpha, announce("a", "2026-11-24T08:00"), announce("b", "2026-11-24T07:00", gateway="GW-A2"))
    give(beta, announce("c", "2027-01-10T02:00", gateway="GW-B1"))
    page = dcc_client.get("/closures")
    assert "3 closures from Tue 24 Nov to Mon 18 Jan 2027, 2 told at short notice." in read(page)
    assert page.text.count('<span class="tag tag-now">closed now</span>') == 2


def test_a_user_sees_its_own_closures_and_its_own_gateways_only(alpha, beta, give, announce, alpha_client):
    own = give(alpha, announce("a", "2026-12-06T02:00")).accepted[0].closure.reference
    give(beta, announce("b", "2026-12-06T02:00", gateway="GW-B1"))
    for path in ("/closures", "/closures?user=BETA", "/closures?gateway=GW-B1", "/closures?q=GW-B1"):
        page = alpha_client.get(path)
        assert references(page) == ([own] if path == "/closures" else [])
        assert not re.search(r"Beta|>GW-B1", page.text)


def test_dcc_staff_see_every_user_and_narrow_by_user_gateway_and_state(alpha, beta, give, announce, dcc_client, read):
    give(alpha, announce("a", "2026-12-06T02:00"), announce("b", "2026-12-13T02:00", gateway="GW-A2"))
    give(beta, announce("c", "2026-12-06T02:00", gateway="GW-B1"))
    give(beta, announce("c", "2026-12-06T02:00", gateway="GW-B1", withdrawn=True))
    found = {path: len(references(dcc_client.get(path))) for path in (
        "/closures", "/closures?user=alpha", "/closures?gateway=GW-A2", "/closures?state=withdrawn", "/closures?state=planned&user=BETA",
    )}  # fmt: skip
    assert list(found.values()) == [3, 2, 1, 1, 0]
    assert "Nothing that matches is known in these days." in read(dcc_client.get("/closures?state=planned&user=BETA"))


def test_the_days_asked_for_are_london_days_both_included(alpha, give, announce, dcc_client, read):
    # 23:30 UTC on 5 June 2027 is half an hour into the 6th in London.
    reference = give(alpha, announce("a", "2027-06-05T23:30", hours=1)).accepted[0].closure.reference
    assert references(dcc_client.get("/closures?from=2027-06-06&to=2027-06-06")) == [reference]
    assert references(dcc_client.get("/closures?from=2027-06-05&to=2027-06-05")) == []
    assert "Sunday 6 June 2027" in read(dcc_client.get("/closures?from=2027-06-06&to=2027-06-06"))


def test_a_moved_and_a_withdrawn_closure_are_marked_in_words(alpha, give, announce, dcc_client, read):
    give(alpha, announce("a", "2026-12-06T02:00"))
    give(alpha, announce("a", "2026-12-07T02:00"))
    assert "moved once" in read(dcc_client.get("/closures"))
    give(alpha, announce("a", "2026-12-07T02:00", withdrawn=True))
    assert "withdrawn short notice moved once" in read(dcc_client.get("/closures"))


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
        ("sort=size", "That is not an order."),
        ("page=0", "That is not a page."),
        ("page=%D9%A1", "That is not a page."),
        ("q=" + "x" * 101, "A search has at most 100 characters."),
        ("user=%00", "That is not a code."),
        ("gateway=a%20b", "That is not a code."),
    ],
)
def test_a_filter_that_cannot_be_read_is_named_beside_the_form(dcc_client, query, text):
    page = dcc_client.get(f"/closures?{query}")
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
    page = dcc_client.get("/closures")
    assert "<script>" not in page.text
    assert "<b>" not in page.text
    assert "<bdi>&lt;script&gt;" in page.text


def test_no_page_carries_a_script_or_a_style_of_its_own_but_for_the_one_file(dcc_client, alpha):
    ours = re.compile(r'<script src="/static/site\.js[^"]*" defer></script>')
    for path in (
        "/",
        "/horizon",
        "/closures",
        "/planned?q=GW",
        "/receipts",
        "/sign-in",
        "/notices/new",
        "/notices/new?user=ALPHA",
        "/nowhere",
    ):
        text = ours.sub("", dcc_client.get(path).text)
        assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|https?://(?!www\.w3\.org)", text)


def test_a_search_finds_references_gateways_users_and_names_of_any_day(alpha, beta, give, announce, dcc_client):
    past = give(alpha, announce("a", "2025-02-02T02:00")).accepted[0].closure.reference
    other = give(beta, announce("b", "2028-02-06T02:00", gateway="GW-B1")).accepted[0].closure.reference
    found = {
        text: references(dcc_client.get(f"/closures?q={text}"))
        for text in (past[3:8].lower(), "gw-b", "BETA", "alpha+energy", "nothing")
    }
    assert list(found.values()) == [[past], [other], [other], [past], []]
    assert references(dcc_client.get("/closures?q=alpha&from=2026-11-24")) == []


def test_the_order_can_be_chosen(alpha, beta, give, announce, dcc_client):
    late = (
        give(alpha, announce("a", "2026-12-20T02:00"), at=datetime(2026, 11, 23, tzinfo=UTC))
        .accepted[0]
        .closure.reference
    )
    later = give(beta, announce("b", "2026-12-06T02:00", gateway="GW-B1")).accepted[0].closure.reference
    moved = give(alpha, announce("c", "2027-01-03T02:00", gateway="GW-A2"), at=datetime(2026, 11, 1, tzinfo=UTC))
    give(alpha, announce("c", "2027-01-10T02:00", gateway="GW-A2"), at=datetime(2026, 11, 2, tzinfo=UTC))
    moved = moved.accepted[0].closure.reference
    found = {
        sort: references(dcc_client.get(f"/closures?sort={sort}"))
        for sort in ("start", "user", "gateway", "notice", "told", "moves")
    }
    assert found == {
        "start": [later, late, moved], "user": [late, moved, later], "gateway": [late, moved, later],
        "notice": [later, late, moved], "told": [later, late, moved], "moves": [moved, later, late],
    }  # fmt: skip


def test_fifty_stand_on_a_page_and_the_address_turns_it(alpha, give, announce, dcc_client, read):
    give(alpha, *(announce(f"u{n}", f"2026-12-{1 + n // 3:02}T0{n % 3}:00", hours=1) for n in range(60)))
    first, second, beyond = (dcc_client.get(f"/closures?user=ALPHA&page={page}") for page in (1, 2, 9))
    assert [len(references(page)) for page in (first, second, beyond)] == [50, 10, 10]
    assert "60 closures from Tue 24 Nov to Mon 18 Jan 2027, 60 told at short notice. Page 1 of 2." in read(first)
    assert 'rel="next" href="/closures?user=ALPHA&amp;page=2"' in first.text
    assert "Next page" not in second.text
    assert set(references(first)).isdisjoint(references(second))


def test_only_what_was_told_at_short_notice(alpha, give, announce, dcc_client):
    late = give(alpha, announce("a", "2026-12-06T02:00")).accepted[0].closure.reference
    give(alpha, announce("b", "2027-01-10T02:00"))
    assert references(dcc_client.get("/closures?short=1")) == [late]


def test_the_same_list_as_csv_is_an_export_that_is_noted(alpha, beta, give, announce, alpha_client, dcc_client):
    reference = give(alpha, announce("a", "2026-12-06T02:00", left_out=("SUMMARY",))).accepted[0].closure.reference
    give(beta, announce("b", "2026-12-06T02:00", gateway="GW-B1"))
    page = alpha_client.get("/closures.csv")
    assert page.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert page.text == (
        "\ufeffreference,user,user_name,gateway,gateway_name,starts,ends,starts_london,ends_london,state,closed_now,revision,"
        "moves,first_received_at,changed_at,working_days_notice,first_notice_days,recommended,band,short_notice,"
        "late_change,provisional,difference,own_reference,starts_date,starts_time,ends_date,ends_time,first_received_date,first_received_time,changed_date,"
        "changed_time\r\n"
        f"{reference},ALPHA,Alpha Energy,GW-A1,Gateway GW-A1,2026-12-06T02:00:00Z,2026-12-06T06:00:00Z,"
        "Sun 6 Dec 2026 02:00 GMT,Sun 6 Dec 2026 06:00 GMT,planned,False,1,0,2026-11-24T09:00:00Z,"
        "2026-11-24T09:00:00Z,8,8,20,5 to 9,True,True,False,,,"
        "2026-12-06,02:00,2026-12-06,06:00,2026-11-24,09:00,2026-11-24,09:00\r\n"
    )
    assert [(one["by"], one["what"], one["rows"]) for one in dcc_client.get("/api/v1/reads").json["exports"]] == [
        ("alpha@example.org", "closures, csv", 1)
    ]


def test_what_was_withdrawn_late_shows_the_notice_of_its_times(alpha, give, announce, dcc_client, read):
    early = datetime(2026, 10, 1, tzinfo=UTC)
    for uid, gateway in (("off", "GW-A1"), ("on", "GW-A2")):
        give(alpha, announce(uid, "2026-12-01T02:00", gateway=gateway), at=early)
    give(alpha, announce("off", "2026-12-01T02:00", withdrawn=True))
    off, on = (read(dcc_client.get(f"/closures?gateway={gateway}")) for gateway in ("GW-A1", "GW-A2"))
    assert "4 h withdrawn 20 or more Working Days' notice" in off
    assert "4 h 20 or more Working Days' notice" in on


def kinds(reference):
    """Ten kinds of words by which a closure of GW-A1 on Sunday 6 December is found, each from a Tuesday in November."""
    return {
        "reference": reference,
        "part of it": reference[3:9].lower(),
        "UID in a feed": f"{reference.lower()}@closures.example",
        "gateway": "gw-a1",
        "User's code": "ALPHA",
        "User's name": "alpha energy",
        "day": "6 December",
        "weekday": "GW-A1 sunday",
        "night": "GW-A1 tonight",
        "instant": "GW-A1 2026-12-06T02:10",
    }


def test_one_search_finds_each_kind_of_words_without_the_dates_of_the_list(alpha, clock, give, announce, sign_in):
    reference = give(alpha, announce("a", "2026-12-06T02:00")).accepted[0].closure.reference
    give(alpha, announce("b", "2026-12-05T02:00", gateway="GW-A2"))
    clock.now = datetime(2026, 12, 5, 20, tzinfo=UTC)
    client = sign_in("ops@example.org", Role.OPS)
    found = {
        kind: references(client.get("/closures", query_string={"q": words})) for kind, words in kinds(reference).items()
    }
    both = {"User's code", "User's name"}
    assert {kind for kind, its in found.items() if reference not in its} == set()
    assert {kind for kind, its in found.items() if its != [reference]} == both
    assert references(client.get("/closures", query_string={"q": "GW-A1 7 December"})) == []


def test_a_reference_beyond_the_weeks_of_the_list_is_found_by_the_form_as_it_is(alpha, give, announce, dcc_client):
    reference = give(alpha, announce("a", "2028-03-05T02:00")).accepted[0].closure.reference
    form = dcc_client.get("/closures").text
    assert re.search(r'name="from" value=""', form)
    assert re.search(r'name="to" value=""', form)
    assert references(dcc_client.get(f"/closures?q={reference}&from=&to=&gateway=")) == [reference]
    assert references(dcc_client.get("/closures")) == []


def test_presets_are_words_that_can_be_typed_and_keep_what_was_searched_for(alpha, give, announce, dcc_client, read):
    give(alpha, announce("a", "2026-11-24T08:00"), announce("b", "2026-11-25T02:00", gateway="GW-A2"))
    page = dcc_client.get("/closures?q=gw-a1")
    addresses = re.findall(r'href="(/closures\?q=gw-a1\+[^"]+)">([^<]+)</a>', page.text)
    assert [words for _, words in addresses] == [
        "Now", "Tonight", "This weekend", "Next 7 days", "This month", "This quarter",
    ]  # fmt: skip
    assert [len(references(dcc_client.get(address))) for address, _ in addresses] == [1, 0, 0, 1, 1, 1]
    assert "1 closure at Tue 24 Nov 2026 09:00 GMT" in read(dcc_client.get("/closures?q=now"))
    assert "1 closure, Tue 24 Nov 2026 18:00 GMT to Wed 25 Nov 2026 08:00 GMT" in read(
        dcc_client.get("/closures?q=tonight")
    )
    assert "2 closures, 1 to 30 Nov 2026" in read(dcc_client.get("/closures?q=this+month"))


def test_a_users_own_reference_is_found_and_shown_to_it_alone(
    alpha, beta, give, announce, alpha_client, dcc_client, read
):
    reference = give(alpha, announce("sheet:CHG-1001", "2028-03-05T02:00")).accepted[0].closure.reference
    given = (
        give(alpha, announce("form:" + "ab" * 16, "2026-12-06T02:00", gateway="GW-A2")).accepted[0].closure.reference
    )
    event = give(alpha, announce("040000008200E0@outlook", "2026-12-07T02:00")).accepted[0].closure.reference
    for words in ("chg-1001", "1001 GW-A1", "CHG-1001 5 March 2028"):
        page = alpha_client.get("/closures", query_string={"q": words})
        assert references(page) == [reference]
        assert "Yours: CHG-1001" in read(page)
    assert references(alpha_client.get("/closures?q=8200E0@outlook")) == [event]
    assert "You asked about Sun 5 Mar 2028" in read(alpha_client.get("/planned?q=CHG-1001"))
    assert "Your reference CHG-1001" in read(alpha_client.get(f"/closures/{reference}"))
    assert "UID in your calendar 040000008200E0@outlook" in read(alpha_client.get(f"/closures/{event}"))
    assert not re.search("abab|UID in your", alpha_client.get(f"/closures/{given}").text)
    rows = alpha_client.get("/closures.csv?q=GW").text.splitlines()
    assert "own_reference" in rows[0]
    assert [("CHG-1001" in row) for row in rows[1:]] == [False, False, True]
    # The same for whoever is not of ALPHA: neither found nor shown.
    for words in ("CHG-1001", "outlook"):
        assert references(dcc_client.get(f"/closures?q={words}")) == []
        assert read(dcc_client.get(f"/planned?q={words}")).startswith("Nothing matches")
    pages = [
        dcc_client.get(path).text
        for path in (f"/closures?q={reference}", f"/closures/{reference}", "/closures.csv?q=GW")
    ]
    assert not any("CHG-1001" in text or "own_reference" in text for text in pages)
