"""What a notice meets is said before it is recorded, the same at every door, and of no more than the asker may see."""

import re
from io import BytesIO

import pytest

from app.domain.access import Role
from app.domain.maintenance import MaintenanceKind
from app.domain.thresholds import Thresholds
from app.register.rulebook import set_thresholds
from tests.conftest import NOW

ROW = {"gateway": "GW-A1", "starts": "2027-02-07T02:00", "ends": "2027-02-07T06:00"}
WHEN = {
    "starts": "2027-02-07T02:00:00Z",
    "ends": "2027-02-07T06:00:00Z",
    "starts_london": "Sun 7 Feb 2027 02:00 GMT",
    "ends_london": "Sun 7 Feb 2027 06:00 GMT",
}
FILLED = {
    "user": "ALPHA", "gateway": "GW-A1", "from_day": "2027-02-07", "from_time": "02:00", "to_day": "2027-02-07",
    "to_time": "06:00", "reference": "", "repeat": "never", "end": "until", "every": "2", "until": "", "count": "",
}  # fmt: skip


@pytest.fixture
def known(store, alpha, enrolled, give, announce, dates):
    """A night of ALPHA and BETA on which DCC works too, and one more of ALPHA's; two at once are a crowd."""
    set_thresholds(store, Thresholds(1, closed=1, reopening=9), NOW)
    found = give(alpha, announce("own", "2027-02-07T02:00"), announce("next", "2027-02-08T05:00"))
    give(enrolled("BETA", "GW-B1"), announce("theirs", "2027-02-07T04:00", gateway="GW-B1"))
    give(enrolled("GAMMA", "GW-C1"), announce("third", "2027-02-09T02:00", gateway="GW-C1"))
    date = dates("2027-02-07T05:00", hours=2)
    return found.accepted[0].closure.reference, date.reference


@pytest.fixture
def ask(web, credentials):
    """Return a function that gives rows by API: as ALPHA, or as DCC on its behalf."""

    def send(*rows, by_dcc=False, query="dry_run=1"):
        path = f"/api/v1/notices?{query}{'&user=ALPHA' if by_dcc else ''}"
        return web.test_client().post(path, json={"closures": list(rows)}, headers=credentials[by_dcc]).json

    return send


def conflicts(reference, date):
    return [
        {
            "kind": "same-times", "text": f"The same times are told already, as {reference}.", "reference": reference,
            "gateways": None, "threshold": None, **WHEN,
        },
        {
            "kind": "dcc-date",
            "text": "DCC planned maintenance is from Sun 7 Feb 2027 05:00 GMT to Sun 7 Feb 2027 07:00 GMT.",
            "reference": date, "gateways": None, "threshold": None,
            "starts": "2027-02-07T05:00:00Z", "ends": "2027-02-07T07:00:00Z",
            "starts_london": "Sun 7 Feb 2027 05:00 GMT", "ends_london": "Sun 7 Feb 2027 07:00 GMT",
        },
    ]  # fmt: skip


CROWD = {
    "kind": "crowded",
    "text": (
        "2 gateways are closed at once from Sun 7 Feb 2027 04:00 GMT to Sun 7 Feb 2027 06:00 GMT; "
        "the alert threshold is 1."
    ),
    "reference": None,
    "gateways": 2,
    "threshold": 1,
    **WHEN,
    "starts": "2027-02-07T04:00:00Z",
    "starts_london": "Sun 7 Feb 2027 04:00 GMT",
}


def slot(weekday, day):
    """The same hours on another day of that month."""
    return {
        name: value.replace("Sun 7", f"{weekday} {day}").replace("02-07", f"02-{day:02}")
        for name, value in WHEN.items()
    }


def test_a_dry_run_says_what_the_asker_may_see_and_the_same_hours_of_the_next_free_day(ask, known):
    (own,) = ask(ROW | {"reference": "again"})["accepted"]
    assert own["conflicts"] == conflicts(*known)
    assert own["next_free_slot"] == slot("Tue", 9)  # its own closure of Monday is in the way
    (seen,) = ask(ROW | {"reference": "again"}, by_dcc=True)["accepted"]
    assert seen["conflicts"] == [*conflicts(*known), CROWD]
    assert seen["next_free_slot"] == slot("Wed", 10)  # on Tuesday night one is closed, and two are a crowd


def test_what_is_recorded_says_what_its_user_may_see_without_a_slot(ask, known):
    for by_dcc in (False, True):
        (told,) = ask(ROW | {"reference": f"again {by_dcc}"}, by_dcc=by_dcc, query="")["accepted"]
        assert told["conflicts"][-1] == conflicts(*known)[-1]
        assert [one["kind"] for one in told["conflicts"]] == ["same-times"] * (1 + by_dcc) + ["dcc-date"]
        assert (told["next_free_slot"], told["receipt"]["reference"]) == (None, told["reference"])


def test_a_move_does_not_meet_what_it_replaces_and_an_unchanged_notice_meets_nothing(ask, alpha, dates):
    row = ROW | {"reference": "mine"}
    ask(row, query="")
    dates("2027-02-07T05:00", hours=2)
    (moved,) = ask(row | {"starts": "2027-02-07T01:00"})["accepted"]
    assert [one["kind"] for one in moved["conflicts"]] == ["dcc-date"]
    (same,) = ask(row)["unchanged"]
    assert (same["conflicts"], same["next_free_slot"]) == ([], None)
    (alone,) = ask({**ROW, "reference": "x", "starts": "2027-03-07T02:00", "ends": "2027-03-07T06:00"})["accepted"]
    assert (alone["conflicts"], alone["next_free_slot"]) == ([], None)


def test_what_one_notice_tells_twice_is_said_without_a_reference_that_nobody_has(ask, alpha):
    twice = ask(
        ROW | {"reference": "a"}, ROW | {"reference": "b"}, {**ROW, "reference": "c", "ends": "2027-02-07T07:00"}
    )
    assert [[(one["text"], one["reference"]) for one in told["conflicts"]] for told in twice["accepted"][:2]] == [
        [
            ("This notice tells the same times twice.", None),
            (
                (
                    "This gateway is closed from Sun 7 Feb 2027 02:00 GMT to Sun 7 Feb 2027 07:00 GMT as well "
                    "(in this notice)."
                ),
                None,
            ),
        ]
    ] * 2


def test_a_release_is_met_from_days_before(ask, alpha, dates):
    dates("2027-02-09T10:00", kind=MaintenanceKind.RELEASE)
    (told,) = ask(ROW)["accepted"]
    assert [one["text"] for one in told["conflicts"]] == [
        "A SEC Release is from Tue 9 Feb 2027 10:00 GMT to Tue 9 Feb 2027 14:00 GMT, and this is within 2 days of it."
    ]
    assert told["next_free_slot"] == slot("Fri", 12)


def words_of(page):
    """What a page says is worth knowing, without the links' words."""
    found = re.search(r'<div class="met">(.*?)</div>', page.text, re.DOTALL)
    return None if found is None else re.findall(r"<li>(.*?)(?: <a|</li>)", found[1])


@pytest.fixture
def fill(csrf):
    def send(client, **fields):
        form = client.get("/notices/form?user=ALPHA")
        form_id = re.findall(r'name="form_id" value="([^"]*)"', form.text)[-1]
        return client.post("/notices/form", data=FILLED | {"csrf_token": csrf(form), "form_id": form_id} | fields)

    return send


def test_the_preview_says_the_same_and_its_link_fills_the_free_slot_in(
    alpha_client, dcc_client, fill, read, known, csrf
):
    own = [one["text"] for one in conflicts(*known)]
    assert words_of(fill(dcc_client)) == [*own, CROWD["text"]]
    preview = fill(alpha_client)
    assert words_of(preview) == own
    assert "Next free at these hours: Tue 9 Feb 2027 02:00-06:00 GMT. Use these times" in read(preview)
    address = re.search(r'href="([^"]*)">Use these times', preview.text)[1].replace("&amp;", "&")
    form = alpha_client.get(address)
    shown = dict(re.findall(r'name="((?:from|to)_(?:day|time))"[^>]*? value="([^"]*)"', form.text))
    assert shown == {"from_day": "2027-02-09", "from_time": "02:00", "to_day": "2027-02-09", "to_time": "06:00"}
    assert words_of(fill(alpha_client, **shown)) is None
    form_id = re.findall(r'name="form_id" value="([^"]*)"', preview.text)[-1]
    sent = {"csrf_token": csrf(preview), "form_id": form_id}
    assert words_of(alpha_client.post("/notices", data=sent, follow_redirects=True)) == own


def test_times_that_are_none_in_the_address_are_refused(alpha_client, fill, known):
    draft = re.findall(r'name="form_id" value="([^"]*)"', fill(alpha_client).text)[-1]
    for starts, ends in (("soon", "later"), ("2027-02-09T06:00", "2027-02-09T02:00")):
        assert alpha_client.get(f"/notices/form?preview={draft}&starts={starts}&ends={ends}").status_code == 400


def test_a_user_hears_nothing_of_others_in_any_preview(ask, alpha_client, fill, alpha, enrolled, give, announce, store):
    set_thresholds(store, Thresholds(1, closed=1, reopening=1), NOW)
    alone = ask(ROW)["accepted"][0], words_of(fill(alpha_client))
    give(enrolled("BETA", "GW-B1"), announce("theirs", "2027-02-07T02:00", gateway="GW-B1"))
    after = ask(ROW)["accepted"][0], words_of(fill(alpha_client))
    assert [(one["conflicts"], one["next_free_slot"], words) for one, words in (alone, after)] == [([], None, None)] * 2


@pytest.mark.parametrize("role", [Role.ADMIN, Role.DCC])
def test_an_upload_says_it_beside_each_closure(sign_in, role, known, csrf):
    client = sign_in("somebody@example.org", role)
    sheet = b"gateway,starts,ends\nGW-A1,2027-02-07T02:00,2027-02-07T06:00\nGW-A2,2027-04-07T02:00,2027-04-07T06:00\n"
    form = client.get("/notices/new?user=ALPHA")
    sent = {"csrf_token": csrf(form), "user": "ALPHA", "file": (BytesIO(sheet), "x.csv")}
    preview = client.post("/notices/preview", data=sent)
    assert preview.text.count('class="met"') == 1
    assert words_of(preview) == [*(one["text"] for one in conflicts(*known)), CROWD["text"]]
    assert "Use these times" not in preview.text
