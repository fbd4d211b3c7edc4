"""The first page: one sentence, what needs attention until it was seen, the strip of days, and freshness."""

import re

import pytest

from app.domain.access import Role
from app.domain.maintenance import MaintenanceKind
from app.domain.thresholds import Thresholds
from app.jobs.sweep import sweep
from app.register.rulebook import set_thresholds
from app.register.verification import verify_record
from app.store import seen_marks
from app.store.seen_marks import Mark
from tests.conftest import NOW


@pytest.fixture
def beta(enrolled):
    return enrolled("BETA", "GW-B1")


@pytest.fixture
def look(read):
    """Return a function that gives what stands under "Needs attention"."""
    return lambda client: read(client.get("/")).partition("Needs attention ")[2].partition(" How fresh")[0]


def items(client):
    return re.findall(r'type="submit" name="item" value="([0-9a-f]{32})"', client.get("/").text)


def test_the_sentence_says_what_is_closed_what_closes_what_is_late_and_when_most_are(
    alpha, beta, give, announce, dates, dcc_client, read
):
    give(alpha, announce("a", "2026-11-24T08:00"), announce("b", "2026-11-25T09:00", gateway="GW-A2"))
    give(beta, announce("c", "2026-11-25T09:01", gateway="GW-B1"))
    dates("2026-11-25T10:00")
    assert read(dcc_client.get("/")).startswith(
        "Now 1 gateway closed now, 1 closes in the next 24 hours, 3 late changes that nobody has seen yet, "
        "peak 2 on Wed 25 Nov, 2 overlap DCC's own dates. As of 09:00 GMT."
    )


def test_an_empty_register_says_so_and_how_to_begin(dcc_client, read):
    page = read(dcc_client.get("/"))
    assert "No gateways closed now, none close in the next 24 hours, nothing is planned in the next 14 days." in page
    assert "There are no Users yet. An admin adds the first, and its gateway; then notices can come in." in page
    assert "Nothing is left to look at." in page


def test_what_was_seen_is_gone_until_the_window_moves_again(alpha, give, announce, dcc_client, look, csrf):
    give(alpha, announce("a", "2026-12-06T02:00"))
    assert look(dcc_client).startswith(
        "Late changes 1 GW-A1 first notice Alpha Energy Sun 6 Dec 2026 02:00-06:00 GMT "
        "8 Working Days' notice; 20 are recommended. Told just now. Seen note"
    )
    answer = dcc_client.post(
        "/acknowledge", data={"csrf_token": csrf(dcc_client.get("/")), "item": items(dcc_client)}, follow_redirects=True
    )
    assert "1 item seen. It comes back when a window in it moves." in answer.text
    assert look(dcc_client).startswith("Nothing is left to look at. Seen 1 GW-A1")
    give(alpha, announce("a", "2026-12-07T02:00"))
    assert look(dcc_client).startswith(
        "Late changes 1 GW-A1 moved Alpha Energy Mon 7 Dec 2026 02:00-06:00 GMT was Sun 6 Dec 2026 02:00-06:00 GMT"
    )


def test_a_crowded_day_and_dccs_dates_are_items_that_come_back_when_one_joins(
    store, alpha, beta, give, announce, dates, dcc_client, look, csrf
):
    set_thresholds(store, Thresholds(1, closed=1), NOW)
    give(alpha, announce("a", "2027-01-10T02:00"))
    give(beta, announce("b", "2027-01-10T04:00", gateway="GW-B1"))
    dates("2027-01-10T05:00", kind=MaintenanceKind.RELEASE)
    assert look(dcc_client).startswith(
        "Crowded days 1 Sun 10 Jan 2 gateways closed, at most 2 at once GW-A1, GW-B1 Seen note Note for DCC "
        "On DCC's own dates 1 2 closures on a SEC Release Sun 10 Jan 2027 05:00-09:00 GMT GW-A1, GW-B1 Seen note"
    )
    dcc_client.post("/acknowledge", data={"csrf_token": csrf(dcc_client.get("/")), "item": items(dcc_client)})
    assert items(dcc_client) == []
    give(alpha, announce("c", "2027-01-10T05:00", gateway="GW-A2"))
    assert "3 gateways closed, at most 3 at once" in look(dcc_client)
    assert "3 closures on a SEC Release" in look(dcc_client)


def test_any_two_gateways_together_are_no_crowded_day(alpha, beta, give, announce, dcc_client, look):
    give(alpha, announce("a", "2027-01-10T02:00"))
    give(beta, announce("b", "2027-01-10T04:00", gateway="GW-B1"))
    assert look(dcc_client) == "Nothing is left to look at."


@pytest.fixture
def mark(csrf):
    """Return a function that presses Seen for items, with a note where one is given."""

    def press(client, *chosen, note="", path="/acknowledge"):
        sent = {"csrf_token": csrf(client.get("/")), "item": list(chosen), "note": note}
        return client.post(path, data=sent, follow_redirects=True)

    return press


def test_what_one_of_dcc_has_seen_is_cleared_for_all_with_who_when_and_a_note(
    alpha, give, announce, dcc_client, sign_in, look, mark, clock
):
    give(alpha, announce("a", "2026-12-06T02:00"))
    other, ops = sign_in("other@example.org", Role.ADMIN), sign_in("ops@example.org", Role.OPS)
    clock.forward(minutes=10)
    assert items(ops) == []
    mark(dcc_client, *items(dcc_client), note="  called  duty desk ")
    seen = (
        "Nothing is left to look at. Seen 1 GW-A1 first notice "
        "Sun 6 Dec 2026 02:00-06:00 GMT Seen by dcc@example.org Tue 24 Nov 2026 09:10 GMT"
    )
    assert look(dcc_client) == look(other) == f"{seen} : called duty desk Undo seen of GW-A1"
    assert look(ops) == seen


def test_a_mark_is_undone_by_any_of_dcc_and_both_are_acts_of_the_record(
    alpha, give, announce, dcc_client, sign_in, mark, read, register
):
    give(alpha, announce("a", "2026-12-06T02:00"))
    other, (item,) = sign_in("other@example.org", Role.ADMIN), items(dcc_client)
    mark(dcc_client, item, note="first")
    assert "No items seen." in mark(other, item, note="second").text
    assert "Seen by dcc@example.org Tue 24 Nov 2026 09:00 GMT : first" in read(other.get("/"))
    assert "It needs attention again." in mark(other, item, path="/acknowledge/undo").text
    assert items(dcc_client) == [item]
    assert "Nothing was marked as seen there." in mark(other, item, path="/acknowledge/undo").text
    acts = read(other.get("/record/acts"))
    assert re.findall(r"(\w+@example.org) (mark[\w ]+?) mark of what was seen", acts) == [
        ("other@example.org", "mark as seen taken back"), ("dcc@example.org", "marked as seen"),
    ]  # fmt: skip
    assert verify_record(register).faults == ()


def test_a_note_that_is_too_long_is_asked_about_and_not_lost(alpha, give, announce, dcc_client, mark):
    give(alpha, announce("a", "2026-12-06T02:00"))
    (item,) = items(dcc_client)
    refused = mark(dcc_client, item, note="n" * 201)
    assert refused.status_code == 400
    assert "A note has at most 200 characters. This one has 201." in refused.text
    assert f'value="{"n" * 201}" aria-invalid="true"' in refused.text
    assert items(dcc_client) == [item]
    assert mark(dcc_client, item, note="a\x1b[2J").status_code == 400
    assert "1 item seen." in mark(dcc_client, item, note="n" * 200).text


def test_what_dcc_has_seen_tells_a_user_nothing(alpha, give, announce, dates, dcc_client, alpha_client, mark, read):
    give(alpha, announce("a", "2026-12-06T02:00"))
    dates("2026-12-06T03:00")
    before = read(alpha_client.get("/"))
    mark(dcc_client, *items(dcc_client), note="secret")
    assert items(dcc_client) == []
    assert read(alpha_client.get("/")) == before
    assert mark(alpha_client, "00" * 16).status_code == 403


def test_of_two_marks_at_once_the_first_stays(store, clock):
    first, second = Mark("ann@example.org", clock(), "first"), Mark("bob@example.org", clock(), "second")
    item = b"a" * 16
    with store.writing() as connection:
        assert [seen_marks.put_mark(store, connection, item, one) for one in (first, second)] == [True, False]
    with store.reading() as connection:
        assert seen_marks.marks_among(store, connection, [item, b"b" * 16]) == {item: first}


def test_an_item_that_is_none_is_left_alone(dcc_client, mark):
    assert "No items seen." in mark(dcc_client, "00" * 16, "x").text


def test_acknowledging_needs_the_forms_token(dcc_client):
    assert dcc_client.post("/acknowledge", data={"item": "00" * 16}).status_code == 400


def test_the_strip_prints_a_number_for_each_of_fourteen_days(alpha, give, announce, dates, dcc_client, read):
    give(alpha, announce("a", "2026-11-29T01:00"), announce("b", "2026-11-29T02:00", gateway="GW-A2"))
    dates("2026-11-29T00:00")
    strip = read(dcc_client.get("/")).partition("closed at once on that day. ")[2].partition(" Now and the next")[0]
    days = strip.split(" window")[0:14]
    assert strip.count("closed at once") == 14
    assert strip.startswith("Tue 24 Nov 0 closed at once, no windows Wed 25 Nov 0")
    assert "Sun 29 Nov 2 closed at once, 2 windows, on DCC's own dates DCC Mon 30 Nov 0" in strip
    assert len(days) == 14


def test_freshness_names_the_scheduler_the_feeds_and_the_sources(register, dcc_client, clock, read):
    fresh = lambda: read(dcc_client.get("/")).partition("How fresh this is ")[2]  # noqa: E731 - asked twice
    assert fresh() == "Scheduler never ran Feeds none made yet Sources no calendars are read"
    sweep(register, clock())
    clock.forward(minutes=2)
    assert fresh().startswith("Scheduler ✓ ran 2 min ago")
    clock.forward(minutes=2)
    assert fresh().startswith("Scheduler overdue last ran 4 min ago")


def test_an_address_of_before_that_asked_about_a_gateway_leads_to_the_one_that_answers(alpha, dcc_client):
    answer = dcc_client.get("/?gateway=gw-a1&at=2026-12-06T03:00")
    assert (answer.status_code, answer.location) == (302, "/planned?q=gw-a1&at=2026-12-06T03:00")
    assert dcc_client.get("/?gateway=GW-A1").location == "/planned?q=GW-A1"


def test_a_user_gets_its_own_schedule_and_nothing_of_anybody_else(
    alpha, beta, give, announce, dates, alpha_client, read
):
    give(alpha, announce("a", "2026-12-06T02:00"))
    give(beta, announce("b", "2026-12-06T02:00", gateway="GW-B1"))
    dates("2026-12-13T02:00")
    page = alpha_client.get("/")
    assert read(page).startswith(
        "Your closures Give notice of one No gateways closed now, none close in the next 24 hours, peak 1 on Sun 6 Dec."
    )
    assert "Sunday 6 December 2026 GW-A1 Alpha Energy Sun 6 Dec 2026 02:00-06:00 GMT closes in 11 days" in read(page)
    assert "DCC's own dates Maintenance Sun 13 Dec 2026 02:00-06:00 GMT" in read(page)
    assert "GW-B1" not in page.text


def test_what_a_page_asks_for_by_itself_keeps_no_session_alive(dcc_client, clock):
    for asked in ({"path": "/wall"}, {"path": "/", "headers": {"Closures-Refresh": "1"}}, {"path": "/wall"}):
        clock.forward(minutes=9)
        assert dcc_client.get(**asked).status_code == 200
    clock.forward(minutes=4)
    assert dcc_client.get("/").status_code == 303


def test_a_user_finds_its_own_closures_on_the_wall(alpha_client, alpha, enrolled, give, announce, read):
    give(alpha, announce("a", "2026-11-24T08:00"))
    give(enrolled("BETA", "GW-B1"), announce("b", "2026-11-24T08:00", gateway="GW-B1"))
    words = read(alpha_client.get("/wall"))
    assert "1 gateway closed now GW-A1 Alpha Energy re-opens 12:00 GMT, in 3 h" in words
    assert ("GW-B1" in words, "attention" in words) == (False, False)


def test_the_wall_says_how_many_more_there_are_and_how_much_needs_a_look(dcc_client, enrolled, give, announce, read):
    for number in range(10):
        user = enrolled(f"U{number}", f"GW-{number}")
        give(user, announce("a", "2026-11-24T08:00", gateway=f"GW-{number}"))
        give(user, announce("b", "2026-11-26T08:00", gateway=f"GW-{number}"))
    words = read(dcc_client.get("/wall"))
    assert ("and 4 more Next" in words, "and 6 more in eight weeks" in words) == (True, True)
    assert "10 gateways closed now 22 need attention" in words
