"""How many closures a User may hold planned (docs/operating.md#fair-shares)."""

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.notice import Channel, Notice, NoticeContent
from app.register.planned_limit import TooManyPlanned
from app.register.receive import preview_notice, receive_notice
from app.register.register import open_register
from tests.conftest import enrol

FIRST = datetime(2027, 3, 1, 2)
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.fixture
def three(store, alpha, announce):
    """A register in which each User may hold three closures planned, and how a User gives notices there."""
    register = open_register(store, "gateway-closures", 3)

    def tell(*uids, user=alpha, gateway="GW-A1", later=0, withdrawn=False, take=receive_notice):
        told = tuple(
            announce(
                uid,
                f"{FIRST + timedelta(days=number, hours=later):%Y-%m-%dT%H:%M}",
                gateway=gateway,
                withdrawn=withdrawn,
            )
            for number, uid in enumerate(uids)
        )
        notice = Notice(user.code, Channel.API, NOW, "application/json", b"{}")
        return take(register, user, notice, NoticeContent(told, (), events=len(told)))

    return tell


def test_a_notice_that_would_be_too_much_is_refused_whole(three, register):
    assert len(three("a", "b").accepted) == 2
    with pytest.raises(TooManyPlanned) as refused:
        three("c", "d")
    assert str(refused.value) == (
        "ALPHA has 2 closures planned and may have 3; this notice holds 2 new ones. Nothing of it was recorded. "
        "Withdraw what is planned no more, give series an earlier end, or ask the operator for more."
    )
    with pytest.raises(TooManyPlanned):
        three("c", "d", take=preview_notice)
    assert len(three("c").accepted) == 1


def test_changes_and_withdrawals_are_never_too_much_and_make_room(three):
    three("a", "b", "c")
    assert len(three("a", "b", "c", later=1).accepted) == 3
    with pytest.raises(TooManyPlanned):
        three("d")
    assert len(three("a", withdrawn=True).withdrawn) == 1
    assert len(three("d").accepted) == 1
    with pytest.raises(TooManyPlanned):
        three("e")


def test_each_user_has_its_own(three, service):
    three("a", "b", "c")
    beta = enrol(service, "BETA", "GW-B1")
    assert len(three("a", "b", "c", user=beta, gateway="GW-B1").accepted) == 3
