"""Facts in the register: over time within the minute, questions by fact, feeds that change only where the end does."""

from datetime import datetime, timedelta

import pytest

from app.domain.access import Principal, Role
from app.domain.closure import State, Step
from app.domain.fact import FactDoubted, FactKind, ToldFact
from app.domain.notice import Channel
from app.jobs.sweep import sweep
from app.register.questions.closed import closed_at, triage_gateway
from app.register.reading import find_history
from app.register.tell_fact import tell_fact
from app.register.verification import verify_record

DCC = Principal("dcc", Role.DCC)
MINUTE = timedelta(minutes=1)


def at(text):
    return datetime.fromisoformat(f"2027-02-{text}+00:00")


@pytest.fixture
def told(alpha, give, announce):
    """The reference of a closure from 02:00 to 06:00 on Sunday 7 February 2027."""
    return give(alpha, announce("one", "2027-02-07T02:00")).accepted[0].closure.reference


@pytest.fixture
def tell(register, told):
    """Return a function that tells of it, as DCC on behalf."""

    def say(kind, moment, now):
        fact = ToldFact(FactKind(kind), None if moment is None else at(moment))
        return tell_fact(register, DCC, told, fact, channel=Channel.API, now=at(now))

    return say


def test_triage_answers_with_what_was_told(register, told, tell):
    def asked(now):
        found = triage_gateway(register, DCC, "GW-A1", at(now), None)
        return found["closed"], found["answer"]

    plan = "planned from Sun 7 Feb 2027 02:00 GMT to Sun 7 Feb 2027 06:00 GMT"
    tell("closed", "07T02:03", "07T02:04")
    closed = f"{plan}, told closed from Sun 7 Feb 2027 02:03 GMT"
    assert asked("07T02:10") == (True, f"GW-A1 is in a planned closure, {closed}.")
    assert asked("07T06:20") == (True, f"GW-A1 is over time, {closed}, not told re-opened: 20 min over.")
    assert asked("28T06:00")[0] is True  # three weeks on, and still nothing is heard
    tell("re-opened", "07T06:25", "07T06:26")
    reopened = f"{closed}, told re-opened at Sun 7 Feb 2027 06:25 GMT"
    assert asked("07T06:30") == (False, f"GW-A1 has re-opened, {reopened}.")
    assert asked("07T06:20")[0] is True


def test_closed_now_goes_by_what_was_told_and_as_of_by_what_was_told_then(register, told, tell):
    tell("closed", "07T02:03", "07T02:04")
    gateways = [
        closed_at(register, DCC, at(now), as_of)["gateways"]
        for now, as_of in [
            ("07T02:02", None), ("07T02:03", None), ("07T07:00", None), ("07T02:02", at("07T02:02")),
            ("07T07:00", at("07T02:03")),
        ]
    ]  # fmt: skip
    assert gateways == [[], ["GW-A1"], ["GW-A1"], ["GW-A1"], []]


def test_what_is_over_time_does_not_expire_and_does_once_it_is_told_re_opened(register, told, tell):
    tell("closed", "07T02:03", "07T02:04")
    sweep(register, at("08T00:30"))
    assert find_history(register, DCC, told)[-1][1].state is State.PLANNED
    tell("re-opened", "07T09:00", "08T01:00")
    sweep(register, at("09T00:30"))
    revision, closure = find_history(register, DCC, told)[-1]
    assert (revision.step, closure.state) == (Step.EXPIRED, State.EXPIRED)
    assert verify_record(register).faults == ()


def test_of_two_that_tell_the_same_one_is_asked_back_and_nothing_of_it_is_kept(register, told, tell):
    tell("closed", "07T02:03", "07T02:04")
    entries = len(find_history(register, DCC, told))
    with pytest.raises(FactDoubted):
        tell("closed", "07T02:03", "07T02:05")
    assert len(find_history(register, DCC, told)) == entries


def test_taking_back_restores_the_notice_that_it_had(register, told, tell):
    def notice():
        closure = find_history(register, DCC, told)[-1][1]
        return closure.verdict.late_change, closure.verdict.working_days_notice, closure.window_received_at

    before = notice()
    tell("still closed", "07T08:00", "07T05:00")
    assert (before[0], notice()[0]) == (False, True)
    tell("taken back", None, "07T05:05")
    assert notice() == before
