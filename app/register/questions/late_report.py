"""A month or quarter by User: short notices, churn, early and over time; to learn from, never for blame."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median

from typing_extensions import TypedDict

from app.domain.access import Principal
from app.domain.closure import PlannedClosure, Step
from app.domain.fact import Difference
from app.domain.figures import is_counted
from app.domain.london import whole_days
from app.domain.refusal import Refusal
from app.domain.window import ClosureWindow
from app.register.questions.answer import count_words, sentence_of
from app.register.reading import Question, read_recorded, read_schedule
from app.register.recorded_change import RecordedChange
from app.register.register import Register
from app.security.chain import Chain
from app.store.chains import chains_of

_PERIOD = re.compile(r"(20\d\d)-(?:Q([1-4])|(0[1-9]|1[0-2]))", re.ASCII)
_MONTHS = 12


class PeriodRefused(Refusal):
    """A text that names no month or quarter."""

    code = "period"


@dataclass(frozen=True, slots=True)
class Period:
    """A month or a quarter by its name, and the span of its London days."""

    name: str
    span: ClosureWindow


class ReportRowJson(TypedDict):
    """What one User told in the period, first notices and changes apart, and how much of it at short notice.

    Beside it its ``closures`` planned to start in the period that were not withdrawn before: how many ended early or
    over time or did not take place, by what was told of them; their ``moves`` (a lead that was always moved is worth
    less) and the median of their ``first_notice_days``, null for none.
    """

    period: str
    user: str
    notices: int
    first_notices: int
    short_first_notices: int
    changes: int
    short_changes: int
    closures: int
    early: int
    over_time: int
    not_taken_place: int
    moves: int
    first_notice_days: float | None
    policy_versions: str
    holiday_tables: str


class LateReportJson(TypedDict):
    """The short notices of a month or quarter, by User or by pseudonym."""

    answer: str
    period: str
    pseudonyms: bool
    rows: list[ReportRowJson]


def read_period(text: str) -> Period:
    """Read ``2026-09`` or ``2026-Q3``. Raise ``PeriodRefused``."""
    found = _PERIOD.fullmatch(text.strip().upper())
    if found is None:
        raise PeriodRefused("That is not a month or a quarter.", "Write 2026-09 or 2026-Q3.")
    year, quarter, month = found.groups()
    first, count = (int(quarter) * 3 - 2, 3) if quarter else (int(month), 1)
    begins = date(int(year), first, 1)
    later, rest = divmod(first - 1 + count, _MONTHS)
    return Period(found.group(), whole_days(begins, date(begins.year + later, rest + 1, 1)))


def report(
    register: Register, principal: Principal, period: Period, now: datetime, *, pseudonyms: bool
) -> LateReportJson:
    """Count what each User told us in the period, first notices and changes apart, and how much at short notice.

    Beside it stands how the closures went that were planned to start in it.

    A pseudonym is the same in every report of this service until the root secret is rotated, and says nothing to
    anybody else.
    """
    with register.store.reading() as connection:
        stands = chains_of(connection).index
    told: dict[str, list[RecordedChange]] = defaultdict(list)
    for change in read_recorded(register, principal, period.span.starts, period.span.ends):
        if change.step.is_judged:
            told[change.after.user].append(change)
    planned: dict[str, list[PlannedClosure]] = defaultdict(list)
    for closure in read_schedule(register, principal, Question(period.span)):
        if period.span.contains(closure.planned.starts) and is_counted(closure):
            planned[closure.user].append(closure)
    rows = sorted(
        (
            _row(period, _name(register, stands, user) if pseudonyms else user, told[user], planned[user], now)
            for user in told.keys() | planned.keys()
        ),
        key=lambda row: row["user"],
    )
    short = sum(row["short_first_notices"] + row["short_changes"] for row in rows)
    notices, over = sum(row["notices"] for row in rows), sum(row["over_time"] for row in rows)
    words = f"of {count_words(notices, 'notice')} in {period.name}, {short or 'none'} came at short notice"
    if over:
        words += f"; {count_words(over, 'closure')} went over time"
    return {"answer": sentence_of(words), "period": period.name, "pseudonyms": pseudonyms, "rows": rows}


def _name(register: Register, stands: Chain, code: str) -> str:
    return f"User-{stands(register.store.blind.code('pseudonym', code)).hex()[:8]}"


def _row(
    period: Period, name: str, found: list[RecordedChange], planned: list[PlannedClosure], now: datetime
) -> ReportRowJson:
    went = Counter(closure.difference_at(now) for closure in planned)
    first = [change for change in found if change.step is Step.FIRST]
    changed = [change for change in found if change.step is not Step.FIRST]
    counted_by = [change.after.verdict.change for change in found]
    return {
        "period": period.name,
        "user": name,
        "notices": len(found),
        "first_notices": len(first),
        "short_first_notices": sum(change.is_late for change in first),
        "changes": len(changed),
        "short_changes": sum(change.is_late for change in changed),
        "closures": len(planned),
        "early": went[Difference.EARLY],
        "over_time": went[Difference.OVER_TIME],
        "not_taken_place": went[Difference.NOT_TAKEN_PLACE],
        "moves": sum(closure.moves for closure in planned),
        "first_notice_days": median(one.verdict.first_notice.working_days for one in planned) if planned else None,
        "policy_versions": " ".join(str(version) for version in sorted({entry.policy_version for entry in counted_by})),
        "holiday_tables": " ".join(sorted({entry.holiday_version for entry in counted_by})),
    }
