"""Sixty notices, and the fifteen questions of docs/questions.md about them, each answered beforehand by hand.

The Sundays are 3 Jan (n=0), 10, 17, 24, 31 Jan, 7, 14, 21, 28 Feb and 7 Mar 2027 (n=9). On each of them, told on Tue
24 Nov 2026: GW-A1 is closed 02:00-04:00, GW-B1 03:00-05:00, GW-G1 04:00-06:00 and GW-D1 10:00-12:00 (40 notices).

  4 Jan   B9 moved to 14 Mar; G5 lengthened to 07:00; G6 withdrawn           5 Jan   B9 moved again, to 21 Mar
  8 Jan   GW-A2 at 20:00-22:00 on 13, 14, 15, 18, 19, 20, 21 and 22 Jan: eight first notices at short notice
 14 Jan   D2 (17 Jan) withdrawn, one Working Day (15 Jan) before: short      24 Feb   A8 moved to 06:00-08:00, short
 20 Feb   BETA says again what B0 was                                         1 Mar   GAMMA sends what cannot be read
GW-A2 and GW-D1 close over both nights on which the clocks change, told on 24 Nov: 28 Mar 2027 00:00-06:00 London, which
is five hours, and 31 Oct 2027 00:00-06:00 London, which is seven. OMEGA is a User and says nothing.

DCC's own dates: maintenance on Sun 10 Jan 01:00-03:00, a SEC Release on Thu 25 Feb, both told on 1 Dec 2026.
The scheduler runs once, on Mon 8 Mar 2027 09:00, which is now.
"""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.access import Role
from app.domain.maintenance import MaintenanceKind
from app.domain.notice import Channel, Notice, NoticeContent
from app.jobs.sweep import sweep
from app.register.maintenance import import_maintenance
from app.register.people import enrolment
from app.register.receive import keep_notice

TOLD = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
NOW = datetime(2027, 3, 8, 9, 0, tzinfo=UTC)
SUNDAY = datetime(2027, 1, 3, tzinfo=UTC)
HOURS = {"A": ("GW-A1", 2), "B": ("GW-B1", 3), "G": ("GW-G1", 4), "D": ("GW-D1", 10)}


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def on(n, hour):
    return SUNDAY + timedelta(days=7 * n, hours=hour)


@pytest.fixture(scope="module")
def world(make_world, announced):
    world = make_world(TOLD)
    users = {
        "A": world.enrol("ALPHA", "Large Supplier", "GW-A1", "GW-A2"),
        "B": world.enrol("BETA", "Large Supplier", "GW-B1"),
        "G": world.enrol("GAMMA", "Small Supplier", "GW-G1"),
        "D": world.enrol("DELTA", "Electricity Network", "GW-D1"),
    }
    world.enrol("OMEGA", "Other", "GW-O1")
    world.let_in("dcc", role=Role.DCC)
    world.let_in("ops", role=Role.OPS)
    world.let_in("beta", user_code="BETA")
    world.names = {}

    def tell(at, letter, name, gateway, starts, ends, **facts):
        outcome = world.give(users[letter], announced(name, gateway, starts, ends, **facts), at=at)
        (ack,) = (*outcome.accepted, *outcome.withdrawn, *outcome.unchanged)
        world.names[name] = ack.closure.reference

    for n in range(10):
        for letter, (gateway, hour) in HOURS.items():
            tell(TOLD, letter, f"{letter}{n}", gateway, on(n, hour), on(n, hour + 2), left_out=("SUMMARY",))
    for letter, gateway in (("A", "GW-A2"), ("D", "GW-D1")):
        tell(TOLD, letter, f"{letter} spring", gateway, utc("2027-03-28T00:00"), utc("2027-03-28T05:00"))
        tell(TOLD, letter, f"{letter} autumn", gateway, utc("2027-10-30T23:00"), utc("2027-10-31T06:00"))
    for at, kind, starts, ends in (
        ("2026-12-01T09:00", MaintenanceKind.MAINTENANCE, "2027-01-10T01:00", "2027-01-10T03:00"),
        ("2026-12-01T09:00", MaintenanceKind.RELEASE, "2027-02-25T08:00", "2027-02-25T18:00"),
    ):
        reading = NoticeContent((announced(kind.value, "DCC", utc(starts), utc(ends)),), (), events=1)
        (made,) = import_maintenance(world.service.register, kind, reading, utc(at)).added
        world.names[kind.value] = made.reference
    tell(utc("2027-01-04T10:00"), "B", "B9", "GW-B1", on(10, 3), on(10, 5))
    tell(utc("2027-01-04T10:01"), "G", "G5", "GW-G1", on(5, 4), on(5, 7))
    tell(utc("2027-01-04T10:02"), "G", "G6", "GW-G1", on(6, 4), on(6, 6), withdrawn=True)
    tell(utc("2027-01-05T10:00"), "B", "B9", "GW-B1", on(11, 3), on(11, 5))
    for day in (13, 14, 15, 18, 19, 20, 21, 22):
        starts = datetime(2027, 1, day, 20, tzinfo=UTC)
        tell(utc("2027-01-08T12:00"), "A", f"A2 {day}", "GW-A2", starts, starts + timedelta(hours=2))
    tell(utc("2027-01-14T09:00"), "D", "D2", "GW-D1", on(2, 10), on(2, 12), withdrawn=True)
    tell(utc("2027-02-20T09:00"), "B", "B0", "GW-B1", on(0, 3), on(0, 5))
    tell(utc("2027-02-24T09:00"), "A", "A8", "GW-A1", on(8, 6), on(8, 8))
    unread = Notice("GAMMA", Channel.API, utc("2027-03-01T09:00"), "text/calendar", b"canary", "a test")
    keep_notice(world.service.register, users["G"], unread)
    sweep(world.service.register, NOW)
    world.clock.now = NOW
    return world


@pytest.fixture
def known(world):
    """Return a function that gives our names of closures for the references in an answer."""
    names = {reference: name for name, reference in world.names.items()}
    return lambda closures: [names[one["reference"]] for one in closures]


def test_q1_which_gateways_are_closed_on_a_sunday_and_how_many_at_peak(world, known):
    # 17 Jan 02:00-06:00: A1 02-04, B1 03-05, G1 04-06; D2 is withdrawn. As A1 re-opens G1 closes: two from 03 to 05.
    said = world.ask("closed", from_="2027-01-17T02:00", to="2027-01-17T06:00").json
    assert (said["gateways"], known(said["closures"])) == (["GW-A1", "GW-B1", "GW-G1"], ["A2", "B2", "G2"])
    assert said["peak"] == {
        "closed": 2, "starts": "2027-01-17T03:00:00Z", "ends": "2027-01-17T05:00:00Z",
        "starts_london": "Sun 17 Jan 2027 03:00 GMT", "ends_london": "Sun 17 Jan 2027 05:00 GMT",
    }  # fmt: skip
    assert said["answer"] == (
        "3 gateways closed in Sun 17 Jan 2027 02:00-06:00 GMT; at most 2 at once, Sun 17 Jan 2027 03:00-05:00 GMT."
    )


def test_q2_which_closures_overlap_maintenance_or_a_release_day(world, known):
    # Maintenance 10 Jan 01-03: A1 from 02 to 03; B1 begins as it ends. The release is on Thu 25 Feb: within two days
    # (the threshold) there is no closure, within three days all of Sun 28 Feb.
    span = {"from_": "2027-01-01", "to": "2027-03-08"}
    on_maintenance = world.ask("clashes", maintenance=world.names["maintenance"], **span).json["maintenance_clashes"]
    assert [(known([one["closure"]]), one["starts"], one["ends"]) for one in on_maintenance] == [
        (["A1"], "2027-01-10T02:00:00Z", "2027-01-10T03:00:00Z")
    ]
    release = {"maintenance": world.names["release"], **span}
    assert world.ask("clashes", **release).json["maintenance_clashes"] == []
    near = world.ask("clashes", release_days=3, **release).json["maintenance_clashes"]
    assert known([one["closure"] for one in near]) == ["B8", "G8", "A8", "D8"]
    # Pairs in January: A-B 03-04 and B-G 04-05 on each of five Sundays.
    said = world.ask("clashes", from_="2027-01-01", to="2027-02-01").json
    assert [known(one["closures"]) for one in said["clashes"]] == [
        pair for n in range(5) for pair in ([f"A{n}", f"B{n}"], [f"B{n}", f"G{n}"])
    ]
    assert said["answer"] == "10 clashes between gateways, 1 closure on DCC's own dates, no hours above a threshold."


def test_q3_who_gave_less_than_20_working_days_last_quarter(world, known):
    # Received from January to March: eight first notices on 8 Jan, and as changes D2 (1 WD) and A8 (2 WD).
    said = world.ask("late-changes", from_="2027-01-01", to="2027-04-01").json
    assert (said["first_notices"], said["changes"]) == (8, 2)
    assert known(said["late_changes"]) == [*(f"A2 {day}" for day in (13, 14, 15, 18, 19, 20, 21, 22)), "D2", "A8"]
    assert [one["change_days"] for one in said["late_changes"][-2:]] == [1, 2]
    report = {one["user"]: one for one in world.ask("late-report", period="2027-Q1").json["rows"]}
    # ALPHA: eight first notices and one move; BETA two moves, on time; DELTA one withdrawal; GAMMA two changes, on time.
    assert {user: tuple(list(one.values())[2:7]) for user, one in report.items()} == {
        "ALPHA": (9, 8, 8, 1, 1), "BETA": (2, 0, 0, 2, 0), "DELTA": (1, 0, 0, 1, 1), "GAMMA": (2, 0, 0, 2, 0),
    }  # fmt: skip
    assert {one["policy_versions"] for one in report.values()} == {"1"}


def test_q4_what_did_we_know_on_one_day_about_another(world, known):
    # Of Sun 7 Mar we knew A9, B9, G9 and D9 until B9 was moved on 4 Jan at 10:00.
    day = {"from_": "2027-03-07", "to": "2027-03-08"}
    assert known(world.ask("closures", as_of="2027-01-04T09:59:59Z", **day).json["closures"]) == [
        "A9",
        "B9",
        "G9",
        "D9",
    ]
    assert known(world.ask("closures", as_of="2027-01-04T10:00:00Z", **day).json["closures"]) == ["A9", "G9", "D9"]
    assert known(world.ask("closures", as_of="2026-11-24T08:59:59Z", **day).json["closures"]) == []
    then = world.ask(f"closures/{world.names['B9']}", as_of="2027-01-04T12:00:00Z").json
    assert (then["starts"], then["revision"], then["moves"]) == ("2027-03-14T03:00:00Z", 2, 1)
    assert world.ask(f"closures/{world.names['B9']}", as_of="2026-11-01").status_code == 404


def test_q5_what_changed_between_two_instants(world, known):
    said = world.ask("changes", since="2027-01-04", until="2027-01-06").json
    assert [(known([one]), one["change"], one["late"]) for one in said["changes"]] == [
        (["B9"], "moved", False), (["G5"], "lengthened", False), (["G6"], "withdrawn", False), (["B9"], "moved", False),
    ]  # fmt: skip
    assert said["answer"] == (
        "4 changes between Mon 4 Jan 2027 00:00 GMT and Wed 6 Jan 2027 00:00 GMT: "
        "2 moved, 1 lengthened, 1 withdrawn; none at short notice."
    )
    assert said["changes"][0]["before"]["starts"] == "2027-03-07T03:00:00Z"
    # An end is not part of the span.
    assert known(world.ask("changes", since="2027-01-04T10:00Z", until="2027-01-04T10:01Z").json["changes"]) == ["B9"]


def test_q6_the_full_history_of_a_closure(world):
    said = world.ask(f"closures/{world.names['B9']}/revisions").json["revisions"]
    assert [(one["revision"], one["change"], one["channel"], one["received_at"], one["starts"]) for one in said] == [
        (1, "first notice", "api", "2026-11-24T09:00:00Z", "2027-03-07T03:00:00Z"),
        (2, "moved", "api", "2027-01-04T10:00:00Z", "2027-03-14T03:00:00Z"),
        (3, "moved", "api", "2027-01-05T10:00:00Z", "2027-03-21T03:00:00Z"),
    ]


def test_q7_incident_triage(world, known):
    # From 24 Nov to 17 Jan: 3 + 5 + 5 + 5 + 4 (21-24 Dec) + 3 (29-31 Dec) + 5 + 5 = 35 Working Days.
    inside = world.ask("closed", gateway="gw-a1", at="2027-01-17T03:00").json
    assert inside["answer"] == (
        "GW-A1 is in a planned closure, Sun 17 Jan 2027 02:00-04:00 GMT: 35 Working Days' notice; 20 are recommended."
    )
    assert (inside["closed"], known(inside["inside"]), inside["nearest"]) == (True, ["A2"], None)
    # A8 was moved on 24 Feb: at 03:00 of 28 Feb it is three hours ahead, and on 20 Feb it was still there.
    outside = world.ask("closed", gateway="GW-A1", at="2027-02-28T03:00").json
    assert outside["answer"] == (
        "GW-A1 is not in a planned closure at Sun 28 Feb 2027 03:00 GMT; "
        "its next closure is Sun 28 Feb 2027 06:00-08:00 GMT: 2 Working Days' notice; 20 are recommended."
    )
    assert (outside["closed"], known([outside["nearest"]])) == (False, ["A8"])
    then = world.ask("closed", gateway="GW-A1", at="2027-02-28T03:00", as_of="2027-02-20").json
    assert (then["closed"], known(then["inside"])) == (True, ["A8"])
    # At 21:00 on 7 Jan nobody had told us of GW-A2's thirteenth; far from every window the nearest is still found.
    far = world.ask("closed", gateway="GW-A2", at="2028-06-01T00:00").json
    assert known([far["nearest"]]) == ["A autumn"]
    assert far["answer"] == (
        "GW-A2 is not in a planned closure at Thu 1 Jun 2028 00:00 BST; "
        f"its last closure ended {far['nearest']['ends_london']}."
    )
    never = world.ask("closed", gateway="GW-O1", at="2027-01-01").json
    assert never["answer"] == "GW-O1 is not in a planned closure at Fri 1 Jan 2027 00:00 GMT, and none is known."


def test_q7_another_users_gateway_answers_like_one_that_is_not_there(world):
    foreign, missing = (world.ask("closed", "beta", gateway=code, at=NOW) for code in ("GW-A1", "GW-NONE"))
    assert (foreign.status_code, foreign.data) == (404, missing.data)


def test_q8_which_windows_are_open_and_which_expired(world, known):
    said = world.ask("closed", at="2027-03-07T10:30").json
    assert (said["gateways"], known(said["inside"])) == (["GW-D1"], ["D9"])
    # Passed by 8 Mar: ten of A, nine of B (not B9), nine of G (not G6), nine of D (not D2), eight of GW-A2.
    expired = world.ask("closures", from_="2027-01-01", to="2027-04-01", state="expired").json["closures"]
    assert len(expired) == 45
    assert not {"B9", "G6", "D2"} & set(known(expired))


def test_q9_the_next_window_in_which_fewer_than_k_gateways_are_closed(world):
    # From 17 Jan 02:00: free at 06:00 when G1 re-opens (D2 is withdrawn), until GW-A2 closes on Mon 18 Jan at 20:00.
    span = {"from_": "2027-01-17T02:00", "to": "2027-01-19T00:00"}
    said = world.ask("free-slots", hours=4, below=1, **span).json
    assert [(one["starts"], one["ends"]) for one in said["slots"]] == [("2027-01-17T06:00:00Z", "2027-01-18T20:00:00Z")]
    # On New Year's Day D2 stood (10-12) and GW-A2 was not told of.
    then = world.ask("free-slots", hours=4, below=1, as_of="2027-01-01", **span).json
    assert [(one["starts"][5:16], one["ends"][5:16]) for one in then["slots"]] == [
        ("01-17T06:00", "01-17T10:00"), ("01-17T12:00", "01-19T00:00"),
    ]  # fmt: skip
    # Fewer than two: 02:00-03:00, and from 05:00 on.
    two = world.ask("free-slots", hours=1, below=2, **span).json
    assert [(one["starts"][11:16], one["ends"][11:16]) for one in two["slots"]] == [
        ("02:00", "03:00"),
        ("05:00", "00:00"),
    ]
    assert said["answer"] == (
        "The next window of at least 4 h with fewer than 1 gateway closed is "
        "Sun 17 Jan 2027 06:00 GMT to Mon 18 Jan 2027 20:00 GMT."
    )


def test_q10_the_hours_with_most_reopenings(world):
    # In March only the spring night has two gateways that re-open together, at 06:00 BST = 05:00 UTC.
    said = world.ask("busiest-hours", from_="2027-03-08", to="2027-04-01", most=2).json
    assert [(one["hour"], one["reopening"], one["closed"]) for one in said["hours"]] == [
        ("2027-03-28T05:00:00Z", 2, 0), ("2027-03-21T05:00:00Z", 1, 0),
    ]  # fmt: skip
    # Two of ... GW-A2 is one of three gateways of Large Suppliers, GW-D1 the only one of Electricity Networks.
    night = world.ask("busiest-hours", from_="2027-03-28T00:00Z", to="2027-03-28T05:00Z", most=10).json["hours"]
    assert [(one["hour"][11:13], one["closed"]) for one in night] == [(f"{hour:02}", 2) for hour in range(5)]
    assert {tuple(one["shares"].items()) for one in night} == {
        (("Electricity Network", 1.0), ("Large Supplier", 0.3333))
    }
    autumn = world.ask("busiest-hours", from_="2027-10-30T23:00Z", to="2027-10-31T06:00Z", most=10).json["hours"]
    assert len(autumn) == 7


def test_q11_the_last_on_time_day(world):
    # Back from Sun 3 Jan: 31-29 Dec are 3, 24-21 are 7, 18-14 are 12, 11-7 are 17, 4, 3 and 2 Dec make 20: told on 1 Dec.
    said = world.ask("notice-period", start="2027-01-03T02:00", given_on="2026-12-02").json
    assert (said["last_on_time_day"], said["working_days_notice"], said["short_notice"]) == ("2026-12-01", 19, True)


def test_q12_which_users_have_filed_nothing_for_months(world):
    # One month before 8 Mar is 8 Feb: ALPHA told us on 24 Feb, BETA repeated itself, GAMMA's could not be read.
    said = world.ask("silent-users", months=1).json
    assert [(one["user"], one["last_notice"]) for one in said["users"]] == [
        ("OMEGA", None),
        ("DELTA", "2027-01-14T09:00:00Z"),
    ]
    assert said["answer"] == "2 Users filed nothing since Mon 8 Feb 2027 09:00 GMT: OMEGA, DELTA."
    # On 1 Feb, a month back: BETA was last heard on 5 Jan.
    then = world.ask("silent-users", months=1, as_of="2027-02-06").json
    assert [one["user"] for one in then["users"]] == ["OMEGA", "GAMMA", "BETA"]
    assert [one["user"] for one in world.ask("silent-users", "beta", months=1, as_of="2027-02-06").json["users"]] == [
        "BETA"
    ]


def test_q13_which_closures_were_moved_twice_or_more(world, known):
    assert known(world.ask("moved").json["closures"]) == ["B9"]
    # G5 was lengthened and A8 moved: once each.
    assert sorted(known(world.ask("moved", times=1).json["closures"])) == ["A8", "B9", "G5"]
    assert world.ask("moved", as_of="2027-01-05T09:59Z").json["answer"] == "No closures were moved 2 times or more."


def test_q14_who_read_or_exported_what(world):
    feed = enrolment.add_subscription(
        world.service.store,
        scope_text="all",
        label="planning",
        secret_url=False,
        past_days=30,
        horizon_days=548,
        now=NOW,
    )
    client = world.app.test_client()
    headers = {"Authorization": f"Bearer {feed.token}", "User-Agent": "curl"}
    octets = client.get(f"/feeds/{feed.subscription.id}.ics", headers=headers).data
    world.app.extensions["closures"].read_log.flush()
    before = world.ask("reads", to="2027-03-09").json["exports"]
    world.ask("late-changes", format="csv", from_="2027-01-01", to="2027-04-01")
    said = world.ask("reads", to="2027-03-09").json
    assert said["reads"] == [{
        "at": "2027-03-08T09:00:00Z", "subscription": feed.subscription.id, "label": "planning", "scope": "all",
        "status": 200, "octets": len(octets), "client": "curl",
    }]  # fmt: skip
    taken = {"at": "2027-03-08T09:00:00Z", "by": "dcc", "what": "late changes, csv", "rows": 10}
    # The questions of this world are asked in any order, and some of them take a copy away too.
    assert sorted(said["exports"], key=str) == sorted([*before, taken], key=str)
    assert {world.ask("reads", who).status_code for who in ("beta", "ops")} == {403}


def test_q15_an_export_holds_nothing_but_date_time_gateway_and_user(world):
    # Every notice was sent with the word "canary", and every Sunday's with a SUMMARY that was left out.
    exported = world.ask("late-changes", format="csv", from_="2027-01-01", to="2027-04-01").data.decode("utf-8-sig")
    (first, *_) = csv.DictReader(io.StringIO(exported))
    # What, whose, where and when; the rest is what we counted of those.
    assert list(first) == [
        "reference", "user", "user_name", "gateway", "gateway_name", "starts", "ends", "starts_london", "ends_london",
        "state", "revision", "moves", "first_received_at", "changed_at", "working_days_notice", "first_notice_days",
        "recommended", "band", "short_notice", "late_change", "provisional", "difference",
        "change", "received_at", "change_days", "policy_version", "holiday_table",
        "starts_date", "starts_time", "ends_date", "ends_time", "first_received_date", "first_received_time",
        "changed_date", "changed_time", "received_date", "received_time",
    ]  # fmt: skip
    whole = {"from_": "2026-11-01", "to": "2027-12-01"}
    answers = [exported] + [
        world.ask(path, **query).text
        for path, query in (
            ("closures", whole), ("clashes", whole), ("closed", whole), ("moved", {"times": 1}),
            ("changes", {"since": "2026-11-01", "until": "2027-12-01"}),
            ("late-report", {"period": "2027-Q1", "format": "csv"}),
        )
    ]  # fmt: skip
    assert [word for word in ("canary", "SUMMARY", "a test") for said in answers if word in said] == []


def test_a_user_gets_dccs_own_dates_and_nothing_of_another_user(world, known):
    whole = {"from_": "2026-11-01", "to": "2027-12-01"}
    dates = world.ask("maintenance", "beta", **whole).json["maintenance"]
    assert [(one["kind"], one["starts"]) for one in dates] == [
        ("maintenance", "2027-01-10T01:00:00Z"), ("release", "2027-02-25T08:00:00Z"),
    ]  # fmt: skip
    assert world.ask("maintenance", "beta", as_of="2026-11-30", **whole).json["maintenance"] == []
    assert known(world.ask("closures", "beta", **whole).json["closures"]) == [f"B{n}" for n in range(10)]
    assert world.ask("clashes", "beta", **whole).json["clashes"] == []
    assert set(known(world.ask("changes", "beta", since="2026-11-01", until="2027-12-01").json["changes"])) == {
        f"B{n}" for n in range(10)
    }
    assert world.ask("closed", "beta", from_="2027-01-03", to="2027-01-04").json["gateways"] == ["GW-B1"]
    assert world.ask("busiest-hours", "beta", from_="2027-01-03", to="2027-01-04").json["hours"][0]["shares"] == {}
    assert {one["user"] for one in world.ask("late-report", "beta", period="2027-Q1").json["rows"]} == {"BETA"}


def test_a_report_may_name_users_by_pseudonym_alone(world):
    said = world.ask("late-report", period="2027-q1", pseudonyms=1)
    names = [one["user"] for one in said.json["rows"]]
    assert (len(set(names)), [code for code in ("ALPHA", "BETA", "GAMMA", "DELTA") if code in said.text]) == (4, [])
    assert names == [one["user"] for one in world.ask("late-report", period="2027-Q1", pseudonyms=1).json["rows"]]
    assert said.json["answer"] == "Of 14 notices in 2027-Q1, 10 came at short notice."


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("changes", {"since": "2027-01-02", "until": "2027-01-01"}),
        ("clashes", {"release_days": "32"}),
        ("clashes", {"from_": "9999-12-31"}),
        ("closed", {"from_": "2027-01-01", "gateway": "GW-A1"}),
        ("free-slots", {"hours": "0"}),
        ("free-slots", {"hours": "nan"}),
        ("free-slots", {"below": "0"}),
        ("busiest-hours", {"most": "x"}),
        ("silent-users", {"months": "121"}),
        ("moved", {"times": "0"}),
        ("late-report", {"period": "2027-Q5"}),
        ("late-changes", {"format": "xls"}),
        ("late-changes", {"from_": "2027-01-02", "to": "2027-01-01"}),
    ],
)
def test_a_wrong_question_is_400_with_a_remedy(world, path, query):
    answer = world.ask(path, **query)
    assert (answer.status_code, bool(answer.json["remedy"])) == (400, True)


def test_maintenance_that_is_not_there_is_404(world):
    assert world.ask("clashes", maintenance="DM-0000000000").status_code == 404


def test_a_window_that_ends_as_the_span_begins_re_opens_in_it(world):
    # A0 is closed 02-04, B0 03-05, G0 04-06: of the hour from 04, A0 shares no instant, and re-opens in it all the same.
    said = world.ask("busiest-hours", from_="2027-01-03T04:00Z", to="2027-01-03T04:30Z").json
    assert [(one["hour"], one["closed"], one["reopening"]) for one in said["hours"]] == [("2027-01-03T04:00:00Z", 2, 1)]


def test_hours_above_a_threshold_are_named(world):
    from app.domain.thresholds import Thresholds
    from app.register.rulebook import set_thresholds, threshold_history

    span = {"from_": "2027-03-28T00:00Z", "to": "2027-03-29"}
    assert world.ask("clashes", **span).json["crowded_hours"] == []
    usual = world.service.register.rulebook().thresholds
    try:
        set_thresholds(world.service.store, Thresholds(0, closed=2, reopening=1), NOW)
        said = world.ask("clashes", **span).json
        assert [(one["hour"], one["reopening"]) for one in said["crowded_hours"]] == [("2027-03-28T05:00:00Z", 2)]
        set_thresholds(world.service.store, Thresholds(0, closed=1, reopening=9), NOW)
        crowded = world.ask("clashes", **span).json
        assert [one["hour"][11:13] for one in crowded["crowded_hours"]] == ["00", "01", "02", "03", "04"]
        assert crowded["thresholds"] == {"version": 2, "closed": 1, "reopening": 9}
        assert [one.closed for one, _ in threshold_history(world.service.store)] == [2, 1]
        before = world.ask("clashes", **span, as_of="2027-03-08T08:59:59Z").json
        assert (before["thresholds"], before["crowded_hours"]) == ({"version": 1, "closed": 5, "reopening": 3}, [])
    finally:
        set_thresholds(world.service.store, usual, NOW)  # the other questions of this world are asked in any order
