"""The horizon: lanes by category, filters and zoom in the address, as of then, and the same things as a list."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from app.domain.access import Principal, Role
from app.domain.fact import FactKind, ToldFact
from app.domain.notice import Channel
from app.domain.thresholds import Thresholds
from app.register import rulebook
from app.register.people import enrolment
from app.register.tell_fact import tell_fact

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.fixture
def lanes():
    """Return a function that gives what stands in each lane: {its name: [(the words of a cell, where it leads)]}."""

    def found(page):
        picture = page.text.partition('<section class="lanes">')[2]
        each = re.findall(
            r'<div class="lane"><h[23][^>]*>(.*?)<small>.*?</h[23]><p class="days">(.*?)</p>', picture, re.DOTALL
        )
        return {
            plain(name): [
                (plain(cell), unescape(at)) for at, cell in re.findall(r'<a [^>]*href="([^"]*)">(.*?)</a>', cells)
            ]
            for name, cells in each
        }

    return found


def plain(markup):
    return " ".join(unescape(re.sub(r"<[^>]+>", "", markup)).split())


@pytest.fixture
def world(service, alpha, give, announce):
    beta = enrolment.enrol_user(service.store, "BETA", "Beta Networks", "Gas Network")
    enrolment.enrol_gateway(service.store, "BETA", "GW-B1")
    give(alpha, announce("a", "2026-12-06T02:00"), announce("later", "2027-03-07T02:00"))
    give(beta, announce("b", "2026-12-06T03:00", gateway="GW-B1"), at=datetime(2026, 11, 1, tzinfo=UTC))
    return beta


def test_each_user_has_a_lane_under_its_category_and_the_sentence_counts(world, dcc_client, lanes, read):
    page = dcc_client.get("/horizon")
    assert "2 closures of 2 Users from Tue 24 Nov to Mon 18 Jan 2027, at most 2 at once on Sun 6 Dec." in read(page)
    assert re.findall(r'<h2 class="lanes-name">([^<]*) <', page.text) == ["Gas Network", "Other"]
    found = lanes(page)
    assert [(name, [words for words, _ in cells]) for name, cells in found.items()] == [
        ("BETA Beta Networks", ["6 Dec: 1"]),
        ("ALPHA Alpha Energy", ["6 Dec: 1, short notice"]),
    ]
    ((_, address),) = found["BETA Beta Networks"]
    assert "GW-B1" in read(dcc_client.get(address))


def test_a_number_above_the_threshold_is_said_and_drawn_otherwise(world, service, dcc_client, read):
    rulebook.set_thresholds(service.store, Thresholds(version=0, closed=1), NOW)
    page = dcc_client.get("/horizon")
    assert "at most 2 at once on Sun 6 Dec; 1 day above the threshold of 1." in read(page)
    assert re.findall(r'<path class="load-above" d="([^"]*)"', page.text) == ["M121 0h8v1h-8z"]  # the 13th day
    assert re.findall(r'class="(c13 [^"]*)" href="/closures\?from=2026-12-06', page.text) == ["c13 n4"]
    assert read(page).count("above the threshold") == 2  # in the sentence and in the legend
    before = dcc_client.get("/horizon?as_of=2026-11-24T08:00")  # London: the rule of then
    assert "load-above" not in before.text


def test_weekends_and_bank_holidays_are_shaded_and_holidays_named(alpha, give, announce, dcc_client):
    give(alpha, announce("a", "2026-12-22T02:00"))
    page = dcc_client.get("/horizon?from=2026-12-21&zoom=2w")
    ground = page.text.partition('<div class="ground"')[2].partition("</div>")[0]
    assert re.findall(r'class="c(\d+) rest"', ground) == ["5", "6", "7", "8", "12", "13", "14"]
    assert re.findall(r' title="([^"]*)">', page.text.partition('class="axis-words"')[2].partition("</div>")[0]) == [
        "Christmas Day", "Boxing Day", "Boxing Day (observed)", "New Year&#39;s Day",
    ]  # fmt: skip


def test_a_user_that_is_opened_has_a_lane_for_each_gateway_and_every_closure_in_words(
    world, alpha, give, announce, dcc_client, lanes, read
):
    give(alpha, announce("a2", "2026-12-06T05:00", gateway="GW-A2"), announce("a3", "2026-12-06T09:00"))
    give(alpha, announce("a3", "2026-12-06T09:00", withdrawn=True))
    page = dcc_client.get("/horizon?user=ALPHA&zoom=2w")
    assert (
        "2 closures of ALPHA from Tue 24 Nov to Mon 7 Dec 2026, at most 2 at once on Sun 6 Dec; 1 withdrawn."
        in read(page)
    )
    assert {name: [words for words, _ in cells] for name, cells in lanes(page).items()} == {
        "GW-A1": ["6 Dec: 1 02:00-06:00, short notice"],
        "GW-A2": ["6 Dec: 1 05:00-09:00, short notice"],
    }
    words = page.text.partition('id="listed"')[2].partition("</ul>")[0]
    assert [plain(one) for one in re.findall(r"<li>(.*?)</li>", words)] == [
        "Sun 6 Dec 2026 02:00-06:00 GMT GW-A1 short notice",
        "Sun 6 Dec 2026 05:00-09:00 GMT GW-A2 short notice",
        "Sun 6 Dec 2026 09:00-13:00 GMT GW-A1 withdrawn short notice",
    ]


def test_a_month_has_the_numbers_of_its_days_and_leads_to_their_lists(world, dcc_client, dates, read):
    dates("2026-12-06T01:00", hours=5)
    page = dcc_client.get("/horizon?view=month&from=2026-12-24")
    days = re.findall(r'<td data-label="(\w+)" class="([^"]*)">(.*?)</td>', page.text, re.DOTALL)
    assert len(days) == 35
    assert [(at, name, plain(cell)) for at, (name, _, cell) in enumerate(days) if "at once" in cell or "Day" in cell] == [
        (6, "Sun", "6 2 at once, 2 closures DCC maintenance"),
        (25, "Fri", "25 Christmas Day"), (26, "Sat", "26 Boxing Day"),
        (28, "Mon", "28 Dec Boxing Day (observed)"), (32, "Fri", "1 Jan New Year's Day"),
    ]  # fmt: skip
    (address,) = re.findall(r'<a class="n1" href="([^"]*)"', page.text)
    assert "2 closures from" in read(dcc_client.get(unescape(address)))
    assert (
        '<a class="btn btn-sm btn-outline-secondary" href="/horizon?from=2027-01-01&amp;view=month" rel="next">'
        in page.text
    )
    assert 'href="/horizon?from=2026-11-01&amp;view=month" rel="prev"' in page.text


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("zoom=2w", 2), ("zoom=6m", 3), ("user=alpha", 1), ("category=Gas+Network", 1), ("gateway=GW-B1", 1),
        ("from=2027-03-01", 1), ("from=2026-12-07", 0), ("as_of=2026-11-10T00:00", 1), ("as_of=2026-10-01T00:00", 0),
    ],
)  # fmt: skip
def test_the_address_says_what_is_shown(world, dcc_client, lanes, query, shown):
    page = dcc_client.get(f"/horizon?{query}")
    assert page.status_code == 200
    assert len([cell for cells in lanes(page).values() for cell in cells]) == shown


def test_a_view_of_then_says_so_and_leads_back(world, dcc_client, read):
    page = dcc_client.get("/horizon?as_of=2026-11-10T00:00&zoom=2w")
    assert "As it was known on Tue 10 Nov 2026 00:00 GMT." in read(page)
    assert '<a href="/horizon?zoom=2w">Back to what is known now</a>' in page.text


def test_dccs_dates_lie_behind_the_lanes_and_are_named(world, dates, dcc_client, read):
    dates("2026-12-06T01:00", hours=5)
    page = dcc_client.get("/horizon")
    assert "DCC's own dates Maintenance Sun 6 Dec 2026 01:00-06:00 GMT" in read(page)
    assert re.findall(r'class="(c\d+ maintenance|sample maintenance)"', page.text) == [
        "c13 maintenance",
        "sample maintenance",
    ]
    assert re.findall(r'<b class="c(\d+)" title="([^"]*)">M</b>', page.text) == [
        ("13", "Sun 6 Dec 2026 01:00-06:00 GMT ")
    ]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("zoom=1y", "That is not a zoom."),
        ("view=year", "That is not a view."),
        ("from=0001-01-01", "That day is too far away."),
        ("from=9999-12-31", "That day is too far away."),
        ("category=Nobody", "That is not a party category."),
        ("as_of=then", "That is not a time."),
    ],
)
def test_a_view_that_cannot_be_read_is_named_beside_the_form(dcc_client, query, text):
    page = dcc_client.get(f"/horizon?{query}")
    assert page.status_code == 400
    assert f"<p><strong>{text}</strong>" in page.text


def test_a_user_sees_its_own_lane_only(world, alpha_client, lanes):
    page = alpha_client.get("/horizon")
    assert {name: [words for words, _ in cells] for name, cells in lanes(page).items()} == {
        "GW-A1": ["6 Dec: 1, short notice"]
    }
    assert "BETA" not in page.text
    assert lanes(alpha_client.get("/horizon?user=BETA")) == {}


@pytest.fixture
def crowd(service, give, announce):
    """Return a function that records closures of many Users, as many of each, spread over the next days."""

    def fill(users, each, days, code="U"):
        for number in range(users):
            user = enrolment.enrol_user(service.store, f"{code}{number}", f"User {number}")
            enrolment.enrol_gateway(service.store, user.code, f"{user.code}-GW")
            starts = (NOW + timedelta(days=days) * at / each for at in range(each))
            give(user, *(announce(f"{one}", f"{one:%Y-%m-%dT%H:%M}", gateway=f"{user.code}-GW") for one in starts))

    return fill


@pytest.mark.parametrize(("zoom", "cells"), [("2w", 14), ("8w", 14), ("6m", 2)])
def test_a_cell_of_several_leads_to_the_list_of_its_days(crowd, dcc_client, lanes, read, zoom, cells):
    crowd(1, 60, days=13)
    found = lanes(dcc_client.get(f"/horizon?zoom={zoom}&user=U0"))["U0-GW"]
    assert len(found) == cells
    for _, address in found[:2]:
        assert re.search(r"([2-9]|[1-9]\d) closures from", read(dcc_client.get(address)))


def test_every_user_is_on_one_of_the_pages_and_the_load_counts_them_all(crowd, dcc_client, lanes, read):
    crowd(60, 12, days=55)
    pages, page = [], dcc_client.get("/horizon")
    assert "720 closures of 60 Users" in read(page)
    while True:
        pages.append([name.split()[0] for name in lanes(page)])
        following = re.search(r'rel="next" href="([^"]*page=[^"]*)"', page.text)
        if not following:
            break
        page = dcc_client.get(unescape(following[1]))
        assert "720 closures of 60 Users" in read(page)
    assert [len(users) for users in pages] == [42, 18]
    assert [user for users in pages for user in users] == sorted(f"U{number}" for number in range(60))
    assert "Users 43 to 60 of 60, by category. Page 2 of 2." in read(page)
    assert read(dcc_client.get("/horizon?page=99")) == read(page)


@pytest.mark.parametrize(
    ("zoom", "users", "each", "days"), [("2w", 60, 14, 13), ("2w", 40, 50, 14), ("8w", 41, 50, 56), ("6m", 60, 40, 180)]
)
def test_the_fullest_page_stays_below_100_kb(crowd, dcc_client, zoom, users, each, days):
    crowd(users, each, days, code="A_CODE_OF_THIRTY_LETTERS_")
    page = dcc_client.get(f"/horizon?zoom={zoom}").text
    assert 'rel="next" href="/horizon?' in page
    assert "Page 1 of" in page
    assert len(page.encode()) < 100_000


def test_names_are_cut_and_marks_in_them_are_words(world, service, give, announce, dcc_client, lanes):
    name = "<script>alert(1)</script>" + "شركة" * 40
    user = enrolment.enrol_user(service.store, "BAD", name)
    enrolment.enrol_gateway(service.store, "BAD", "GW-BAD")
    give(user, announce("bad", "2026-12-08T02:00", gateway="GW-BAD"))
    page = dcc_client.get("/horizon")
    assert "<script>" not in page.text
    assert f"BAD {name[:39]}…" in lanes(page)


def test_a_code_is_typed_where_there_are_too_many_to_choose_from(crowd, dcc_client):
    crowd(61, 1, days=1)
    page = dcc_client.get("/horizon?user=u7")
    assert re.findall(r'<input [^>]*name="user" value="([^"]*)" placeholder="([^"]*)"', page.text) == [
        ("U7", "Every User, or a code")
    ]


def test_a_day_has_one_peak_on_the_first_page_and_on_the_horizon(world, alpha, give, announce, dcc_client):
    # Two windows of today that were over at nine, one that is not, and one that today only begins in.
    give(
        alpha,
        announce("early", "2026-11-24T02:00"),
        announce("dawn", "2026-11-24T03:00", gateway="GW-A2"),
        announce("now", "2026-11-24T08:00"),
        announce("night", "2026-11-24T23:00", gateway="GW-A2"),
    )
    strip = re.findall(
        r'<a class="heat-day[^"]*" href="/closures\?from=([0-9-]+)[^"]*">.*?<span class="heat-number">(\d+)</span>',
        dcc_client.get("/").text,
        re.DOTALL,
    )
    (label,) = re.findall(
        r'aria-label="At most \d+ gateways closed at once. ([^"]*)"', dcc_client.get("/horizon?zoom=2w").text
    )
    columns = dict(one.rsplit(": ", 1) for one in label.split(", "))
    days = {datetime.fromisoformat(day): int(peak) for day, peak in strip}
    assert days[datetime(2026, 11, 24)] == 2
    assert columns == {f"{day:%a} {day.day} {day:%b}": str(peak) for day, peak in days.items() if peak}


def test_what_is_not_certain_yet_is_dashed_and_said(alpha, give, announce, dcc_client):
    give(alpha, announce("a", "2026-12-06T02:00", provisional=True), announce("b", "2026-12-05T02:00"))
    page = dcc_client.get("/horizon?zoom=2w").text
    cells = re.findall(r'<a class="c\d+ n1([ \w]*)" href="/closures/CN-', page)
    assert [" p" in marks for marks in cells] == [False, True]
    assert page.count("<i>, provisional</i>") + page.count(", short notice, provisional</i>") == 1


def test_what_is_over_time_is_closed_today(alpha, register, give, announce, dcc_client, clock, lanes, read):
    """Told closed on Sunday, to re-open then, and nothing heard since: on Tuesday its gateway is closed yet."""
    told = give(
        alpha, announce("a", "2026-11-22T02:00"), announce("b", "2026-11-24T02:00", gateway="GW-A2"),
        at=datetime(2026, 11, 20, 9, tzinfo=UTC),
    ).accepted  # fmt: skip
    over = next(one.closure.reference for one in told if one.closure.gateway == "GW-A1")
    dcc, since = Principal("dcc", Role.DCC), datetime(2026, 11, 22, 2, 5, tzinfo=UTC)
    tell_fact(register, dcc, over, ToldFact(FactKind.CLOSED, since), channel=Channel.API, now=since)
    page = dcc_client.get("/horizon?from=2026-11-21&zoom=2w")
    assert {name: [words for words, _ in cells] for name, cells in lanes(page).items()} == {
        "GW-A1": [
            "22 Nov: 1 from 02:00, short notice", "23 Nov: 1 all day, short notice",
            "24 Nov: 1 until 09:00, short notice, closed now",
        ],
        "GW-A2": ["24 Nov: 1 02:00-06:00, short notice"],
    }  # fmt: skip
    assert "2 closures of ALPHA from Sat 21 Nov to Fri 4 Dec 2026, at most 2 at once on Tue 24 Nov." in read(page)
    assert "GW-A1 closed now over time by 2 days 3 h short notice" in read(page).partition("The same in words")[2]
    days = read(dcc_client.get("/closures?user=ALPHA&from=2026-11-24&to=2026-11-24"))
    assert "2 closures from" in days
    assert "peak 2 on Tue 24 Nov" in read(dcc_client.get("/"))
    (cells,) = lanes(dcc_client.get("/horizon?gateway=GW-A1")).values()
    assert [words for words, _ in cells] == ["24 Nov: 1, short notice, closed now"]
    (cells,) = lanes(dcc_client.get("/horizon?gateway=GW-A1&from=2026-11-21&as_of=2026-11-23T09:00")).values()
    assert [words for words, _ in cells] == ["22 Nov: 1, short notice", "23 Nov: 1, short notice"]
    clock.forward(seconds=60)
    reopened = ToldFact(FactKind.REOPENED, datetime(2026, 11, 22, 7, tzinfo=UTC))
    tell_fact(register, dcc, over, reopened, channel=Channel.API, now=clock.now)
    (cells,) = lanes(dcc_client.get("/horizon?gateway=GW-A1&from=2026-11-21")).values()
    assert [words for words, _ in cells] == ["22 Nov: 1, short notice"]
