"""What a feed says of itself."""

from dataclasses import replace

import pytest

from feeds.entry import FeedHeader
from feeds.header import header_of, header_properties
from feeds.property import Property
from feeds.scope import FeedScope, ScopeKind
from feeds.wording import FULL_TEXT, horizon_text

HEADER = FeedHeader("Closures", "All of them", "teal", None)


@pytest.mark.parametrize(
    ("scope", "name", "colour"),
    [
        (FeedScope(ScopeKind.ALL), "Planned gateway closures", "steelblue"),
        (FeedScope(ScopeKind.USER, "ALPHA"), "Planned gateway closures of ALPHA", "teal"),
        (FeedScope(ScopeKind.GATEWAY, "GW-1"), "Planned closures of gateway GW-1", "slateblue"),
        (FeedScope(ScopeKind.LATE), "Gateway closures at short notice and late changes", "darkorange"),
    ],
)
def test_header_of_a_scope(scope, name, colour):
    assert header_of(scope) == FeedHeader(name, horizon_text(30, 548, 60), colour, None)


def test_header_says_the_horizon():
    scope = FeedScope(ScopeKind.ALL, past_days=7, horizon_days=90, withdrawn_days=14)
    assert header_of(scope).description == horizon_text(7, 90, 14)


def test_header_of_the_full_scope_says_so():
    assert header_of(FeedScope(ScopeKind.FULL), "https://a.example/f.ics") == FeedHeader(
        "All gateway closures on record", FULL_TEXT, "dimgray", "https://a.example/f.ics"
    )


def test_properties_without_a_source(publisher):
    assert header_properties(HEADER, publisher) == (
        Property("VERSION", "text", "2.0"),
        Property("PRODID", "text", "-//closures.example//Planned gateway closures//EN"),
        Property("CALSCALE", "text", "GREGORIAN"),
        Property("METHOD", "text", "PUBLISH"),
        Property("NAME", "text", "Closures"),
        Property("X-WR-CALNAME", "text", "Closures"),
        Property("X-WR-CALDESC", "text", "All of them"),
        Property("REFRESH-INTERVAL", "duration", "PT1H", (("VALUE", "DURATION"),)),
        Property("X-PUBLISHED-TTL", "text", "PT1H"),
        Property("COLOR", "text", "teal"),
    )


def test_source_stands_where_it_is_given(publisher):
    stated = header_properties(replace(HEADER, source_url="https://a.example/\nf.ics"), publisher)
    assert stated[9:] == (
        Property("SOURCE", "uri", "https://a.example/ f.ics", (("VALUE", "URI"),)),
        Property("COLOR", "text", "teal"),
    )


def test_nothing_empty_and_nothing_that_breaks_a_line(publisher):
    hostile = FeedHeader("a\r\nb", "c\u2028d\x00", "e\nf", "")
    values = {stated.name: stated.value for stated in header_properties(hostile, replace(publisher, uid_domain="g\nh"))}
    assert values == {
        "VERSION": "2.0",
        "PRODID": "-//g h//Planned gateway closures//EN",
        "CALSCALE": "GREGORIAN",
        "METHOD": "PUBLISH",
        "NAME": "a b",
        "X-WR-CALNAME": "a b",
        "X-WR-CALDESC": "c d",
        "REFRESH-INTERVAL": "PT1H",
        "X-PUBLISHED-TTL": "PT1H",
        "COLOR": "e f",
    }
    empty = [stated.name for stated in header_properties(FeedHeader("\x00", "\n", " ", "\x07"), publisher)]
    assert empty == ["VERSION", "PRODID", "CALSCALE", "METHOD", "REFRESH-INTERVAL", "X-PUBLISHED-TTL"]
