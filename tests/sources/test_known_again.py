"""Events whose UIDs say nothing: known again by what stayed the same, moved with their reference, or named."""

import pytest

from app.domain.london import london_text
from app.store.sources import OK

DAY = "202612{:02}T020000Z"


def starts(day):
    return DAY.format(day)


@pytest.fixture
def shown(a_calendar, an_event):
    """Return a function that writes a calendar of (UID, day, hours, title), "" for no UID."""

    def write(*events):
        return a_calendar(
            *(
                tuple(
                    line.replace("Change 4711 of the billing system", title)
                    for line in an_event(uid, starts(day), hours)
                    if line != "UID:"
                )
                for uid, day, hours, title in events
            )
        )

    return write


@pytest.fixture
def watched(watch, site, near, shown):
    """A source that showed days 6, 13 and 20 under UIDs of a first look, then the same under those of a second."""
    site.show(shown(("a1", 6, 4, "A"), ("a2", 13, 4, "B"), ("a3", 20, 6, "B")))
    made = watch(site.url, near)
    made.poll()
    site.show(shown(("b1", 6, 4, "A"), ("b2", 13, 4, "B"), ("b3", 20, 6, "B")))
    made.poll()
    return made


def planned(watched):
    return sorted((start, uid) for uid, start, state, _ in watched.closures() if state == "planned")


def codes(report):
    return [problem.code for problem in report.polled.state.found.problems]


STOOD = [(starts(6), "a1"), (starts(13), "a2"), (starts(20), "a3")]


def test_new_uids_at_the_same_times_are_the_same_closures(watched, site, shown, written):
    before = written()
    assert planned(watched) == STOOD
    site.show(shown(("c3", 20, 6, "B"), ("c1", 6, 4, "A"), ("c2", 13, 4, "B")))
    report = watched.poll()
    assert (report.polled.answers, codes(report), planned(watched), written()) == ((), [], STOOD, before)


def test_another_title_at_the_same_time_is_the_same_closure(watched, site, shown, written):
    before = written()
    site.show(shown(("c1", 6, 4, "X"), ("c2", 13, 4, "Y"), ("c3", 20, 6, "Z")))
    watched.poll()
    assert (planned(watched), written()) == (STOOD, before)


@pytest.mark.parametrize(
    ("events", "there"),
    [
        ([("c1", 7, 4, "A"), ("c2", 13, 4, "B"), ("c3", 20, 6, "B")], [(7, "a1"), (13, "a2"), (20, "a3")]),
        ([("c1", 27, 4, "A"), ("c2", 13, 4, "B"), ("c3", 20, 6, "B")], [(13, "a2"), (20, "a3"), (27, "a1")]),
        # The title and the length say more than the nearest time.
        ([("c1", 6, 4, "A"), ("c2", 21, 4, "B"), ("c3", 12, 6, "B")], [(6, "a1"), (12, "a3"), (21, "a2")]),
        # The title says more than the length.
        ([("c1", 12, 5, "A"), ("c2", 7, 4, "C"), ("c3", 20, 6, "B")], [(7, "a2"), (12, "a1"), (20, "a3")]),
        # One is new: the nearest is the one that moved.
        ([("c0", 29, 4, "A"), ("c1", 8, 4, "A"), ("c2", 13, 4, "B"), ("c3", 20, 6, "B")],
         [(8, "a1"), (13, "a2"), (20, "a3"), (29, "c0")]),
    ],
)  # fmt: skip
def test_a_move_under_a_new_uid_is_one_revision_of_the_same_closure(watched, site, shown, events, there):
    numbers = {uid: number for uid, _, _, number in watched.closures()}
    moved = {uid for day, uid in there if (starts(day), uid) not in STOOD and uid in numbers}
    site.show(shown(*events))
    report = watched.poll()
    assert planned(watched) == [(starts(day), uid) for day, uid in there]
    after = {uid: number for uid, _, _, number in watched.closures()}
    assert {uid for uid in numbers if after[uid] == numbers[uid] + 1} == moved
    assert (codes(report), report.polled.state.missing) == ([], {})


def test_a_closure_keeps_its_reference_and_is_moved_by_a_lower_sequence_too(watched, site, shown, register):
    site.show(shown(("c1", 7, 4, "A"), ("c2", 13, 4, "B"), ("c3", 20, 6, "B")).replace(b"SUMMARY:A", b"SEQUENCE:5"))
    (first,) = watched.poll().polled.answers
    site.show(shown(("d1", 8, 4, "A"), ("d2", 13, 4, "B"), ("d3", 20, 6, "B")))
    (second,) = watched.poll().polled.answers
    references = [answer.accepted[0].closure.reference for answer in (first, second)]
    assert references[0] == references[1]
    assert (len(first.accepted), len(second.accepted), second.superseded) == (1, 1, ())


def test_one_that_is_like_none_is_named_and_taken_as_new(watched, site, shown):
    site.show(shown(("c1", 7, 9, "New"), ("c2", 13, 4, "B"), ("c3", 20, 6, "B")))
    report = watched.poll()
    (problem,) = report.polled.state.found.problems
    window = next(one.closure.window for one in report.polled.answers[0].accepted)
    assert (problem.code, london_text(window.starts) in problem.text) == ("not-known-again", True)
    assert planned(watched) == [(starts(6), "a1"), (starts(7), "c1"), (starts(13), "a2"), (starts(20), "a3")]
    site.show(shown(("d1", 7, 9, "New"), ("d2", 13, 4, "B"), ("d3", 20, 6, "B")))
    watched.poll()
    assert planned(watched) == [(starts(7), "c1"), (starts(13), "a2"), (starts(20), "a3")]


def test_where_nothing_stood_still_yet_a_move_is_not_guessed_but_named(watch, site, near, shown):
    site.show(shown(("a1", 6, 4, "A"), ("a2", 13, 4, "A")))
    watched = watch(site.url, near)
    watched.poll()
    site.show(shown(("b1", 7, 4, "A"), ("b2", 14, 4, "A")))
    assert codes(watched.poll()) == ["not-known-again", "not-known-again"]
    watched.poll()
    assert planned(watched) == [(starts(7), "b1"), (starts(14), "b2")]


def test_one_gone_is_believed_at_the_second_look_though_all_have_new_uids(watched, site, shown):
    for round_ in "cd":
        site.show(shown((f"{round_}1", 6, 4, "A"), (f"{round_}3", 20, 6, "B")))
        report = watched.poll()
        assert len(report.polled.state.missing) == (round_ == "c")
    assert planned(watched) == [(starts(6), "a1"), (starts(20), "a3")]


def test_one_that_was_missing_comes_back_under_a_new_uid(watched, site, shown, written):
    before = written()
    site.show(shown(("c1", 6, 4, "A"), ("c3", 20, 6, "B")))
    watched.poll()
    site.show(shown(("d1", 6, 4, "A"), ("d2", 13, 4, "B"), ("d3", 20, 6, "B")))
    assert (watched.poll().polled.state.missing, planned(watched), written()) == ({}, STOOD, before)


def test_a_uid_that_comes_back_is_its_own_again(watched, site, shown):
    site.show(shown(("a3", 7, 9, "X"), ("a2", 14, 4, "B"), ("a1", 21, 6, "B")))
    watched.poll()
    assert planned(watched) == [(starts(7), "a3"), (starts(14), "a2"), (starts(21), "a1")]


def test_a_uid_that_another_event_had_is_not_taken_for_it(watched, site, shown):
    site.show(shown(("c1", 6, 4, "A"), ("c2", 13, 4, "B"), ("c3", 20, 6, "B"), ("a1", 27, 1, "New")))
    watched.poll()
    assert planned(watched) == [*STOOD, (starts(27), "a1 2")]


def test_where_uids_stay_another_event_is_another_closure(watch, site, near, shown):
    site.show(shown(("a1", 6, 4, "A"), ("a2", 13, 4, "A")))
    watched = watch(site.url, near)
    watched.poll()
    site.show(shown(("a1", 6, 4, "A"), ("a3", 20, 4, "A")))
    watched.poll()
    watched.poll()
    assert watched.closures() == [
        ("a1", starts(6), "planned", 1), ("a2", starts(13), "withdrawn", 2), ("a3", starts(20), "planned", 1),
    ]  # fmt: skip


def test_what_is_over_does_not_move(watched, site, shown):
    watched.poll(days=13)
    site.show(shown(("c1", 29, 4, "A"), ("c2", 13, 4, "B"), ("c3", 20, 6, "B")))
    watched.poll()
    found = {uid: start for uid, start, _, _ in watched.closures()}
    assert found == {"a1": starts(6), "a2": starts(13), "a3": starts(20), "c1": starts(29)}


def test_a_series_under_a_new_uid_is_the_same_series(watch, site, near, a_calendar, an_event, written):
    def weekly(uid, *more, first=6):
        series = an_event(uid, starts(first), 4, "RRULE:FREQ=WEEKLY;COUNT=3", *more)
        changed = an_event(uid, starts(first + 8), 4, f"RECURRENCE-ID:{starts(first + 7)}")
        return a_calendar(an_event(uid + "x", starts(25)), series, changed)

    site.show(weekly("a"))
    watched = watch(site.url, near)
    watched.poll()
    stood, before = watched.closures(), written()
    site.show(weekly("b"))
    watched.poll()
    assert (watched.closures(), written()) == (stood, before)
    site.show(weekly("c", first=7))
    watched.poll()
    assert watched.closures() == [
        ("a", starts(7), "planned", 2), ("a", starts(15), "planned", 2), ("a", starts(21), "planned", 2),
        ("ax", starts(25), "planned", 1),
    ]  # fmt: skip


def test_events_without_uid_are_taken_and_move_as_themselves(watch, site, near, shown, written):
    site.show(shown(("", 6, 4, "A"), ("", 13, 4, "A"), ("kept", 20, 4, "A")))
    watched = watch(site.url, near)
    report = watched.poll()
    assert (report.polled.state.events, codes(report)) == (3, [])
    first = {start: uid for uid, start, _, _ in watched.closures()}
    before = written()
    assert (watched.poll().polled.answers, written()) == ((), before)
    site.show(shown(("", 8, 4, "A"), ("", 13, 4, "A"), ("kept", 20, 4, "A")))
    watched.poll()
    assert planned(watched) == sorted(
        [(starts(8), first[starts(6)]), (starts(13), first[starts(13)]), (starts(20), "kept")]
    )
    assert sum(written()[1:2]) == sum(before[1:2]) + 1


def test_dates_of_dcc_are_known_again_alike(watch_dates, site, near, shown):
    site.show(shown(("a1", 6, 4, "A"), ("a2", 13, 4, "B")))
    watched = watch_dates(site.url, near)
    watched.poll()
    site.show(shown(("b1", 6, 4, "A"), ("b2", 15, 4, "B")))
    watched.poll()
    assert watched.dates() == [("a1", starts(6), False, 1), ("a2", starts(15), False, 2)]


def test_a_file_without_its_end_moves_what_is_sure_and_withdraws_nothing(watched, site, shown):
    cut = shown(("c1", 7, 4, "A"), ("c2", 13, 4, "B"), ("c3", 20, 6, "B")).removesuffix(b"END:VCALENDAR\r\n")
    site.show(cut, ETag='"1"')
    report = watched.poll()
    assert (codes(report), planned(watched)[0]) == (["no-end-of-calendar"], (starts(7), "a1"))
    there = planned(watched)
    for round_ in "def":
        short = shown((f"{round_}1", 9, 4, "A"), (f"{round_}2", 13, 4, "B"))
        site.show(short.removesuffix(b"END:VCALENDAR\r\n"), ETag='"2"')
        report = watched.poll()
    assert (report.standing.outcome, report.polled.state.missing, planned(watched)) == (OK, {}, there)
    site.show(shown(("g1", 9, 4, "A"), ("g2", 13, 4, "B"), ("g3", 20, 6, "B")), ETag='"2"')
    watched.poll()
    assert planned(watched) == [(starts(9), "a1"), (starts(13), "a2"), (starts(20), "a3")]


@pytest.mark.parametrize(("uid", "first", "name"), [("a", 6, "a"), ("b", 6, "a"), ("c", 7, "c")])
def test_a_series_in_a_file_without_its_end_is_left_as_it_was(
    watch, site, near, a_calendar, an_event, uid, first, name
):
    series = an_event("a", starts(6), 4, "RRULE:FREQ=WEEKLY;COUNT=2")
    changed = an_event("a", starts(15), 4, f"RECURRENCE-ID:{starts(13)}")
    site.show(a_calendar(an_event("x", starts(25)), series, changed))
    watched = watch(site.url, near)
    watched.poll()
    stood = watched.closures()
    cut = a_calendar(an_event("x", starts(25)), an_event(uid, starts(first), 4, "RRULE:FREQ=WEEKLY;COUNT=2"))
    site.show(cut.removesuffix(b"END:VCALENDAR\r\n"))
    assert codes(watched.poll()) == ["no-end-of-calendar"]
    assert watched.closures() == stood
    site.show(cut)
    watched.poll()
    watched.poll()
    assert planned(watched) == [(starts(first), name), (starts(first + 7), name), (starts(25), "x")]


def test_a_title_stands_in_what_is_remembered_as_a_keyed_digest_alone(watch, site, near, shown):
    site.show(shown(("a1", 6, 4, "quokka"), ("a2", 13, 4, "quokka"), ("a3", 20, 4, "wombat")))
    reports = [watch(site.url + more, near).poll() for more in ("", "?2")]
    digests = [[entry.summary for entry in report.polled.state.taken.values()] for report in reports]
    assert [len(set(found)) for found in digests] == [2, 2]
    assert set(digests[0]).isdisjoint(digests[1]), "two sources are not to be compared"
    assert not any(word in report.standing.state for word in ("quokka", "wombat") for report in reports)
