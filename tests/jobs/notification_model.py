"""The obvious model of what is told: every closure a plain dict, and everything gone over every time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from app.domain.closure import Step

LONDON = ZoneInfo("Europe/London")
HOUR = timedelta(hours=1)


class Model:
    def __init__(self, is_working_day):
        self.is_working_day = is_working_day
        self.closures = {}
        self.who = []
        self.waiting = []
        self.ever = set()
        self.order = 0

    def working_days(self, first, last):
        first, last = (one.astimezone(LONDON).date() for one in (first, last))
        return sum(self.is_working_day(first + timedelta(days=n)) for n in range(1, (last - first).days))

    def put(self, reference, kind, now):
        closure = self.closures[reference]
        for name, user, kinds, _ in self.who:
            key = (name, reference, kind, closure["number"])
            if kind in kinds and user in (None, closure["user"]) and key not in self.ever:
                self.ever.add(key)
                self.waiting.append((*key, now))

    def notice(self, user, ack, now):
        self.order += 1
        closure = ack.closure
        reference, number = closure.reference, closure.number
        old = self.closures.get(reference, {})
        withdrawn = ack.step is Step.WITHDRAWN
        plans = ack.step in (Step.FIRST, Step.PLANNED_AGAIN)
        self.closures[reference] = {
            "user": user, "gateway": closure.gateway, "starts": closure.window.starts, "ends": closure.window.ends,
            "state": "withdrawn" if withdrawn else "planned", "number": number, "order": self.order,
            "since": number if plans else old["since"],
            "told": old["told"] if withdrawn else now,
        }  # fmt: skip
        for kind in ("withdrawn",) if withdrawn else ("new" if plans else "moved", "clash"):
            self.put(reference, kind, now)
        self.put(reference, "receipt", now)
        if closure.verdict.late_change:
            self.put(reference, "late", now)

    def sweep(self, now):
        for reference, closure in self.closures.items():
            if closure["state"] == "withdrawn":
                continue
            if closure["ends"] <= now:
                if now <= closure["ends"] + 24 * HOUR:
                    self.put(reference, "expired", now)
                continue
            if closure["starts"] <= now:
                self.put(reference, "open", now)
                continue
            if closure["starts"] <= now + 24 * HOUR:
                self.put(reference, "starts", now)
            told_in_time = (
                closure["told"] < closure["starts"] and self.working_days(closure["told"], closure["starts"]) > 5
            )
            if told_in_time and self.working_days(now, closure["starts"]) <= 5:
                self.put(reference, "reminder", now)

    def digest_is_due(self, since, hour, now):
        if hour is None:
            return True
        days = (since + timedelta(days=n) for n in range(3))
        marks = (
            datetime.combine(day.astimezone(LONDON).date(), datetime.min.time(), LONDON).replace(hour=hour)
            for day in days
        )
        mark = min(mark for mark in (mark.astimezone(UTC) for mark in marks) if since < mark)
        return mark <= now or mark > now + 25 * HOUR

    def deliver(self, now):
        told = []
        for name, user, _, hour in self.who:
            mine = [one for one in self.waiting if one[0] == name]
            if not mine or not self.digest_is_due(min(one[4] for one in mine), hour, now):
                continue
            self.waiting = [one for one in self.waiting if one[0] != name]
            told += [found for one in mine if (found := self.tell(one, user, now)) is not None]
        return sorted(told)

    def tell(self, waiting, user, now):
        name, reference, kind, number, _ = waiting
        closure = self.closures[reference]
        if kind == "new":
            if closure["state"] == "withdrawn" or number != closure["since"]:
                return None
        elif number != closure["number"]:
            return None
        stands = closure["state"] == "planned"
        begun, over = closure["starts"] <= now, closure["ends"] <= now
        holds = {"open": begun and not over, "expired": over, "starts": not begun, "reminder": not begun}
        if kind in holds and not (stands and holds[kind]):
            return None
        clashes = ()
        if kind == "clash":
            clashes = tuple(sorted(
                other for other, its in self.closures.items()
                if stands and its["state"] == "planned" and now < min(its["ends"], closure["ends"])
                and its["gateway"] != closure["gateway"]
                and its["order"] < closure["order"] and user in (None, its["user"])
                and its["starts"] < closure["ends"] and closure["starts"] < its["ends"]
            ))  # fmt: skip
            if not clashes:
                return None
        return f"{name}@example.org", reference, kind, f"{closure['starts']:%Y-%m-%dT%H:%M:%SZ}", clashes
