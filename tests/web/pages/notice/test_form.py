"""Notice by form: what is typed is read like any notice, previewed with its lead time, recorded once, changed later."""

import re
from datetime import time, timedelta

import pytest
import sqlalchemy as sa

from app.domain.access import Role
from app.register.rulebook import set_notice_policy
from app.store import notices, tables

FILLED = {
    "gateway": "GW-A1", "from_day": "2026-12-06", "from_time": "02:00", "to_day": "2026-12-06", "to_time": "06:00",
    "reference": "", "repeat": "never", "end": "until", "every": "2", "until": "", "count": "",
}  # fmt: skip


def hidden(page, name):
    return re.findall(rf'name="{name}" value="([^"]*)"', page.text)[-1]


@pytest.fixture
def fill(csrf):
    """Return a function that fills the form in and asks for the preview."""

    def send(client, user="ALPHA", **fields):
        form = client.get(f"/notices/form?user={user}")
        sent = FILLED | {"csrf_token": csrf(form), "form_id": hidden(form, "form_id"), "user": user} | fields
        return client.post("/notices/form", data=sent)

    return send


@pytest.fixture
def press(csrf):
    """Return a function that presses the button of a preview and follows to the receipt."""

    def send(client, preview):
        sent = {"csrf_token": csrf(preview), "form_id": hidden(preview, "form_id")}
        return client.post("/notices", data=sent, follow_redirects=True)

    return send


@pytest.fixture
def change(csrf):
    """Return a function that opens the change of a closure, alters fields and asks for the preview."""

    def send(client, reference, **fields):
        form = client.get(f"/closures/{reference}/change")
        shown = dict(re.findall(r'name="((?:from|to)_(?:day|time))"[^>]*? value="([^"]*)"', form.text))
        gateway = re.search(r'<option value="([^"]*)" selected', form.text)[1]
        sent = {"csrf_token": csrf(form), "gateway": gateway} | shown | fields
        return client.post(f"/closures/{reference}/change", data=sent)

    return send


def references(client):
    return sorted(set(re.findall(r'href="/closures/(CN-[0-9A-Z]{10})"', client.get("/closures?to=2027-12-01").text)))


def test_the_preview_counts_the_notice_and_names_the_last_on_time_day(alpha_client, fill, read):
    page = read(fill(alpha_client))
    assert page.startswith(
        "What this would change Nothing is recorded yet. Your notice from ALPHA has 1 new, 0 changed, 0 withdrawn, "
        "0 unchanged. New GW-A1 short notice Sun 6 Dec 2026 02:00 GMT to 06:00 GMT 2026-12-06 02:00 to 06:00 UTC · 4 h "
        "8 Working Days' notice; 20 are recommended. The last on-time day was Sun 8 Nov 2026."
    )
    assert references(alpha_client) == []


def test_enough_notice_is_on_time_until_a_day_that_is_still_ahead(alpha_client, fill, read):
    page = read(fill(alpha_client, from_day="2027-03-01", to_day="2027-03-01"))
    assert "On time until Sun 31 Jan 2027." in page


def test_the_preview_and_the_closure_say_that_it_came_after_the_cut_off_hour(
    alpha_client, fill, press, read, store, clock
):
    set_notice_policy(
        store, recommended_days=8, holiday_region="england-and-wales", valid_from=clock().date(), now=clock(),
        cut_off=time(9, 10),
    )  # fmt: skip
    assert "On time until Tue 24 Nov 2026, 09:10." in read(fill(alpha_client))
    clock.forward(minutes=11)
    preview = fill(alpha_client)
    counted = (
        "7 Working Days' notice; 8 are recommended; counted from the next Working Day, Wed 25 Nov 2026, "
        "because it came after 09:10."
    )
    assert f"{counted} The last on-time day was Tue 24 Nov 2026, 09:10." in read(preview)
    assert counted in read(press(alpha_client, preview))
    (reference,) = references(alpha_client)
    assert counted in read(alpha_client.get(f"/closures/{reference}"))


def test_the_press_records_it_through_the_form_with_a_receipt(alpha_client, fill, press, read):
    receipt = press(alpha_client, fill(alpha_client))
    (reference,) = references(alpha_client)
    assert receipt.request.path.startswith("/notices/receipts/")
    assert f"GW-A1 {reference} planned short notice First notice, revision 1. 8 Working Days' notice" in read(receipt)
    assert "By alpha@example.org, through the form on these pages" in read(alpha_client.get(f"/closures/{reference}"))


def test_the_form_is_kept_word_for_word_as_an_event(alpha_client, fill, press, store, alpha):
    press(alpha_client, fill(alpha_client, reference="CHG-1; a, b\\c"))
    with store.reading() as connection:
        (row,) = connection.execute(sa.select(tables.notices))
        notice = notices.read_notice(store, connection, row.id, alpha.code)
    assert notice.media_type == "text/calendar"
    assert b"UID:form:CHG-1\\; a\\, b\\\\c\r\nDTSTART;TZID=Europe/London:20261206T020000\r\n" in notice.octets


def test_a_double_press_gives_one_notice_and_one_receipt(alpha_client, fill, press):
    preview = fill(alpha_client)
    first, second = press(alpha_client, preview), press(alpha_client, preview)
    shown = [re.sub('name="csrf_token" value="[^"]+"', "", page.text) for page in (first, second)]  # says the second
    assert (first.status_code, shown[0]) == (second.status_code, shown[1])
    assert len(references(alpha_client)) == 1


def test_back_and_forth_again_states_the_same_closure(alpha_client, fill, press, csrf, read):
    """The form of a closure keeps its id: sent again after the back button, it changes nothing or moves that one."""
    preview = fill(alpha_client)
    form_id = hidden(alpha_client.get(f"/notices/form?preview={hidden(preview, 'form_id')}"), "form_id")
    assert form_id
    first = fill(alpha_client, form_id="ab" * 16)
    press(alpha_client, first)
    assert "Nothing to record This closure stands like this already." in read(fill(alpha_client, form_id="ab" * 16))
    later = fill(alpha_client, form_id="ab" * 16, to_time="07:00")
    assert "0 new, 1 changed" in read(later)


def test_two_tabs_give_two_notices(alpha_client, fill, press):
    one, two = fill(alpha_client), fill(alpha_client, from_day="2026-12-13", to_day="2026-12-13")
    press(alpha_client, two)
    press(alpha_client, one)
    assert len(references(alpha_client)) == 2


def test_the_same_reference_is_the_same_closure(alpha_client, fill, press, read):
    press(alpha_client, fill(alpha_client, reference="CHG-7"))
    page = read(fill(alpha_client, reference="CHG-7", from_day="2026-12-13", to_day="2026-12-13"))
    assert "0 new, 1 changed" in page
    assert "Now Sun 6 Dec 2026 02:00 GMT to 06:00 GMT" in page


def test_what_was_typed_comes_back_from_the_preview(alpha_client, fill):
    preview = fill(alpha_client, reference="CHG-9", repeat="weeks", every="3", end="count", count="4")
    form = alpha_client.get(f"/notices/form?preview={hidden(preview, 'form_id')}")
    assert 'value="CHG-9"' in form.text
    assert '<option value="weeks" selected>' in form.text
    assert [hidden(form, name) for name in ("user",)] == ["ALPHA"]


@pytest.mark.parametrize(
    ("fields", "name", "words"),
    [
        ({"gateway": ""}, "gateway", "Choose the gateway that is closed."),
        ({"gateway": "GW-B9"}, "gateway", "Choose the gateway that is closed."),
        ({"from_day": "6/12/26"}, "from_day", "Give a date, such as 2026-12-06."),
        ({"to_time": "noon"}, "to_time", "Give a time, such as 02:00."),
        ({"to_time": "02:00"}, "to_day", "The end is not after the start. Check both."),
        ({"from_day": "2046-12-06", "to_day": "2046-12-06"}, "from_day", "The start is more than 1830 days from today. Check the year."),
        ({"to_day": "2027-02-06"}, "to_day", "The window is longer than 31 days. Check both times, or confirm that the gateway is closed for so long."),
        ({"reference": "x" * 201}, "reference", "Give at most 200 characters."),
        ({"repeat": "daily"}, "repeat", "Choose one of the list."),
        ({"repeat": "weeks", "every": "1", "until": "2027-03-01"}, "every", "Give a whole number from 2 to 52."),
        ({"repeat": "weekly", "end": "count", "count": "401"}, "count", "Give a whole number from 2 to 400."),
        ({"repeat": "weekly"}, "until", "Give the last day on which it may repeat, such as 2027-03-31."),
        ({"repeat": "weekly", "until": "2026-12-06"}, "until", "That is not after the first closure."),
    ],
)  # fmt: skip
def test_a_fault_stands_at_its_field_and_nothing_typed_is_lost(alpha_client, fill, fields, name, words):
    answer = fill(alpha_client, **fields)
    assert answer.status_code == 422
    assert f'<p class="field-fault" id="{name}-fault"><strong>Check this:</strong> {words}</p>' in answer.text
    stands_in = {"from": "Closes: ", "to": "Re-opens: "}.get(name.partition("_")[0], "")
    assert f'<a href="#{name}">{stands_in}{words}</a>' in answer.text
    for typed, value in (FILLED | fields).items():
        if typed in {"from_day", "from_time", "to_day", "to_time", "reference", "every", "until", "count"}:
            assert re.search(rf'name="{typed}"[^>]* value="{value}"', answer.text), typed
    assert references(alpha_client) == []


def test_a_longer_window_that_is_meant_is_taken(alpha_client, fill):
    assert fill(alpha_client, to_day="2027-02-06", allow_long="yes").status_code == 200


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"from_day": "2027-10-31", "from_time": "01:30", "to_day": "2027-10-31"},
            "01:30 on 31 Oct 2027 happens twice that night, as the clocks go back; it was read as the first.",
        ),
        (
            {"from_day": "2027-03-28", "from_time": "01:30", "to_day": "2027-03-28"},
            "01:30 on 28 Mar 2027 does not exist that night, as the clocks go forward; it was read as 02:30.",
        ),
        (
            {"from_day": "2027-10-31", "from_time": "00:00", "to_day": "2027-10-31"},
            "The clocks change during this window: it lasts 7 h.",
        ),
    ],
)
def test_the_nights_when_the_clocks_change_are_explained(alpha_client, fill, read, fields, words):
    assert words in read(fill(alpha_client, **fields))


def test_a_repeat_states_each_closure(alpha_client, fill, press):
    preview = fill(alpha_client, repeat="monthly", end="count", count="3")
    starts = re.findall(r'class="when"><time datetime="([^"]+)"', preview.text)
    assert starts == ["2026-12-06T02:00:00Z", "2027-01-03T02:00:00Z", "2027-02-07T02:00:00Z"]
    press(alpha_client, preview)
    assert len(references(alpha_client)) == 3


def test_a_closure_is_pushed_back_and_stays_the_same(alpha_client, fill, press, change, read):
    press(alpha_client, fill(alpha_client))
    (reference,) = references(alpha_client)
    preview = change(alpha_client, reference, from_day="2026-12-13", to_day="2026-12-13")
    assert "Would be Sun 13 Dec 2026 02:00 GMT to 06:00 GMT" in read(preview)
    receipt = read(press(alpha_client, preview))
    assert f"GW-A1 {reference} planned short notice Moved, revision 2." in receipt
    assert references(alpha_client) == [reference]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"to_time": "08:00"}, "Lengthened, revision 2."),
        ({"to_time": "03:00"}, "Shortened, revision 2."),
        ({"gateway": "GW-A2"}, "Given for another gateway, revision 2."),
    ],
)
def test_a_closure_is_lengthened_shortened_or_given_another_gateway(
    alpha_client, fill, press, change, read, fields, words
):
    press(alpha_client, fill(alpha_client))
    (reference,) = references(alpha_client)
    assert words in read(press(alpha_client, change(alpha_client, reference, **fields)))


def test_one_occurrence_is_changed_and_the_others_stay(alpha_client, fill, press, change, read):
    press(alpha_client, fill(alpha_client, repeat="weekly", end="count", count="3"))
    page = alpha_client.get("/closures?to=2027-12-01").text
    first = re.findall(r'href="/closures/(CN-[0-9A-Z]{10})"', page)[0]
    receipt = read(press(alpha_client, change(alpha_client, first, from_time="03:00", to_time="07:00")))
    assert receipt.count("revision 2.") == 1
    assert len(references(alpha_client)) == 3


def test_a_time_left_as_shown_stays_the_same_instant(alpha_client, alpha, give, announce, change, read):
    """01:30 GMT on 31 Oct 2027 is the second of two; shown as 01:30 and left alone it does not become the first."""
    give(alpha, announce("a", "2027-10-31T01:30+00:00", hours=4))
    (reference,) = references(alpha_client)
    assert "The closure stands like this already." in read(change(alpha_client, reference))


def test_a_withdrawn_closure_is_planned_again(alpha_client, fill, press, change, csrf, read):
    press(alpha_client, fill(alpha_client))
    (reference,) = references(alpha_client)
    page = alpha_client.get(f"/closures/{reference}/withdraw")
    receipt = alpha_client.post(f"/closures/{reference}/withdraw", data={"csrf_token": csrf(page)})
    assert "Reinstate closure" in read(receipt)
    assert "Planned again, revision 3." in read(press(alpha_client, change(alpha_client, reference)))


def test_dcc_staff_give_it_on_behalf_of_a_user_and_the_history_says_so(dcc_client, alpha, enrolled, fill, press, read):
    enrolled("BETA", "GW-B1")
    assert "You give it on this User's behalf" in read(dcc_client.get("/notices/form?user=ALPHA"))
    press(dcc_client, fill(dcc_client))
    (reference,) = references(dcc_client)
    story = read(dcc_client.get(f"/closures/{reference}"))
    assert "By dcc@example.org, DCC staff, on behalf of ALPHA, through the form on these pages" in story


def test_another_users_closure_is_not_there(alpha_client, fill, press, sign_in, enrolled):
    enrolled("BETA", "GW-B1")
    press(alpha_client, fill(alpha_client))
    (reference,) = references(alpha_client)
    beta = sign_in("beta@example.org", Role.USER, "BETA")
    for path in (f"/closures/{reference}/change", f"/closures/{reference}.ics", "/notices/form?user=ALPHA"):
        assert beta.get(path).status_code == 404


def test_the_receipt_is_saved_as_json_and_as_a_calendar(alpha_client, fill, press, web):
    receipt = press(alpha_client, fill(alpha_client))
    (reference,) = references(alpha_client)
    facts = alpha_client.get(f"{receipt.request.path}.json")
    assert facts.headers["Content-Disposition"].startswith('attachment; filename="receipt-')
    assert [one["receipt"]["reference"] for one in facts.json["accepted"]] == [reference]
    calendar = alpha_client.get(f"/closures/{reference}.ics")
    assert (calendar.status_code, calendar.content_type) == (200, "text/calendar; charset=utf-8")
    assert f"UID:{reference.lower()}@gateway-closures\r\n".encode() in calendar.data
    assert web.test_client().get(f"/closures/{reference}.ics").status_code == 303


def test_a_receipt_is_its_senders_and_for_a_while(alpha_client, fill, press, sign_in, clock):
    path = press(alpha_client, fill(alpha_client)).request.path
    other = sign_in("other@example.org", Role.USER, "ALPHA")
    assert (other.get(path).status_code, other.get(f"{path}.json").status_code) == (410, 410)
    clock.forward(minutes=11)
    assert alpha_client.get(path).status_code == 410


def test_forms_need_their_token(alpha_client, fill, press):
    press(alpha_client, fill(alpha_client))
    (reference,) = references(alpha_client)
    for path in ("/notices/form", f"/closures/{reference}/change", "/notices"):
        assert alpha_client.post(path, data=FILLED).status_code == 400


def test_what_was_typed_outlives_the_session(alpha_client, fill, clock, csrf, read, add_link, store):
    form = alpha_client.get("/notices/form")
    clock.now += timedelta(minutes=31)
    sent = FILLED | {"csrf_token": csrf(form), "form_id": "ab" * 16, "user": "ALPHA", "reference": "CHG-77"}
    assert alpha_client.post("/notices/form", data=sent).location == "/sign-in"


def fields_shown(page):
    return dict(re.findall(r'name="((?:from|to)_(?:day|time))"[^>]*? value="([^"]*)"', page.text))


def test_a_week_later_fills_the_form_and_records_nothing(alpha, give, announce, alpha_client, change):
    reference = give(alpha, announce("a", "2026-12-06T02:00")).accepted[0].closure.reference
    page = change(alpha_client, reference, push="week")
    assert page.status_code == 200
    assert fields_shown(page) == {
        "from_day": "2026-12-13", "from_time": "02:00", "to_day": "2026-12-13", "to_time": "06:00",
    }  # fmt: skip
    again = change(alpha_client, reference, push="week", from_day="2026-12-20", from_time="03:15", to_day="soon")
    assert fields_shown(again) == {
        "from_day": "2026-12-27", "from_time": "03:15", "to_day": "soon", "to_time": "06:00",
    }  # fmt: skip
    assert "2026-12-06T02:00:00Z" in alpha_client.get(f"/closures/{reference}").text


@pytest.fixture
def series(alpha_client, fill, press, clock):
    """Four closures of GW-A1, nine weeks apart, the first of them running by now; returns their references."""
    press(alpha_client, fill(
        alpha_client, from_day="2026-11-24", from_time="09:10", to_day="2026-11-24", to_time="13:00", reference="CHG-S",
        repeat="weeks", every="9", end="count", count="4",
    ))  # fmt: skip
    clock.forward(minutes=20)
    return re.findall(r'href="/closures/(CN-[0-9A-Z]{10})"', alpha_client.get("/closures?q=CHG-S").text)


def times_of(client, references):
    shown = [client.get(f"/api/v1/closures/{reference}").json for reference in references]
    return [(one["starts_london"], one["ends_london"][-9:], one["revision"]) for one in shown]


def test_a_whole_series_moves_by_as_much_after_one_preview(alpha_client, series, change, press, read):
    assert "the whole series: each of the 3 closures still ahead" in read(
        alpha_client.get(f"/closures/{series[1]}/change")
    )
    # A day later, and an hour longer, by London's clock: also after the clocks went forward.
    preview = change(
        alpha_client, series[1], which="series", from_day="2027-01-27", to_day="2027-01-27", to_time="14:00"
    )
    assert "has 0 new, 3 changed, 0 withdrawn, 0 unchanged." in read(preview)
    before = [("Tue 24 Nov 2026 09:10 GMT", "13:00 GMT", 1), ("Tue 26 Jan 2027 09:10 GMT", "13:00 GMT", 1)]
    assert times_of(alpha_client, series)[:2] == before
    receipt = press(alpha_client, preview)
    assert [f">{reference}<" in receipt.text for reference in series] == [False, True, True, True]
    assert times_of(alpha_client, series) == [
        before[0],
        ("Wed 27 Jan 2027 09:10 GMT", "14:00 GMT", 2),
        ("Wed 31 Mar 2027 09:10 BST", "14:00 BST", 2),
        ("Wed 2 Jun 2027 09:10 BST", "14:00 BST", 2),
    ]


def test_a_series_keeps_its_gateway_and_one_closure_alone_has_no_such_choice(
    alpha, give, announce, alpha_client, series, change, read
):
    page = change(alpha_client, series[1], which="series", gateway="GW-A2")
    assert page.status_code == 422
    assert "A whole series keeps its gateway." in read(page)
    single = give(alpha, announce("one", "2026-12-06T02:00")).accepted[0].closure.reference
    assert "whole series" not in alpha_client.get(f"/closures/{single}/change").text
    refused = change(alpha_client, single, which="series", from_day="2026-12-07", to_day="2026-12-07")
    assert "No other closure of its series is ahead any more." in read(refused)
    moved = change(alpha_client, series[1], from_day="2027-01-27", to_day="2027-01-27")
    assert "has 0 new, 1 changed, 0 withdrawn, 0 unchanged." in read(moved)


def test_what_was_chosen_for_a_series_is_there_again_when_the_form_is(alpha_client, series, change):
    preview = change(alpha_client, series[1], which="series", from_day="2027-01-27", to_day="2027-01-27")
    form = alpha_client.get(f"/notices/form?preview={hidden(preview, 'form_id')}")
    assert re.search(r'id="which-series" name="which" value="series" checked', form.text)
