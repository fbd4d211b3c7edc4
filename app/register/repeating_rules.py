"""Rules that go on beyond the horizon: which are kept, and how their later occurrences are added."""

from datetime import datetime

from app.domain.notice import NoticeContent, RepeatingRule
from app.domain.party import User
from app.register.calendar_view import follow_closures
from app.register.decisions import Decision, Occasion, decide
from app.register.matching import Match
from app.register.register import Register
from app.register.transaction import Entry, Transaction
from app.store import closures as rows
from app.store import runs
from app.store.engine import Connection
from app.store.runs import StoredSeries


def extend_series(register: Register, user: User, stored: StoredSeries, content: NoticeContent, now: datetime) -> int:
    """Add the occurrences that ``content``, a reading of a rule that is kept, states and the register lacks.

    Return how many. They are not late: we first heard of them when we received the rule.
    """
    store, heard_at = register.store, stored.received_at
    with store.writing() as connection:
        head, rulebook = register.lock(connection)
        keys = [store.blind.series(user.id, uid) for uid in sorted(content.whole_uids)]
        held = [
            entry
            for entry in rows.of_series(store, connection, user.code, keys)
            if entry.closure.gateway == stored.rule.gateway
        ]
        known = {(entry.mark.uid, entry.mark.recurrence_id) for entry in held}
        later = [
            announcement
            for announcement in content.announcements
            if (announcement.uid, announcement.recurrence_id) not in known
        ]
        policy = rulebook.policy_for(heard_at)
        occasion = Occasion(
            user=user.code,
            received_at=now,
            heard_at=heard_at,
            policy=policy,
            working_days=rulebook.calendar_for(policy),
            stamped_at=head.stamped_at,
            given_by="the horizon moved on",
        )
        decisions, _ = decide(
            [Match(announcement, None) for announcement in later if not announcement.withdrawn], occasion
        )
        transaction = Transaction(store, head, now, user.id)
        places = [transaction.add(entry_of(decision))[0] for decision in decisions]
        transaction.log.close()
        transaction.write(connection)
        keep_rules(register, connection, user, content, heard_at)
        changes = list(zip(decisions, places, strict=True))
        follow_closures(register, connection, user, changes, rulebook, known=held)
    return len(decisions)


def keep_rules(
    register: Register, connection: Connection, user: User, content: NoticeContent, received_at: datetime
) -> None:
    """Keep the rules that go on beyond the horizon; forget those of events that no longer do."""
    store = register.store
    events = {
        (announcement.gateway, announcement.uid)
        for announcement in content.announcements
        if announcement.uid in content.whole_uids
    } | content.without_occurrences
    going_on: dict[tuple[str, str], RepeatingRule] = {(rule.gateway, rule.uid): rule for rule in content.series}
    ended = [store.blind.rule(user.id, *event) for event in sorted(events - going_on.keys())]
    runs.drop_series(connection, ended)
    for entry in content.series:
        runs.put_series(store, connection, user.id, entry, received_at)


def entry_of(decision: Decision) -> Entry:
    """Return what a decision that took a step writes."""
    assert decision.revision is not None
    return Entry(decision.held, decision.revision, decision.closure, decision.mark)
