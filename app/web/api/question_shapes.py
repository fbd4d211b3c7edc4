"""The shapes of the answers to questions, for the API's document; ``answer`` is the answer in one sentence."""

from typing import Literal

from pydantic import Field, RootModel

from app.web.api.shapes import Band, Closure, Shape, Window


class Asked(Shape):
    """An answer about a span, at ``as_of`` if that was stated."""

    answer: str
    starts: str = Field(alias="from")
    ends: str = Field(alias="to")
    as_of: str | None


class WindowBefore(Window):
    """The gateway and window that a change replaced."""

    gateway: str


class Change(Window):
    """One entry of a closure's history; ``revision`` and ``change_days`` are null for expiry."""

    reference: str
    user: str
    gateway: str
    change: str
    received_at: str
    received_at_london: str
    revision: int | None
    before: WindowBefore | None
    change_days: int | None
    late: bool
    change_words: str


class Changes(Shape):
    """What was told at ``since`` <= t < ``until``; the Link header leads to the next page."""

    answer: str
    since: str
    until: str
    counts: dict[str, int]
    late: int
    changes: list[Change]


class Side(Window):
    """One closure of a clash."""

    reference: str
    gateway: str


class Clash(Window):
    """Two closures of different gateways, and the window in which both are closed."""

    closures: list[Side]


class MaintenanceNamed(Window):
    """One of DCC's own windows, by its reference."""

    reference: str
    kind: Literal["maintenance", "release"]


class MaintenanceClash(Window):
    """A closure on DCC's own dates, and the window that both share."""

    closure: Side
    maintenance: MaintenanceNamed


class Hour(Shape):
    """What is closed, and what re-opens, in one hour; ``shares`` are of all gateways of a party category."""

    hour: str
    hour_london: str
    closed: int
    reopening: int
    shares: dict[str, float]


class Thresholds(Shape):
    """Above how many gateways an hour counts as crowded."""

    version: int
    closed: int
    reopening: int


class Clashes(Asked):
    """What clashes in a span: advice, and nobody's fault. ``more``: there are more pairs than are named."""

    clashes: list[Clash]
    more: bool
    maintenance_clashes: list[MaintenanceClash]
    release_days: int
    crowded_hours: list[Hour]
    thresholds: Thresholds


class Peak(Window):
    """The window in which most gateways are closed at once, and how many."""

    closed: int


class ClosedInSpan(Asked):
    """Which gateways are closed at any part of a span; the Link header leads to the next page of closures."""

    gateways: list[str]
    peak: Peak
    closures: list[Closure]


class ToldLater(Closure):
    """A closure whose window was told of only after the instant that is asked about."""

    told_at: str


class _AtInstant(Shape):
    answer: str
    at: str
    at_london: str
    as_of: str | None
    inside: list[Closure]
    told_later: list[ToldLater]
    nearest: Closure | None


class ClosedAt(_AtInstant):
    """Which gateways are inside a notified window at an instant."""

    gateways: list[str]


class ClosedGateway(_AtInstant):
    """Whether one gateway is inside a notified window at an instant; if not, the nearest, and what was told later."""

    gateway: str
    closed: bool


class Closed(RootModel[ClosedAt | ClosedGateway | ClosedInSpan]):
    """At an instant, of one gateway at an instant, or in a span: as it was asked."""


class FreeSlots(Asked):
    """The windows in which fewer than ``below`` gateways are closed; ``more``: there are more than are named."""

    hours: float
    below: int
    slots: list[Window]
    more: bool


class BusiestHours(Asked):
    """The hours with most gateways re-opening, then most closed."""

    hours: list[Hour]


class SilentUser(Shape):
    """A User that filed nothing; ``last_notice`` is null where it never filed any."""

    user: str
    last_notice: str | None


class SilentUsers(Shape):
    """Which Users filed nothing since ``since``; the Link header leads to the next page."""

    answer: str
    months: int
    since: str
    as_of: str | None
    users: list[SilentUser]


class Moved(Shape):
    """Which closures were moved ``times`` or more, most moves first; the Link header leads to the next page."""

    answer: str
    times: int
    as_of: str | None
    closures: list[Closure]


class Maintenance(MaintenanceNamed):
    """One of DCC's own windows."""

    revision: int
    received_at: str


class MaintenanceList(Shape):
    """DCC's own windows in a span; the Link header leads to the next page."""

    starts: str = Field(alias="from")
    ends: str = Field(alias="to")
    as_of: str | None
    maintenance: list[Maintenance]


class Read(Shape):
    """One read of a feed: 200 with its octets, or 304."""

    at: str
    subscription: str
    label: str
    scope: str
    status: int
    octets: int
    client: str


class Export(Shape):
    """One copy that somebody took away."""

    at: str
    by: str
    what: str
    rows: int


class Reads(Shape):
    """Who read which feed in a span, page by page, and all the exports of the span."""

    answer: str
    starts: str = Field(alias="from")
    ends: str = Field(alias="to")
    reads: list[Read]
    exports: list[Export]


class LateChange(Shape):
    """One change known later than recommended. A fact, and nobody's fault."""

    reference: str
    user: str
    gateway: str
    revision: int
    change: str
    received_at: str
    starts: str
    ends: str
    change_days: int
    first_notice_days: int
    recommended: int
    band: Band
    policy_version: int
    holiday_table: str


class LateChanges(Shape):
    """The late changes received in a span; the Link header leads to the next page."""

    answer: str
    starts: str = Field(alias="from")
    ends: str = Field(alias="to")
    first_notices: int
    changes: int
    late_changes: list[LateChange]


class ReportRow(Shape):
    """What one User told in the period, first notices and changes apart, and how much of it at short notice."""

    period: str
    user: str
    notices: int
    first_notices: int
    short_first_notices: int
    changes: int
    short_changes: int
    policy_versions: str
    holiday_tables: str


class LateReport(Shape):
    """The short notices of a month or quarter, by User or by pseudonym."""

    answer: str
    period: str
    pseudonyms: bool
    rows: list[ReportRow]


class NoticePeriod(Shape):
    """The notice that a closure has that starts then and is told on ``given_on``."""

    start: str
    start_london: str
    start_read_as: Literal["exact", "first of two", "after the gap"]
    given_on: str
    working_days_notice: int
    band: Band
    short_notice: bool
    recommended: int
    last_on_time_day: str
    policy_version: int
    holiday_table: str
    region: str
