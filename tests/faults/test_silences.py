"""Silences through random changes, with Alertmanager stopped, killed and robbed of its memory in between."""

import os
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.domain.access import Principal, Role
from app.domain.fact import FactKind, ToldFact
from app.domain.notice import Announcement, Channel
from app.domain.window import ClosureWindow
from app.factory import publisher_of, utc_now
from app.jobs.post_office import open_post_office
from app.jobs.timetable import Timetable
from app.pulling.http_client import Outbound
from app.register.messages import recipients
from app.register.messages.silences import read_silencing
from app.register.tell_fact import tell_fact
from app.register.witnesses import Witnesses
from app.store.recipients import Carrier

CHANGES = int(os.environ.get("CLOSURES_SILENCES", "60"))
_BATCH = 12
DCC = Principal("dcc", Role.DCC)
NEAR = Outbound(allow_private=True)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
GATEWAYS = [f"GW-{number}" for number in range(12)]
AWAY = ("stays", "stopped", "killed", "forgets")


@dataclass
class Told:
    """What was told of one closure: when it is closed by plan, and when by what was told after; None: not at all."""

    reference: str
    gateway: str
    plan: ClosureWindow | None
    ends: datetime | None = None
    reopened: bool = False

    def silent(self):
        """Return from when to when it is silent: the rule in docs/silences.md, in words of this test's own."""
        if self.plan is None or self.reopened:
            return None
        return ClosureWindow(self.plan.starts, self.ends or self.plan.ends)


class Change:
    """Makes one random change after the other, and remembers what stands."""

    def __init__(self, register, user, give, seed):
        self.register, self.user, self.give = register, user, give
        self.random, self.told = random.Random(seed), {}

    def __call__(self):
        uid = f"u{self.random.randrange(60)}"
        told, now = self.told.get(uid), utc_now()
        runs = told is not None and told.silent() is not None and told.plan.starts <= now
        roll = self.random.random()
        if runs and roll < 0.7:
            self._tell(told, now)
        elif told is not None and told.plan is not None and roll < 0.25:
            self._give(uid, told.gateway, told.plan, withdrawn=True)
            told.plan = None
        else:
            self._plan(uid, now)

    def _plan(self, uid, now):
        gateway = GATEWAYS[int(uid[1:]) % len(GATEWAYS)]
        minute = now.replace(second=0, microsecond=0)
        begins = minute - self.random.randrange(1, 90) * MINUTE if self.random.random() < 0.4 else (
            minute + self.random.randrange(1, 55 * 24 * 60) * MINUTE
        )  # fmt: skip
        plan = ClosureWindow(begins, begins + self.random.randrange(4 * 60, 12 * 60) * MINUTE)
        self.told[uid] = Told(self._give(uid, gateway, plan), gateway, plan)

    def _give(self, uid, gateway, plan, **facts):
        done = self.give(self.user, Announcement(uid=uid, gateway=gateway, window=plan, **facts), at=utc_now())
        return (done.accepted or done.unchanged or done.withdrawn)[0].closure.reference

    def _tell(self, told, now):
        if self.random.random() < 0.5:
            told.ends = (told.ends or told.plan.ends) + self.random.randrange(1, 120) * MINUTE
            fact = ToldFact(FactKind.STILL_CLOSED, told.ends)
        else:
            told.reopened = True
            fact = ToldFact(FactKind.REOPENED, now)
        tell_fact(self.register, DCC, told.reference, fact, channel=Channel.API, now=now)


def begun(starts):
    """What has begun keeps the time of its making in Alertmanager: of that only this can be held against anything."""
    return None if starts <= datetime.now(UTC) else starts


def test_after_each_batch_of_changes_the_silences_are_what_stands(alertmanager, service, enrolled, give, capsys):
    register = service.register
    address, silencing = read_silencing(alertmanager.url, 'gateway="{gateway}"', [])
    recipient = recipients.add_recipient(
        service.store, label="ops", carrier=Carrier.ALERTMANAGER, address=address, kinds=(), digest_hour=None,
        user_code=None, now=utc_now(), silencing=silencing,
    ).recipient  # fmt: skip
    change, longest = Change(register, enrolled("ALPHA", *GATEWAYS), give, seed=CHANGES), 0.0

    def expected():
        found = [(told, told.silent()) for told in change.told.values()]
        return sorted(
            (f'gateway="{told.gateway}"', str(begun(window.starts)), window.ends, "closure notices",
             f"{told.reference} {told.gateway} ALPHA [{recipient.id}]")
            for told, window in found if window is not None
        )  # fmt: skip

    def held():
        return sorted((matchers, str(begun(starts)), *more) for matchers, starts, *more in alertmanager.silences())

    office = open_post_office(publisher_of(service.settings), NEAR, None)
    timetable = Timetable(register, utc_now, NEAR, office, Witnesses())
    timetable.start()
    try:
        for number in range(0, CHANGES, _BATCH):
            away = AWAY[number // _BATCH % len(AWAY)]
            if away == "stopped":
                alertmanager.stop()
            elif away != "stays":
                alertmanager.kill(forgets=away == "forgets")
            for _ in range(_BATCH):
                change()
            if away != "stays":
                alertmanager.start()
            back = time.monotonic()
            while held() != expected() and time.monotonic() < back + 60:
                time.sleep(0.05)
            assert held() == expected()
            longest = max(longest, time.monotonic() - back)
        as_written = alertmanager.ask("GET", "/api/v2/silences")
        time.sleep(4)  # it is looked at meanwhile, and nothing is written again
        assert alertmanager.ask("GET", "/api/v2/silences") == as_written
        recipients.remove_recipient(service.store, recipient.id, utc_now())
        until = time.monotonic() + 60
        while alertmanager.silences() and time.monotonic() < until:
            time.sleep(0.05)
        assert alertmanager.silences() == []
    finally:
        timetable.stop()
    with capsys.disabled():
        print(f"\n{CHANGES} changes: in step {longest:.1f} s after its return at the latest")
