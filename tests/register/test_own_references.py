"""Own references and UIDs are given to the User's own people alone."""

from app.domain.access import Principal, Role
from app.register.own_references import references_of, sender_uids
from app.register.reading import read_everything


def test_only_the_users_own_people_get_them(register, alpha, enrolled, give, announce):
    beta = enrolled("BETA", "GW-B1")
    own = give(alpha, announce("sheet:CHG-1", "2026-12-06T02:00"), announce("e@x", "2026-12-07T02:00")).accepted
    other = give(beta, announce("form:CHG-2", "2026-12-06T02:00", gateway="GW-B1")).accepted[0].closure
    everything = read_everything(register, Principal("dcc", Role.DCC))
    somebody = {code: Principal(code, Role.USER, frozenset({code})) for code in ("ALPHA", "BETA")}
    uids = {own[0].closure.id: "sheet:CHG-1", own[1].closure.id: "e@x"}
    assert sender_uids(register, somebody["ALPHA"]) == uids
    assert sender_uids(register, somebody["BETA"]) == {other.id: "form:CHG-2"}
    assert references_of(register, somebody["ALPHA"], everything) == {own[0].closure.id: "CHG-1"}
    for principal in (Principal("dcc", Role.DCC), Principal("admin", Role.ADMIN), Principal("ops", Role.OPS)):
        assert (sender_uids(register, principal), references_of(register, principal, everything)) == ({}, {})
