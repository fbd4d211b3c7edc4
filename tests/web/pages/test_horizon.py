"""The horizon: lanes by category, filters and zoom in the address, as of then, and the same things as a list."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from app.register.people import enrolment

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.fixture
def lanes():
    """Return a function that gives the text of each lane's list."""

    def found(page):
        lists = re.findall(r'<ul class="lane-list"[^>]*>(.*?)</ul>', page.text, re.DOTALL)
        return [" ".join(re.sub(r"<[^>]+>", " ", one).split()) for one in lists]

    return found


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
    assert re.findall(r"<strong>(Gas Network|Other)</strong>", page.text) == ["Gas Network", "Other"]
    assert lanes(page) == [
        "Sun 6 Dec 2026 03:00-07:00 GMT GW-B1",
        "Sun 6 Dec 2026 02:00-06:00 GMT GW-A1 short notice",
    ]
    assert 'aria-label="1 closure"' in page.text


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
    assert sum(len(re.findall(" GW-", one)) for one in lanes(page)) == shown


def test_a_view_of_then_says_so_and_leads_back(world, dcc_client, read):
    page = dcc_client.get("/horizon?as_of=2026-11-10T00:00&zoom=2w")
    assert "As it was known on Tue 10 Nov 2026 00:00 GMT." in read(page)
    assert '<a href="/horizon?zoom=2w&amp;from=2026-11-24">Back to what is known now</a>' in page.text


def test_dccs_dates_lie_behind_the_lanes_and_are_named(world, dates, dcc_client, read):
    dates("2026-12-06T01:00", hours=5)
    page = dcc_client.get("/horizon")
    assert "DCC's own dates Maintenance Sun 6 Dec 2026 01:00-06:00 GMT" in read(page)
    assert page.text.count('class="band-maintenance"') == 3  # behind the load, behind every lane, in the legend


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("zoom=1y", "That is not a zoom."),
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
    assert lanes(page) == ["Sun 6 Dec 2026 02:00-06:00 GMT GW-A1 short notice"]
    assert "BETA" not in page.text
    assert lanes(alpha_client.get("/horizon?user=BETA")) == []


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


def test_a_full_lane_counts_what_the_list_behind_each_mark_holds(crowd, dcc_client, read):
    crowd(1, 60, days=90)
    marks = re.findall(r'href="(/closures\?user=U0&amp;from=[^"]+)"><b>(\d+)</b>', dcc_client.get("/horizon").text)
    assert len(marks) == 8
    for address, count in marks:
        assert f"{count} closures from" in read(dcc_client.get(address.replace("&amp;", "&")))


def test_every_user_is_on_one_of_the_pages(crowd, dcc_client, read):
    crowd(30, 8, days=55)
    pages, page = [], dcc_client.get("/horizon")
    while True:
        pages.append(re.findall(r'<h2 class="lane-name"><bdi>(U\d+)</bdi>', page.text))
        following = re.search(r'rel="next" href="([^"]*page=[^"]*)"', page.text)
        if not following:
            break
        page = dcc_client.get(following[1].replace("&amp;", "&"))
    assert [len(users) for users in pages] == [29, 1]
    assert [user for users in pages for user in users] == sorted(f"U{number}" for number in range(30))
    assert "User 30 of 30, by category. Page 2 of 2." in read(page)
    assert read(dcc_client.get("/horizon?page=99")) == read(page)


# One by one, one by one and sharing marks, and as blocks.
@pytest.mark.parametrize(
    ("zoom", "users", "each", "days", "shown", "links"),
    [("2w", 19, 14, 13, 18, 14), ("6m", 19, 14, 90, 18, 21), ("2w", 26, 50, 14, 25, 14), ("8w", 41, 20, 56, 40, 8)],
)
def test_the_fullest_page_stays_below_100_kb(crowd, dcc_client, zoom, users, each, days, shown, links):
    crowd(users, each, days, code="A_CODE_OF_THIRTY_LETTERS_")
    page = dcc_client.get(f"/horizon?zoom={zoom}").text
    assert page.count('<div class="lane">') == shown
    assert 0.8 * links * shown <= len(re.findall("<li[^>]*><a [^>]*href=./closures[/?]", page)) <= links * shown
    assert len(page.encode()) < 100_000


def test_closures_that_share_a_mark_are_one_by_one_in_the_list(world, alpha, give, announce, alpha_client, lanes):
    give(alpha, announce("a2", "2026-12-06T05:00", gateway="GW-A2"))
    page = alpha_client.get("/horizon")
    shared = "2 closures, 6 Dec, at most 2 at once, 2 at short notice"
    each = ("02:00-06:00 GMT GW-A1", "05:00-09:00 GMT GW-A2")
    assert lanes(page) == [" ".join([shared, *(f"Sun 6 Dec 2026 {one} short notice" for one in each)])]
    assert f'href="/closures?user=ALPHA&amp;from=2026-12-06&amp;to=2026-12-06"><span>{shared}</span></a>' in page.text


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
