"""How pages word windows, leads, steps and channels: plain sentences, times always with their zone."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

from flask import Blueprint

from app.domain.access import Role
from app.domain.closure import PlannedClosure, State, Step
from app.domain.fact import Difference
from app.domain.london import LONDON, london_date, london_text, utc_text
from app.domain.notice import Channel
from app.domain.refusal import problem_place, size_words
from app.domain.window import ClosureWindow
from app.register.closure_json import before_words, given_words
from app.register.event_counts import counted_words
from app.web.agents import client_words
from feeds.scope import scope_words
from feeds.wording import band_words

_CHANNELS = {
    Channel.FORM.value: "the form on these pages",
    Channel.UPLOAD.value: "an uploaded file",
    Channel.API.value: "the API",
    Channel.CALDAV.value: "the sender's own calendar (CalDAV)",
    Channel.PULL.value: "reading the sender's calendar",
    Channel.MAIL.value: "a signed mail",
    Channel.COMMAND_LINE.value: "an operator's command",
}
_STEPS = {
    Step.FIRST: "First notice",
    Step.MOVED: "Moved",
    Step.LENGTHENED: "Lengthened",
    Step.SHORTENED: "Shortened",
    Step.GATEWAY_CHANGED: "Given for another gateway",
    Step.WITHDRAWN: "Withdrawn",
    Step.PLANNED_AGAIN: "Planned again",
    Step.SUPERSEDED: "An older notice arrived late; it was kept and changed nothing",
    Step.EXPIRED: "Finished: the window is over",
    Step.REINSTATED: "Noted as finished too early, by a clock that ran ahead: it stands as before",
    Step.MADE_PROVISIONAL: "Made provisional",
    Step.CONFIRMED: "Confirmed",
    Step.TOLD_CLOSED: "Told closed",
    Step.REOPENED: "Told re-opened",
    Step.TAKEN_BACK: "What was told last is taken back",
}
_STATES = {State.PLANNED: "planned", State.WITHDRAWN: "withdrawn", State.EXPIRED: "finished"}


def install_wording(blueprint: Blueprint) -> None:
    """Give the templates of the whole application these words as filters."""
    for name, words in (
        ("london", london_text),
        ("utc", utc_words),
        ("iso", utc_text),
        ("london_span", london_span),
        ("utc_span", utc_span),
        ("day", day_words),
        ("date", date_words),
        ("duration", duration_words),
        ("band", band_words),
        ("lead", given_words),
        ("before", before_words),
        ("channel", channel_words),
        ("step", step_words),
        ("state", state_words),
        ("scope", scope_words),
        ("role", role_words),
        ("region", region_words),
        ("ago", ago_words),
        ("since", since_words),
        ("difference", difference_words),
        ("agent", client_words),
        ("instant", datetime.fromisoformat),
        ("local", local_field),
        ("picker", picker_of),
        ("size", size_words),
        ("problem_place", problem_place),
        ("counted", counted_words),
    ):
        blueprint.add_app_template_filter(words, name)


def utc_words(instant: datetime) -> str:
    """Word an instant in UTC: ``2026-12-06 02:00 UTC``."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def london_span(window: ClosureWindow) -> str:
    """Word a window in London time, the day named once: ``Sun 6 Dec 2026 02:00 GMT to 06:00 GMT``."""
    if london_date(window.starts) == london_date(window.ends):
        return f"{london_text(window.starts)} to {window.ends.astimezone(LONDON):%H:%M %Z}"
    return f"{london_text(window.starts)} to {london_text(window.ends)}"


def utc_span(window: ClosureWindow) -> str:
    """Word a window in UTC, the day named once: ``2026-12-06 02:00 to 06:00 UTC``."""
    starts, ends = window.starts, window.ends
    end = f"{ends:%H:%M}" if starts.date() == ends.date() else f"{ends:%Y-%m-%d %H:%M}"
    return f"{starts:%Y-%m-%d %H:%M} to {end} UTC"


_PICKED: dict[str, Callable[[str], str]] = {
    "date": lambda text: date.fromisoformat(text).isoformat(),
    "time": lambda text: f"{time.fromisoformat(text):%H:%M}",
    "datetime-local": lambda text: f"{datetime.fromisoformat(text):%Y-%m-%dT%H:%M}",
}


def picker_of(text: str, kind: str) -> str:
    """Return the type of an input: ``kind``, unless the browser's picker would not show what was typed: then text."""
    if kind not in _PICKED or not text:
        return kind
    try:
        shown = _PICKED[kind](text)
    except ValueError:
        return "text"
    return kind if shown == text else "text"


def local_field(instant: datetime) -> str:
    """Return an instant on London's clocks as a form's field holds it: ``2026-12-06T02:00``."""
    return f"{instant.astimezone(LONDON):%Y-%m-%dT%H:%M}"


def day_words(instant: datetime) -> str:
    """Word the London day of an instant: ``Sunday 6 December 2026``."""
    local = instant.astimezone(LONDON)
    return f"{local:%A} {local.day} {local:%B %Y}"


def date_words(instant: datetime) -> str:
    """Word the London day of an instant shortly, where its time does not matter: ``6 Dec 2026``."""
    local = instant.astimezone(LONDON)
    return f"{local.day} {local:%b %Y}"


def duration_words(length: timedelta) -> str:
    """Word how long a window lasts in elapsed time: ``2 days 4 h 30 min``."""
    seconds = int(length.total_seconds())
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, rest = divmod(rest, 60)
    parts = [
        (days, "day" if days == 1 else "days"),
        (hours, "h"),
        (minutes, "min"),
        (rest, "s"),
    ]
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def channel_words(channel: str) -> str:
    """Say through which door a notice came."""
    return _CHANNELS.get(channel, channel)


def step_words(step: Step) -> str:
    """Name a step of a closure's history for people."""
    return _STEPS[step]


def state_words(state: State | str) -> str:
    """Name a state for people: a window that is over is ``finished``."""
    return _STATES[State(state)]


_ROLES = {Role.ADMIN: "Admin", Role.DCC: "DCC staff", Role.USER: "User", Role.OPS: "Operations"}


def role_words(role: Role) -> str:
    """Name a role for people, as the form of an account does: ``DCC staff``."""
    return _ROLES[role]


_REGIONS = {
    "england-and-wales": "England and Wales",
    "scotland": "Scotland",
    "northern-ireland": "Northern Ireland",
    "gb-any": "anywhere in Great Britain",
    "uk-any": "anywhere in the United Kingdom",
}


def region_words(region: str) -> str:
    """Name a region of bank holidays: ``England and Wales``."""
    return _REGIONS.get(region, region)


def since_words(now: datetime, then: datetime) -> str:
    """Word how long it is from ``then`` to ``now`` in whole minutes: ``1 h 20 min``."""
    return duration_words(timedelta(minutes=max(1, int((now - then).total_seconds()) // 60)))


def difference_words(closure: PlannedClosure) -> str:
    """Say how what was told of a closure differs from its plan: ``early by 1 h 50 min``, ``on plan``."""
    difference, planned, told = closure.difference, closure.planned.ends, closure.window.ends
    if difference is Difference.EARLY:
        return f"early by {since_words(planned, told)}"
    if difference is Difference.OVER_TIME:
        return f"over time by {since_words(told, planned)}"
    return difference.value if difference else ""


def ago_words(then: datetime, now: datetime) -> str:
    """Word how long ago something was, roughly: ``12 min ago``, ``3 days ago``."""
    minutes = max(0, int((now - then).total_seconds()) // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:  # noqa: PLR2004 - the clock's own numbers, here and below
        return f"{minutes} min ago"
    hours = minutes // 60
    if hours < 48:  # noqa: PLR2004
        return f"{hours} h ago"
    return f"{hours // 24} days ago"
