"""Sources of DCC's own dates: taken like an imported file, again and again, and never mixed with closures."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from app.domain.maintenance import MaintenanceKind
from app.domain.refusal import AlreadyThere, Unknown
from app.intake.media import read_notice
from app.jobs.pulls import PullReport, poll_due
from app.pulling.look import preview_source, try_source
from app.pulling.source_state import SourceState, Taken, read_state, write_state
from app.register.maintenance import asking_for_dates, import_maintenance, remove_maintenance
from app.register.sources import CLOSURES, DCC_DATES, find_source, find_source_id, remove_source, sources_about
from app.store.sources import OK


def starts(day):
    return f"202612{day:02}T020000Z"


@pytest.fixture
def three(an_event, a_calendar):
    """Return a function that writes a calendar of these days of December, each event with its day as its UID."""
    return lambda *days: a_calendar(*(an_event(f"m{day}", starts(day)) for day in days))


def withdrawn(watched):
    return {uid: gone for uid, _, gone, _ in watched.dates()}


def test_what_an_address_shows_is_taken_moved_and_never_a_closure(
    watch_dates, site, near, three, a_calendar, an_event, written
):
    site.show(three(6, 7))
    watched = watch_dates(site.url, near)
    (first,) = watched.poll().polled.answers
    assert ([one.uid for one in first.added], first.unchanged, watched.closures()) == (["m6", "m7"], 0, [])
    assert watched.dates() == [("m6", starts(6), False, 1), ("m7", starts(7), False, 1)]
    before = written()
    assert (watched.poll().polled.answers, written()) == ((), before)
    site.show(a_calendar(an_event("m6", starts(9)), an_event("m7", starts(7))))
    report = watched.poll()
    (second,) = report.polled.answers
    assert ([one.uid for one in second.moved], second.added, second.unchanged) == (["m6"], (), 0)
    assert watched.dates() == [("m6", starts(9), False, 2), ("m7", starts(7), False, 1)]
    found = report.polled.state.found
    assert (found.accepted, found.withdrawn, read_state(report.standing.state)) == (1, 0, report.polled.state)


def test_a_date_gone_is_withdrawn_at_the_second_look_and_comes_back(watch_dates, site, near, three):
    site.show(three(6, 7, 8))
    watched = watch_dates(site.url, near)
    watched.poll()
    site.show(three(6, 7))
    assert (watched.poll().polled.answers, withdrawn(watched)["m8"]) == ((), False)
    (answer,) = watched.poll().polled.answers
    assert [one.uid for one in answer.withdrawn] == ["m8"]
    assert withdrawn(watched) == {"m6": False, "m7": False, "m8": True}
    site.show(three(6, 7, 8))
    watched.poll()
    assert withdrawn(watched) == {"m6": False, "m7": False, "m8": False}


def test_a_landslide_must_stand_for_a_day_and_an_emptied_calendar_is_never_believed(watch_dates, site, near, three):
    site.show(three(6, 7, 8, 9, 10))
    watched = watch_dates(site.url, near)
    watched.poll()
    site.show(three(6))
    assert watched.poll().polled.state.doubted
    watched.poll(hours=23)
    assert not any(withdrawn(watched).values())
    watched.poll(hours=1)
    assert withdrawn(watched) == {"m6": False} | {f"m{day}": True for day in (7, 8, 9, 10)}
    site.show(three(11, 12, 13, 6))
    watched.poll()
    site.show(three(20))
    for _ in range(4):
        watched.poll(days=1)
    assert withdrawn(watched)["m11"], "one is left, and three days are enough"
    site.show(b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nEND:VCALENDAR\r\n")
    assert [watched.poll(days=1).standing.outcome for _ in range(3)] == ["no-events"] * 3
    assert not withdrawn(watched)["m20"]


def test_a_whole_series_goes_occurrence_by_occurrence(watch_dates, site, near, an_event, a_calendar):
    other = an_event("other", starts(5))
    site.show(a_calendar(other, an_event("m", starts(6), 4, "RRULE:FREQ=WEEKLY;COUNT=3")))
    watched = watch_dates(site.url, near)
    watched.poll()
    assert len(watched.dates()) == 4
    site.show(a_calendar(other, an_event("m", starts(6), 4, "RRULE:FREQ=WEEKLY;COUNT=3", f"EXDATE:{starts(13)}")))
    watched.poll()
    gone = [start for uid, start, gone, _ in watched.dates() if gone]
    assert gone == [starts(13)], "the rule itself says so: no second look is needed"
    site.show(a_calendar(other))
    watched.poll()
    watched.poll()
    assert [start for uid, start, gone, _ in watched.dates() if not gone] == [starts(5)]


@pytest.mark.parametrize("mark", [{"ETag": '"1"'}, {}])
def test_a_rule_without_end_goes_on_although_nothing_changes_there(
    watch_dates, site, near, an_event, a_calendar, mark, clock
):
    site.show(a_calendar(an_event("m", starts(6), 4, "RRULE:FREQ=WEEKLY")), **mark)
    watched = watch_dates(site.url, near)
    watched.poll()
    first = watched.dates()
    assert watched.poll(days=27).polled.answers == ()
    (answer,) = watched.poll(days=2).polled.answers
    assert (len(answer.added), answer.moved, answer.withdrawn) == (4, (), ())
    assert len(watched.dates()) == len(first) + 4
    assert watched.poll(days=1).polled.answers == ()
    watched.poll(days=365)
    assert max(start for _, start, _, _ in watched.dates()) > f"{clock() + timedelta(days=500):%Y%m%dT%H%M%SZ}"


def test_a_rule_without_end_in_a_collection_is_fetched_again(peer, watch_dates, an_event, a_calendar):
    peer.put("rule.ics", a_calendar(an_event("endless-rule", starts(6), 4, "RRULE:FREQ=WEEKLY")))
    try:
        watched = watch_dates(peer.url, peer.outbound, username="alpha", password="correct horse")
        watched.poll()
        first = len(watched.dates())
        assert watched.poll(days=1).polled.answers == ()
        watched.poll(days=28)
        assert len(watched.dates()) == first + 4
        peer.put("rule.ics", a_calendar(an_event("endless-rule", starts(7))))
        watched.poll()
        ahead = [start for _, start, gone, _ in watched.dates() if not gone and start > "20261223"]
        assert ahead == []
    finally:
        peer.delete("rule.ics")


def test_a_date_removed_by_hand_stays_away_until_its_event_changes(
    watch_dates, site, near, three, a_calendar, an_event, register, clock
):
    site.show(three(6, 7))
    watched = watch_dates(site.url, near)
    (answer,) = watched.poll().polled.answers
    remove_maintenance(register, answer.added[0].reference, clock())
    site.show(three(6, 7, 8))
    watched.poll()
    assert withdrawn(watched) == {"m6": True, "m7": False, "m8": False}
    site.show(a_calendar(*(an_event(f"m{day}", starts(day), 5) for day in (6, 7, 8))))
    watched.poll()
    assert withdrawn(watched) == {"m6": False, "m7": False, "m8": False}


def test_dates_of_a_file_and_of_an_address_are_the_same_dates(watch_dates, site, near, three, register, clock):
    kind = MaintenanceKind.MAINTENANCE
    import_maintenance(register, kind, read_notice(three(5, 6), "a.ics", asking_for_dates(clock())), clock())
    site.show(three(6, 7))
    watched = watch_dates(site.url, near)
    (answer,) = watched.poll().polled.answers
    assert ([one.uid for one in answer.added], answer.unchanged) == (["m7"], 1)
    watched.poll()
    assert withdrawn(watched) == {"m5": False, "m6": False, "m7": False}, "what the address never showed stays"


def test_long_windows_need_no_word_and_past_ones_are_taken_as_a_file_has_them(
    watch_dates, site, near, a_calendar, an_event
):
    site.show(a_calendar(an_event("long", starts(1), 24 * 40), an_event("past", "20251206T020000Z")))
    watched = watch_dates(site.url, near)
    assert watched.poll().polled.state.found.problems == ()
    assert [uid for uid, *_ in watched.dates()] == ["long", "past"]
    site.show(a_calendar(an_event("long", starts(1), 24 * 40)))
    watched.poll()
    watched.poll()
    assert not any(withdrawn(watched).values()), "a calendar may drop its past"


def test_each_kind_has_its_own_dates_of_one_mixed_calendar(watch_dates, site, near, a_calendar, an_event):
    work, release = an_event("m6", starts(6), 4, "CATEGORIES:Work"), an_event("m7", starts(7), 4, "CATEGORIES:Release")
    site.show(a_calendar(work, release))
    one = watch_dates(site.url, near, category="work")
    other = watch_dates(site.url, near, kind=MaintenanceKind.RELEASE, category="release")
    kinds = {watched.source.topic: watched.poll().polled.answers[0].added for watched in (one, other)}
    assert {kind: [one.uid for one in added] for kind, added in kinds.items()} == {
        MaintenanceKind.MAINTENANCE: ["m6"],
        MaintenanceKind.RELEASE: ["m7"],
    }
    with pytest.raises(AlreadyThere):
        watch_dates(site.url, near)


def test_a_date_that_another_address_of_its_kind_shows_is_not_gone(watch_dates, site, near, three):
    site.show(three(6))
    first, second = watch_dates(site.url, near), watch_dates(site.url + "?other", near)
    release = watch_dates(site.url, near, kind=MaintenanceKind.RELEASE)
    for watched in (first, second, release):
        watched.poll()
    site.show(three(7))
    for watched in (first, first, release, release):
        watched.poll()
    assert [(uid, gone) for uid, _, gone, _ in first.dates() if uid == "m6"] == [("m6", False), ("m6", True)]


def test_a_user_s_closure_of_the_same_uid_is_another_thing(watch, watch_dates, site, near, three):
    site.show(three(6, 7))
    closing, dates = watch(site.url, near), watch_dates(site.url, near)
    closing.poll()
    dates.poll()
    site.show(three(7))
    closing.poll()
    closing.poll()
    assert ([state for _, _, state, _ in closing.closures()], withdrawn(dates)["m6"]) == (
        ["withdrawn", "planned"],
        False,
    )


def test_trying_and_previewing_write_nothing(watch_dates, site, near, three, register, store, clock, written):
    site.show(three(6, 7))
    watched = watch_dates(site.url, near)
    before = written()
    for report in (
        preview_source(register, near, watched.source.id, clock),
        try_source(register, near, watched.source, clock),
    ):
        assert [one.uid for one in report.polled.answers[0].added] == ["m6", "m7"]
    (listed,) = sources_about(store, DCC_DATES)
    assert (written(), listed.standing.polled_at, listed.source) == (before, None, watched.source)


def test_what_cannot_be_read_of_an_address_is_a_problem_beside_the_rest(watch_dates, site, near, a_calendar, an_event):
    no_end = tuple(line for line in an_event("m8", starts(8)) if not line.startswith("DTEND"))
    site.show(a_calendar(an_event("m7", starts(7)), no_end))
    report = watch_dates(site.url, near).poll()
    assert [(one.code, one.property) for one in report.polled.state.found.problems] == [("no-end", "DTEND")]
    assert report.polled.state.found.accepted == 1


def test_the_scheduler_polls_both_sorts_and_each_has_its_own_list(
    watch, watch_dates, site, near, three, register, store, clock
):
    site.show(three(6))
    closing, dates = watch(site.url, near), watch_dates(site.url, near)
    assert poll_due(register, near, clock) == PullReport(2, 0)
    assert (len(closing.closures()), len(dates.dates())) == (1, 1)
    assert [
        [one.source.id for one in found] for found in (sources_about(store, CLOSURES), sources_about(store, DCC_DATES))
    ] == [
        [closing.source.id],
        [dates.source.id],
    ]
    with pytest.raises(Unknown):
        find_source(sources_about(store, DCC_DATES), closing.source.id.hex())
    store.keyring.shred(closing.source.user_id)
    clock.forward(days=1)
    site.show(three(6, 7))
    assert poll_due(register, near, clock) == PullReport(1, 0)
    remove_source(store, find_source_id(store, DCC_DATES, dates.source.id.hex().upper()))
    assert (sources_about(store, DCC_DATES), len(dates.dates())) == ([], 2)


def test_a_state_that_was_written_before_rules_were_read_again_is_read(watch, site, near, three):
    site.show(three(6))
    watched = watch(site.url, near)
    state = watched.poll().polled.state
    facts = json.loads(write_state(state))
    facts["taken"] = {uid: entry[:2] for uid, entry in facts["taken"].items()}
    for name in ("owners", "unwanted", "renames"):
        del facts[name]
    taken = {uid: Taken(entry.digest, entry.latest, name=uid) for uid, entry in state.taken.items()}
    assert read_state(json.dumps(facts)) == replace(state, taken=taken)
    assert read_state("{}") == SourceState()
    assert watched.poll().standing.outcome == OK
