import pytest

from app.domain.refusal import PolicyRefused
from app.domain.thresholds import Thresholds


def test_thresholds_have_defaults_until_dcc_sets_them():
    assert Thresholds(1) == Thresholds(version=1, closed=5, reopening=3, release_days=2)


@pytest.mark.parametrize(
    "facts", [{"closed": 0}, {"reopening": 0}, {"closed": 10_001}, {"reopening": 10_001}, {"release_days": -1}, {"release_days": 32}]
)  # fmt: skip
def test_a_threshold_out_of_range_is_refused(facts):
    with pytest.raises(PolicyRefused):
        Thresholds(1, **facts)


@pytest.mark.parametrize(
    "facts", [{"closed": 1, "reopening": 1, "release_days": 0}, {"closed": 10_000, "release_days": 31}]
)
def test_a_threshold_at_the_edge_is_taken(facts):
    assert Thresholds(1, **facts).version == 1
