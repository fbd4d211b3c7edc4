"""The acknowledgement of a PUT in one short line of ASCII JSON, for a header; the whole of it is a property."""

import json
from typing import Any

from app.domain.london import utc_text
from app.register.receipts import Acknowledgement, Outcome

_MOST_NAMES = 12


def receipt_line(outcome: Outcome) -> str:
    """Return how many closures the notice spoke of and changed, the earliest of them, and what was left out."""
    changed = [*outcome.accepted, *outcome.withdrawn]
    every = [*changed, *outcome.unchanged]
    facts: dict[str, Any] = {"closures": len(every), "changed": len(changed)}
    if every:
        facts |= _earliest(min(changed or every, key=lambda one: (one.window, one.reference)))
    facts["short_notice"] = any(one.late_change for one in every)
    left_out = sorted({name for one in every for name in one.left_out})
    facts["left_out"] = left_out[:_MOST_NAMES]
    return json.dumps(facts, separators=(",", ":"))


def _earliest(one: Acknowledgement) -> dict[str, Any]:
    lead = one.assessment.current_date
    return {
        "reference": one.reference,
        "revision": one.number,
        "change": one.step.value if one.step else None,
        "starts": utc_text(one.window.starts),
        "working_days_notice": lead.working_days,
        "recommended": lead.recommended_days,
        "band": lead.band,
    }
