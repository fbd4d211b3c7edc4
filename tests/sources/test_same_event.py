"""Events matched by what stayed the same: one with one, the nearest first, as an obvious implementation does it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.domain.window import ClosureWindow
from app.pulling.same_event import Traits, which_moved, which_stayed

FIRST = datetime(2027, 1, 1, tzinfo=UTC)


def traits(hour, length=4, summary="s", digest=""):
    starts = FIRST + timedelta(hours=hour)
    return Traits(digest, summary, ClosureWindow(starts, starts + timedelta(hours=length)))


SOME = st.dictionaries(
    st.integers(0, 30).map(str),
    st.builds(traits, st.integers(0, 50), st.integers(1, 2), st.sampled_from("st"), st.sampled_from("123456")),
    max_size=12,
)


@given(st.lists(st.integers(0, 500), unique=True, max_size=24), st.data())
def test_the_nearest_two_of_all_are_paired_first(hours, data):
    is_new = data.draw(st.lists(st.booleans(), min_size=len(hours), max_size=len(hours)))
    new = {f"n{hour}": traits(hour) for hour, of_now in zip(hours, is_new, strict=True) if of_now}
    old = {f"o{hour}": traits(hour) for hour, of_now in zip(hours, is_new, strict=True) if not of_now}
    found = which_moved(new, old)
    assert (len(found), len(set(found.values()))) == (min(len(new), len(old)),) * 2

    def apart(pair):
        return abs(int(pair[0][1:]) - int(pair[1][1:]))

    distances = sorted(map(apart, found.items()))
    left_new, left_old, nearest = set(new), set(old), []
    while left_new and left_old:
        nearest.append(min(apart((one, other)) for one in left_new for other in left_old))
        pair = next(
            (one, other) for one, other in found.items() if one in left_new and apart((one, other)) == nearest[-1]
        )
        left_new.remove(pair[0])
        left_old.remove(pair[1])
    assert distances == nearest


@given(SOME, SOME)
def test_each_is_matched_with_one_and_with_what_it_has_most_in_common(new, old):
    stayed = which_stayed(new, old)
    assert len(set(stayed.values())) == len(stayed)
    assert all(
        new[one].digest == old[other].digest or new[one].window == old[other].window for one, other in stayed.items()
    )
    left_new = {uid: one for uid, one in new.items() if uid not in stayed}
    left_old = {uid: one for uid, one in old.items() if uid not in stayed.values()}
    kept = {one.digest for one in left_new.values()} & {one.digest for one in left_old.values()}
    assert (kept, {one.window for one in left_new.values()} & {one.window for one in left_old.values()}) == (
        set(),
        set(),
    )
    moved = which_moved(left_new, left_old)
    assert len(set(moved.values())) == len(moved)
    rest_new = [one for uid, one in left_new.items() if uid not in moved]
    rest_old = [one for uid, one in left_old.items() if uid not in moved.values()]
    assert not [1 for one in rest_new for other in rest_old if one.summary == other.summary]
    assert not [1 for one in rest_new for other in rest_old if one.window.duration == other.window.duration]


def test_title_and_length_count_before_title_and_title_before_length():
    old = {"a": traits(100, 4, "A"), "b": traits(200, 6, "A"), "c": traits(300, 4, "B")}
    new = {"1": traits(199, 4, "A"), "2": traits(101, 5, "A"), "3": traits(90, 4, "C")}
    assert which_moved(new, old) == {"1": "a", "2": "b", "3": "c"}
    assert which_moved({"4": traits(100, 9, "D")}, old) == {}


def test_what_says_the_same_counts_before_what_stands_there():
    old = {"a": traits(1, digest="x"), "b": traits(2, digest="y", summary="t")}
    new = {"1": traits(2, digest="x"), "2": traits(2, digest="z", summary="t")}
    assert which_stayed(new, old) == {"1": "a", "2": "b"}
    assert which_stayed({"1": Traits("p", "s", None)}, {"a": Traits("q", "s", None)}) == {}
