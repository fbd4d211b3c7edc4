"""The API (docs/api.md): what goes in, what comes out, and what a wrong question gets."""

import gzip
import io
import json
import zipfile
from base64 import b64encode
from datetime import UTC, date, datetime, time, timedelta
from email.message import EmailMessage

import pytest
from openpyxl import Workbook

from app.domain.access import Principal, Role
from app.jobs.sweep import sweep
from app.register.people.enrolment import issue_token, revoke_token
from app.register.reading import find_history
from app.register.rulebook import set_notice_policy
from app.register.verification import verify_record

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ICS = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{}END:VCALENDAR\r\n"
EVENT = (
    "BEGIN:VEVENT\r\nUID:{}\r\nDTSTAMP:20261124T080000Z\r\nDTSTART:{}\r\nDTEND:{}\r\nSUMMARY:Secret\r\nEND:VEVENT\r\n"
)
GOOD = EVENT.format("u1", "20270207T020000Z", "20270207T060000Z")
BAD = EVENT.format("u2", "20270207T060000Z", "20270207T020000Z")


@pytest.fixture
def tokens(store, alpha, enrolled):
    """Basic headers of two Users, of DCC and of ops."""
    enrolled("BETA", "GW-B1")
    found = {}
    for name, options in {
        "alpha": {"user_code": "ALPHA"}, "beta": {"user_code": "BETA"}, "dcc": {"role": Role.DCC}, "ops": {"role": Role.OPS},
    }.items():  # fmt: skip
        token_id, token = issue_token(store, label=name, now=NOW, **options)
        found[name] = {"Authorization": "Basic " + b64encode(f"{name}:{token}".encode()).decode()}
        found[f"{name} bearer"] = {"Authorization": f"Bearer {token}"}
        found[f"{name} id"] = token_id.hex()
    return found


@pytest.fixture
def api(web, tokens):
    client = web.test_client()

    def ask(path, who="alpha", method="GET", data=None, content_type="text/calendar", **headers):
        return client.open(
            f"/api/v1{path}", method=method, data=data, content_type=content_type if data is not None else None,
            headers=tokens.get(who, {}) | headers,
        )  # fmt: skip

    return ask


def give(api, *events, who="alpha", query="?gateway=GW-A1"):
    return api(f"/notices{query}", who, "POST", ICS.format("".join(events)).encode())


def test_a_notice_is_acknowledged_as_the_contract_says(api):
    answer = give(api, GOOD)
    (ack,) = answer.json["accepted"]
    assert answer.status_code == 200
    assert {name: ack[name] for name in (
        "gateway", "starts", "ends", "starts_london", "ends_london", "revision", "working_days_notice", "recommended",
        "band", "short_notice", "left_out", "clashes",
    )} == {
        "gateway": "GW-A1", "starts": "2027-02-07T02:00:00Z", "ends": "2027-02-07T06:00:00Z",
        "starts_london": "Sun 7 Feb 2027 02:00 GMT", "ends_london": "Sun 7 Feb 2027 06:00 GMT", "revision": 1,
        "working_days_notice": 50, "recommended": 20, "band": ">=20", "short_notice": False, "left_out": ["SUMMARY"],
        "clashes": [],
    }  # fmt: skip
    assert (ack["receipt"]["reference"], answer.json["problems"], answer.json["unchanged"]) == (
        ack["reference"],
        [],
        [],
    )


def test_one_bad_event_of_two_is_named_and_the_other_recorded(api):
    answer = give(api, GOOD, BAD)
    (problem,) = answer.json["problems"]
    assert (answer.status_code, len(answer.json["accepted"]), problem["line"], problem["property"]) == (
        200,
        1,
        15,
        "DTEND",
    )
    assert problem["text"]
    assert problem["remedy"]
    assert answer.json["counts"] == {
        "events": 2, "taken": 1, "with_problems": 1, "left_out": 0, "closures": 1, "vanished": 0,
    }  # fmt: skip


def test_all_or_nothing(api, register):
    before = verify_record(register).size
    answer = give(api, GOOD, BAD, query="?gateway=GW-A1&all_or_nothing=1")
    assert (answer.status_code, answer.json["recorded"], answer.json["accepted"]) == (422, False, [])
    assert verify_record(register).size == before + 1


def test_nothing_readable_is_422_and_kept(api, register):
    before = verify_record(register).size
    answer = api("/notices", data=b"hello", method="POST")
    assert (answer.status_code, answer.mimetype, answer.json["code"]) == (422, "application/problem+json", "unreadable")
    assert answer.json["problems"][0]["remedy"]
    assert give(api, BAD).status_code == 422
    assert verify_record(register).size == before + 2


def test_a_dry_run_changes_nothing(api, register):
    before = verify_record(register).size
    answer = give(api, GOOD, query="?gateway=GW-A1&dry_run=1")
    assert (answer.status_code, answer.json["recorded"], len(answer.json["accepted"])) == (200, False, 1)
    assert verify_record(register).size == before


def test_which_gateway_is_never_guessed(api):
    (problem,) = give(api, GOOD, query="").json["problems"]
    assert ("GW-A1" in problem["remedy"] + problem["text"], "GW-A2" in problem["remedy"] + problem["text"]) == (
        True,
        True,
    )
    assert give(api, GOOD, query="", who="beta").json["accepted"][0]["gateway"] == "GW-B1"


@pytest.mark.parametrize(("octets", "status"), [(b"x" * 1_000_001, 413), (b"x" * 1_000_000, 422)])
def test_the_limit_is_named(api, octets, status):
    answer = api("/notices", data=octets, method="POST")
    assert answer.status_code == status
    assert status == 422 or "1 MB" in answer.json["detail"]


def test_a_mail_is_its_first_part_that_is_a_notice(api):
    mail = EmailMessage()
    mail["From"] = "anybody@example.org"
    mail.set_content("See the attachment.")
    mail.add_attachment(ICS.format(GOOD).encode(), maintype="text", subtype="calendar", filename="a.ics")
    said = api("/notices?gateway=GW-A1", "alpha", "POST", mail.as_bytes(), content_type="message/rfc822")
    (ack,) = said.json["accepted"]
    assert (said.status_code, ack["starts"], ack["gateway"]) == (200, "2027-02-07T02:00:00Z", "GW-A1")
    said = api("/notices", "alpha", "POST", b"Content-Type: message/rfc822\n\n" * 40, content_type="message/rfc822")
    assert (said.status_code, said.json["problems"][0]["code"]) == (422, "mail-too-deep")


def test_sheets_and_listings(api):
    sheet = b"gateway,starts,ends,reference\nGW-A1,2027-03-28T01:30,2027-03-28T06:00,change-1\n"
    (ack,) = api("/notices", data=sheet, method="POST", content_type="text/csv").json["accepted"]
    assert (ack["starts"], len(ack["remarks"])) == ("2027-03-28T01:00:00Z", 1)
    listing = json.dumps({"closures": [{"gateway": "GW-A2", "starts": "2027-02-07T02:00", "ends": "2027-02-07T04:00"}]})
    (ack,) = api("/notices", data=listing.encode(), method="POST", content_type="application/json").json["accepted"]
    assert ack["gateway"] == "GW-A2"
    assert api("/notices", data=b"x", method="POST", content_type="image/png").status_code == 422


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def workbook(*rows):
    book = Workbook()
    for row in (["gateway", "starts", "ends", "reference"], *rows):
        book.active.append(row)
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def test_a_workbook_is_a_sheet(api):
    octets = workbook(
        ["GW-A1", datetime(2027, 2, 7, 2), datetime(2027, 2, 7, 4), "change-1"],
        ["GW-A1", date(2027, 2, 13), date(2027, 2, 14), "change-2"],
        ["GW-A1", "02:00-06:00", "Sunday", "change-3"],
    )
    dry = api("/notices?dry_run=1", data=octets, method="POST", content_type=XLSX).json
    answer = api("/notices", data=octets, method="POST", content_type=XLSX)
    assert answer.status_code == 200
    told = [(ack["starts"], ack["ends"], ack["remarks"]) for ack in answer.json["accepted"]]
    assert told == [
        ("2027-02-07T02:00:00Z", "2027-02-07T04:00:00Z", []),
        (
            "2027-02-13T00:00:00Z",
            "2027-02-15T00:00:00Z",
            [
                "Without a time, the start is the beginning of 13 Feb 2027.",
                "Without a time, the end is the end of 14 Feb 2027: that day is included.",
            ],
        ),
    ]
    assert [(ack["starts"], ack["ends"], ack["remarks"]) for ack in dry["accepted"]] == told
    assert [(one["line"], one["property"], one["text"]) for one in answer.json["problems"]] == [
        (4, "starts", "This cell holds a start and an end.")
    ]


def test_a_dry_run_says_how_dates_were_read(api):
    sheet = b"gateway,starts,ends,reference\r\nGW-A1,07/02/2027 2am,07/02/2027 4am,a\r\nGW-A1,14/02/2027 2am,14/02/2027 4am,b\r\n"
    said = api("/notices?dry_run=1", data=sheet, method="POST", content_type="text/csv").json
    assert [ack["starts"] for ack in said["accepted"]] == ["2027-02-07T02:00:00Z", "2027-02-14T02:00:00Z"]
    assert said["remarks"] == ["Dates were read day first (dd/mm/yyyy): row 3 has a day over 12."]
    undecided = sheet.replace(b"14/02", b"12/02")
    said = api("/notices?dry_run=1", data=undecided, method="POST", content_type="text/csv")
    assert (said.status_code, said.json["accepted"]) == (422, [])
    assert [(one["line"], one["property"], one["remedy"]) for one in said.json["problems"]] == [
        (2, "starts", "Write 2026-12-06 or 6 Dec 2026, in this row or in all."),
        (3, "starts", "Write 2026-12-06 or 6 Dec 2026, in this row or in all."),
    ]


def test_a_bomb_is_too_large(api):
    held = io.BytesIO(workbook())
    with zipfile.ZipFile(held, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.png", b"\0" * 10_000_000)
    answer = api("/notices", data=held.getvalue(), method="POST", content_type=XLSX)
    assert (answer.status_code, answer.json["type"]) == (413, "about:blank#too-large")


def test_without_a_type_the_octets_say_what_a_notice_is(api):
    sheet = b"gateway,starts,ends,reference\rGW-A1,2027-03-14T01:30,2027-03-14T06:00,change-1\r"
    listing = b'[{"gateway": "GW-A2", "starts": "2027-02-07T02:00", "ends": "2027-02-07T04:00"}]'
    for octets, gateway in ((sheet, "GW-A1"), (listing, "GW-A2"), (ICS.format(GOOD).encode(), "GW-A1")):
        answer = api(
            "/notices?gateway=GW-A1" if b"VEVENT" in octets else "/notices", data=octets, method="POST", content_type=""
        )
        assert [ack["gateway"] for ack in answer.json["accepted"]] == [gateway]


def test_a_compressed_notice_is_refused_with_what_helps(api):
    packed = gzip.compress(ICS.format(GOOD).encode())
    for octets, headers in ((packed, {"Content-Encoding": "gzip"}), (packed, {}), (b"x", {"Content-Encoding": "br"})):
        answer = api("/notices?gateway=GW-A1", data=octets, method="POST", **headers)
        assert (answer.status_code, answer.json["code"]) == (415, "compressed")
        assert answer.json["remedy"] == "Send it as it is, without compression and without Content-Encoding."
    plain = api(
        "/notices?gateway=GW-A1", data=ICS.format(GOOD).encode(), method="POST", **{"Content-Encoding": "identity"}
    )
    assert plain.status_code == 200


def test_an_event_that_changed_nothing_but_its_title_to_cancelled_is_told_how_to_withdraw(api):
    how = "To withdraw it, press Withdraw this closure on its page, or send it with STATUS:CANCELLED."
    give(api, GOOD)
    again = give(api, GOOD.replace("SUMMARY:", "SUMMARY:Canceled: ").replace("T080000Z", "T090000Z")).json
    assert ([ack["state"] for ack in again["unchanged"]], again["withdrawn"]) == (["planned"], [])
    assert again["unchanged"][0]["remarks"] == [
        f"Its title says that it is cancelled, but the closure stays planned. {how}"
    ]
    newer = GOOD.replace("T080000Z", "T100000Z").replace("END:VEVENT", "X-MAINTNOTE-STATUS:CANCELLED\r\nEND:VEVENT")
    gone = give(api, newer).json
    assert [ack["state"] for ack in gone["withdrawn"]] == ["withdrawn"]


def test_who_may_do_what(api, tokens, store):
    (ack,) = give(api, GOOD).json["accepted"]
    path = f"/closures/{ack['reference']}"
    assert [api(path, who).status_code for who in ("alpha", "alpha bearer", "dcc", "ops", "beta", "nobody")] == [
        200, 200, 200, 200, 404, 401,
    ]  # fmt: skip
    assert [api(path, who, "DELETE").status_code for who in ("beta", "ops", "nobody")] == [404, 403, 401]
    missing = api("/closures/CN-0000000000", "beta")
    foreign = api(path, "beta")
    assert (missing.status_code, missing.data) == (foreign.status_code, foreign.data)
    assert give(api, GOOD, who="ops").status_code == 403
    assert (
        give(api, GOOD, who="beta", query="?user=ALPHA").json == give(api, GOOD, who="beta", query="?user=NOBODY").json
    )
    assert give(api, GOOD, who="dcc", query="?user=ALPHA&gateway=GW-A1").status_code == 200
    assert give(api, GOOD, who="dcc").status_code == 404
    revoke_token(store, tokens["alpha id"], NOW)
    refused = api(path)
    assert (refused.status_code, refused.headers["WWW-Authenticate"][:5]) == (401, "Basic")


def test_the_user_name_must_be_the_users_code(api, tokens):
    wrong = b64encode(b64decoded(tokens["alpha"]).replace(b"alpha:", b"beta:", 1)).decode()
    assert api("/closures", "", Authorization=f"Basic {wrong}").status_code == 401
    upper = b64encode(b64decoded(tokens["alpha"]).replace(b"alpha:", b"ALPHA:", 1)).decode()
    assert api("/closures", "", Authorization=f"Basic {upper}").status_code == 200


def b64decoded(headers):
    from base64 import b64decode

    return b64decode(headers["Authorization"].split()[1])


def test_closures_are_asked_for_by_span_user_gateway_state_and_instant(api, clock):
    (ack,) = give(api, GOOD).json["accepted"]
    give(api, EVENT.format("b", "20270207T020000Z", "20270207T060000Z"), who="beta", query="")
    span = "from=2027-02-01&to=2027-03-01"

    def found(query, who="dcc"):
        return sorted(one["user"] for one in api(f"/closures?{query}", who).json["closures"])

    assert found(span) == ["ALPHA", "BETA"]
    assert found(span, "alpha") == ["ALPHA"]
    assert found(f"{span}&user=beta") == ["BETA"]
    assert found(f"{span}&gateway=gw-a1") == ["ALPHA"]
    assert found(f"{span}&state=withdrawn") == []
    assert found("from=2027-02-07T06:00&to=2027-03-01") == []
    assert found(f"{span}&as_of=2026-11-24T08:59:59Z") == []
    assert found(f"{span}&as_of=2026-11-24T09:00:00Z") == ["ALPHA", "BETA"]
    clock.forward(hours=1)
    assert len(api(f"/closures/{ack['reference']}", method="DELETE").json["withdrawn"]) == 1
    assert found(f"{span}&state=withdrawn") == ["ALPHA"]


@pytest.mark.parametrize(
    "query",
    [
        "from=soon",
        "from=2027-01-02&to=2027-01-01",
        "from=2000-01-01&to=2027-01-01",
        "state=broken",
        "user=!",
        "as_of=x",
    ],
)
def test_a_wrong_question_is_400_with_a_remedy(api, query):
    answer = api(f"/closures?{query}")
    assert (answer.status_code, answer.mimetype, bool(answer.json["remedy"])) == (400, "application/problem+json", True)


def test_a_flag_is_yes_or_no(api):
    assert give(api, GOOD, query="?dry_run=maybe").status_code == 400


def test_the_history_shows_a_senders_own_remarks_to_the_sender_only(api):
    floating = GOOD.replace("20270207T020000Z", "20270207T020000").replace("20270207T060000Z", "20270207T060000")
    (ack,) = give(api, floating).json["accepted"]
    path = f"/closures/{ack['reference']}/revisions"
    (own,), (others,) = api(path).json["revisions"], api(path, "dcc").json["revisions"]
    assert (len(own["remarks"]) > 0, own["left_out"], others["remarks"], others["left_out"]) == (
        True,
        ["SUMMARY"],
        [],
        [],
    )


def test_a_notice_given_for_another_is_marked_so(api, register):
    moved = GOOD.replace("20270207", "20270208")
    (ack,) = give(api, GOOD).json["accepted"]
    give(api, moved, who="dcc", query="?user=ALPHA&gateway=GW-A1")
    told = find_history(register, Principal("dcc", Role.DCC), ack["reference"])
    assert [one.given_by for one, _ in told] == ["alpha", "dcc, DCC staff, on behalf of ALPHA"]


def test_a_history_as_it_was_known(api, clock):
    first = give(api, GOOD).json["accepted"][0]["reference"]
    clock.forward(minutes=1)
    give(api, GOOD.replace("20270207T060000Z", "20270207T070000Z"))

    def known(as_of):
        answer = api(f"/closures/{first}/revisions?as_of={as_of}")
        return answer.status_code, [one["change"] for one in answer.json.get("revisions", [])]

    assert known("2026-11-24T08:59:59Z") == (404, [])
    assert known("2026-11-24T09:00:00Z") == (200, ["first notice"])
    assert known("2026-11-24T09:01:00Z") == (200, ["first notice", "lengthened"])


def test_late_changes(api, register):
    give(api, EVENT.format("late", "20261201T020000Z", "20261201T060000Z"), GOOD)
    sweep(register, NOW)
    for who, count in (("alpha", 1), ("dcc", 1), ("beta", 0)):
        found = api("/late-changes", who).json["late_changes"]
        assert [(one["gateway"], one["change_days"], one["band"]) for one in found] == [("GW-A1", 4, "2-4")] * count
    assert api("/late-changes?from=2026-11-25&to=2026-11-26").json["late_changes"] == []
    assert api("/late-changes", "ops").status_code == 403


def test_notice_period(api):
    answer = api("/notice-period?start=2026-02-02T02:00&given_on=2026-01-05").json
    assert (answer["working_days_notice"], answer["band"], answer["last_on_time_day"], answer["recommended"]) == (
        19, "10-19", "2026-01-04", 20,
    )  # fmt: skip
    assert api("/notice-period").status_code == 400
    assert api("/notice-period?start=00010101").json["last_on_time_day"] == "0001-01-01"


def test_a_notice_after_the_cut_off_hour_says_from_when_it_counts_and_keeps_its_verdict(api, store, clock):
    def told():
        (ack,) = give(api, GOOD, query="?gateway=GW-A1&dry_run=1").json["accepted"]
        return ack["working_days_notice"], ack["counted_from"], ack["notice"]

    def set_cut_off(cut_off):
        set_notice_policy(
            store, recommended_days=20, holiday_region="england-and-wales", valid_from=clock().date(), now=clock(),
            cut_off=cut_off,
        )  # fmt: skip

    set_cut_off(time(16, 30))
    assert told() == (50, None, "50 Working Days' notice; 20 are recommended.")
    clock.now = NOW.replace(hour=16, minute=31)
    late = (
        49,
        "2026-11-25",
        (
            "49 Working Days' notice; 20 are recommended; counted from the next Working Day, Wed 25 Nov 2026, "
            "because it came after 16:30."
        ),
    )
    assert told() == late
    (ack,) = give(api, GOOD).json["accepted"]
    set_cut_off(None)
    assert (ack["working_days_notice"], ack["counted_from"], ack["notice"]) == late
    (entry,) = api(f"/closures/{ack['reference']}/revisions").json["revisions"]
    assert (entry["notice"]["working_days_notice"], entry["notice"]["counted_from"]) == (49, "2026-11-25")
    assert api(f"/closures/{ack['reference']}").json["working_days_notice"] == 49
    assert give(api, GOOD).json["unchanged"][0]["notice"] == late[2]


def test_an_unforeseen_fault_is_500_without_a_trace(web, tokens, monkeypatch):
    from app.web.api import notices_and_closures as module

    monkeypatch.setattr(module.reading, "read_schedule", lambda *_: 1 / 0)
    answer = web.test_client().get("/api/v1/closures", headers=tokens["alpha"])
    assert (answer.status_code, answer.json["code"], b"Zero" in answer.data) == (500, "unforeseen", False)


def test_a_write_by_a_session_needs_the_forms_token(alpha_client):
    refused = alpha_client.post("/api/v1/notices", data=GOOD, content_type="text/calendar")
    assert (refused.status_code, refused.mimetype) == (400, "application/problem+json")


def test_forms_work_over_https(settings, service, clock):
    """Our pages send no Referer; Flask-WTF's strict check would refuse every form of a site on TLS."""
    import re

    from app.factory import create_app
    from app.register.people.enrolment import open_account

    app = create_app(settings.model_copy(update={"base_url": "https://closures.example.org"}), now=clock)
    token = open_account(service.store, "a@example.org", Role.ADMIN, (), clock())
    client = app.test_client()
    page = client.get(f"/sign-in/{token}", base_url="https://closures.example.org")
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
    form = re.findall(r'name="csrf_token" value="([^"]+)"', page.text)[-1]
    answer = client.post(f"/sign-in/{token}", data={"csrf_token": form}, base_url="https://closures.example.org")
    assert (answer.status_code, "__Host-closures=" in answer.headers["Set-Cookie"]) == (303, True)
    app.extensions["closures"].store.close()


def test_lateness_is_never_refused(api):
    for hours in (-400 * 24, -1, 1, 48):
        starts = NOW + timedelta(hours=hours)
        event = EVENT.format(f"h{hours}", f"{starts:%Y%m%dT%H%M%SZ}", f"{starts + timedelta(hours=3):%Y%m%dT%H%M%SZ}")
        answer = give(api, event)
        assert (answer.status_code, len(answer.json["accepted"])) == (200, 1)
