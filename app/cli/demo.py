"""The demo: twelve made-up Users with a year of plausible closures, and a day on which something happens."""

import json
import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.domain.access import Principal, Role
from app.domain.fact import FactKind, ToldFact
from app.domain.london import london_date, read_wall_clock, utc_text
from app.domain.maintenance import MaintenanceKind
from app.domain.notice import Announcement, Channel, Notice, NoticeContent
from app.domain.party import PARTY_CATEGORIES, SEC_USER_ROLES, User
from app.domain.window import ClosureWindow
from app.factory import Service
from app.jobs.sweep import sweep
from app.register.maintenance import PLACE, import_maintenance
from app.register.people import enrolment
from app.register.reading import Question, read_schedule
from app.register.receive import receive_notice
from app.register.tell_fact import tell_fact

_NAMES = (
    "Aspen Energy", "Birch Power", "Cedar Gas", "Dogwood Networks", "Elder Supply", "Fir Electric",
    "Gorse Utilities", "Hazel Energy", "Ivy Networks", "Juniper Gas", "Larch Power", "Maple Supply",
)  # fmt: skip
_SEED = 83  # the same demo for everybody
# Most tell in good time, some plan half a year ahead, some tell late.
_TOLD_DAYS_BEFORE = (200, 190, 120, 90, 60, 45, 40, 38, 35, 33, 30, 21, 9, 4, 1)


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo's visitor needs."""

    user: str
    gateway: str
    app_password: str
    dcc_token: str
    feed_id: str
    feed_token: str


def fill_demo(service: Service, now: datetime) -> Demo:
    """Fill an empty register; in one that holds Users already, only make new credentials for the first of them."""
    store = service.store
    if not enrolment.list_users(store):
        chance = random.Random(_SEED)  # noqa: S311 - plausible, not secret
        senders = [_enrol(service, chance, name) for name in _NAMES]
        notices = [entry for sender in senders for entry in _year(chance, *sender, now)]
        notices += _today({user.code: user for user, _ in senders}, now)
        for user, announcement, received_at in sorted(notices, key=lambda entry: entry[2]):
            _give(service, user, announcement, received_at)
        _add_dates(service, now)
        _tell_facts(service, now)
        sweep(service.register, now)
    gateway = enrolment.list_gateways(store)[0]
    code = gateway.users[0]
    _, password = enrolment.issue_token(store, user_code=code, label="demo", now=now)
    made = enrolment.add_subscription(
        store, scope_text="all", label="demo", secret_url=False, past_days=30, horizon_days=548, now=now
    )
    _, dcc_token = enrolment.issue_token(store, role=Role.DCC, label="demo", now=now)
    return Demo(code, gateway.gateway.code, password, dcc_token, made.subscription.id, made.token)


def _enrol(service: Service, chance: random.Random, name: str) -> tuple[User, list[str]]:
    code = name.split(maxsplit=1)[0].upper()
    user = enrolment.enrol_user(
        service.store, code, name, chance.choice(PARTY_CATEGORIES), chance.sample(SEC_USER_ROLES, 2)
    )
    codes = [f"GW-{code}-{number}" for number in range(1, chance.randint(1, 3) + 1)]
    for gateway in codes:
        enrolment.enrol_gateway(service.store, code, gateway, f"{name} gateway {gateway[-1]}")
    return user, codes


def _year(
    chance: random.Random, user: User, gateways: list[str], now: datetime
) -> list[tuple[User, Announcement, datetime]]:
    """Make half a year behind and half a year ahead: a Sunday night or so a month, with moves and withdrawals."""
    given = []
    today = london_date(now)
    for number, gateway in enumerate(gateways * 13):
        day = today + timedelta(days=28 * (number // len(gateways)) - 168 + chance.choice((0, 0, 0, 1, 3, 7)))
        window = _night(day - timedelta(days=(day.weekday() + 1) % 7), chance)
        received_at = window.starts - timedelta(days=chance.choice(_TOLD_DAYS_BEFORE))
        first = Announcement(uid=f"{user.code.lower()}-{number}", gateway=gateway, window=window)
        given.append((user, first, received_at))
        if chance.random() < 0.2:  # noqa: PLR2004 - one in five is pushed back
            later = ClosureWindow(window.starts + timedelta(days=7), window.ends + timedelta(days=7))
            moved = Announcement(uid=first.uid, gateway=gateway, window=later, sender_sequence=1)
            told = window.starts - timedelta(days=chance.choice((20, 5, 2)))
            given.append((user, moved, max(told, received_at + timedelta(hours=6))))
        elif chance.random() < 0.1:  # noqa: PLR2004 - one in ten is called off
            off = Announcement(uid=first.uid, gateway=gateway, window=window, withdrawn=True, sender_sequence=1)
            given.append((user, off, window.starts - timedelta(days=chance.choice((10, 3)), hours=1)))
    return [entry for entry in given if entry[2] < now]


def _today(users: dict[str, User], now: datetime) -> list[tuple[User, Announcement, datetime]]:
    """Make what a visitor sees first, whatever the time of day: closed now and clashing, told late, called off."""
    hour, given = now.replace(minute=0, second=0, microsecond=0), []
    for code, begins, lasts, told_days_before in (
        ("BIRCH", -1, 4, 40),  # closed now, told in good time
        ("IVY", -7, 6, 50),  # over time: told closed, and not re-opened
        ("CEDAR", -2, 5, 3),  # closed now as well: a clash, and told late
        ("ELDER", 5, 4, 1),  # next, told late, on DCC's maintenance
        ("GORSE", 20, 6, 45),  # not certain yet
        ("FIR", 30, 4, 33),
    ):
        starts = hour + timedelta(hours=begins)
        window = ClosureWindow(starts, starts + timedelta(hours=lasts))
        unsure = code == "GORSE"
        one = Announcement(f"{code.lower()}-today", f"GW-{code}-1", window, provisional=unsure)
        given.append((users[code], one, starts - timedelta(days=told_days_before)))
        if code == "FIR":
            off = Announcement(one.uid, one.gateway, window, withdrawn=True, sender_sequence=1)
            given.append((users[code], off, hour - timedelta(hours=7)))
    return given


def _add_dates(service: Service, now: datetime) -> None:
    """Add DCC's own dates: maintenance in some hours, and a SEC Release in three weeks."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    for kind, begins, lasts in (
        (MaintenanceKind.MAINTENANCE, timedelta(hours=4), timedelta(hours=6)),
        (MaintenanceKind.RELEASE, timedelta(days=21), timedelta(hours=8)),
    ):
        window = ClosureWindow(hour + begins, hour + begins + lasts)
        date_of_dcc = Announcement(uid=f"demo-{kind.value}", gateway=PLACE, window=window)
        import_maintenance(service.register, kind, NoticeContent((date_of_dcc,), (), events=1), now)


def _tell_facts(service: Service, now: datetime) -> None:
    """Tell of what is closed now that it is, and of an earlier closure that it is over time."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    everyone = Principal("demo", Role.DCC)
    span = ClosureWindow(hour - timedelta(hours=9), hour)
    for closure in read_schedule(service.register, everyone, Question(span, now=now)):
        if closure.user in {"BIRCH", "IVY"}:
            at = closure.window.starts + timedelta(minutes=3)
            told = ToldFact(FactKind.CLOSED, at)
            # As if its monitoring had told it then.
            own = Principal("monitoring", Role.USER, frozenset({closure.user}))
            tell_fact(service.register, own, closure.reference, told, channel=Channel.API, now=at)


def _night(day: date, chance: random.Random) -> ClosureWindow:
    begins = datetime(day.year, day.month, day.day, chance.choice((0, 1, 2)))  # noqa: DTZ001 - a wall-clock time
    ends = begins + timedelta(hours=chance.choice((3, 4, 6)))
    return ClosureWindow(read_wall_clock(begins)[0], read_wall_clock(ends)[0])


def _give(service: Service, user: User, announcement: Announcement, received_at: datetime) -> None:
    window = announcement.window
    stated = {
        "gateway": announcement.gateway,
        "reference": announcement.uid,
        "starts": utc_text(window.starts) if window else None,
        "ends": utc_text(window.ends) if window else None,
        "withdrawn": announcement.withdrawn,
    }
    octets = json.dumps({"closures": [stated]}).encode()
    notice = Notice(user.code, Channel.API, received_at, "application/json", octets, "demo")
    receive_notice(service.register, user, notice, NoticeContent((announcement,), (), events=1))
