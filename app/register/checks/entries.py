"""The rows of the record: each notice, revision and assessment against its leaf, its owner and its clear columns."""

from bisect import bisect_left
from typing import Any

from app.register.checks.evidence import UNREADABLE, Evidence
from app.register.checks.fold import Acts
from app.security.merkle import Tree, leaf_hash
from app.store import assessments, bodies, notices
from app.store import closures as rows
from app.store.instants import from_micros

Owned = dict[Any, Any]
"""The owner of each closure, by row id."""

Histories = dict[bytes, tuple[int, int]]
"""What the revisions say of each closure, by row id: how many entries it has, and their last number."""


def check_notices(evidence: Evidence, acts: Acts, tree: Tree) -> int:
    """Hold every notice against its leaf; where its octets are gone, a purge names it.

    Return the last receipt, in microseconds since 1970.
    """
    latest, unseal, looks_into = 0, evidence.store.keyring.opener("notices", "sealed"), evidence.part.holds
    columns = ("id", "user_id", "received_at", "log_index", "log_size", "log_root", "sealed")
    for row_id, user_id, received_at, position, size, root, sealed in evidence.rows("notices", *columns):
        leaf = evidence.claim("notice", position)
        try:
            latest = max(latest, received_at)
            if not looks_into(position):
                continue
            if sealed is None:
                agrees = acts.is_purged("notices", row_id)
            else:
                content = notices.notice_content(row_id, from_micros(received_at), sealed)
                agrees = (
                    leaf in {None, leaf_hash(b"notice\0" + content)} and position < size and tree.root(size) == root
                )
                if agrees and not acts.is_shredded(user_id):
                    unseal(user_id, row_id, 1, sealed)
        except UNREADABLE:
            agrees = False
        if not agrees:
            _name(evidence, f"A notice received {_time(received_at)}", position, is_empty=sealed is None)
    return latest


def check_revisions(evidence: Evidence, acts: Acts, owners: Owned) -> Histories:
    """Hold every revision against its leaf; where its content is gone, a purge names its closure."""
    last: Histories = {}
    unseal, looks_into = evidence.store.keyring.opener("revisions", "sealed"), evidence.part.holds
    columns = ("closure_id", "entry", "user_id", "number", "received_at", "log_index", "sealed")
    for closure_id, entry, user_id, number, received_at, position, sealed in evidence.rows("revisions", *columns):
        leaf = evidence.claim("revision", position)
        if sealed is None and acts.is_purged("closures", closure_id):
            continue
        try:
            entries, highest = last.get(closure_id, (0, 0))
            last[closure_id] = (max(entries, entry), max(highest, number or 0))
            if not looks_into(position):
                continue
            content = rows.revision_content(closure_id, sealed)
            agrees = leaf in {None, leaf_hash(b"revision\0" + content)} and owners.get(closure_id) == user_id
            if agrees and not acts.is_shredded(user_id):
                body = unseal(user_id, closure_id, entry, sealed)
                agrees = bodies.revision_marks(body) == (entry, number, received_at)
        except UNREADABLE:
            agrees = False
        if not agrees:
            _name(evidence, f"A revision received {_time(received_at)}", position, is_empty=sealed is None)
    return last


def check_bringers(evidence: Evidence) -> None:
    """Hold the notice that each revision names against the log: what a notice brought follows upon it at once."""
    spans = {row_id: span for row_id, *span in evidence.rows("notices", "id", "log_index", "log_size")}
    ends = sorted((start, end) for start, end in spans.values() if isinstance(start, int) and isinstance(end, int))
    for notice_id, position in evidence.rows("revisions", "notice_id", "log_index"):
        try:
            if notice_id is None:
                before = bisect_left(ends, (position, 0)) - 1
                agrees = before < 0 or ends[before][1] <= position
            else:
                start, end = spans[notice_id]
                agrees = start < position < end
        except UNREADABLE:
            agrees = False
        if not agrees:
            evidence.add(f"The revision of entry {position} of the log names another notice than brought it.", position)


def check_assessments(evidence: Evidence, acts: Acts, owners: Owned) -> None:
    """Hold every assessment against its leaf; where its content is gone, a purge names its closure."""
    unseal, looks_into = evidence.store.keyring.opener("assessments", "sealed"), evidence.part.holds
    stated = ("policy_version", "holiday_version", "late")
    columns = ("closure_id", "entry", "user_id", "assessed_at", "log_index", "sealed", *stated)
    for row in evidence.rows("assessments", *columns):
        closure_id, entry, user_id, assessed_at, position, sealed, *marks = row
        leaf = evidence.claim("assessment", position)
        if not looks_into(position):
            continue
        if sealed is None and acts.is_purged("closures", closure_id):
            continue
        try:
            content = assessments.assessment_content(closure_id, entry, sealed)
            agrees = leaf in {None, leaf_hash(b"assessment\0" + content)} and owners.get(closure_id) == user_id
            if agrees and not acts.is_shredded(user_id):
                body = unseal(user_id, closure_id, entry, sealed)
                agrees = bodies.verdict_marks(body) == tuple(marks)
        except UNREADABLE:
            agrees = False
        if not agrees:
            _name(evidence, f"An assessment made {_time(assessed_at)}", position, is_empty=sealed is None)


def _name(evidence: Evidence, name: str, position: Any, *, is_empty: bool) -> None:
    what = "is emptied, and no purge names it" if is_empty else "was altered"
    evidence.add(f"{name} (entry {position} of the log) {what}.", position)


def _time(micros: Any) -> str:
    try:
        return f"{from_micros(micros):%Y-%m-%d %H:%M:%S}Z"
    except UNREADABLE:
        return "at no time"
