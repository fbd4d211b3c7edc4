from dataclasses import replace

import pytest

from app.domain.refusal import IntakeProblem


@pytest.mark.parametrize(
    ("codes", "chosen", "lines", "expected"),
    [
        (("GW-1",), None, [], "GW-1"),
        (("GW-1", "GW-2"), "gw-2", ["LOCATION:GW-1"], "GW-2"),
        (("GW-1", "GW-2"), None, ["LOCATION:gw-2"], "GW-2"),
        (("GW-1", "GW-2"), None, ["X-MAINTNOTE-OBJECT-ID:GW-2", "LOCATION:Leeds"], "GW-2"),
        (("GW-1", "GW-2"), None, ["X-MAINTNOTE-OBJECT-ID;X-MAINTNOTE-OBJECT-IMPACT=OUTAGE:GW-2"], "GW-2"),
        (("GW-1",), None, ["LOCATION:Leeds"], "GW-1"),
        (("GW-1", "GW-2"), None, ["X-MAINTNOTE-OBJECT-ID:GW-1", "LOCATION:GW-1"], "GW-1"),
    ],
)
def test_which_gateway(read, event, asking, codes, chosen, lines, expected):
    reading = read(event(*lines), asking=replace(asking, gateways=codes, gateway=chosen))
    assert [one.gateway for one in reading.announcements] == [expected]
    assert reading.problems == ()


@pytest.mark.parametrize(
    ("codes", "chosen", "lines", "text"),
    [
        (("GW-1", "GW-2"), None, [], "It cannot be told which of your gateways this event closes."),
        (("GW-1", "GW-2"), None, ["LOCATION:GW-3"], "It cannot be told which of your gateways this event closes."),
        (
            ("GW-1", "GW-2"),
            None,
            ["LOCATION:GW-1", "X-MAINTNOTE-OBJECT-ID:GW-2"],
            "This event names more than one of your gateways.",
        ),
        (("GW-1", "GW-2"), "GW-3", ["LOCATION:GW-1"], "The gateway asked for is not one of yours."),
    ],
)
def test_never_a_guess_but_a_problem_that_lists_the_codes(read, event, asking, codes, chosen, lines, text):
    reading = read(event(*lines), asking=replace(asking, gateways=codes, gateway=chosen))
    assert reading.announcements == ()
    assert reading.problems == (
        IntakeProblem(
            text=text,
            remedy="Choose the gateway when you send it, or write its code in the event's LOCATION. Yours: GW-1, GW-2.",
            line=4,
            property="LOCATION",
            code="gateway",
            event="one@example.org, 2026-12-06 02:00",
        ),
    )


def test_an_object_id_that_names_no_gateway_of_the_only_one_is_remarked(read, event):
    reading = read(event("X-MAINTNOTE-OBJECT-ID:ELSEWHERE"))
    assert [(one.gateway, one.remarks) for one in reading.announcements] == [
        ("GW-1", ("X-MAINTNOTE-OBJECT-ID names none of your gateways; your only one was taken.",))
    ]
