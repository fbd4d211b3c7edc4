"""The shapes of what the API answers, for its document; a test holds them against real answers."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Band = str  # such as ">=20", "10-19", "after start": the thresholds follow the policy


class Shape(BaseModel):
    """The shape of an answer, or of a part of one."""

    # Nothing leaves that the document does not name.
    model_config = ConfigDict(extra="forbid")


class Span(Shape):
    """A window in UTC: ``starts`` <= t < ``ends``."""

    starts: str
    ends: str


class Window(Shape):
    """A window in UTC and in London time."""

    starts: str
    ends: str
    starts_london: str
    ends_london: str


class Closure(Window):
    """A closure as it stands. ``revision`` is the feed's SEQUENCE; ``short_notice``: its last change was a late one."""

    reference: str
    user: str
    gateway: str
    state: Literal["planned", "withdrawn", "expired"]
    open_now: bool
    revision: int
    moves: int
    moved_from: Span | None
    first_received_at: str
    working_days_notice: int
    first_notice_days: int
    recommended: int
    band: Band
    short_notice: bool


class NoticeGiven(Shape):
    """The notice that a revision gave, in Working Days, with the versions of the rules that counted it."""

    first_notice_days: int
    current_date_days: int
    change_days: int
    band: Band
    short_notice: bool
    policy_version: int
    holiday_table: str


class Revision(Shape):
    """One entry of a history; ``revision`` is null for a superseded notice and for expiry."""

    entry: int
    revision: int | None
    change: str
    received_at: str
    received_at_london: str
    channel: str | None
    gateway: str
    starts: str
    ends: str
    state: str
    notice: NoticeGiven | None
    remarks: list[str]
    left_out: list[str]


class Closures(Shape):
    """The closures in a span; the Link header leads to the next page."""

    starts: str = Field(alias="from")
    ends: str = Field(alias="to")
    as_of: str | None
    closures: list[Closure]


class History(Shape):
    """Every entry of a closure's history, oldest first."""

    reference: str
    revisions: list[Revision]


class IntakeProblem(Shape):
    """One thing in a notice that could not be read, and what helps."""

    line: int | None
    property: str | None
    text: str
    remedy: str
    code: str


class Receipt(BaseModel):
    """The signed receipt of a revision. Keep it: it proves what was recorded, and when."""

    reference: str
    revision: int
    window_sha256: str
    received_at: str
    leaf_index: int
    leaf: str
    tree_size: int
    root: str


class Acknowledgement(Window):
    """What a sender is told of one closure."""

    reference: str
    gateway: str
    state: Literal["planned", "withdrawn", "expired"]
    revision: int
    change: str | None
    moved_from: Span | None
    working_days_notice: int
    first_notice_days: int
    recommended: int
    band: Band
    short_notice: bool
    notice: str
    remarks: list[str]
    left_out: list[str]
    clashes: list[str]
    receipt: Receipt | None


class Outcome(Shape):
    """The answer to a notice. ``missing``, where nothing was recorded: closures ahead that it does not mention."""

    accepted: list[Acknowledgement]
    unchanged: list[Acknowledgement]
    superseded: list[Acknowledgement]
    withdrawn: list[Acknowledgement]
    problems: list[IntakeProblem]
    remarks: list[str]
    recorded: bool
    received_at: str
    missing: list[Acknowledgement] = []


class Problem(Shape):
    """What could not be done (RFC 9457). ``code`` is stable, for programs; ``remedy`` says what helps."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    remedy: str
    problems: list[IntakeProblem]


class Row(BaseModel):
    """One closure of a notice in JSON; times without offset are London time."""

    gateway: str | None = None
    starts: str
    ends: str
    reference: str | None = None
    withdrawn: bool | None = None


class Rows(BaseModel):
    """A notice in JSON."""

    closures: list[Row]
