"""What the API promises, operation by operation: the one table that its document is made of.

To add a route: write its view in an API module, which says its action, and an ``Operation`` here under the
view's name; the shape of its answer is a type that stands beside what makes it. A test fails until route and table
agree, and schemathesis then asks the route all sorts of questions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NotRequired

from pydantic import ConfigDict
from typing_extensions import TypedDict

from app.domain.closure import State
from app.register.closure_json import HistoryJson, NoticePeriodJson, ScheduleJson
from app.register.evidence import EvidenceJson
from app.register.late_changes import LateChangesJson
from app.register.maintenance import MaintenanceListJson
from app.register.questions.changes import ChangesJson, MovedJson
from app.register.questions.clashes import ClashesJson
from app.register.questions.closed import ClosedAtJson, ClosedGatewayJson, ClosedInSpanJson
from app.register.questions.insights import InsightsJson
from app.register.questions.late_report import LateReportJson
from app.register.questions.load import BusiestHoursJson, FreeSlotsJson
from app.register.questions.readers import ReadsJson
from app.register.questions.silent_users import SilentUsersJson
from app.register.questions.who_did_what import ActsJson
from app.register.receipts import AcknowledgementJson, OutcomeJson
from feeds.closure_json import ClosureJson


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query or, for ``place`` "header", of the header. ``schema`` is JSON Schema."""

    name: str
    text: str
    schema: Mapping[str, object]
    required: bool = False
    place: str = "query"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. ``answers`` is the type of a 200; ``refusals`` are statuses of problem+json besides the common.

    ``unread`` is that of a 422 that is an answer rather than a problem. ``body`` is JSON Schema by media type.
    ``sheet``: with format=csv the rows come as a sheet.
    """

    summary: str
    answers: Any
    parameters: tuple[Parameter, ...] = ()
    refusals: tuple[int, ...] = ()
    body: Mapping[str, Mapping[str, object]] | None = None
    unread: Any = None
    sheet: bool = False


class RowJson(TypedDict):
    """One closure of a notice in JSON; times without offset are London time. What else is sent is named and left."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # pydantic reads it there
    starts: str
    ends: str
    gateway: NotRequired[str | None]
    reference: NotRequired[str | None]
    withdrawn: NotRequired[bool | None]


class RowsJson(TypedDict):
    """A notice in JSON."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # as above
    closures: list[RowJson]


class ToldJson(TypedDict):
    """One thing told of a closure as it happens; times without offset are London time, and "now" is one too."""

    closed_at: NotRequired[str | None]
    reopened_at: NotRequired[str | None]
    still_closed_until: NotRequired[str | None]
    taken_back: NotRequired[bool | None]


_TEXT = {"type": "string"}


def _instant(name: str, text: str, *, required: bool = False) -> Parameter:
    words = f"{text} ISO 8601; London time where it has no offset."
    return Parameter(name, words, {**_TEXT, "examples": ["2027-02-07T02:00:00Z"]}, required)


def _day(name: str, text: str) -> Parameter:
    return Parameter(name, text, {**_TEXT, "examples": ["2026-11-24"]})


def _flag(name: str, text: str) -> Parameter:
    return Parameter(name, text, {**_TEXT, "examples": ["1"]})


def _number(name: str, text: str, least: int, most: int, default: int | None = None) -> Parameter:
    stated = {} if default is None else {"default": default}
    return Parameter(name, text, {"type": "integer", "minimum": least, "maximum": most, **stated})


_FROM = _instant("from", "Where the span begins.")
_TO = _instant("to", "Where the span ends; this instant is not in it.")
_USER = Parameter("user", "A User's code.", {**_TEXT, "examples": ["ALPHA"]})
_GATEWAY = Parameter("gateway", "A gateway's code.", {**_TEXT, "examples": ["GW-A1"]})
_AS_OF = _instant("as_of", "Answer as the record was known then.")
_QUESTION = (
    _FROM,
    _TO,
    _USER,
    _GATEWAY,
    Parameter("state", "What stands.", {"type": "string", "enum": list(State)}),
    _AS_OF,
)
_FORMAT = Parameter(
    "format",
    "csv: the rows, all of them, as a sheet; it has no pages.",
    {"type": "string", "enum": ["json", "csv"], "default": "json"},
)
PAGING = (
    _number("limit", "How many at most.", 1, 1000, 1000),
    Parameter("cursor", "Where to go on, as the Link header of the page before has it.", _TEXT),
)
_IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "The same key with the same notice within a day gets the same answer, and nothing is done twice.",
    {
        "type": "string",
        "minLength": 1,
        "maxLength": 200,
        "pattern": "^[!-~]+$",
        "examples": ["change-4711"],
    },
    place="header",
)
MOST_REVISIONS = 1_000_000
_OCTETS: Mapping[str, object] = {"type": "string"}

OPERATIONS: dict[str, Operation] = {
    "api.give_notice": Operation(
        summary="Give a notice; what is readable is recorded, the rest is named",
        answers=OutcomeJson,
        unread=OutcomeJson,
        parameters=(
            _GATEWAY,
            Parameter("user", "On whose behalf, where the credential is not one User's own.", _TEXT),
            _flag("dry_run", "1: say what would be recorded, and record nothing."),
            _flag("all_or_nothing", "1: record nothing if anything cannot be read."),
            _flag("allow_long", "1: take windows of more than 31 days."),
            _IDEMPOTENCY_KEY,
        ),
        refusals=(413, 415, 422, 507),
        body={
            "application/json": {"$ref": "#/components/schemas/RowsJson"},
            "text/calendar": _OCTETS,
            "text/csv": _OCTETS,
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": _OCTETS,
            "message/rfc822": _OCTETS,
        },
    ),
    "api.list_closures": Operation(
        summary="List the closures in a span, as they stand or as they were known",
        answers=ScheduleJson,
        parameters=(*_QUESTION, *PAGING),
    ),
    "api.show_closure": Operation(
        summary="Show one closure as it stands or as it was known", answers=ClosureJson, parameters=(_AS_OF,)
    ),
    "api.show_revisions": Operation(
        summary="Show the whole history of a closure, or as much of it as was known",
        answers=HistoryJson,
        parameters=(_AS_OF,),
    ),
    "api.show_evidence": Operation(
        summary="Give a revision's receipt with what proves without us that it is in the record",
        answers=EvidenceJson,
        parameters=(_number("revision", "Which revision.", 1, MOST_REVISIONS, 1),),
    ),
    "api.withdraw_closure": Operation(
        summary="Withdraw a closure: a revision like any other", answers=OutcomeJson, refusals=(507,)
    ),
    "facts.tell_of_closure": Operation(
        summary="Tell of a closure as it happens: closed, re-opened, still closed; or take the last of it back",
        answers=AcknowledgementJson,
        parameters=(_IDEMPOTENCY_KEY,),
        refusals=(409, 422, 507),
        body={"application/json": {"$ref": "#/components/schemas/ToldJson"}},
    ),
    "questions.changes_between": Operation(
        summary="List what changed between two instants",
        answers=ChangesJson,
        parameters=(
            _instant("since", "The first instant; by default seven days before `until`."),
            _instant("until", "The instant after the last; by default now."),
            *PAGING,
        ),
    ),
    "questions.list_clashes": Operation(
        summary="Say what clashes in a span, with gateways and with DCC's own dates",
        answers=ClashesJson,
        parameters=(
            *_QUESTION,
            _number("release_days", "Days around a SEC Release that count; by default what the thresholds say.", 0, 31),
            Parameter("maintenance", "One of DCC's own windows alone.", {**_TEXT, "examples": ["DM-0123456789"]}),
        ),
    ),
    "questions.closed_gateways": Operation(
        summary="Say which gateways are closed at an instant or in a span, or look at one gateway",
        answers=ClosedAtJson | ClosedGatewayJson | ClosedInSpanJson,
        parameters=(
            _instant("at", "The instant; now, if nothing is given. It does not go with `from` and `to`."),
            Parameter("gateway", "One gateway, to look at closely.", {**_TEXT, "examples": ["GW-A1"]}),
            _FROM,
            _TO,
            _AS_OF,
            *PAGING,
        ),
    ),
    "questions.free_slots": Operation(
        summary="Say in which windows of a span few gateways are closed",
        answers=FreeSlotsJson,
        parameters=(
            *_QUESTION,
            Parameter(
                "hours", "How long at least.", {"type": "number", "exclusiveMinimum": 0, "maximum": 744, "default": 4}
            ),
            _number("below", "Fewer than so many gateways are closed.", 1, 10_000, 1),
        ),
    ),
    "questions.busiest_hours": Operation(
        summary="Say which hours of a span have most gateways re-opening, then most closed",
        answers=BusiestHoursJson,
        parameters=(_FROM, _TO, _AS_OF, _number("most", "How many hours at most.", 1, 1000, 10)),
    ),
    "questions.silent_users": Operation(
        summary="Say which Users have filed nothing for some months",
        answers=SilentUsersJson,
        parameters=(_number("months", "For how many months.", 1, 120, 6), _AS_OF, *PAGING),
    ),
    "questions.moved_often": Operation(
        summary="Say which closures keep being moved",
        answers=MovedJson,
        parameters=(_number("times", "How many times at least.", 1, 1000, 2), _AS_OF, *PAGING),
    ),
    "questions.list_maintenance": Operation(
        summary="List DCC's own windows in a span",
        answers=MaintenanceListJson,
        parameters=(_FROM, _TO, _AS_OF, *PAGING),
    ),
    "questions.list_reads": Operation(
        summary="Say who read which feed, and who exported what",
        answers=ReadsJson,
        parameters=(_FROM, _TO, *PAGING),
    ),
    "questions.list_acts": Operation(
        summary="Say who did what to accounts, tokens, rules and keys; for admins",
        answers=ActsJson,
        parameters=(_FROM, _TO, *PAGING),
    ),
    "questions.late_changes": Operation(
        summary="List the changes known later than recommended, by when they were received",
        answers=LateChangesJson,
        parameters=(_FROM, _TO, _FORMAT, *PAGING),
        refusals=(507,),
        sheet=True,
    ),
    "questions.report": Operation(
        summary="Count the short notices of a month or a quarter by User",
        answers=LateReportJson,
        parameters=(
            Parameter(
                "period",
                "A month or a quarter.",
                {**_TEXT, "pattern": "^20[0-9]{2}-([Qq][1-4]|0[1-9]|1[0-2])$", "examples": ["2026-11", "2026-Q4"]},
                required=True,
            ),
            _flag("pseudonyms", "1: by pseudonym, which is the same in every report."),
            _FORMAT,
        ),
        refusals=(507,),
        sheet=True,
    ),
    "questions.insights": Operation(
        summary="Say what the closures that start in a span show together: notice, lateness, re-openings, moves",
        answers=InsightsJson,
        parameters=(
            _instant("from", "Where the span begins; by default three quarters before this one."),
            _instant("to", "Where it ends; by default with this quarter. This instant is not in it."),
        ),
    ),
    "questions.notice_period": Operation(
        summary="Count the Working Days' notice of a start, and find the last on-time day",
        answers=NoticePeriodJson,
        parameters=(
            _instant("start", "When the closure is to start.", required=True),
            _day("given_on", "The day of notice; today, if not given."),
        ),
    ),
}
