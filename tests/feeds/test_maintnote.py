"""What operators' tools read."""

from dataclasses import replace

import pytest

from feeds.maintnote import maintnote_properties
from feeds.property import Property


@pytest.mark.parametrize(("withdrawn", "status"), [(False, "CONFIRMED"), (True, "CANCELLED")])
def test_six_properties(planned, withdrawn, status):
    assert maintnote_properties(replace(planned, withdrawn=withdrawn)) == (
        Property("X-MAINTNOTE-PROVIDER", "text", "ALPHA"),
        Property("X-MAINTNOTE-ACCOUNT", "text", "dcc"),
        Property("X-MAINTNOTE-MAINTENANCE-ID", "text", "CN-7F3K9QZ0AB"),
        Property("X-MAINTNOTE-OBJECT-ID", "text", "GW-ALPHA-1"),
        Property("X-MAINTNOTE-IMPACT", "text", "OUTAGE"),
        Property("X-MAINTNOTE-STATUS", "text", status),
    )


def test_hostile_codes_stay_on_their_line(planned):
    hostile = replace(planned, user_code="A\r\nB", reference="CN\n1", gateway_code="G\u2028W\x00")
    values = [stated.value for stated in maintnote_properties(hostile)]
    assert values == ["A B", "dcc", "CN 1", "G W", "OUTAGE", "CONFIRMED"]
