"""What is closed now, what closes within 24 hours, and the load of the next 14 days: the first page's figures."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.domain.access import Principal
from app.domain.closure import PlannedClosure, State
from app.domain.load import peaks_of
from app.domain.london import london_date, london_midnight, whole_days
from app.domain.maintenance import Maintenance
from app.domain.window import ClosureWindow
from app.register.maintenance import find_maintenance
from app.register.questions.answer import count_words, sentence_of
from app.register.questions.needs_attention import AHEAD, Attention, attention_of
from app.register.reading import Question, read_closed, read_lasting
from app.register.register import Register

_DAYS = 14
_SOON = timedelta(hours=24)
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DayLoad:
    """A London day: windows that touch it, the most gateways closed at once, and DCC's own dates that touch it."""

    day: date
    windows: int
    peak: int
    dates: tuple[Maintenance, ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    """The first page's figures, as of an instant. ``soon`` are windows that start within 24 hours."""

    now: datetime
    closed_now: tuple[PlannedClosure, ...]
    soon: tuple[PlannedClosure, ...]
    days: tuple[DayLoad, ...]
    ahead: tuple[PlannedClosure, ...]
    attention: Attention

    @property
    def busiest(self) -> DayLoad:
        """Return the day with the most gateways closed at once, the first of several."""
        return max(self.days, key=lambda load: (load.peak, -load.day.toordinal()))

    @property
    def sentence(self) -> str:
        """Say it in one sentence, with what waits to be seen."""
        late = len(self.attention.late)
        return self._say([f"{count_words(late, 'late change')} that nobody has seen yet"] if late else [])

    @property
    def own_sentence(self) -> str:
        """Say it in one sentence to a User, who knows of its own late changes."""
        return self._say([])

    def _say(self, waiting: list[str]) -> str:
        closed, soon = ({closure.gateway for closure in found} for found in (self.closed_now, self.soon))
        busiest = self.busiest
        met = len({closure.reference for item in self.attention.dates for closure in item.closures})
        words = [
            f"{count_words(len(closed), 'gateway')} closed now",
            f"{len(soon) or 'none'} {'closes' if len(soon) == 1 else 'close'} in the next 24 hours",
            *waiting,
            f"peak {busiest.peak} on {day_short(busiest.day)}"
            if busiest.peak
            else f"nothing is planned in the next {_DAYS} days",
            *([f"{met} {'overlaps' if met == 1 else 'overlap'} DCC's own dates"] if met else []),
        ]
        return sentence_of(", ".join(words))


def look_ahead(register: Register, principal: Principal, now: datetime) -> Outlook:
    """Return what the principal may see of the next weeks, and what of it needs attention."""
    today = london_date(now)
    # What is over was closed today as well: a day is counted whole, here as on the horizon.
    found = read_lasting(register, principal, Question(ClosureWindow(london_midnight(today), now + AHEAD)), now)
    closed_now = read_closed(register, principal, now)
    over = [closure for closure in closed_now if closure.is_over_time(now)]
    ahead = [*over, *(closure for closure in found if closure.window.ends > now)]
    standing = [closure for closure in ahead if closure.state is not State.WITHDRAWN]
    shown = [closure.lasting(now) for closure in found if closure.state is not State.WITHDRAWN]
    return Outlook(
        now=now,
        closed_now=tuple(closed_now),
        soon=tuple(closure for closure in standing if now < closure.window.starts <= now + _SOON),
        days=tuple(day_loads(register, shown, today)),
        ahead=tuple(ahead),
        attention=attention_of(register, principal, ahead, now),
    )


def day_loads(register: Register, closures: Sequence[PlannedClosure], first: date) -> list[DayLoad]:
    """Return the load of the days from ``first`` on."""
    spans = [whole_days(first + at * _ONE_DAY, first + (at + 1) * _ONE_DAY) for at in range(_DAYS)]
    planned = find_maintenance(register, ClosureWindow(spans[0].starts, spans[-1].ends), None)
    peaks = peaks_of(closures, spans)
    touched = Counter(at for closure in closures for at, span in enumerate(spans) if closure.window.overlaps(span))
    return [
        DayLoad(
            first + at * _ONE_DAY,
            touched[at],
            peaks[at],
            tuple(maintenance for maintenance in planned if maintenance.window.overlaps(span)),
        )
        for at, span in enumerate(spans)
    ]


def day_short(day: date) -> str:
    """Word a day shortly: ``Thu 14 Jan``."""
    return f"{day:%a} {day.day} {day:%b}"
