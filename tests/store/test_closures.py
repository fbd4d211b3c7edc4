"""Closures read in one stream while others write."""

from app.register.people.enrolment import shred_user
from app.store.closures import changed_since


def test_who_is_shredded_while_all_are_read_takes_nobody_else_along(store, alpha, enrolled, announce, give, clock):
    beta = enrolled("BETA", "GW-B1")
    for user, gateway in ((alpha, "GW-A1"), (beta, "GW-B1")):
        told = [announce(f"{number}", "2027-02-07T02:00", gateway=gateway) for number in range(600)]
        give(user, *told)  # more than the rows that are fetched at once, with the other's
    codes = {alpha.id: "ALPHA", beta.id: "BETA"}
    with store.reading() as connection:
        found = changed_since(store, connection, 0, codes)
        first = next(found)
        shred_user(store, first.closure.user, clock())
        left = [held.closure.user for held in found]
    other = {"ALPHA": "BETA", "BETA": "ALPHA"}[first.closure.user]
    assert left.count(other) == 600
