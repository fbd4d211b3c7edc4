"""A notice is recorded: its content is matched, judged, written and acknowledged in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.access import Principal, Role
from app.domain.closure import PlannedClosure, State
from app.domain.notice import Announcement, Notice, NoticeContent
from app.domain.party import Names, User
from app.domain.refusal import IntakeProblem, Unknown
from app.domain.window import ClosureWindow
from app.intake.minimise import minimised
from app.register.calendar_view import follow_closures
from app.register.conflict_json import Met
from app.register.conflicts import met_by_all, met_by_own, own_beside, own_clashes, standing_others, subjects_of
from app.register.decisions import Decision, Occasion, acknowledge, as_it_stands, decide, outcome_of
from app.register.event_counts import counts_of, counts_of_none
from app.register.matching import Match, match_announcements, withdrawal_of
from app.register.receipts import Outcome, make_receipt
from app.register.register import Register
from app.register.repeating_rules import entry_of, keep_rules
from app.register.reused_uids import reuse_problem
from app.register.rulebook import Rulebook
from app.register.transaction import Transaction
from app.security.signing import SigningKey
from app.security.tokens import new_row_id
from app.store import closures as rows
from app.store import notices
from app.store.closures import Held
from app.store.closures_of_users import closures_of_users
from app.store.engine import Connection, Head, read_head

_NOT_APPLIED = "Nothing of this notice was recorded, since not all of it could be read."


@dataclass(frozen=True, slots=True)
class Receiving:
    """One notice being received: whose it is, when, under which locked head and rules.

    ``beside`` are the sender's own closures about that time: read before its turn, since nobody waits for that.
    """

    register: Register
    connection: Connection
    head: Head
    rulebook: Rulebook
    user: User
    notice: Notice
    beside: Sequence[PlannedClosure] = ()

    @property
    def occasion(self) -> Occasion:
        """Return who tells us, when and how, and the rule in force then."""
        return occasion_of(self.user, self.notice, self.head, self.rulebook)

    @property
    def names(self) -> Names:
        """Return what the sender and its gateways are called."""
        return self.register.senders.at(self.connection, self.head, self.user.code).names


def receive_notice(
    register: Register,
    user: User,
    notice: Notice,
    content: NoticeContent,
    *,
    about: str = "",
    all_or_nothing: bool = False,
    withdraw_missing: bool = False,
) -> Outcome:
    """Record a notice and what it announces; return the acknowledgements. Nothing is refused for being late.

    ``about`` is the reference of the one closure that the notice changes, whatever UID and gateway it names. With
    ``all_or_nothing``, any problem leaves the notice kept but nothing applied. With ``withdraw_missing``, planned
    closures ahead that the notice does not mention are withdrawn. Raise ``TooManyPlanned``, ``StoreBusy`` or
    ``StoreFull``: then nothing was recorded.
    """
    if all_or_nothing and content.problems:
        keep_notice(register, user, notice)
        remarks, counts = (*content.remarks, _NOT_APPLIED), counts_of_none(content)
        return outcome_of(
            notice.received_at, (), content.problems, remarks, Names({}, {}), counts=counts, recorded=False
        )
    beside = own_beside(register, user, windows_of(content))
    with register.store.writing(user.id) as connection:
        head, rulebook = register.lock(connection)
        receiving = Receiving(register, connection, head, rulebook, user, notice, beside)
        matches, held = _matches(receiving, content, about)
        if withdraw_missing:
            missing = _missing(register, connection, user, notice.received_at, content)
            matches += [Match(withdrawal_of(entry), entry, is_stated=False) for entry in missing]
        recorded = record_content(receiving, content, matches, held)
        doubt = None if about else reuse_problem(recorded.decisions)
        if doubt is not None:
            remarks = (*content.remarks, f"{doubt.text} {doubt.remedy}")
            recorded = replace(recorded, content=replace(content, remarks=remarks))
        follow_closures(register, connection, user, recorded.changes, rulebook, known=held)
    return recorded.outcome(register.signing_key)


@dataclass(frozen=True, slots=True)
class RecordedNotice:
    """A notice that was written, with what was decided of it: the outcome waits for its signatures.

    ``log_index`` is the place of its own leaf. ``leaves`` are those of the steps taken, by their index in
    ``decisions``; ``tree`` is (size, root) over all. ``kept`` is the notice as it was stored. ``vanished`` counts the
    decisions that no event of the notice states.
    """

    notice: Notice
    content: NoticeContent
    decisions: Sequence[Decision]
    problems: Sequence[IntakeProblem]
    log_index: int
    leaves: Mapping[int, tuple[int, bytes]]
    tree: tuple[int, bytes]
    kept: Notice
    names: Names
    clashes: Mapping[str, tuple[str, ...]]
    also_at: Mapping[str, tuple[str, ...]]
    met: Mapping[str, Met]
    vanished: int

    @property
    def changes(self) -> list[tuple[Decision, int]]:
        """Return the decisions by which a calendar may look different, each with the place of its change in the log.

        They took a numbered step, or said nothing new but by which name the sender's rule knows the occurrence.
        """
        return [
            (decision, self.leaves[index][0] if index in self.leaves else self.log_index)
            for index, decision in enumerate(self.decisions)
            if decision.is_shown
        ]

    def outcome(self, key: SigningKey) -> Outcome:
        """Return the answer to the notice, its receipts signed."""
        received_at, acknowledged = self.notice.received_at, []
        for index, decision in enumerate(self.decisions):
            plain = acknowledge(decision, self.clashes, self.also_at, self.met)
            if index in self.leaves:
                plain = replace(plain, receipt=make_receipt(key, plain, received_at, self.leaves[index], self.tree))
            acknowledged.append(plain)
        problems = (*self.content.problems, *self.problems)
        counts = counts_of(self.content, self.problems, acknowledged, self.vanished)
        remarks = self.content.remarks
        return outcome_of(received_at, acknowledged, problems, remarks, self.names, counts=counts, recorded=True)


def record_content(
    receiving: Receiving, content: NoticeContent, matches: Sequence[Match], held: Iterable[Held]
) -> RecordedNotice:
    """Write a notice and what becomes of its matches, under the locked head.

    The notice's leaf is the first of this transaction: its place in the log is the size that the log had before. Raise
    ``TooManyPlanned``.
    """
    decisions, problems = decide(matches, receiving.occasion)
    receiving.register.planned.check(receiving.connection, receiving.head, receiving.user, added_by(decisions))
    recorded = record_decisions(receiving, content, decisions, held)
    keep_rules(receiving.register, receiving.connection, receiving.user, content, receiving.notice.received_at)
    return replace(recorded, problems=problems, vanished=_vanished(matches))


def record_decisions(
    receiving: Receiving, content: NoticeContent, decisions: Sequence[Decision], held: Iterable[Held]
) -> RecordedNotice:
    """Write a notice and what was decided of it, under the locked head."""
    leaves, tree, kept = _write(receiving, content, decisions)
    names = receiving.names
    subjects = subjects_of(decisions)
    others = standing_others(receiving.beside, decisions, receiving.notice.received_at)
    return RecordedNotice(
        notice=receiving.notice,
        content=content,
        decisions=decisions,
        problems=(),
        log_index=receiving.head.log_size,
        leaves=leaves,
        tree=tree,
        kept=kept,
        names=names,
        clashes=own_clashes(subjects, others, names),
        also_at=_also_at(decisions, held),
        met=met_by_own(subjects, others, receiving.rulebook),
        vanished=0,
    )


def preview_notice(
    register: Register,
    user: User,
    notice: Notice,
    content: NoticeContent,
    *,
    about: str = "",
    asker: Principal | None = None,
) -> Outcome:
    """Say what ``receive_notice`` would do with this content, and which closures ahead it does not mention.

    What the closures would meet is told of all that ``asker`` may see; None is the User itself.
    """
    received_at = notice.received_at
    asker = asker or Principal(user.code, Role.USER, frozenset({user.code}))
    with register.store.reading() as connection:
        head = read_head(connection)
        receiving = Receiving(register, connection, head, register.rules.at(head.rules, connection), user, notice)
        matches, held = _matches(receiving, content, about)
        decisions, problems = decide(matches, receiving.occasion)
        register.planned.check(connection, head, user, added_by(decisions))
        names = receiving.names
        missing = [as_it_stands(entry) for entry in _missing(register, connection, user, received_at, content)]
    also_at = _also_at(decisions, held)
    beside = own_beside(register, user, windows_of(content))
    clashes = own_clashes(subjects_of(decisions), standing_others(beside, decisions, received_at), names)
    met = met_by_all(register, asker, decisions, receiving.rulebook, received_at)
    acknowledged = [acknowledge(decision, clashes, also_at, met) for decision in decisions]
    doubt = None if about else reuse_problem(decisions)
    found = (*content.problems, *problems, *(() if doubt is None else (doubt,)))
    counts = counts_of(content, problems, acknowledged, _vanished(matches))
    outcome = outcome_of(received_at, acknowledged, found, content.remarks, names, counts=counts, recorded=False)
    return replace(outcome, missing=tuple(missing))


def keep_notice(register: Register, user: User, notice: Notice) -> bool:
    """Record a notice from which nothing was applied; tell whether its octets are kept.

    They are, so that nothing that a User sent is lost, unless DCC's rule is to keep no sender's words: nothing tells
    what in them is more than date, time, gateway and reference.
    """
    with register.store.writing(user.id) as connection:
        head, rulebook = register.lock(connection)
        _, _, kept = _write(Receiving(register, connection, head, rulebook, user, notice), None, [])
    return kept == notice


def windows_of(content: NoticeContent) -> list[ClosureWindow]:
    """Return the windows that a notice tells."""
    return [announcement.window for announcement in content.announcements if announcement.window is not None]


def added_by(decisions: Iterable[Decision]) -> int:
    """Return by how many more closures their User has planned after these decisions."""
    return sum(decision.added for decision in decisions)


def closures_of(receiving: Receiving, uids: Iterable[str]) -> list[Held]:
    """Return every closure of the sender with one of these UIDs, at whichever gateway."""
    store = receiving.register.store
    keys = [store.blind.series(receiving.user.id, uid) for uid in dict.fromkeys(uids)]
    return rows.of_series(store, receiving.connection, receiving.user.code, keys)


def change_of_gateway(held: Held, announcement: Announcement, known: Iterable[Held], now: datetime) -> list[Match]:
    """Return what moves one closure to the gateway of ``announcement``.

    Where that gateway knows the same event already, the announcement is a notice of the closure there and the one here
    is withdrawn: what an event is at one gateway stays one closure. A withdrawal moves nothing.
    """
    if announcement.withdrawn:
        return [Match(announcement, held)]
    there = (announcement.gateway, held.mark.uid, held.mark.recurrence_id)
    for other in known:
        taken = (other.closure.gateway, other.mark.uid, other.mark.recurrence_id) == there
        if taken and other.closure.id != held.closure.id:
            planned = held.closure.state_at(now) is State.PLANNED
            gone = [Match(withdrawal_of(held), held, is_stated=False)] if planned else []
            return [Match(announcement, other), *gone]
    return [Match(announcement, held)]


def _vanished(matches: Iterable[Match]) -> int:
    return sum(not match.is_stated for match in matches)


def _matches(receiving: Receiving, content: NoticeContent, about: str) -> tuple[list[Match], list[Held]]:
    if about:
        return _matches_about(receiving, content, about)
    held = closures_of(
        receiving, [*(announcement.uid for announcement in content.announcements), *sorted(content.whole_uids)]
    )
    received_at = receiving.notice.received_at
    matches = match_announcements(
        content.announcements, held, content.whole_uids, received_at, content.without_occurrences
    )
    return matches, held


def _matches_about(receiving: Receiving, content: NoticeContent, about: str) -> tuple[list[Match], list[Held]]:
    """Match what is told of the one closure of a reference. Raise ``Unknown`` where it is not the sender's."""
    codes = {receiving.user.id: receiving.user.code}
    held = rows.by_reference(receiving.register.store, receiving.connection, about, codes)
    if held is None:
        raise Unknown("There is no such closure.", "Check the reference; it looks like CN-0123456789.")
    known = closures_of(receiving, [held.mark.uid])
    told = [
        replace(announcement, uid=held.mark.uid, recurrence_id=held.mark.recurrence_id)
        for announcement in content.announcements
    ]
    now = receiving.notice.received_at
    return [match for announcement in told for match in change_of_gateway(held, announcement, known, now)], known


def _write(
    receiving: Receiving, content: NoticeContent | None, decisions: Sequence[Decision]
) -> tuple[dict[int, tuple[int, bytes]], tuple[int, bytes], Notice]:
    """Write a notice and what was decided of it.

    Return the leaf of each step, the tree (size, root) over all, and the notice as it was kept: whole, or, as the rule
    of this moment may have it, with no more than what was read of it.
    """
    user, notice, store, notice_id = receiving.user, receiving.notice, receiving.register.store, new_row_id()
    kept = notice if receiving.rulebook.retention.keeps_details else minimised(notice, content)
    sealed = notices.seal_notice(store, notice_id, user.id, kept)
    transaction = Transaction(store, receiving.head, notice.received_at, user.id, notice_id)
    log_index = notices.append_leaf(transaction.log, notice_id, notice.received_at, sealed)
    leaves: dict[int, tuple[int, bytes]] = {}
    for index, decision in enumerate(decisions):
        if decision.revision is not None:
            leaves[index] = transaction.add(entry_of(decision))
        elif decision.held is not None:
            transaction.restate(decision.held, decision.mark)
    tree = transaction.log.close()
    notices.insert_notice(
        store, receiving.connection, notice_id=notice_id, user_id=user.id, received=notice, sealed=sealed,
        log_index=log_index, tree=tree,
    )  # fmt: skip
    transaction.write(receiving.connection)
    return leaves, tree, kept


def occasion_of(user: User, notice: Notice, head: Head, rulebook: Rulebook) -> Occasion:
    """Return who tells us, when and how, and the rule in force then."""
    policy = rulebook.policy_for(notice.received_at)
    return Occasion(
        user=user.code,
        received_at=notice.received_at,
        heard_at=notice.received_at,
        policy=policy,
        working_days=rulebook.calendar_for(policy),
        stamped_at=head.stamped_at,
        channel=notice.channel.value,
        given_by=notice.given_by,
    )


def _missing(
    register: Register, connection: Connection, user: User, received_at: datetime, content: NoticeContent
) -> list[Held]:
    """Return the sender's planned closures ahead that the notice does not mention, earliest first."""
    events = {(announcement.gateway, announcement.uid) for announcement in content.announcements}
    anywhere = {uid for gateway, uid in events if not gateway}
    planned = closures_of_users(register.store, connection, {user.id: user.code}, State.PLANNED)
    found = [
        held
        for held in planned
        if (held.closure.gateway, held.mark.uid) not in events
        and held.mark.uid not in anywhere
        and held.closure.is_ahead(received_at)
    ]
    return sorted(found, key=lambda held: (held.closure.window, held.closure.reference))


def _also_at(decisions: Sequence[Decision], held: Iterable[Held]) -> dict[str, tuple[str, ...]]:
    """Return, for each closure that stands after a notice, the other gateways at which the same event is planned."""
    standing = {entry.closure.id: (entry.closure, entry.mark.uid) for entry in held}
    standing |= {decision.closure.id: (decision.closure, decision.mark.uid) for decision in decisions}
    planned: dict[str, set[str]] = {}
    for closure, uid in standing.values():
        if closure.state is State.PLANNED:
            planned.setdefault(uid, set()).add(closure.gateway)
    return {
        decision.closure.reference: tuple(sorted(planned.get(decision.mark.uid, set()) - {decision.closure.gateway}))
        for decision in decisions
        if decision.closure.state is State.PLANNED
    }
