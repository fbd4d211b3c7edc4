"""Every form: sent twice it takes effect once, back and forth loses nothing, and a session's end loses nothing typed."""

import io
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa

from app.domain.access import Role
from app.register.people import enrolment
from app.store.tables import closures


def fields_of(page):
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text.partition("<main")[2]))


@pytest.fixture
def admin(sign_in):
    return sign_in("admin@example.org", Role.ADMIN)


def feed_form(client, **more):
    page = client.get("/subscriptions/new")
    return fields_of(page) | {"scope": "all", "label": "Outlook", "past_days": "30", "horizon_days": "90"} | more


def test_a_form_sent_twice_makes_one_feed_and_shows_it_to_both(dcc_client, store):
    form = feed_form(dcc_client)
    first, second = (dcc_client.post("/subscriptions", data=form) for _ in range(2))
    assert (first.status_code, first.location) == (303, second.location)
    assert len(enrolment.list_subscriptions(store)) == 1
    token = re.search(r"gwff_[0-9A-Z]+", dcc_client.get(first.location).text)[0]
    assert token in dcc_client.get(first.location).text


def test_it_is_put_away_for_good_and_the_form_still_makes_no_second(dcc_client, store, csrf):
    form = feed_form(dcc_client)
    shown = dcc_client.post("/subscriptions", data=form).location
    answer = dcc_client.post(shown, data={"csrf_token": csrf(dcc_client.get(shown))})
    assert (answer.status_code, answer.location) == (303, "/subscriptions")
    assert dcc_client.get(shown).status_code == 410
    assert dcc_client.post("/subscriptions", data=form).location == shown
    assert len(enrolment.list_subscriptions(store)) == 1


def test_it_is_shown_for_ten_minutes_and_to_its_sender_alone(dcc_client, sign_in, clock):
    shown = dcc_client.post("/subscriptions", data=feed_form(dcc_client)).location
    assert sign_in("other@example.org", Role.DCC).get(shown).status_code == 410
    clock.forward(minutes=9)
    assert dcc_client.get(shown).status_code == 200
    clock.forward(minutes=2)
    assert dcc_client.get(shown).status_code == 410


def tab_of(web, client):
    """Another tab of a client's browser."""
    cookie, tab = client.get_cookie(web.config["SESSION_COOKIE_NAME"]), web.test_client()
    tab.set_cookie(cookie.key, cookie.value)
    return tab


def all_at_once(web, client, path, form, times=6):
    """Press one form in as many tabs of one browser, at one moment; return where each was led."""
    line = Barrier(times)

    def press(_):
        tab = tab_of(web, client)
        line.wait()
        answer = tab.post(path, data=form)
        return answer.status_code, answer.location

    with ThreadPoolExecutor(times) as tabs:
        return set(tabs.map(press, range(times)))


def test_pressed_several_times_at_once_the_others_wait_and_find_the_first(web, dcc_client, store):
    for made in range(1, 4):
        ((status, location),) = all_at_once(web, dcc_client, "/subscriptions", feed_form(dcc_client))
        assert (status, dcc_client.get(location).status_code) == (303, 200)
        assert len(enrolment.list_subscriptions(store)) == made


def preview_of(client, csrf, rows):
    sheet = "gateway,starts,ends\n" + "".join(rows)
    page = client.get("/notices/new?user=ALPHA")
    sent = {"csrf_token": csrf(page), "user": "ALPHA", "file": (io.BytesIO(sheet.encode()), "dates.csv")}
    return fields_of(client.post("/notices/preview", data=sent))


def test_an_upload_confirmed_several_times_at_once_leads_to_one_receipt(web, alpha_client, csrf, store):
    for day in range(1, 4):
        form = preview_of(alpha_client, csrf, [f"GW-A1,2027-02-0{day}T02:00,2027-02-0{day}T06:00\n"])
        ((status, location),) = all_at_once(web, alpha_client, "/notices", form)
        receipt = alpha_client.get(location)
        assert (status, receipt.status_code) == (303, 200)
        with store.reading() as connection:
            assert connection.execute(sa.select(sa.func.count()).select_from(closures)).scalar() == day


def test_an_upload_whose_twin_was_recorded_before_it_was_read_leads_to_the_twins_receipt(web, alpha_client, csrf):
    form = preview_of(alpha_client, csrf, ["GW-A1,2027-02-01T02:00,2027-02-01T06:00\n"])
    twin, led = tab_of(web, alpha_client), []

    @sa.event.listens_for(web.extensions["closures"].store.engine, "before_cursor_execute")
    def before_reading(connection, cursor, statement, *_):
        if "FROM drafts" in statement and not led:
            led.append("")
            with ThreadPoolExecutor(1) as other:
                led[0] = other.submit(lambda: twin.post("/notices", data=form).location).result()

    answer = alpha_client.post("/notices", data=form)
    assert (answer.status_code, [answer.location]) == (303, led)
    assert alpha_client.get(answer.location).status_code == 200


def test_two_tabs_make_two_feeds(dcc_client, store):
    one, two = feed_form(dcc_client, label="one"), feed_form(dcc_client, label="two")
    for form in (one, two):
        assert dcc_client.post("/subscriptions", data=form).status_code == 303
    assert sorted(one.subscription.label for one in enrolment.list_subscriptions(store)) == ["one", "two"]


def test_a_refused_form_keeps_what_was_typed_and_may_be_sent_again(dcc_client, store):
    form = feed_form(dcc_client, label="Outlook", horizon_days="soon")
    page = dcc_client.post("/subscriptions", data=form)
    assert page.status_code == 422
    assert 'value="Outlook"' in page.text
    assert "That is not a number of days." in page.text
    assert dcc_client.post("/subscriptions", data={**fields_of(page), **feed_form(dcc_client)}).status_code == 303
    assert len(enrolment.list_subscriptions(store)) == 1


@pytest.mark.parametrize("form_id", ["", "zz", "00", "0" * 33])
def test_a_form_without_its_id_is_refused(dcc_client, store, form_id):
    assert dcc_client.post("/subscriptions", data=feed_form(dcc_client, form_id=form_id)).status_code == 422
    assert enrolment.list_subscriptions(store) == []


def test_what_was_typed_waits_until_its_writer_signed_in_again(dcc_client, clock, store, use_link, read):
    form = feed_form(dcc_client, label="Typed with care")
    clock.forward(minutes=31)
    answer = dcc_client.post("/subscriptions", data=form)
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    assert enrolment.list_subscriptions(store) == []
    assert "Nothing is lost" in read(dcc_client.get("/sign-in"))
    assert sign_in_again(dcc_client, store, use_link) == "/unfinished"
    page = dcc_client.get("/unfinished")
    assert "Typed with care" in read(page)
    kept = fields_of(page)
    answer = dcc_client.post("/unfinished", data=kept)
    assert (answer.status_code, answer.location) == (307, "/subscriptions")
    made = dcc_client.post(answer.location, data=kept)
    assert made.status_code == 303
    assert [one.subscription.label for one in enrolment.list_subscriptions(store)] == ["Typed with care"]
    assert dcc_client.get("/unfinished").location == "/"


def test_what_waits_can_be_left(dcc_client, clock, store, csrf, use_link):
    form = feed_form(dcc_client)
    clock.forward(minutes=31)
    dcc_client.post("/subscriptions", data=form)
    sign_in_again(dcc_client, store, use_link)
    token = csrf(dcc_client.get("/unfinished"))
    assert dcc_client.post("/unfinished/drop", data={"csrf_token": token}).location == "/"
    assert dcc_client.post("/unfinished", data={"csrf_token": token}).location == "/"
    assert enrolment.list_subscriptions(store) == []


def test_it_waits_for_its_writer_alone(dcc_client, clock, add_account, use_link):
    form = feed_form(dcc_client)
    clock.forward(minutes=31)
    dcc_client.post("/subscriptions", data=form)
    use_link(dcc_client, add_account("next@example.org", Role.DCC))
    assert dcc_client.get("/unfinished").location == "/"


def test_a_password_never_waits(dcc_client, clock):
    page = dcc_client.get("/set-up/password")
    form = fields_of(page) | {"password": "correct horse battery", "password_again": "correct horse battery"}
    clock.forward(minutes=31)
    assert dcc_client.post("/set-up/password", data=form).location == "/sign-in"
    assert "Nothing is lost" not in dcc_client.get("/sign-in").text


def test_a_page_that_was_asked_for_is_where_the_sign_in_leads(web, add_account, use_link):
    browser = web.test_client()
    assert browser.get("/subscriptions/new?scope=late").location == "/sign-in"
    answer = use_link(browser, add_account("a@example.org", Role.DCC))
    assert answer.location == "/subscriptions/new?scope=late"


def test_another_tabs_form_stays_good_when_the_same_person_signs_in_again(dcc_client, clock, store, csrf, use_link):
    tab = feed_form(dcc_client)
    clock.forward(minutes=31)
    assert dcc_client.get("/").status_code == 303
    sign_in_again(dcc_client, store, use_link)
    assert dcc_client.post("/subscriptions", data=tab).status_code == 303


def sign_in_again(client, store, use_link):
    from app.register.people.accounts import list_accounts

    account = next(one for one in list_accounts(store) if one.email == "dcc@example.org")
    return use_link(client, account).location
