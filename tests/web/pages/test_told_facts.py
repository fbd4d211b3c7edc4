"""Telling of a closure as it happens, on its page and on the first one: one press, a question back, taking it back."""

import re
from datetime import datetime

import pytest

from app.domain.access import Role


def at(text):
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.fixture
def told(alpha, give, announce, clock):
    """The reference of a closure that runs from 02:00 to 06:00; it is 02:10."""
    reference = give(alpha, announce("one", "2027-02-07T02:00")).accepted[0].closure.reference
    clock.now = at("2027-02-07T02:10")
    return reference


@pytest.fixture
def press(told, csrf):
    """Return a function that presses a button on the closure's page; it gives the answer."""

    def send(client, what, typed=""):
        page = client.get(f"/closures/{told}")
        form_id = re.search(r'name="form_id" value="([0-9a-f]+)"', page.text).group(1)
        form = {"csrf_token": csrf(page), "form_id": form_id, "told": what, "at": typed}
        return client.post(f"/closures/{told}/facts", data=form)

    return send


def buttons(page):
    return re.findall(r'name="told" value="([^"]+)"', page.text)


def test_closed_then_over_time_then_re_opened(told, alpha_client, sign_in, clock, press, read):
    assert buttons(alpha_client.get(f"/closures/{told}")) == ["closed", "re-opened", "still closed"]
    answer = press(alpha_client, "closed", "2027-02-07T02:03")
    assert (answer.status_code, answer.location) == (303, f"/closures/{told}")
    page = alpha_client.get(answer.location)
    assert "It is told closed. If nothing is heard when it was to re-open, DCC sees it over time." in read(page)
    assert "Told closed Sun 7 Feb 2027 02:03 GMT" in read(page)
    assert buttons(page) == ["re-opened", "still closed", "taken back"]
    clock.now = at("2027-02-07T06:20")
    dcc_client = sign_in("dcc@example.org", Role.DCC)
    assert "1 gateway closed now" in read(dcc_client.get("/"))
    assert "over time by 20 min not told re-opened" in read(dcc_client.get("/"))
    assert press(dcc_client, "re-opened", "2027-02-07T06:15").status_code == 303
    page = read(dcc_client.get(f"/closures/{told}"))
    assert "Planned Sun 7 Feb 2027 02:00 GMT to 06:00 GMT" in page
    assert "By what was told since Sun 7 Feb 2027 02:00 GMT to 06:15 GMT" in page
    assert "over time by 15 min" in page
    assert "No gateways closed now" in read(dcc_client.get("/"))


def test_one_press_on_the_first_page(told, alpha_client, csrf, read):
    page = alpha_client.get("/")
    form_id = re.search(rf'/closures/{told}/facts">.*?name="form_id" value="([0-9a-f]+)"', page.text, re.DOTALL).group(
        1
    )
    form = {"csrf_token": csrf(page), "form_id": form_id, "told": "re-opened"}
    assert [alpha_client.post(f"/closures/{told}/facts", data=form).status_code for _ in range(2)] == [303, 303]
    assert "early by 3 h 50 min" in read(alpha_client.get(f"/closures/{told}"))


@pytest.mark.parametrize(
    ("what", "typed", "words"),
    [
        ("closed", "2027-02-07T03:00", "That time is still to come."),
        ("re-opened", "2027-02-07T01:00", "That is before it closed."),
        ("still closed", "", "Until when is not said."),
        ("still closed", "soon", "That is not a time."),
        ("something", "", "Nothing was chosen."),
    ],
)
def test_a_question_back_keeps_what_was_typed_and_records_nothing(
    told, alpha_client, press, read, store, what, typed, words
):
    answer = press(alpha_client, what, typed)
    assert answer.status_code == 409
    assert words in read(answer)
    assert f'id="told-at" name="at" value="{typed}"' in answer.text
    assert "First notice" in read(alpha_client.get(f"/closures/{told}"))
    assert buttons(alpha_client.get(f"/closures/{told}")) == ["closed", "re-opened", "still closed"]


def test_still_closed_and_taken_back(told, alpha_client, press, read):
    assert press(alpha_client, "still closed", "2027-02-07T08:00").status_code == 303
    page = read(alpha_client.get(f"/closures/{told}"))
    assert "over time by 2 h" in page
    assert "Lengthened revision 2 short notice" in page
    assert press(alpha_client, "taken back").status_code == 303
    page = read(alpha_client.get(f"/closures/{told}"))
    assert "What was told last is taken back revision 3" in page
    assert "over time" not in page.partition("History")[0]


def test_nothing_is_told_of_what_has_not_begun_or_was_withdrawn(told, alpha, give, announce, alpha_client, clock):
    clock.now = at("2027-02-07T01:44")
    assert buttons(alpha_client.get(f"/closures/{told}")) == []
    clock.now = at("2027-02-07T01:45")
    assert buttons(alpha_client.get(f"/closures/{told}")) == ["closed", "re-opened", "still closed"]
    give(alpha, announce("one", "2027-02-07T02:00", withdrawn=True, sender_sequence=2), at=clock.now)
    assert buttons(alpha_client.get(f"/closures/{told}")) == []
