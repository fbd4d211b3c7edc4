"""Insights: each figure with its numbers and its spreadsheet, for DCC of all, for a User of its own."""

import re
from datetime import UTC, datetime
from html import unescape

import pytest

UNTOLD = {"early": 0, "over_time": 0, "not_taken_place": 0}
FIGURES = ("notice", "quarters", "reopenings", "churn", "moved", "silent")


@pytest.fixture
def world(alpha, enrolled, give, announce):
    """ALPHA told in time, late and moved one twice; BETA told one; GAMMA nothing. Now is 24 Nov 2026."""
    beta, _ = enrolled("BETA", "GW-B1"), enrolled("GAMMA", "GW-G1")
    early = datetime(2026, 9, 1, 9, tzinfo=UTC)
    moved = [
        give(alpha, announce("a", f"2026-12-{day:02}T02:00"), at=datetime(2026, 10, day, 9, tzinfo=UTC))
        for day in (6, 13, 20)
    ]
    give(alpha, announce("b", "2026-11-29T02:00"), announce("c", "2026-10-04T01:00", gateway="GW-A2"), at=early)
    give(alpha, announce("late", "2026-11-25T02:00"), announce("gone", "2026-11-26T02:00"))
    give(alpha, announce("gone", "2026-11-26T02:00", withdrawn=True))
    give(beta, announce("b", "2026-12-06T02:00", gateway="GW-B1"), at=early)
    return moved[0].accepted[0].closure.reference


def tables(page):
    """Return the rows of each table: {figure: [[cell]]}."""
    sections = re.findall(r'<h2 id="(\w+)">(.*?)</section>', page.text, re.DOTALL)
    return {
        name: [
            [
                " ".join(unescape(re.sub(r"<[^>]+>", " ", cell)).split())
                for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)
            ]
            for row in re.findall(r"<tr>(.*?)</tr>", text.partition("<tbody>")[2].partition("</tbody>")[0], re.DOTALL)
        ]
        for name, text in sections
    }


def test_each_figure_has_its_numbers(world, dcc_client, read):
    page = dcc_client.get("/insights")
    assert (
        "Of 5 closures that start in Thu 1 Jan 2026 00:00 GMT to Fri 1 Jan 2027 00:00 GMT, 1 has short notice and 1 was moved twice or more."
        in read(page)
    )
    assert tables(page) == {
        "notice": [
            ["20 or more", "4"], ["10 to 19", "0"], ["5 to 9", "0"], ["2 to 4", "0"], ["fewer than 2", "1"],
            ["after start", "0"], ["after end", "0"],
        ],
        "quarters": [["ALPHA", "1 of 4"], ["BETA", "0 of 1"]],
        "reopenings": [["Sunday", "06:00", "4"], ["Wednesday", "06:00", "1"]],
        "churn": [["ALPHA", "4", "2", "0.5", "38"], ["BETA", "1", "0", "0.0", "68"]],
        "moved": [[f"GW-A1 {world}", "ALPHA", "Sun 20 Dec 2026 02:00 GMT 2026-12-20 02:00 UTC", "2"]],
        "silent": [["GAMMA", "never"]],
    }  # fmt: skip
    assert re.findall(r'<svg class="figure"[^>]* aria-label="([^"]*)"', page.text) == [
        "Closures by the Working Days&#39; notice of their times",
        "Closures by the quarter in which they start, and how many have short notice",
        "How often gateways re-open, by hour of the week",
        "Users by the median notice of their first notices and by moves for each closure",
    ]


def test_the_api_has_the_same_and_sheets_hold_it(world, dcc_client):
    answer = dcc_client.get("/api/v1/insights").json
    assert (answer["closures"], answer["short_notice"], answer["silent_months"]) == (5, 1, 6)
    assert answer["quarters"] == [
        {"user": "ALPHA", "quarter": "2026-Q4", "closures": 4, "short_notice": 1, **UNTOLD},
        {"user": "BETA", "quarter": "2026-Q4", "closures": 1, "short_notice": 0, **UNTOLD},
    ]
    for name in FIGURES:
        sheet = dcc_client.get(f"/insights.csv?figure={name}")
        assert sheet.headers["Content-Disposition"] == f'attachment; filename="insights-{name}.csv"'
        assert sheet.text.count("\r\n") == 1 + len(answer[name])
    assert dcc_client.get("/insights.csv?figure=quarters").text == (
        "\ufeffuser,quarter,closures,short_notice,early,over_time,not_taken_place\r\n"
        "ALPHA,2026-Q4,4,1,0,0,0\r\nBETA,2026-Q4,1,0,0,0,0\r\n"
    )
    assert "insights quarters, csv" in dcc_client.get("/record/reads").text


def test_a_user_sees_its_own_figures(world, alpha_client):
    found = tables(alpha_client.get("/insights"))
    assert (found["quarters"], found["silent"]) == ([["ALPHA", "1 of 4"]], [])
    assert "BETA" not in alpha_client.get("/insights").text
    assert "BETA" not in alpha_client.get("/insights.csv?figure=churn").text


@pytest.mark.parametrize(
    ("days", "closures"),
    [
        ("from=2026-12-01", 2),
        ("to=2026-11-25", 1),
        ("from=2026-11-25&to=2026-11-26", 1),
        ("from=2020-01-01&to=2021-01-01", 0),
    ],
)
def test_the_address_says_which_days(world, dcc_client, days, closures):
    assert dcc_client.get(f"/api/v1/insights?{days}").json["closures"] == closures
    page = dcc_client.get(f"/insights?{days}")
    assert sum(int(count) for _, count in tables(page)["notice"]) == closures
    if closures:
        assert f'href="/insights.csv?figure=notice&amp;{days.replace("&", "&amp;")}"' in page.text


def test_what_cannot_be_read_is_named_beside_the_form(dcc_client):
    page = dcc_client.get("/insights?from=2026-12-01&to=2026-11-01")
    assert (page.status_code, "The span is empty" in page.text, 'value="2026-12-01"' in page.text) == (400, True, True)
    assert dcc_client.get("/insights.csv?figure=all").status_code == 400
    assert dcc_client.get("/insights.csv?figure=notice&from=then").status_code == 400
