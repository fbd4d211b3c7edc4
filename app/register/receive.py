"""A notice comes in: what it announces is matched, assessed, recorded and acknowledged in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.clash import find_clashes
from app.domain.closure import State
from app.domain.notice import Notice, NoticeContent, RepeatingRule
from app.domain.party import User
from app.domain.refusal import IntakeProblem
from app.intake.minimise import minimised
from app.register.decisions import Decided, Occasion, acknowledge, as_it_stands, decide, entry_of, outcome_of
from app.register.matching import Match, match_announcements, withdrawal_of
from app.register.receipts import Outcome, make_receipt
from app.register.register import Register
from app.register.rulebook import Rulebook
from app.register.transaction import Transaction, is_ahead
from app.security.signing import SigningKey
from app.security.tokens import new_row_id
from app.store import closures as rows
from app.store import notices, parties, runs
from app.store.closures import Held
from app.store.engine import Connection, Head, read_head

_MOST_CLASHES = 20  # named in one acknowledgement; the clash list itself is a question of its own


def receive_notice(
    register: Register,
    user: User,
    notice: Notice,
    reading: NoticeContent,
    *,
    all_or_nothing: bool = False,
    withdraw_missing: bool = False,
) -> Outcome:
    """Record a notice and what it announces; return the acknowledgements. Nothing is refused for being late.

    With ``all_or_nothing``, any problem leaves the notice kept but nothing applied. With ``withdraw_missing``, planned
    closures ahead that the notice does not mention are withdrawn. Raise ``StoreBusy`` or ``StoreFull``: then nothing
    was recorded.
    """
    if all_or_nothing and reading.problems:
        keep_notice(register, user, notice)
        return Outcome(notice.received_at, recorded=False, problems=reading.problems, remarks=reading.remarks)
    with register.store.writing() as connection:
        head, rulebook = register.lock(connection)
        occasion = occasion_of(user, notice.received_at, rulebook)
        missing = _missing(register, connection, user, notice.received_at, reading) if withdraw_missing else []
        recorded = record_reading(register, connection, head, (user, notice, occasion), reading, missing=missing)
    return recorded.outcome(register.signing_key)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A notice that was written, with what was decided of it: the outcome waits for its signatures.

    ``leaves`` are those of the steps taken, by their index in ``decided``; ``tree`` is (size, root) over all. ``kept``
    is the notice as it was stored.
    """

    notice: Notice
    reading: NoticeContent
    decided: Sequence[Decided]
    problems: Sequence[IntakeProblem]
    leaves: Mapping[int, tuple[int, bytes]]
    tree: tuple[int, bytes]
    kept: Notice
    clashes: dict[str, tuple[str, ...]]

    def outcome(self, key: SigningKey) -> Outcome:
        """Return the answer to the notice, its receipts signed."""
        received_at, acknowledged = self.notice.received_at, []
        for index, one in enumerate(self.decided):
            plain = acknowledge(one, self.clashes)
            if index in self.leaves:
                plain = replace(plain, receipt=make_receipt(key, plain, received_at, self.leaves[index], self.tree))
            acknowledged.append(plain)
        problems = (*self.reading.problems, *self.problems)
        return outcome_of(received_at, acknowledged, problems, self.reading.remarks, recorded=True)


def record_reading(
    register: Register,
    connection: Connection,
    head: Head,
    given: tuple[User, Notice, Occasion],
    reading: NoticeContent,
    *,
    missing: Sequence[Held] = (),
) -> Recorded:
    """Record a notice and what it announces under the locked head; closures that are ``missing`` are withdrawn.

    The notice's leaf is the first of this transaction: its place in the log is the size that the log had before.
    """
    user, notice, occasion = given
    decided, problems = _decide(register, connection, user, reading, occasion)
    gone = [Match(withdrawal_of(held.standing.closure), held.standing.closure) for held in missing]
    decided += decide(gone, missing, occasion)[0]
    leaves, tree, kept = _record(register, connection, head, (user, notice, reading), decided)
    _keep_series(register, connection, user, reading)
    clashes = _clashes(register, connection, user, decided)
    return Recorded(notice, reading, decided, problems, leaves, tree, kept, clashes)


def preview_notice(register: Register, user: User, received_at: datetime, reading: NoticeContent) -> Outcome:
    """Say what ``receive_notice`` would do with this reading, and which closures ahead it does not mention."""
    with register.store.reading() as connection:
        occasion = occasion_of(user, received_at, register.rules.at(read_head(connection).rules))
        decided, problems = _decide(register, connection, user, reading, occasion)
        clashes = _clashes(register, connection, user, decided)
        missing = [as_it_stands(held) for held in _missing(register, connection, user, received_at, reading)]
    acknowledged = [acknowledge(one, clashes) for one in decided]
    outcome = outcome_of(received_at, acknowledged, (*reading.problems, *problems), reading.remarks, recorded=False)
    return replace(outcome, missing=tuple(missing))


def keep_notice(register: Register, user: User, notice: Notice) -> bool:
    """Record a notice from which nothing was applied; tell whether its octets are kept.

    They are, so that nothing that a User sent is lost, unless DCC's rule is to keep no sender's words: nothing tells
    what in them is more than date, time, gateway and reference.
    """
    with register.store.writing() as connection:
        head, _ = register.lock(connection)
        _, _, kept = _record(register, connection, head, (user, notice, None), [])
    return kept == notice


def extend_series(register: Register, user: User, reading: NoticeContent, now: datetime) -> int:
    """Add the occurrences of held rules that ``reading`` states and the register lacks; return how many.

    They are not late: we first heard of them when we received the rule (docs/domain.md#series).
    """
    with register.store.writing() as connection:
        head, rulebook = register.lock(connection)
        keys = [register.store.blind.series(user.id, uid) for uid in sorted(reading.whole_uids)]
        held = [one.standing.closure for one in rows.of_series(register.store, connection, user.code, keys)]
        known = {(closure.uid, closure.recurrence_id) for closure in held}
        later = [one for one in reading.announcements if (one.uid, one.recurrence_id) not in known]
        heard_at = min((closure.first_received_at for closure in held), default=now)
        matches = [Match(one, None) for one in later if not one.withdrawn]
        decided, _ = decide(matches, (), occasion_of(user, heard_at, rulebook))
        transaction = Transaction(register.store, head, now, user.id, given_by="the horizon moved on")
        for one in decided:
            transaction.add(entry_of(one))
        transaction.log.close()
        transaction.write(connection)
        _keep_series(register, connection, user, reading)
    return len(decided)


def _record(
    register: Register,
    connection: Connection,
    head: Head,
    sent: tuple[User, Notice, NoticeContent | None],
    decided: Sequence[Decided],
) -> tuple[dict[int, tuple[int, bytes]], tuple[int, bytes], Notice]:
    """Write a notice and what was decided of it.

    Return the leaf of each step, the tree (size, root) over all, and the notice as it was kept: whole, or, as the rule
    of this moment may have it, with no more than what was read of it.
    """
    (user, notice, reading), store, notice_id = sent, register.store, new_row_id()
    kept = notice if register.rules.at(head.rules).retention.keeps_details else minimised(notice, reading)
    sealed = notices.seal_notice(store, notice_id, user.id, kept)
    transaction = Transaction(
        store, head, notice.received_at, user.id, notice_id, notice.channel.value, notice.given_by
    )
    log_index = notices.append_leaf(transaction.log, notice_id, notice.received_at, sealed)
    leaves: dict[int, tuple[int, bytes]] = {}
    for index, one in enumerate(decided):
        if one.step is not None:
            _, leaves[index] = transaction.add(entry_of(one))
        elif one.held is not None:
            transaction.restate(one.held, one.after)
    tree = transaction.log.close()
    notices.insert_notice(
        store, connection, notice_id=notice_id, user_id=user.id, received=notice, sealed=sealed,
        log_index=log_index, tree=tree,
    )  # fmt: skip
    transaction.write(connection)
    return leaves, tree, kept


def occasion_of(user: User, received_at: datetime, rulebook: Rulebook) -> Occasion:
    """Return who tells us, when, and the rule in force then."""
    policy = rulebook.policy_for(received_at)
    return Occasion(user.code, received_at, policy, rulebook.calendar_for(policy))


def _decide(
    register: Register, connection: Connection, user: User, reading: NoticeContent, occasion: Occasion
) -> tuple[list[Decided], list[IntakeProblem]]:
    uids = dict.fromkeys([entry.uid for entry in reading.announcements] + sorted(reading.whole_uids))
    keys = [register.store.blind.series(user.id, uid) for uid in uids]
    held = rows.of_series(register.store, connection, user.code, keys)
    matches = match_announcements(
        reading.announcements, [one.standing.closure for one in held], reading.whole_uids, occasion.received_at
    )
    return decide(matches, held, occasion)


def _missing(
    register: Register, connection: Connection, user: User, received_at: datetime, reading: NoticeContent
) -> list[Held]:
    """Return the sender's planned closures ahead whose UID the notice does not mention, earliest first."""
    stated = {entry.uid for entry in reading.announcements} | reading.whole_uids
    planned = rows.in_state(register.store, connection, State.PLANNED, {user.id: user.code})
    found = [
        held
        for held in planned
        if held.standing.closure.uid not in stated and is_ahead(held.standing.closure, received_at)
    ]
    return sorted(found, key=lambda held: (held.standing.closure.window, held.standing.closure.reference))


def _clashes(
    register: Register, connection: Connection, user: User, decided: Sequence[Decided]
) -> dict[str, tuple[str, ...]]:
    """Return, for each closure acknowledged, the sender's own closures at other gateways that overlap it."""
    store = register.store
    subjects = {one.after.id: one.after for one in decided if one.step is not None and one.after.state is State.PLANNED}
    if not subjects or len(parties.gateways_of(store, connection, user.id)) == 1:
        return {}
    week_keys = dict.fromkeys(
        store.blind.week(week) for closure in subjects.values() for week in closure.window.weeks()
    )
    others = {
        held.standing.closure.id: held.standing.closure
        for held in rows.touching(store, connection, week_keys, {user.id: user.code})
        if held.standing.closure.state is State.PLANNED
    }
    told = {closure.reference for closure in subjects.values()}
    found: dict[str, list[str]] = {}
    for clash in find_clashes({**others, **subjects}.values()):
        for one, other in ((clash.first, clash.second), (clash.second, clash.first)):
            names = found.setdefault(one.reference, [])
            if one.reference in told and len(names) < _MOST_CLASHES:
                names.append(other.reference)
    return {reference: tuple(names) for reference, names in found.items()}


def _keep_series(register: Register, connection: Connection, user: User, reading: NoticeContent) -> None:
    """Keep the rules that go on beyond the horizon; forget those of UIDs that no longer do."""
    open_ended: dict[str, RepeatingRule] = {one.uid: one for one in reading.series}
    ended = [register.store.blind.series(user.id, uid) for uid in reading.whole_uids if uid not in open_ended]
    runs.drop_series(connection, ended)
    for one in reading.series:
        runs.put_series(register.store, connection, user.id, (one.uid, one.gateway, one.octets), one.expanded_to)
