"""A closure that no client put stands in its gateway's calendar all the same, under a name that is never taken."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.access import Principal, Role
from app.domain.notice import Channel
from app.register.calendar_view import place_of
from app.register.members import Allowed, GatewayCollection, deletion_notice, remove_member
from app.register.rendered_members import read_rendered
from app.register.retention import purge_expired
from app.register.withdraw import withdraw_closure
from app.store import members, parties

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
WHATEVER = Allowed(lambda _: True, is_stated=False)


@pytest.fixture
def collection(register, alpha):
    """Return a function that gives the calendar of one of ALPHA's gateways."""

    def of(code):
        with register.store.reading() as connection:
            (gateway,) = [one for one in parties.gateways_of(register.store, connection, alpha.id) if one.code == code]
        return GatewayCollection(alpha, gateway, place_of(register, alpha, code))

    return of


@pytest.fixture
def shown(register, collection):
    """Return a function that gives what stands in a gateway's calendar: (name, UID), in order of change.

    The entity tag of each is that of the octets which a client would get.
    """

    def standing(code):
        store, place = register.store, collection(code).place
        with store.reading() as connection:
            found = [one for one in members.changed_since(store, connection, place, -1, None) if not one.gone]
            bodies = read_rendered(register, connection, collection(code), [one.head for one in found])
        for one in found:
            octets = bodies[one.head.uid].octets
            assert (one.head.etag, one.head.length) == (store.blind.etag(octets), len(octets))
        return [(one.head.name, one.head.uid) for one in found]

    return standing


def delete(register, collection, name):
    notice = deletion_notice(collection, name, "a client", NOW)
    return remove_member(register, collection, name, notice, WHATEVER)


def test_a_closure_is_shown_at_its_gateway_under_its_reference(alpha, announce, give, shown):
    (ack,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    assert shown("GW-A1") == [(f"{ack.closure.reference.lower()}.ics", "u1")]
    assert shown("GW-A2") == []


def test_a_closure_that_comes_back_to_a_gateway_is_shown_there_again(alpha, announce, give, shown):
    (ack,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    expected = [(f"{ack.closure.reference.lower()}.ics", "u1")]
    for gateway, other in (("GW-A2", "GW-A1"), ("GW-A1", "GW-A2"), ("GW-A2", "GW-A1")):
        give(alpha, announce("u1", "2027-02-07T02:00", gateway=gateway), about=ack.closure.reference)
        assert (shown(gateway), shown(other)) == (expected, [])


def test_what_a_client_deleted_and_the_api_plans_again_is_shown_again(
    register, alpha, announce, give, shown, collection
):
    (ack,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    ((name, _),) = shown("GW-A1")
    assert len(delete(register, collection("GW-A1"), name).withdrawn) == 1
    assert shown("GW-A1") == []
    (again,) = give(alpha, announce("u1", "2027-02-07T02:00"), at=NOW + timedelta(hours=1)).accepted
    assert (again.closure.reference, shown("GW-A1")) == (ack.closure.reference, [(name, "u1")])


def test_another_occurrence_of_what_a_client_deleted_is_shown_with_what_was_withdrawn(
    register, alpha, announce, give, shown, collection
):
    give(alpha, announce("s", "2027-02-07T02:00", recurrence_id="20270207T020000Z", position=0))
    ((name, _),) = shown("GW-A1")
    delete(register, collection("GW-A1"), name)
    give(alpha, announce("s", "2027-02-14T02:00", recurrence_id="20270214T020000Z", position=1))
    assert [uid for _, uid in shown("GW-A1")] == ["s"]


def test_a_withdrawal_by_another_door_is_shown_as_cancelled(register, alpha, announce, give, shown, collection):
    (ack,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    before = shown("GW-A1")
    own = Principal("a", Role.USER, frozenset({"ALPHA"}))
    withdraw_closure(register, own, ack.closure.reference, channel=Channel.API, now=NOW)
    assert shown("GW-A1") == before
    with register.store.reading() as connection:
        held = members.members_of_uids(register.store, connection, collection("GW-A1").place, ["u1"])["u1"]
        octets = read_rendered(register, connection, collection("GW-A1"), [held.head])["u1"].octets
    assert b"\r\nSTATUS:CANCELLED\r\n" in octets


def test_what_was_never_shown_is_not_shown_for_being_withdrawn(register, alpha, announce, give, shown, collection):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    delete(register, collection("GW-A1"), shown("GW-A1")[0][0])
    outcome = give(alpha, replace(announce("u1", "2027-02-07T02:00"), withdrawn=True))
    assert (len(outcome.unchanged), shown("GW-A1")) == (1, [])


def test_a_member_leaves_with_the_facts_of_its_closures(register, alpha, collection, announce, give):
    give(alpha, announce("u1", "2026-12-06T02:00"))
    late = datetime(2034, 1, 1, tzinfo=UTC)
    assert purge_expired(register, late).closures == 1
    place = collection("GW-A1").place
    with register.store.reading() as connection:
        assert members.members_of_uids(register.store, connection, place, ["u1"]) == {}
        (left,) = members.left_since(register.store, connection, place, 10**9, (0, late.toordinal()))
    assert (left.head.uid, left.stands(late.toordinal()), left.stands(late.toordinal() - 1)) == ("", False, True)
