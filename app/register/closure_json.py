"""Closures, revisions and late changes as JSON: the same facts for the API and for the command line."""

from datetime import date, datetime
from typing import Any

from app.domain.closure import PlannedClosure, Revision, State
from app.domain.london import Reading, london_date, london_text, utc_text
from app.domain.notice_period import AFTER_START
from app.domain.notice_policy import policy_in_force
from app.domain.party import Names
from app.register.history_cache import RecordedChange
from app.register.rulebook import Rulebook
from feeds.closure_json import ClosureJson, closure_json
from feeds.entry import FeedEntry


def json_of(closure: PlannedClosure, names: Names, now: datetime) -> ClosureJson:
    """Return a closure as JSON, as it stands at ``now``: with as-of, at that instant."""
    return closure_json(entry_of(closure, names), now)


def entry_of(closure: PlannedClosure, names: Names) -> FeedEntry:
    """Return what anybody may be told of a closure: names joined in, the verdict as stored, the rest left behind."""
    verdict, moved = closure.verdict, closure.moved_from
    return FeedEntry(
        reference=closure.reference,
        user_code=closure.user,
        user_name=names.users.get(closure.user, ""),  # shredded since the closure was read
        gateway_code=closure.gateway,
        gateway_name=names.gateways.get(closure.gateway, ""),
        starts=closure.window.starts,
        ends=closure.window.ends,
        withdrawn=closure.state is State.WITHDRAWN,
        sequence=closure.number,
        created=closure.first_received_at.replace(microsecond=0),
        changed=closure.changed_at,
        notice_days=verdict.working_days_notice,
        first_notice_days=verdict.first_notice.working_days,
        recommended_days=verdict.current_date.recommended_days,
        band=verdict.current_date.band,
        short_notice=verdict.short_notice,
        late_change=verdict.late_change,
        moves=closure.moves,
        moved_from_starts=moved.starts if moved else None,
        moved_from_ends=moved.ends if moved else None,
    )


def revision_facts(revision: Revision, after: PlannedClosure) -> dict[str, Any]:
    """Return one entry of a history as JSON; ``after`` is what stood after it."""
    verdict = revision.verdict
    return {
        "entry": revision.entry,
        "revision": revision.number,
        "change": revision.step.value,
        "received_at": utc_text(revision.received_at),
        "received_at_london": london_text(revision.received_at),
        "channel": revision.channel or None,
        "gateway": revision.gateway,
        "starts": utc_text(revision.window.starts),
        "ends": utc_text(revision.window.ends),
        "state": after.state.value,
        "notice": None
        if verdict is None
        else {
            "working_days_notice": verdict.working_days_notice,
            "first_notice_days": verdict.first_notice.working_days,
            "change_days": verdict.change.working_days,
            "band": verdict.current_date.band,
            "short_notice": verdict.short_notice,
            "late_change": verdict.late_change,
            "policy_version": verdict.change.policy_version,
            "holiday_table": verdict.change.holiday_version,
        },
        "remarks": list(revision.remarks),
        "left_out": list(revision.left_out),
    }


def late_facts(late: RecordedChange) -> dict[str, Any]:
    """Return one late change as JSON: the closure as it stood after it. A fact about notice, and nobody's breach."""
    closure, verdict = late.after, late.after.verdict
    return {
        "reference": closure.reference,
        "user": closure.user,
        "gateway": closure.gateway,
        "revision": closure.number,
        "change": late.step.value,
        "received_at": utc_text(late.received_at),
        "starts": utc_text(closure.window.starts),
        "ends": utc_text(closure.window.ends),
        "working_days_notice": verdict.working_days_notice,
        "change_days": verdict.change.working_days,
        "first_notice_days": verdict.first_notice.working_days,
        "recommended": verdict.change.recommended_days,
        "band": verdict.current_date.band,
        "policy_version": verdict.change.policy_version,
        "holiday_table": verdict.change.holiday_version,
    }


def notice_period_facts(rulebook: Rulebook, starts: datetime, read_as: Reading, given_on: date) -> dict[str, Any]:
    """Return the notice that a closure starting then has when told on ``given_on``, by the policy of that day."""
    policy = policy_in_force(rulebook.policies, given_on)
    working_days = rulebook.calendar_for(policy)
    day = london_date(starts)
    days = working_days.working_days_between(given_on, day)
    return {
        "start": utc_text(starts),
        "start_london": london_text(starts),
        "start_read_as": read_as.value,
        "given_on": given_on.isoformat(),
        "working_days_notice": days,
        "band": AFTER_START if given_on > day else policy.band(days),
        "short_notice": days < policy.recommended_days,
        "recommended": policy.recommended_days,
        "last_on_time_day": working_days.last_on_time_day(day, policy.recommended_days).isoformat(),
        "policy_version": policy.version,
        "holiday_table": working_days.version,
        "region": policy.holiday_region,
    }
