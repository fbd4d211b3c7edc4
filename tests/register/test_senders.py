"""A sender is read once for each state of Users and gateways, whoever changes that state."""

import pytest

from app.domain.refusal import Shredded
from app.register.give import find_sender
from app.register.people.enrolment import enrol_gateway, enrol_user
from app.store.engine import read_head


def test_a_gateway_that_was_added_since_is_the_senders(register, alpha):
    assert find_sender(register, "ALPHA").codes == ("GW-A1", "GW-A2")
    enrol_gateway(register.store, "ALPHA", "GW-A3")
    assert find_sender(register, "ALPHA").codes == ("GW-A1", "GW-A2", "GW-A3")


def test_each_sender_has_its_own_gateways(register, alpha):
    enrol_user(register.store, "BETA", "Beta Energy")
    enrol_gateway(register.store, "BETA", "GW-B1")
    found = [find_sender(register, code) for code in ("ALPHA", "BETA", "ALPHA")]
    assert [sender.codes for sender in found] == [("GW-A1", "GW-A2"), ("GW-B1",), ("GW-A1", "GW-A2")]
    assert found[0] is found[2]


def test_whom_a_token_names_is_known_by_its_row_too_and_gone_with_its_key(register, alpha):
    with register.store.reading() as connection:
        head = read_head(connection)
        assert register.senders.of_id(connection, head, alpha.id) is find_sender(register, "ALPHA")
        register.store.keyring.shred(alpha.id)
        with pytest.raises(Shredded):
            register.senders.of_id(connection, head, alpha.id)
