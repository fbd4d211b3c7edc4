"""Which closures a subscription takes, and when its feed last changed."""

from dataclasses import FrozenInstanceError, replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.scope import EPOCH, FeedScope, ScopeKind, edges, last_edge, parse_scope, scope_words, takes
from tests.feeds.items import last_modified

DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
ALL = FeedScope(ScopeKind.ALL)
FULL = FeedScope(ScopeKind.FULL)
LATE = FeedScope(ScopeKind.LATE)
ALPHA = FeedScope(ScopeKind.USER, "ALPHA")
GATEWAY = FeedScope(ScopeKind.GATEWAY, "GW-ALPHA-1")
# 2026-12-06 02:00-06:00 leaves the horizon of 548 days before it and the 30 days after it at these midnights.
ENTERS, LEAVES = date(2025, 6, 7), date(2027, 1, 6)


def midnight(day):
    return datetime.combine(day, time(), UTC)


def test_kinds():
    assert [kind.value for kind in ScopeKind] == [
        *("all", "user", "gateway", "late", "clashes", "maintenance", "changes", "full"),
    ]


def test_what_a_scope_is_unless_told_otherwise():
    assert FeedScope(ScopeKind.ALL) == FeedScope(ScopeKind.ALL, "", 30, 548, 60)
    with pytest.raises(FrozenInstanceError):
        ALL.past_days = 1
    assert not hasattr(ALL, "__dict__")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("all", ALL),
        (" Late ", LATE),
        ("FULL", FULL),
        ("user:ALPHA", ALPHA),
        ("User:alpha\n", ALPHA),
        ("gateway:gw-alpha-1", GATEWAY),
        ("user:0", FeedScope(ScopeKind.USER, "0")),
        ("user:A_-" + "Z" * 29, FeedScope(ScopeKind.USER, "A_-" + "Z" * 29)),
    ],
)
def test_parse_scope(text, expected):
    assert parse_scope(text) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "That is not a scope."),
        ("everything", "That is not a scope."),
        ("users:ALPHA", "That is not a scope."),
        (":ALPHA", "That is not a scope."),
        ("all:", "The scope all takes no code."),
        ("full:ALPHA", "The scope full takes no code."),
        *[
            (
                text,
                "The scope user takes a code: 1 to 32 letters, digits, - or _, the first a letter or digit.",
            )
            for text in ["user", "user:", "user:-A", "user:_A", "user: A", "user:A B", "user:É", "user:" + "A" * 33]
        ],
        (
            "gateway:",
            "The scope gateway takes a code: 1 to 32 letters, digits, - or _, the first a letter or digit.",
        ),
    ],
)
def test_parse_scope_says_what_helps(text, sentence):
    with pytest.raises(ValueError) as refused:
        parse_scope(text)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("all", "Every closure"),
        ("user:ALPHA", "Closures of the User ALPHA"),
        ("gateway:GW-A1", "Closures of the gateway GW-A1"),
    ],
)
def test_what_a_scope_is_about_in_words(text, words):
    assert scope_words(text) == words


@pytest.mark.parametrize(
    ("text", "within"),
    [("user:ALPHA", True), ("user:BETA", True), ("user:GAMMA", False), ("gateway:ALPHA", False), ("all", False)],
)
def test_a_scope_is_within_its_user_alone(text, within):
    assert parse_scope(text).is_within({"ALPHA", "BETA"}) is within


@pytest.mark.parametrize(
    ("day", "shown"),
    [(ENTERS - DAY, False), (ENTERS, True), (date(2026, 12, 6), True), (LEAVES - DAY, True), (LEAVES, False)],
)
def test_window_of_days(planned, day, shown):
    assert takes(ALL, planned, day) is shown


def test_edges_are_ordinals(planned):
    assert edges(ALL, planned) == (ENTERS.toordinal(), LEAVES.toordinal())


@pytest.mark.parametrize(
    ("starts", "enters"),
    [
        (datetime(2026, 12, 5, 23, 59, 59, 999_999, tzinfo=UTC), ENTERS - DAY),
        (datetime(2026, 12, 6, tzinfo=UTC), ENTERS),
        (datetime(2026, 12, 6, 5, 59, 59, 999_999, tzinfo=UTC), ENTERS),
    ],
)
def test_day_of_entering(planned, starts, enters):
    assert edges(ALL, replace(planned, starts=starts))[0] == enters.toordinal()


@pytest.mark.parametrize(
    ("ends", "leaves"),
    [
        (datetime(2026, 12, 6, 2, 0, 0, 1, tzinfo=UTC), LEAVES),
        (datetime(2026, 12, 7, tzinfo=UTC), LEAVES),
        (datetime(2026, 12, 7, 0, 0, 0, 1, tzinfo=UTC), LEAVES + DAY),
    ],
)
def test_day_of_leaving(planned, ends, leaves):
    assert edges(ALL, replace(planned, ends=ends))[1] == leaves.toordinal()


@pytest.mark.parametrize(
    ("changed", "leaves"),
    [
        (datetime(2026, 9, 1, tzinfo=UTC), date(2026, 10, 31)),
        (datetime(2026, 9, 1, 0, 0, 0, 1, tzinfo=UTC), date(2026, 11, 1)),
        (datetime(2026, 9, 1, 23, 59, tzinfo=UTC), date(2026, 11, 1)),
        # The 30 days after the window end first.
        (datetime(2026, 12, 1, tzinfo=UTC), LEAVES),
    ],
)
def test_withdrawn_ones_stay_for_sixty_whole_days(planned, changed, leaves):
    withdrawn = replace(planned, withdrawn=True, changed=changed)
    assert edges(ALL, withdrawn) == (ENTERS.toordinal(), leaves.toordinal())
    assert takes(ALL, withdrawn, leaves - DAY)
    assert not takes(ALL, withdrawn, leaves)


def test_without_withdrawn_ones(planned):
    scope = replace(ALL, withdrawn_days=0)
    withdrawn = replace(planned, withdrawn=True)
    assert not any(takes(scope, withdrawn, ENTERS + DAY * number) for number in range(-1, 700))
    assert takes(scope, planned, date(2026, 12, 6))
    assert edges(scope, withdrawn) == (ENTERS.toordinal(), ENTERS.toordinal())


@pytest.mark.parametrize("day", [date.min, date(2026, 12, 6), date.max])
@pytest.mark.parametrize("withdrawn", [False, True])
def test_full_takes_everything(planned, day, withdrawn):
    assert takes(replace(FULL, withdrawn_days=0), replace(planned, withdrawn=withdrawn), day)
    assert edges(FULL, replace(planned, withdrawn=withdrawn)) == (date.min.toordinal(), date.max.toordinal() + 1)


@pytest.mark.parametrize(
    ("scope", "changes", "taken"),
    [
        (ALPHA, {}, True),
        (ALPHA, {"user_code": "BETA"}, False),
        (ALPHA, {"gateway_code": "ALPHA", "user_code": "BETA"}, False),
        (GATEWAY, {}, True),
        (GATEWAY, {"gateway_code": "GW-BETA-1"}, False),
        (GATEWAY, {"user_code": "GW-ALPHA-1", "gateway_code": "GW-BETA-1"}, False),
        (LATE, {}, False),
        (LATE, {"short_notice": True}, True),
        (LATE, {"late_change": True}, True),
        (LATE, {"short_notice": True, "late_change": True}, True),
        (ALL, {"user_code": "BETA"}, True),
        (FULL, {"user_code": "BETA"}, True),
    ],
)
def test_what_a_scope_is_about(planned, scope, changes, taken):
    assert takes(scope, replace(planned, **changes), date(2026, 12, 6)) is taken


SCOPES = st.builds(
    FeedScope,
    st.sampled_from([ScopeKind.ALL, ScopeKind.LATE]),
    st.just(""),
    st.integers(0, 60),
    st.integers(0, 900),
    st.integers(0, 90),
)


@given(data=st.data(), scope=SCOPES)
def test_takes_is_what_the_rule_says(entries, data, scope):
    entry = data.draw(entries)
    # Days near the edges, where a rule written differently would differ.
    edge = data.draw(st.sampled_from([entry.starts - DAY * scope.horizon_days, entry.ends + DAY * scope.past_days]))
    today = edge.date() + DAY * data.draw(st.integers(-2, 2))
    start_of_day = midnight(today)
    expected = (
        entry.ends > start_of_day - DAY * scope.past_days and entry.starts < start_of_day + DAY * scope.horizon_days
    )
    if entry.withdrawn:
        expected &= scope.withdrawn_days > 0 and entry.changed > start_of_day - DAY * scope.withdrawn_days
    if scope.kind is ScopeKind.LATE:
        expected &= entry.short_notice or entry.late_change
    assert takes(scope, entry, today) is expected


@pytest.mark.parametrize("scope", [ALL, FULL, LATE, ALPHA, GATEWAY], ids=lambda scope: scope.kind)
def test_an_empty_feed_never_changed(scope):
    assert last_modified(scope, [], date(2026, 12, 6)) == EPOCH == datetime(1970, 1, 1, tzinfo=UTC)


def test_last_modified_is_the_latest_change(planned):
    entered = replace(planned, changed=datetime(2026, 1, 1, 9, tzinfo=UTC))
    later = replace(planned, changed=datetime(2026, 2, 1, 9, 0, 0, 5, tzinfo=UTC))
    assert last_modified(ALL, [entered, later], date(2026, 3, 1)) == later.changed
    assert last_modified(ALL, [later, entered], date(2026, 3, 1)) == later.changed


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (ENTERS - DAY, datetime(2025, 5, 1, tzinfo=UTC)),
        (ENTERS, midnight(ENTERS)),
        (ENTERS + DAY, midnight(ENTERS)),
        (LEAVES - DAY, midnight(ENTERS)),
        (LEAVES, midnight(LEAVES)),
        (LEAVES + 100 * DAY, midnight(LEAVES)),
    ],
)
def test_last_modified_at_the_edges(planned, today, expected):
    entry = replace(planned, changed=datetime(2025, 5, 1, tzinfo=UTC))
    assert last_modified(ALL, [entry], today) == expected
    assert last_modified(FULL, [entry], today) == entry.changed


def test_the_latest_edge_of_several_counts(planned):
    early = replace(planned, changed=datetime(2025, 1, 1, tzinfo=UTC))
    others = [
        replace(early, starts=early.starts + DAY * days, ends=early.ends + DAY * days) for days in (-700, 3, -3, 0)
    ]
    assert last_modified(ALL, others, ENTERS + 3 * DAY) == midnight(ENTERS + 3 * DAY)
    assert last_modified(ALL, others, ENTERS + 2 * DAY) == midnight(ENTERS)
    assert last_modified(ALL, others, LEAVES - DAY) == midnight(LEAVES - 3 * DAY)
    assert last_modified(ALL, others, LEAVES + DAY) == midnight(LEAVES)


def test_a_change_after_the_edge_hides_it(planned):
    entry = replace(planned, changed=midnight(ENTERS) + INSTANT)
    assert last_modified(ALL, [entry], ENTERS) == entry.changed


def test_a_closure_that_is_never_shown_has_no_edges(planned):
    scope = FeedScope(ScopeKind.ALL, past_days=0, horizon_days=0)
    entry = replace(planned, changed=datetime(2025, 5, 1, tzinfo=UTC))
    assert last_modified(scope, [entry], date(2027, 1, 1)) == entry.changed
    # Withdrawn long before it would have come within the horizon.
    withdrawn = replace(entry, withdrawn=True, changed=datetime(2025, 4, 8, tzinfo=UTC))
    assert edges(ALL, withdrawn) == (ENTERS.toordinal(), ENTERS.toordinal())
    assert last_modified(ALL, [withdrawn], date(2027, 1, 1)) == withdrawn.changed
    shown_a_day = replace(withdrawn, changed=datetime(2025, 4, 9, tzinfo=UTC))
    assert last_modified(ALL, [shown_a_day], date(2027, 1, 1)) == midnight(ENTERS + DAY)


def test_a_change_counts_outside_of_the_window_of_days(planned):
    far = replace(planned, starts=planned.starts + 2000 * DAY, ends=planned.ends + 2000 * DAY)
    assert last_modified(ALL, [far], date(2026, 12, 6)) == far.changed


def test_another_user_leaves_no_trace(planned):
    other = replace(planned, user_code="BETA", changed=datetime(2026, 12, 1, tzinfo=UTC))
    assert last_modified(ALPHA, [other, planned], date(2026, 12, 6)) == planned.changed
    assert last_modified(ALPHA, [other], LEAVES) == EPOCH


def test_another_gateway_leaves_no_trace(planned):
    other = replace(planned, gateway_code="GW-BETA-1", changed=datetime(2026, 12, 1, tzinfo=UTC))
    assert last_modified(GATEWAY, [planned, other], date(2026, 12, 6)) == planned.changed
    assert last_modified(GATEWAY, [other], LEAVES) == EPOCH


def test_a_closure_that_is_late_no_more_changed_the_feed_of_late_ones(planned):
    assert not takes(LATE, planned, date(2026, 12, 6))
    assert last_modified(LATE, [planned], date(2026, 12, 6)) == planned.changed
    # Its edges are none of that feed's: only what it shows can enter or leave.
    assert last_modified(LATE, [planned], LEAVES) == planned.changed
    assert last_modified(LATE, [replace(planned, late_change=True)], LEAVES) == midnight(LEAVES)


@given(data=st.data(), scope=SCOPES)
def test_what_is_shown_changes_only_when_last_modified_does(entries, data, scope):
    held = data.draw(st.lists(entries, max_size=5))
    anchor = max((entry.changed for entry in held), default=EPOCH).date() + DAY
    today = anchor + DAY * data.draw(st.integers(0, 2000))
    before = [entry for entry in held if takes(scope, entry, today - DAY)]
    after = [entry for entry in held if takes(scope, entry, today)]
    stamp = last_modified(scope, held, today)
    assert stamp <= midnight(today)
    assert (stamp == midnight(today)) is (before != after or any(entry.changed == midnight(today) for entry in held))
    if before == after:
        assert stamp == last_modified(scope, held, today - DAY)


@given(data=st.data(), scope=SCOPES)
def test_last_modified_does_not_depend_on_order(entries, data, scope):
    held = data.draw(st.lists(entries, max_size=5))
    today = data.draw(st.dates(date(2000, 1, 1), date(2060, 1, 1)))
    assert last_modified(scope, held, today) == last_modified(scope, held[::-1], today)


def test_the_last_edge_is_the_day_on_which_an_entry_last_came_or_went(planned):
    enters, leaves = ENTERS.toordinal(), LEAVES.toordinal()
    found = [last_edge(ALL, planned, day) for day in (ENTERS - DAY, ENTERS, LEAVES - DAY, LEAVES, LEAVES + DAY)]
    assert found == [0, enters, enters, leaves, leaves]
    withdrawn = replace(planned, withdrawn=True)
    assert last_edge(replace(ALL, withdrawn_days=0), withdrawn, LEAVES) == 0
    assert (last_edge(FULL, planned, LEAVES), last_edge(LATE, planned, LEAVES)) == (0, 0)
    assert last_edge(LATE, replace(planned, late_change=True), LEAVES) == leaves
