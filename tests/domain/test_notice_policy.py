from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.notice_policy import COUNTING, FIRST_POLICY, NoticePolicy, policy_in_force
from app.domain.refusal import PolicyRefused
from app.domain.working_days import REGIONS


def recommending(days):
    return NoticePolicy(version=1, recommended_days=days, valid_from=date(2019, 11, 1))


# For each recommendation, the bands from the latest notice to the earliest, with the first and the last day of each.
BANDS = {
    20: [("<2", 0, 1), ("2-4", 2, 4), ("5-9", 5, 9), ("10-19", 10, 19), (">=20", 20, 400)],
    10: [("<1", 0, 0), ("1", 1, 1), ("2-4", 2, 4), ("5-9", 5, 9), (">=10", 10, 400)],
    8: [("<2", 0, 1), ("2-3", 2, 3), ("4-7", 4, 7), (">=8", 8, 400)],
    3: [("<1", 0, 0), ("1-2", 1, 2), (">=3", 3, 400)],
    2: [("<1", 0, 0), ("1", 1, 1), (">=2", 2, 400)],
    1: [("<1", 0, 0), (">=1", 1, 400)],
    250: [("<25", 0, 24), ("25-61", 25, 61), ("62-124", 62, 124), ("125-249", 125, 249), (">=250", 250, 400)],
}
EDGES = [(days, band, edge) for days, bands in BANDS.items() for band, low, high in bands for edge in (low, high)]


@pytest.mark.parametrize(("recommended", "band", "working_days"), EDGES)
def test_bands_at_both_edges(recommended, band, working_days):
    assert recommending(recommended).band(working_days) == band


@given(st.integers(1, 250), st.integers(0, 300))
def test_a_lead_time_lies_in_the_band_that_it_is_given(recommended, working_days):
    band = recommending(recommended).band(working_days)
    if band.startswith(">="):
        assert working_days >= int(band[2:]) == recommended
    elif band.startswith("<"):
        assert working_days < int(band[1:]) <= recommended
    else:
        low, _, high = band.partition("-")
        assert int(low) <= working_days <= int(high or low) < recommended


@given(st.integers(1, 250))
def test_bands_have_no_gaps_and_never_come_back(recommended):
    policy = recommending(recommended)
    bands = list(dict.fromkeys(policy.band(days) for days in range(300)))
    changes = sum(policy.band(days) != policy.band(days + 1) for days in range(299))
    assert changes == len(bands) - 1 <= 4


@pytest.mark.parametrize("days", [-1, 0, 251])
def test_a_recommendation_out_of_range_is_refused(days):
    with pytest.raises(PolicyRefused) as refused:
        recommending(days)
    assert (refused.value.text, refused.value.remedy) == (
        "The recommended notice is out of range.",
        "Give 1 to 250 Working Days.",
    )


@pytest.mark.parametrize("days", [1, 250])
def test_a_recommendation_at_the_edge_is_taken(days):
    assert recommending(days).recommended_days == days


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_may_be_chosen(region):
    assert NoticePolicy(2, 8, date(2026, 1, 1), region).holiday_region == region


@pytest.mark.parametrize("region", ["GB", "", "England-and-Wales"])
def test_another_region_is_refused(region):
    with pytest.raises(PolicyRefused) as refused:
        NoticePolicy(2, 8, date(2026, 1, 1), region)
    assert (refused.value.text, refused.value.remedy) == (
        "That holiday region is not known.",
        "Give one of england-and-wales, scotland, northern-ireland, gb-any, uk-any.",
    )


def test_the_first_policy_is_what_the_working_group_settled():
    assert (
        NoticePolicy(
            version=1,
            recommended_days=20,
            valid_from=date(2019, 11, 1),
            holiday_region="england-and-wales",
        )
        == FIRST_POLICY
    )
    assert COUNTING == "clear-days"


OLD = NoticePolicy(1, 20, date(2019, 11, 1))
NEW = NoticePolicy(2, 10, date(2026, 3, 1))
NEWER = NoticePolicy(3, 8, date(2026, 3, 1))
LATER = NoticePolicy(4, 5, date(2027, 1, 1))


@pytest.mark.parametrize(
    ("policies", "day", "version"),
    [
        ([OLD, NEW], date(2026, 2, 28), 1),
        ([OLD, NEW], date(2026, 3, 1), 2),
        ([NEW, OLD], date(2026, 3, 1), 2),
        ([OLD, NEWER, NEW], date(2026, 3, 1), 3),  # two of one date: the later version
        ([NEWER, NEW, LATER], date(2026, 12, 31), 3),
        ([NEWER, NEW, LATER], date(2027, 1, 1), 4),
        ([NEW, OLD], date(2019, 11, 1), 1),
        ([NEW, OLD], date(2019, 10, 31), 1),  # before all of them: the earliest
        ([LATER, NEW, NEWER], date(2019, 10, 31), 3),  # the earliest date, and of that the later version
    ],
)
def test_the_policy_in_force(policies, day, version):
    assert policy_in_force(policies, day).version == version
