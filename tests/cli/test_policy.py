"""The rules: a new version for every change, none reaching back."""

import pytest

FIRST = {
    "version": 1,
    "recommended_days": 20,
    "region": "england-and-wales",
    "counting": "clear-days",
    "cut_off": None,
    "valid_from": "2019-11-01",
}
KEPT = {"version": 1, "details": "keep", "details_days": 90, "facts_days": 2557, "withdrawn_days": 60}


def test_the_first_rules_are_shown(closures):
    said = closures("policy", "show", "--json").json
    assert said["in_force"] == FIRST
    assert said["versions"] == [{**FIRST, "set_at": "2026-11-24T09:00:00Z"}]
    assert said["retention"] == {**KEPT, "versions": []}
    assert (
        closures("policy", "show").lines[0]
        == "In force: 20 Working Days are recommended; holidays of england-and-wales."
    )


def test_a_policy_of_tomorrow_is_kept_and_not_yet_in_force(closures):
    said = closures("policy", "set", "--recommended-days", "8", "--valid-from", "2026-11-25", "--json").json
    assert said["in_force"] == FIRST
    assert [one["recommended_days"] for one in said["versions"]] == [20, 8]
    told_today = closures("notice-period", "2026-12-09", "--given-on", "2026-11-24", "--json").json
    told_tomorrow = closures("notice-period", "2026-12-09", "--given-on", "2026-11-25", "--json").json
    assert (told_today["recommended"], told_tomorrow["recommended"]) == (20, 8)


def test_a_cut_off_hour_counts_from_its_day_on_and_is_said(closures, clock_hand):
    closures("policy", "set", "--cut-off", "16:30", "--valid-from", "2026-11-25")
    said = closures("policy", "set", "--region", "scotland", "--valid-from", "2026-11-25", "--json").json
    assert [one["cut_off"] for one in said["versions"]] == [None, "16:30", "16:30"]
    clock_hand.move_to("2026-11-24T16:31:00+00:00")  # it holds from tomorrow
    assert closures("notice-period", "2026-12-09T02:00").lines[1] == (
        "Told on Tue 24 Nov 2026: 10 Working Days' notice; 20 are recommended (band 10-19)."
    )
    clock_hand.move_to("2026-11-25T16:30:00+00:00")
    assert closures("notice-period", "2026-12-09T02:00").lines[1:] == [
        "Told on Wed 25 Nov 2026: 8 Working Days' notice; 20 are recommended (band 5-9).",
        "Last on-time day: Mon 9 Nov 2026, until 16:30",
    ]
    clock_hand.move_to("2026-11-25T16:30:01+00:00")
    assert closures("notice-period", "2026-12-09T02:00").lines[1:] == [
        (
            "Told on Wed 25 Nov 2026: 7 Working Days' notice; 20 are recommended; counted from the next Working Day, "
            "Thu 26 Nov 2026, because it came after 16:30 (band 5-9)."
        ),
        "Last on-time day: Mon 9 Nov 2026, until 16:30",
    ]
    assert closures("policy", "show").lines[0] == (
        "In force: 20 Working Days are recommended; holidays of scotland; "
        "after 16:30 a notice counts from the next Working Day."
    )
    assert closures("policy", "set", "--no-cut-off", "--json").json["in_force"]["cut_off"] is None
    assert closures("notice-period", "2026-12-09T02:00", "--json").json["working_days_notice"] == 8


def test_a_day_is_asked_about_as_if_told_before_its_cut_off(closures):
    closures("policy", "set", "--cut-off", "16:30")
    said = closures("notice-period", "2027-02-01", "--given-on", "2027-01-04", "--json").json
    assert (said["cut_off"], said["counted_from"], said["working_days_notice"]) == ("16:30", None, 19)
    said = closures("notice-period", "2027-02-01", "--given-on", "2027-01-03", "--json").json
    assert (said["given_on"], said["counted_from"], said["working_days_notice"], said["last_on_time_day"]) == (
        "2027-01-03",
        "2027-01-04",
        19,
        "2026-12-31",
    )
    assert said["notice"] == (
        "19 Working Days' notice; 20 are recommended; counted from the next Working Day, Mon 4 Jan 2027, "
        "because it came on a day that is no Working Day."
    )


def test_a_region_alone_keeps_the_days(closures):
    closures("policy", "set", "--recommended-days", "15")
    said = closures("policy", "set", "--region", "scotland", "--json").json["in_force"]
    assert (said["version"], said["recommended_days"], said["region"]) == (3, 15, "scotland")


def test_a_day_proclaimed_is_no_working_day(closures):
    before = closures("notice-period", "2027-05-17", "--given-on", "2027-05-03", "--json").json["working_days_notice"]
    assert closures("policy", "set", "--extra-day", "2027-05-10", "--extra-day", "2027-05-11").exit_code == 0
    after = closures("notice-period", "2027-05-17", "--given-on", "2027-05-03", "--json").json["working_days_notice"]
    assert (before, after) == (9, 7)


def test_a_day_that_was_added_may_be_taken_out_again(closures):
    def told():
        return closures("notice-period", "2027-05-17", "--given-on", "2027-05-03", "--json").json["working_days_notice"]

    first = closures("policy", "show", "--json").json["holiday_table"]
    closures("policy", "set", "--extra-day", "2027-05-10", "--extra-day", "2027-05-11")
    assert told() == 7
    said = closures("policy", "set", "--no-extra-day", "2027-05-11")
    assert (said.lines[4], told()) == ("Extra days: 2027-05-10.", 8)
    last = closures("policy", "set", "--no-extra-day", "2027-05-10", "--json").json["holiday_table"]
    assert (last, last["extra_days"], told()) == (first, [], 9)
    closures("policy", "set", "--extra-day", "2027-05-10", "--extra-day", "2027-05-11")
    assert told() == 7


def test_retention_changes_only_where_it_was_named(closures):
    said = closures("policy", "set", "--details-days", "30", "--json").json
    first = {**KEPT, "details_days": 30, "set_at": "2026-11-24T09:00:00Z"}
    assert said["retention"]["versions"] == [first]
    said = closures("policy", "set", "--withdrawn-days", "10", "--details", "drop", "--json").json["retention"]
    second = {**first, "version": 2, "withdrawn_days": 10, "details": "drop"}
    assert said.pop("versions") == [first, second]
    assert said == {name: value for name, value in second.items() if name != "set_at"}
    third = closures("policy", "set", "--details", "keep", "--json").json["retention"]["versions"][2]
    assert third == {**second, "version": 3, "details": "keep"}


def test_the_rule_on_details_is_said_in_words(closures):
    assert closures("policy", "show").lines[2] == (
        "Kept: a sender's words 90 days after the window, facts 2557 days; withdrawn closures stay 60 days in feeds."
    )
    assert closures("policy", "set", "--details", "drop").lines[2] == (
        "Kept: of a sender's words only date, time, gateway and reference, 90 days after the window, "
        "facts 2557 days; withdrawn closures stay 60 days in feeds."
    )


@pytest.mark.parametrize(
    "words",
    [
        ("--recommended-days", "8", "--valid-from", "2026-11-23"),
        ("--recommended-days", "0"),
        ("--recommended-days", "8", "--details-days", "0"),
        ("--recommended-days", "8", "--facts-days", "89"),
    ],
)
def test_a_value_out_of_range_leaves_every_rule_as_it_was(closures, words):
    assert closures("policy", "set", *words).exit_code == 1
    said = closures("policy", "show", "--json").json
    assert [one["version"] for one in said["versions"]] == [1]
    assert said["retention"]["version"] == 1


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--valid-from", "2027-01-01"),
        ("--region", "wales"),
        ("--extra-day", "soon"),
        ("--cut-off", "16"),
        ("--cut-off", "16:30", "--no-cut-off"),
    ],
)
def test_nothing_to_set_is_usage(closures, words):
    assert closures("policy", "set", *words).exit_code == 2


def test_desk_sessions_are_forbidden_until_they_are_allowed_and_each_version_is_kept(closures):
    assert closures("policy", "show", "--json").json["desk_sessions"] == {
        "version": 0, "state": "forbidden", "versions": [],
    }  # fmt: skip
    assert closures("policy", "set", "--desk-sessions", "allowed").lines[5] == "Desk sessions: allowed."
    said = closures("policy", "set", "--desk-sessions", "forbidden", "--json").json["desk_sessions"]
    assert [one["state"] for one in said["versions"]] == ["allowed", "forbidden"]
    assert (said["version"], said["state"]) == (2, "forbidden")
