"""Service, health: what it says of the witnesses."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from app.domain.access import Role
from app.jobs.sweep import sweep
from app.register.witnesses import Witness, Witnesses, held_of, keep, keep_trouble, shown_checkpoint
from app.security.notes import WitnessKey
from app.security.signing import SigningKey
from app.store.cosignatures import HeldCosignature
from app.web.site import EXTENSION

WITNESS = Witness(WitnessKey("witness.example/w1", b"mark", SigningKey(bytes(32)).public), "https://witness.example")


@pytest.fixture
def health(web, sign_in, read):
    """Return a function that gives what an admin reads, of a service with one witness."""
    web.extensions[EXTENSION] = replace(web.extensions[EXTENSION], witnesses=Witnesses((WITNESS,), 1))
    admins = (sign_in(f"admin{number}@example.org", Role.ADMIN) for number in itertools.count())
    return lambda: read(next(admins).get("/service/health"))


def test_health_says_how_it_stands_with_witnesses(health, register, clock, alpha, announce, give):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    sweep(register, clock())
    assert "Witnesses 0 of 1 cosigned the published checkpoint; a quorum is 1. No quorum has ever cosigned" in health()
    shown = shown_checkpoint(register)[1]
    keep(register, HeldCosignature("witness.example/w1", shown.size, shown.root, "— line", clock()))
    assert "Witnesses 1 of 1 cosigned the published checkpoint; a quorum is 1. Holiday" in health()
    keep_trouble(register, held_of(register, WITNESS), "It answered 500.")
    clock.now += timedelta(hours=3, seconds=1)
    assert (
        "a quorum is 1. No quorum since Tue 24 Nov 2026 09:00 GMT (2026-11-24 09:00 UTC). witness.example/w1 : It answered 500. Holiday"
    ) in health()
