"""Histories are held within a bound: however little that is, every answer is that of the whole record.

Random acts happen, and after each a question is asked of caches with little room, some of them long not asked. The
second opinion opens every entry there is each time, and knows nothing of weeks, places in the log, or what was held.
"""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.domain.access import Principal, Role
from app.domain.closure import fold
from app.domain.fact import FactDoubted, FactKind, ToldFact
from app.domain.notice import Announcement, Channel, Notice, NoticeContent
from app.domain.window import ClosureWindow
from app.register.expire import expire_past_windows
from app.register.history_cache import HistoryCache
from app.register.people.enrolment import shred_user
from app.register.receive import receive_notice
from app.register.recorded_change import EVERY_KIND, LATE_KINDS
from app.register.retention import purge_expired
from app.register.tell_fact import tell_fact
from app.register.verification import verify_record
from app.store import histories as rows
from app.store import parties
from app.store.chains import chains_of
from app.store.receipt_order import received_in
from app.store.tables import weeks
from app.store.week_index import WATCHED, index_watches, watched_weeks

DCC = Principal("dcc", Role.DCC)
BEGINS = datetime(2027, 1, 4, tzinfo=UTC)
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)


class World:
    """Users who tell closures of ten weeks, at random, and a clock that goes on by hours and days."""

    def __init__(self, service, enrolled, seed):
        self.service, self.register, self.chance = service, service.register, random.Random(seed)
        self.users = [enrolled(f"U{n}", f"U{n}-A", f"U{n}-B") for n in range(3)]
        self.now, self.references = BEGINS, []

    def act(self):
        self.now += timedelta(hours=self.chance.choice([1, 1, 3, 9, 40]))
        what = self.chance.choice([self.tell, self.tell, self.tell, self.fact, self.fact, self.fact, self.expire])
        what()

    def tell(self):
        user = self.chance.choice(self.users)
        starts = self.now + timedelta(hours=self.chance.choice([-2, 0, 0, 1, 30, *range(100, 1_600, 100)]))
        announcement = Announcement(
            uid=f"u{self.chance.randrange(14)}",
            gateway=f"{user.code}-{self.chance.choice('AB')}",
            window=ClosureWindow(starts, starts + timedelta(hours=self.chance.choice([1, 4, 4, 200]))),
            withdrawn=self.chance.random() < 0.15,
        )
        notice = Notice(user.code, Channel.API, self.now, "text/calendar", b"-", "a test")
        outcome = receive_notice(self.register, user, notice, NoticeContent((announcement,), (), events=1))
        self.references += [one.closure.reference for one in outcome.accepted]

    def fact(self):
        kind = self.chance.choice([*FactKind, FactKind.CLOSED, FactKind.STILL_CLOSED])
        ahead = HOUR * self.chance.choice([1, 50, 300]) if kind is FactKind.STILL_CLOSED else timedelta()
        told = ToldFact(kind, None if kind is FactKind.TAKEN_BACK else self.now + ahead)
        for reference in self.chance.sample(self.references, min(8, len(self.references))):
            try:
                tell_fact(self.register, DCC, reference, told, channel=Channel.API, now=self.now)
            except FactDoubted:
                continue
            return

    def expire(self):
        expire_past_windows(self.register, self.now)

    def question(self):
        """A method of a cache with its arguments, and who asks."""
        instant = self.chance.choice([None, None, self.now - HOUR * self.chance.randrange(1_000)])
        asker = self.chance.choice([None, None, *self.users])
        starts = BEGINS + HOUR * self.chance.randrange(-100, 2_500)
        span = ClosureWindow(starts, starts + HOUR * self.chance.choice([1, 1, 24, 168, 400, 60_000]))
        return self.chance.choice(
            [
                ("closures", (span, instant), asker),
                ("closures", (span, instant), asker),
                ("closures", (span, instant), asker),
                ("closures", (None, instant), asker),
                ("watched", (instant,), asker),
                ("watched", (instant,), asker),
                ("moved", (self.chance.randrange(1, 4), instant), asker),
                ("recorded", (self.now - HOUR * self.chance.randrange(200), self.now), asker),
                ("late", (self.now - HOUR * self.chance.randrange(200), self.now), asker),
            ]
        )


class Whole:
    """What every entry there is says, opened for each question."""

    def __init__(self, store):
        with store.reading() as connection:
            everyone = parties.read_parties(store, connection)
            self.found = []
            for reference, entries in rows.histories_of_users(store, connection, everyone.users):
                user, revisions = everyone.users[entries[0].user_id], [one.revision for one in entries]
                stood = fold(revisions, closure_id=entries[0].closure_id, reference=reference, user=user.code)
                self.found.append((user.id, list(zip(entries, stood, strict=True))))

    def stood(self, instant, users):
        for user_id, history in self.found:
            known = [after for one, after in history if instant is None or one.revision.received_at <= instant]
            if known and user_id in users:
                yield known[-1]

    def closures(self, span, instant, users):
        return [one for one in self.stood(instant, users) if span is None or one.window.overlaps(span)]

    def watched(self, instant, users):
        return [one for one in self.stood(instant, users) if one.is_watched]

    def moved(self, times, instant, users):
        return [one for one in self.stood(instant, users) if one.moves >= times]

    def recorded(self, since, until, users):
        every = [(one, after) for user_id, history in self.found if user_id in users for one, after in history]
        every.sort(key=lambda entry: (entry[0].revision.received_at, entry[0].log_index))
        return [
            (one.closure_id, one.revision, after) for one, after in every if since <= one.revision.received_at < until
        ]

    def late(self, since, until, users):
        return [one for one in self.recorded(since, until, users) if one[1].is_late]


def answers(name, found):
    if name in {"recorded", "late"}:
        return [
            (one[0], one[1].entry, one[1].step, one[1].is_late, one[2])
            if isinstance(one, tuple)
            else (one.closure_id, one.entry, one.step, one.is_late, one.after)
            for one in found
        ]
    return sorted(found, key=lambda closure: closure.reference)


KINDS = {"recorded": EVERY_KIND, "late": LATE_KINDS}


def read_by_pages(world, cache, stretch, visible, kinds):
    """Read a stretch in pages of any size, from its first entry on or from its last back."""
    latest_first, most = world.chance.random() < 0.5, world.chance.choice([None, 1, 3, 50])
    left, found = replace(stretch, latest_first=latest_first), []
    while left is not None:
        page = cache.received(left, visible, kinds, most)
        assert most is None or len(page.entries) <= most
        found += page.entries
        left = page.left
    return found[::-1] if latest_first else found


def ask_both(world, cache):
    name, arguments, asker = world.question()
    users = {user.id for user in world.users} if asker is None else {asker.id}

    def visible(everyone):
        return users & everyone.users.keys()

    if name in {"recorded", "late"}:
        found = read_by_pages(world, cache, received_in(*arguments), visible, KINDS[name])
    else:
        found = getattr(cache, name)(*arguments, visible)
    whole = getattr(Whole(world.service.store), name)(*arguments, users)
    assert (name, arguments, answers(name, found)) == (name, arguments, answers(name, whole))
    return len(whole)


def live(service, enrolled, seed, acts):
    world = World(service, enrolled, seed)
    caches = [HistoryCache(service.store, most) for most in (0, 1, 4, 9, 1_000)]
    found = 0
    for _ in range(acts):
        world.act()
        for cache in world.chance.sample(caches, 3):
            found += ask_both(world, cache)
    return world, found


@pytest.mark.parametrize("seed", range(4))
def test_a_cache_without_room_answers_as_the_whole_record(service, enrolled, seed):
    _, found = live(service, enrolled, seed, 60)
    assert found > 100
    assert verify_record(service.register).faults == ()


@pytest.mark.slow
def test_many_caches_without_room_answer_as_the_whole_record(service, enrolled):
    assert live(service, enrolled, 100, 300)[1] > 1_000


def test_what_is_forgotten_is_asked_of_nobody(service, enrolled):
    world, _ = live(service, enrolled, 7, 40)
    caches = [HistoryCache(service.store, most) for most in (0, 4, 1_000)]
    for forget in (
        lambda: shred_user(service.store, "U1", world.now),
        lambda: purge_expired(service.register, BEGINS + timedelta(days=3_000)),
    ):
        for cache in caches:
            ask_both(world, cache)
        forget()
        for cache in caches * 8:
            ask_both(world, cache)


def test_watches_of_before_they_were_indexed_are_found(service, enrolled):
    world, _ = live(service, enrolled, 3, 40)
    store, users = service.store, {user.id for user in world.users}
    while not Whole(store).watched(None, users):
        world.act()
    places = (WATCHED, *watched_weeks(BEGINS, world.now))
    with store.writing() as connection:
        stands = chains_of(connection).index
        keys = [stands(store.blind.week(user.id, place)) for user in world.users for place in places]
        assert connection.execute(sa.delete(weeks).where(weeks.c.week.in_(keys))).rowcount > 3
    assert any("is not found in the weeks" in fault for fault in verify_record(service.register).faults)
    with store.writing() as connection:
        index_watches(store, connection)
    assert verify_record(service.register).faults == ()
    cache, whole = HistoryCache(store, 0), Whole(store)
    for hours in range(0, (world.now - BEGINS) // HOUR, 7):
        instant = BEGINS + hours * HOUR
        found = cache.watched(instant, lambda _: users)
        assert answers("watched", found) == answers("watched", whole.watched(instant, users))
