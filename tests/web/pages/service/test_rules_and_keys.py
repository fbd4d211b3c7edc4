"""Service: rules, holidays, keys, health and DCC's own dates, all that an admin needs without a command line."""

import io
import re
import threading
import time
from datetime import time as time_of_day
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.domain.access import Role
from app.domain.clock_doubt import ClockReading
from app.jobs.clock_watch import watch_clock
from app.jobs.integrity import check_integrity
from app.jobs.sealing_anew import SealingAnew
from app.register.key_rotation import keys_status, rotate_root
from app.register.move_index import move_index
from app.register.rulebook import policy_history
from tests.conftest import NOW

FILE = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//b//EN\r\nBEGIN:VEVENT\r\nUID:m1\r\nDTSTAMP:20261101T000000Z\r\n"
    b"DTSTART:20261212T220000Z\r\nDTEND:20261213T060000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


@pytest.fixture
def admin(sign_in):
    return sign_in("admin@example.org", Role.ADMIN)


@pytest.fixture
def post(csrf):
    """Return a function that sends a form of a page with its hidden fields."""

    def send(client, page, path, **fields):
        shown = client.get(page)
        form_id = re.findall(r'name="form_id" value="([^"]+)"', shown.text)
        sent = {"csrf_token": csrf(shown), "form_id": form_id[-1] if form_id else ""} | fields
        return client.post(path, data=sent)

    return send


def test_a_new_notice_policy_stands_with_its_history(admin, post, read, store):
    sent = {"version": "1", "recommended_days": "15", "holiday_region": "scotland", "valid_from": "2026-12-01"}
    assert post(admin, "/service/policy", "/service/policy/notice", **sent).location == "/service/policy"
    page = read(admin.get("/service/policy"))
    assert "Version 2 of the notice policy is set; it holds from 1 Dec 2026 on." in page
    assert "2 15 Working Days Scotland none 1 Dec 2026" in page
    assert "1 20 Working Days in force England and Wales none 1 Nov 2019" in page
    again = post(admin, "/service/policy", "/service/policy/notice", **sent)
    assert again.status_code == 422
    assert "This rule was changed since the form was opened." in read(again)
    assert len(policy_history(store)) == 2


def test_a_cut_off_hour_is_set_shown_and_taken_back(admin, post, read, store):
    sent = {"recommended_days": "20", "holiday_region": "england-and-wales", "valid_from": "2026-11-24"}
    for version, cut_off in (("1", "16:30"), ("2", "")):
        fields = sent | {"version": version, "cut_off": cut_off}
        assert post(admin, "/service/policy", "/service/policy/notice", **fields).status_code == 303
        page = admin.get("/service/policy")
        assert re.search(r'name="cut_off" value="([^"]*)"', page.text)[1] == cut_off
        said = "A notice that comes after 16:30, London time, counts as given on the next Working Day." in read(page)
        assert said is bool(cut_off)
    assert "2 20 Working Days England and Wales 16:30 24 Nov 2026" in read(admin.get("/service/policy"))
    assert [policy.cut_off for policy, _ in policy_history(store)] == [None, time_of_day(16, 30), None]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"recommended_days": "0"}, "The recommended notice is out of range."),
        ({"recommended_days": "many"}, "Give a whole number in each field."),
        ({"holiday_region": "mars"}, "That holiday region is not known."),
        ({"valid_from": "2026-11-23"}, "A policy cannot begin in the past."),
        ({"valid_from": "soon"}, "That is not a date."),
        ({"cut_off": "half past four"}, "That is not a cut-off hour."),
    ],
)
def test_a_policy_that_is_refused_keeps_what_was_typed(admin, post, read, store, fields, words):
    sent = {"version": "1", "recommended_days": "15", "holiday_region": "scotland", "valid_from": "2026-12-01"} | fields
    answer = post(admin, "/service/policy", "/service/policy/notice", **sent)
    assert answer.status_code == 422
    assert words in read(answer)
    assert f'value="{sent["recommended_days"]}"' in answer.text
    assert len(policy_history(store)) == 1


def test_thresholds_and_retention_are_set_by_version(admin, post, read):
    bounds = {"version": "1", "closed": "8", "reopening": "4", "release_days": "3"}
    assert post(admin, "/service/policy", "/service/policy/thresholds", **bounds).status_code == 303
    spans = {"version": "1", "details": "keep", "details_days": "60", "facts_days": "3000", "withdrawn_days": "30"}
    assert post(admin, "/service/policy", "/service/policy/retention", **spans).status_code == 303
    page = read(admin.get("/service/policy"))
    assert "More than 8 gateways closed at once, more than 4 re-opening in one hour, closures within 3 days" in page
    assert "60 days after its window. A closure's own facts: 3000 days." in page
    wrong = post(
        admin, "/service/policy", "/service/policy/retention", **spans | {"version": "1", "details_days": "4000"}
    )
    assert wrong.status_code == 422


def test_an_extra_day_is_a_holiday_everywhere(admin, post, read):
    for _ in range(2):
        assert post(admin, "/service/holidays", "/service/holidays", day="2027-05-10").status_code == 303
    page = read(admin.get("/service/holidays?region=scotland"))
    assert "Mon 10 May 2027 is a holiday" not in page
    assert page.count("Mon 10 May 2027") == 3  # its tag, its button and the table
    assert "Mon 10 May 2027 extra" in page
    refused = post(admin, "/service/holidays", "/service/holidays", day="May")
    assert (refused.status_code, 'value="May"' in refused.text) == (422, True)
    assert admin.get("/service/holidays?region=mars").status_code == 400


def test_an_extra_day_may_be_taken_out(admin, post, read):
    for day in ("2027-05-10", "2027-05-11"):
        post(admin, "/service/holidays", "/service/holidays", day=day)
    for _ in range(2):
        answer = post(admin, "/service/holidays", "/service/holidays/remove", day="2027-05-10")
        assert (answer.status_code, answer.location) == (303, "/service/holidays")
    page = read(admin.get("/service/holidays"))
    assert "Monday 10 May 2027 is no extra holiday any more." in page
    assert (page.count("Mon 10 May 2027"), "Tue 11 May 2027 extra" in page) == (0, True)


def test_keys_are_rotated_once_for_each_form(admin, post, read, store, alpha):
    shown = admin.get("/service/keys")
    sent = dict(re.findall(r'name="(csrf_token|form_id)" value="([^"]+)"', shown.text.partition("rotate")[2]))
    before = store.keyring.seal(alpha.id, "t", "c", b"0" * 16, 1, b"x")
    for _ in range(2):
        assert admin.post("/service/keys/rotate", data=sent).location == "/service/keys"
    assert "The keys of 2 owners are replaced." in read(admin.get("/service/keys"))
    assert store.keyring.unseal(alpha.id, "t", "c", b"0" * 16, 1, before) == b"x"


def test_a_rotation_of_the_root_signs_everybody_out_and_the_page_tells_of_it(admin, sign_in, read, web, store):
    assert "The root secret is the first one." in read(admin.get("/service/keys"))
    kept = web.config["SECRET_KEY"]
    rotate_root(store, None, NOW)
    out = admin.get("/service/keys")
    assert (out.status_code, out.location.partition("?")[0]) == (303, "/sign-in")
    time.sleep(1.1)  # by then the process has looked: a form that was open until now is asked for anew
    assert web.test_client().get("/readyz").status_code == 200
    again = sign_in("other@example.org", Role.ADMIN)
    page = read(again.get("/service/keys"))
    assert (f"{keys_status(store).left} values are still open to the keys of before.") in page
    assert web.config["SECRET_KEY"] == store.keyring.derive("session") != kept
    move_index(store)
    work = SealingAnew(store, threading.Event(), settles=0)
    while not store.keyring.is_settled:
        work.go_on(NOW)
    page = read(again.get("/service/keys"))
    assert "The root secret is number 2. Nothing in the database is open to the keys of before." in page
    assert "nothing is left of the keys before epoch 2: the rotation has ended" in read(again.get("/service/health"))


def test_shredding_asks_for_the_code_and_then_is_for_good(admin, post, read, alpha, store):
    answer = post(admin, "/service/keys", "/service/keys/shred", user="ALPHA", typed="BETA")
    assert answer.status_code == 422
    assert "What you typed is not the code of the User that you chose." in read(answer)
    assert not store.keyring.is_shredded(alpha.id)
    assert post(admin, "/service/keys", "/service/keys/shred", user="ALPHA", typed=" alpha ").status_code == 303
    page = read(admin.get("/service/keys"))
    assert "The data key of ALPHA is destroyed." in page
    assert "There is no User." in page


def test_health_says_when_the_record_was_checked_and_what_was_found(admin, read, register, store, clock):
    assert "Record Not checked yet." in read(admin.get("/service/health"))
    check_integrity(register, clock())
    page = read(admin.get("/service/health"))
    assert ("all rows are as they were written" in page, "overdue: the scheduler checks it" in page) == (True, False)
    check_integrity(register, clock() - timedelta(hours=2, minutes=1))
    assert "That is overdue: the scheduler checks it every hour." in read(admin.get("/service/health"))
    with store.writing() as connection:
        connection.execute(sa.text("UPDATE log SET kind = 'other' WHERE position = 0"))
    faults = check_integrity(register, clock())
    words = f"Something stored was altered: {faults} {'fault' if faults == 1 else 'faults'}."
    page = read(admin.get("/service/health"))
    assert (words in page, "Type closures record verify, which names it" in page) == (True, True)


def test_health_says_whether_the_scheduler_works(admin, read, store, clock):
    from app.store import runs
    from app.store.runs import JobRun

    assert "The scheduler is overdue. It has not run yet." in read(admin.get("/service/health"))
    with store.writing() as connection:
        runs.write_run(connection, JobRun("sweep", 0, clock(), "0 expired, 0 late changes"))
    assert "The scheduler works. It last swept just now" in read(admin.get("/service/health"))
    clock.forward(minutes=4)
    page = read(admin.get("/service/health"))
    assert "The scheduler is overdue. It last swept 4 min ago" in page
    assert "No calendar is read by us." in page


def test_health_says_that_the_clock_is_doubted(admin, read, register, clock):
    watch_clock(register, ClockReading(clock(), "a boot", timedelta(days=2)))
    assert "clock" not in read(admin.get("/service/health")).lower()
    watch_clock(register, ClockReading(clock(), "a boot", timedelta(days=1)))
    assert "The clock is doubted: 1 day, 0:00:00 ahead of its own pace." in read(admin.get("/service/health"))


@pytest.fixture
def upload(csrf):
    """Return a function that uploads DCC's dates for a preview."""

    def send(client, octets, kind="maintenance"):
        token = csrf(client.get("/service/maintenance"))
        sent = {"csrf_token": token, "kind": kind, "file": (io.BytesIO(octets), "a.ics")}
        return client.post("/service/maintenance/preview", data=sent)

    return send


def test_dccs_dates_are_previewed_taken_once_and_removed(dcc_client, upload, csrf, read):
    preview = upload(dcc_client, FILE)
    assert "As planned maintenance: 1 new, 0 moved, 0 withdrawn, 0 unchanged." in read(preview)
    assert "No dates yet" in read(dcc_client.get("/service/maintenance"))
    sent = {"csrf_token": csrf(preview), "form_id": re.search(r'name="form_id" value="(\w+)"', preview.text)[1]}
    for _ in range(2):
        assert dcc_client.post("/service/maintenance", data=sent).status_code == 303
        listed = dcc_client.get("/service/maintenance")
        assert "Taken: 1 added, 0 moved, 0 withdrawn." in read(listed)
    other = sent | {"form_id": "0" * 32}
    assert dcc_client.post("/service/maintenance", data=other).status_code == 409
    assert "Sat 12 Dec 2026 22:00 GMT to Sun 13 Dec 2026 06:00 GMT" in read(listed)
    assert "Nothing to take Everything in this file stands as it is already." in read(upload(dcc_client, FILE))
    reference = re.search(r"DM-[0-9A-Z]{10}", listed.text)[0]
    path = f"/service/maintenance/{reference}/remove"
    assert dcc_client.post(path, data={"csrf_token": csrf(listed)}).status_code == 303
    assert "No dates yet" in read(dcc_client.get("/service/maintenance"))
    assert dcc_client.post(path, data={"csrf_token": csrf(listed)}).status_code == 404


def test_a_file_of_dates_that_cannot_be_read_says_why(dcc_client, upload, read):
    for octets, kind, words in (
        (b"", "maintenance", "Choose a calendar file with at least one date in it."),
        (b"hello", "maintenance", "What helps:"),
        (FILE, "party", "Say whether the file holds maintenance or releases."),
    ):
        answer = upload(dcc_client, octets, kind)
        assert answer.status_code == 422
        assert words in read(answer)


def test_who_may_open_what(admin, dcc_client, alpha_client, sign_in):
    ops = sign_in("ops@example.org", Role.OPS)
    paths = ("policy", "holidays", "maintenance", "keys", "health")
    seen = {
        name: [client.get(f"/service/{path}").status_code for path in paths]
        for name, client in (("admin", admin), ("dcc", dcc_client), ("user", alpha_client), ("ops", ops))
    }
    assert seen == {
        "admin": [200, 200, 200, 200, 200],
        "dcc": [403, 403, 200, 403, 200],
        "user": [403, 403, 403, 403, 403],
        "ops": [403, 403, 403, 403, 200],
    }


def test_holidays_have_their_names_in_each_region(admin, read):
    england, both = (
        read(admin.get(f"/service/holidays?region={region}")) for region in ("england-and-wales", "gb-any")
    )
    assert (
        "Fri 25 Dec 2026 Christmas Day Sat 26 Dec 2026 Boxing Day Mon 28 Dec 2026 Boxing Day (observed) "
        "Fri 1 Jan 2027 New Year's Day Fri 26 Mar 2027 Good Friday Mon 29 Mar 2027 Easter Monday"
    ) in england
    assert "Sat 2 Jan 2027" not in england
    assert "Sat 2 Jan 2027 New Year Holiday" in both
