from datetime import timedelta

import pytest

from app.domain.refusal import PolicyRefused
from app.domain.retention import RetentionPolicy


def test_what_is_kept_how_long_unless_dcc_says_otherwise():
    policy = RetentionPolicy(1)
    assert RetentionPolicy(version=1, details_days=90, facts_days=2557, withdrawn_days=60) == policy
    assert policy.details == timedelta(days=90)
    # Seven years, of which two may be leap years.
    assert policy.facts == timedelta(days=7 * 365 + 2)


@pytest.mark.parametrize("days", [1, 36_525])
def test_every_span_may_lie_at_the_edge(days):
    policy = RetentionPolicy(2, details_days=days, facts_days=days, withdrawn_days=days)
    assert (policy.details, policy.facts, policy.withdrawn_days) == (timedelta(days), timedelta(days), days)


@pytest.mark.parametrize("days", [-1, 0, 36_526])
@pytest.mark.parametrize("name", ["details_days", "facts_days", "withdrawn_days"])
def test_a_span_out_of_range_is_refused(name, days):
    with pytest.raises(PolicyRefused) as refused:
        RetentionPolicy(2, **{name: days})
    assert (refused.value.text, refused.value.remedy) == ("That retention is out of range.", "Give 1 to 36525 days.")


def test_details_may_be_kept_as_long_as_the_facts_and_not_longer():
    assert RetentionPolicy(2, details_days=100, facts_days=100).details == timedelta(days=100)
    with pytest.raises(PolicyRefused) as refused:
        RetentionPolicy(2, details_days=101, facts_days=100)
    assert (refused.value.text, refused.value.remedy) == (
        "Details cannot be kept longer than the facts they belong to.",
        "Raise facts-days or lower details-days.",
    )
