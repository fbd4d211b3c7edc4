"""Planned? One field that answers for a gateway, a User or a reference at an instant, as one may see."""

from datetime import UTC, datetime

import pytest

from app.domain.access import Principal, Role
from app.domain.closure import State
from app.domain.fact import FactKind, ToldFact
from app.domain.notice import Channel
from app.register.people.contacts import name_contact
from app.register.tell_fact import tell_fact

NIGHT = datetime(2026, 12, 6, 2, 10, tzinfo=UTC)


@pytest.fixture
def beta(enrolled):
    return enrolled("BETA", "GW-B1")


def asks(client, read, query):
    page = client.get(f"/planned?{query}")
    assert page.status_code == 200
    return read(page)


def test_the_box_is_in_the_head_of_every_page_and_first_for_the_keyboard(dcc_client):
    for path in ("/", "/closures", "/planned?q=GW", "/account"):
        text = dcc_client.get(path).text
        assert text.count('action="/planned"') == 1
        assert text.index('class="skip"') < text.index('id="ask"') < text.index('class="brand"')


def test_whoever_is_not_signed_in_is_led_to_the_answer_by_way_of_signing_in(web, alpha, add_account, use_link):
    assert 'action="/planned"' not in web.test_client().get("/sign-in").text
    client = web.test_client()
    assert client.get("/planned?q=GW-A1&at=2026-12-06T02:10").location == "/sign-in"
    answer = use_link(client, add_account("late@example.org", Role.OPS))
    assert answer.location == "/planned?q=GW-A1&at=2026-12-06T02:10"


def test_planned_until_when_by_whom_since_when_and_what_follows(alpha, store, give, announce, dcc_client, read):
    name_contact(store, "ALPHA", "Duty desk +44 20 7946 0000")
    last, one, after = (
        accepted.closure.reference
        for accepted in give(
            alpha, *(announce(f"{day}", f"2026-12-{day:02}T02:00") for day in (3, 6, 20))
        ).accepted
    )  # fmt: skip
    page = dcc_client.get("/planned?q=GW-A1&at=2026-12-06T02:10")
    assert "<title>Planned: GW-A1 – Planned gateway closures</title>" in page.text
    assert '<div class="triage-box triage-planned" role="status">' in page.text
    assert read(page) == (
        "GW-A1 at Sun 6 Dec 2026 02:10 GMT PLANNED until Sun 6 Dec 2026 06:00 GMT "
        "2026-12-06 06:00 UTC, 3 h 50 min after that. "
        f"Closure Sun 6 Dec 2026 02:00-06:00 GMT {one} ALPHA short notice "
        "Known since Tue 24 Nov 2026 09:00 GMT (2026-11-24 09:00 UTC). 8 Working Days' notice; 20 are recommended. "
        f"What follows Sun 20 Dec 2026 02:00-06:00 GMT {after} starts 13 days after that "
        f"What was before Thu 3 Dec 2026 02:00-06:00 GMT {last} ended 2 days before that "
        "Gateway GW-A1 · Gateway GW-A1 Whom to call Duty desk +44 20 7946 0000 ALPHA · Alpha Energy "
        "Not planned means that no User told us of it, not that nothing happens. "
        "Every closure of this gateway: search."
    )


def test_now_needs_no_time(alpha, clock, give, announce, sign_in, read):
    give(alpha, announce("a", "2026-12-06T02:00"))
    clock.now = NIGHT
    client = sign_in("ops@example.org", Role.OPS)
    for query in ("q=GW-A1", "q=gw-a1+now", "q=GW-A1&at=now"):
        assert asks(client, read, query).startswith(
            "GW-A1 now, Sun 6 Dec 2026 02:10 GMT PLANNED until Sun 6 Dec 2026 06:00 GMT 2026-12-06 06:00 UTC, in 3 h 50 min."
        )
    assert "PLANNED until" in asks(client, read, "q=gw-a1+02:10")
    assert "NOT PLANNED" in asks(client, read, "q=gw-a1+06:00")


def test_not_planned_looks_and_reads_otherwise(alpha, give, announce, dcc_client, read):
    give(alpha, announce("a", "2026-12-06T02:00"))
    page = dcc_client.get("/planned?q=GW-A1+2026-12-06T06:00")
    assert '<div class="triage-box triage-not_planned" role="status">' in page.text
    assert read(page).startswith(
        "GW-A1 at Sun 6 Dec 2026 06:00 GMT NOT PLANNED Nobody told us of a closure What follows"
    )
    assert "NOT PLANNED Next: Sun 6 Dec 2026 02:00-06:00 GMT" in asks(dcc_client, read, "q=GW-A1")
    assert "NOT PLANNED Nobody told us of a closure" in asks(dcc_client, read, "q=GW-A2")


def test_over_time_and_re_opened_are_told_from_planned(alpha, register, clock, give, announce, sign_in, read):
    reference = give(alpha, announce("a", "2026-12-06T02:00")).accepted[0].closure.reference
    dcc = Principal("dcc", Role.DCC)

    def tell(kind, at):
        tell_fact(register, dcc, reference, ToldFact(kind, at), channel=Channel.FORM, now=clock())

    clock.now = NIGHT
    tell(FactKind.CLOSED, datetime(2026, 12, 6, 2, 3, tzinfo=UTC))
    client = sign_in("ops@example.org", Role.OPS)
    assert "PLANNED until Sun 6 Dec 2026 06:00 GMT 2026-12-06 06:00 UTC, in 3 h 50 min. Told closed Sun 6 Dec" in asks(
        client, read, "q=GW-A1"
    )
    clock.now = datetime(2026, 12, 6, 6, 20, tzinfo=UTC)
    client = sign_in("ops2@example.org", Role.OPS)
    page = client.get("/planned?q=GW-A1")
    assert '<div class="triage-box triage-over_time" role="status">' in page.text
    assert (
        "OVER TIME by 20 min: planned until Sun 6 Dec 2026 06:00 GMT Told closed Sun 6 Dec 2026 02:03 GMT, not told re-opened."
    ) in read(page)
    assert "GW-A1 OVER TIME planned until Sun 6 Dec 2026 06:00 GMT" in asks(client, read, "q=alpha")
    tell(FactKind.STILL_CLOSED, datetime(2026, 12, 6, 8, tzinfo=UTC))
    assert "told still closed until about Sun 6 Dec 2026 08:00 GMT." in asks(client, read, "q=GW-A1")
    tell(FactKind.REOPENED, datetime(2026, 12, 6, 6, 15, tzinfo=UTC))
    page = client.get("/planned?q=GW-A1")
    assert '<div class="triage-box triage-reopened" role="status">' in page.text
    assert "RE-OPENED 5 min ago, Sun 6 Dec 2026 06:15 GMT It was planned until Sun 6 Dec 2026 06:00 GMT." in read(page)
    assert "GW-A1 RE-OPENED Sun 6 Dec 2026 06:15 GMT" in asks(client, read, "q=alpha")
    assert "PLANNED until" in asks(client, read, "q=GW-A1+03:00")


def test_a_notice_that_came_after_the_alarm_is_told_as_such(alpha, give, announce, dcc_client, read):
    give(alpha, announce("a", "2026-11-24T02:00"))
    found = asks(dcc_client, read, "q=GW-A1&at=2026-11-24T03:00")
    assert "NOT PLANNED Told only later, Tue 24 Nov 2026 09:00 GMT A notice that came after that time says " in found


def test_a_withdrawn_closure_is_not_planned(alpha, give, announce, dcc_client, read):
    reference = give(alpha, announce("a", "2026-12-06T02:00")).accepted[0].closure.reference
    give(alpha, announce("a", "2026-12-06T02:00", withdrawn=True))
    assert "NOT PLANNED" in asks(dcc_client, read, "q=GW-A1&at=2026-12-06T03:00")
    found = asks(dcc_client, read, f"q={reference}")
    assert f"You asked about Sun 6 Dec 2026 02:00-06:00 GMT {reference} {State.WITHDRAWN}" in found


def test_a_reference_is_found_on_whichever_day_also_by_a_part_and_by_its_uid_in_feeds(
    alpha, give, announce, dcc_client, read
):
    reference = give(alpha, announce("a", "2028-03-05T02:00")).accepted[0].closure.reference
    for words in (reference, reference.lower(), reference[:8], f"{reference.lower()}@closures.example"):
        found = asks(dcc_client, read, f"q={words}")
        assert found.startswith("GW-A1 now, ")
        assert f"You asked about Sun 5 Mar 2028 02:00-06:00 GMT {reference} planned" in found
    assert asks(dcc_client, read, f"q={reference}+5+March+2028").startswith(
        "GW-A1 Sun 5 Mar 2028 PLANNED until Sun 5 Mar 2028 06:00 GMT"
    )


def test_several_are_listed_with_their_states_the_closed_first(alpha, beta, give, announce, dcc_client, read):
    give(alpha, announce("a", "2026-12-06T02:00", gateway="GW-A2"), announce("b", "2026-12-13T02:00"))
    give(beta, announce("c", "2026-12-06T01:00", gateway="GW-B1"))
    found = asks(dcc_client, read, "q=gw&at=2026-12-06T02:10")
    assert found.startswith("3 gateways with “gw” Sun 6 Dec 2026 02:10 GMT (2026-12-06 02:10 UTC). Closed ones first.")
    assert found.endswith(
        "GW-B1 PLANNED until Sun 6 Dec 2026 05:00 GMT Beta Energy GW-A2 PLANNED until Sun 6 Dec 2026 06:00 GMT Alpha Energy "
        "GW-A1 NOT PLANNED next Sun 13 Dec 2026 02:00-06:00 GMT Alpha Energy"
    )
    assert (
        'href="/planned?q=GW-B1&amp;at=2026-12-06T02:10:00Z"'
        in dcc_client.get("/planned?q=gw&at=2026-12-06T02:10").text
    )
    assert asks(dcc_client, read, "q=alpha").startswith("2 gateways with “alpha”")
    assert asks(dcc_client, read, "q=alpha+a2").startswith("GW-A2 now")
    assert asks(dcc_client, read, "q=BETA").startswith("GW-B1 now")


def test_a_whole_code_goes_before_codes_that_it_is_part_of(enrolled, dcc_client, read):
    enrolled("ZETA", "Z-1", "Z-12")
    assert asks(dcc_client, read, "q=z-1").startswith("Z-1 now")
    assert asks(dcc_client, read, "q=z-").startswith("2 gateways")


def test_a_shared_gateway_is_closed_until_the_last_of_its_users_has_done(enrolled, give, announce, dcc_client, read):
    one, other = enrolled("ONE", "SHARED"), enrolled("OTHER", "SHARED")
    give(one, announce("a", "2026-12-06T02:00", gateway="SHARED", hours=2))
    give(other, announce("b", "2026-12-06T02:00", gateway="SHARED", hours=5))
    assert "PLANNED until Sun 6 Dec 2026 07:00 GMT" in asks(dcc_client, read, "q=SHARED&at=2026-12-06T02:10")


def test_what_nothing_matches_is_said_with_a_remedy_and_is_no_verdict(alpha, dcc_client, read):
    page = dcc_client.get("/planned?q=%3Cb%3Enope")
    assert page.status_code == 200
    assert "triage-box" not in page.text
    assert read(page).startswith("Nothing matches “<b>nope” No gateway, User or reference has this in it.")
    assert "search all closures" in read(page)


def test_without_words_it_says_what_can_be_typed(dcc_client, read):
    for query in ("", "q=", "q=now"):
        assert asks(dcc_client, read, query).startswith(
            "Planned? Type a gateway, a User or a reference into the box above"
        )


@pytest.mark.parametrize("at", ["soon", "GW-A1", "2026-13-01T00:00", "%00", "%E2%80%8F"])
def test_a_time_that_cannot_be_read_is_named(alpha, dcc_client, read, at):
    page = dcc_client.get(f"/planned?q=GW-A1&at={at}")
    assert page.status_code == 400
    assert "Write ISO 8601, such as 2026-12-06T02:00 (London time)" in read(page)
    assert "triage-box" not in page.text


def test_a_time_in_the_words_goes_before_that_of_the_address_and_the_box_shows_both(alpha, dcc_client, read):
    assert asks(dcc_client, read, "q=GW-A1+2026-12-07T01:00Z&at=2026-12-06T02:10").startswith(
        "GW-A1 at Mon 7 Dec 2026 01:00"
    )
    assert 'value="GW-A1 2026-12-06T02:10"' in dcc_client.get("/planned?q=GW-A1&at=2026-12-06T02:10").text


def test_a_user_is_answered_about_its_own_gateways_and_nothing_of_others(
    alpha, beta, enrolled, store, give, announce, alpha_client, read
):
    enrolled("GAMMA", "GW-A1")
    name_contact(store, "GAMMA", "A secret desk")
    hidden = give(beta, announce("b", "2026-12-06T02:00", gateway="GW-B1")).accepted[0].closure.reference
    for query in ("q=GW-B1", "q=beta", f"q={hidden}", "q=gamma"):
        assert asks(alpha_client, read, f"{query}&at=2026-12-06T03:00").startswith("Nothing matches")
    assert asks(alpha_client, read, "q=gw").startswith("2 gateways")
    own = alpha_client.get("/planned?q=GW-A1").text
    assert "secret" not in own
    assert "Gamma" not in own
    assert '<a href="/users/ALPHA/contact">Name somebody</a>' in own


@pytest.mark.parametrize("path", ["/", "/horizon", "/horizon?view=month", "/closures", "/insights", "/record/changes"])
def test_the_box_is_empty_until_something_was_asked(dcc_client, path):
    assert 'id="ask" name="q" dir="auto" maxlength="100" value=""' in dcc_client.get(path).text
