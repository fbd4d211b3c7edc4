"""PUT, MOVE and DELETE of one member at the same time: register and members agree. CLOSURES_RACES says how often."""

import os
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from tests.one_answer import events
from tests.one_answer.calendars import instances_of
from tests.one_answer.running_service import hours_ahead

RACES = int(os.environ.get("CLOSURES_RACES", "40"))
FIRST = hours_ahead(24 * 30)
LASTS = timedelta(hours=2)


def read(asker, path, *statuses):
    """Read; again where the database was too busy to answer, which is a refusal like any other here."""
    for _ in range(5):
        answer = asker.ask("GET", path, None, (*statuses, 503))
        if answer.status_code != 503:
            return answer
    raise AssertionError(f"{path}: the database never answered")


class Race:
    """Clients at one member of the first calendar: one puts it later, one moves it to the second, one deletes it."""

    def __init__(self, calendars, number, clients):
        self.here, self.there = calendars
        self.name = f"race-{number}.ics"
        # Each race has hours of its own, so that the closures of others say nothing of it.
        self.starts = FIRST + timedelta(hours=10 * (number % 1000))
        self.clients = clients
        self.tag = self.here.put(self.name, self.octets(0), 201).headers["ETag"]

    def octets(self, later):
        starts = self.starts + timedelta(hours=later)
        return events.write_calendar(events.write_event(self.name, starts, starts + LASTS, sequence=later))

    def run(self, chance):
        """Start them together, in some order, each with a condition or without; return what each was answered."""
        acts = [self.put, self.move, self.delete]
        chance.shuffle(acts)
        tags = [chance.choice([{}, {"If-Match": self.tag}]) for _ in acts]
        gate = threading.Barrier(len(acts))
        with ThreadPoolExecutor(len(acts)) as pool:
            going = [pool.submit(self._at, gate, *act) for act in zip(acts, self.clients, tags, strict=True)]
            return {act.__name__: one.result() for act, one in zip(acts, going, strict=True)}

    @staticmethod
    def _at(gate, act, client, condition):
        gate.wait()
        return act(client, dict(condition)).status_code

    def put(self, client, headers):
        headers["Content-Type"] = "text/calendar"
        return client.put(client.base + self.here.href(self.name), data=self.octets(3), headers=headers, timeout=60)

    def move(self, client, headers):
        headers["Destination"] = self.there.href(self.name)
        return client.request("MOVE", client.base + self.here.href(self.name), headers=headers, timeout=60)

    def delete(self, client, headers):
        return client.delete(client.base + self.here.href(self.name), headers=headers, timeout=60)

    def shown(self):
        """What the two collections show of it: counts of (collection, start) of what is not cancelled."""
        found = Counter()
        for calendar in (self.here, self.there):
            answer = read(calendar.asker, calendar.href(self.name), 200, 404)
            if answer.status_code == 200:
                live = [one for one in instances_of(answer.content) if not one[2]]
                found.update((calendar.path, starts) for starts, _, _ in live)
        return found

    def planned(self, sender):
        """What the register has planned of it, in the same words."""
        span = f"from={events.iso(self.starts)}&to={events.iso(self.starts + timedelta(hours=9))}"
        path = f"/api/v1/closures?{span}&state=planned"
        listed = read(sender.program, path, 200).json()["closures"]
        return Counter((sender.collection(one["gateway"]), events.instant(one["starts"])) for one in listed)


def test_register_and_members_agree_after_every_race(running, sender, database_url):
    chance = random.Random(4791)
    calendars = sender.calendar(0), sender.calendar(1)
    clients = [running.asker(*sender.program.auth) for _ in range(3)]
    wrong, answers = [], Counter()
    for number in range(RACES):
        race = Race(calendars, number, clients)
        answered = race.run(chance)
        answers.update(answered.items())
        shown, planned = race.shown(), race.planned(sender)
        if shown != planned or set(answered.values()) & {500, 502}:
            wrong.append(f"race {number}, {answered}: members {dict(shown)}, closures {dict(planned)}")
    print(f"{RACES} races, {len(wrong)} left the two at odds; {dict(answers)}")
    assert wrong == []
    assert [line for calendar in calendars for line in calendar.differences()] == []
