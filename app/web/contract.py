"""What the API promises, operation by operation: the one table that its document is made of.

To add a route: write its view in an API module, a line in ``access_table.ACCESS``, and an ``Operation`` here under the
view's name; the shape of its answer goes into ``shapes``. A test fails until route and table agree, and schemathesis
then asks the route all sorts of questions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from app.web import shapes


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
    """One operation. ``answers`` is the shape of 200; ``refusals`` are statuses of problem+json beside the common ones.

    ``unread`` is the shape of a 422 that is an answer rather than a problem. ``body`` is JSON Schema by media type.
    """

    summary: str
    answers: type[BaseModel]
    parameters: tuple[Parameter, ...] = ()
    refusals: tuple[int, ...] = ()
    body: Mapping[str, Mapping[str, object]] | None = None
    unread: type[BaseModel] | None = None


_TEXT = {"type": "string"}


def _instant(name: str, text: str, *, required: bool = False) -> Parameter:
    words = f"{text} ISO 8601; London time where it has no offset."
    return Parameter(name, words, {**_TEXT, "examples": ["2027-02-07T02:00:00Z"]}, required)


def _day(name: str, text: str) -> Parameter:
    return Parameter(name, text, {**_TEXT, "examples": ["2026-11-24"]})


def _flag(name: str, text: str) -> Parameter:
    return Parameter(name, text, {**_TEXT, "examples": ["1"]})


_FROM = _instant("from", "Where the span begins.")
_TO = _instant("to", "Where the span ends; this instant is not in it.")
_USER = Parameter("user", "A User's code.", {**_TEXT, "examples": ["ALPHA"]})
_GATEWAY = Parameter("gateway", "A gateway's code.", {**_TEXT, "examples": ["GW-A1"]})
PAGING = (
    Parameter("limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1000}),
    Parameter("cursor", "Where to go on, as the Link header of the page before has it.", _TEXT),
)
_OCTETS: Mapping[str, object] = {"type": "string"}

OPERATIONS: dict[str, Operation] = {
    "api.give_notice": Operation(
        summary="Give a notice; what is readable is recorded, the rest is named",
        answers=shapes.Outcome,
        unread=shapes.Outcome,
        parameters=(
            _GATEWAY,
            Parameter("user", "On whose behalf, where the credential is not one User's own.", _TEXT),
            _flag("dry_run", "1: say what would be recorded, and record nothing."),
            _flag("all_or_nothing", "1: record nothing if anything cannot be read."),
            _flag("allow_long", "1: take windows of more than 31 days."),
            Parameter(
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
            ),
        ),
        refusals=(409, 413, 422, 507),
        body={
            "application/json": {"$ref": "#/components/schemas/Rows"},
            "text/calendar": _OCTETS,
            "text/csv": _OCTETS,
        },
    ),
    "api.list_closures": Operation(
        summary="List the closures in a span, as they stand or as they were known",
        answers=shapes.Closures,
        parameters=(
            _FROM,
            _TO,
            _USER,
            _GATEWAY,
            Parameter("state", "What stands.", {"type": "string", "enum": ["planned", "withdrawn", "expired"]}),
            _instant("as_of", "Answer as the record was known then."),
            *PAGING,
        ),
    ),
    "api.show_closure": Operation(summary="Show one closure as it stands", answers=shapes.Closure),
    "api.show_revisions": Operation(summary="Show the whole history of a closure", answers=shapes.History),
    "api.withdraw_closure": Operation(
        summary="Withdraw a closure: a revision like any other", answers=shapes.Outcome, refusals=(507,)
    ),
    "questions.late_changes": Operation(
        summary="List the changes known later than recommended, by when they were received",
        answers=shapes.LateChanges,
        parameters=(_FROM, _TO, *PAGING),
    ),
    "questions.notice_period": Operation(
        summary="Count the Working Days' notice of a start, and find the last on-time day",
        answers=shapes.NoticePeriod,
        parameters=(
            _instant("start", "When the closure is to start.", required=True),
            _day("given_on", "The day of notice; today, if not given."),
        ),
    ),
}
