"""The acknowledgement of a PUT in one short line of ASCII JSON, for a header; the whole of it is a property."""

import json
from collections.abc import Iterable
from typing import Any

from app.domain.london import utc_text
from app.register.receipts import Acknowledgement, Outcome

_MOST_NAMES = 12
_MOST_SAID = 1_000  # characters of remarks: a proxy may take no more than 4,000 octets of headers


def receipt_line(outcome: Outcome) -> str:
    """Return how many closures the notice spoke of and changed, the earliest of them, what was left out, and remarks.

    The remarks are those on the notice as a whole.
    """
    changed = [*outcome.accepted, *outcome.withdrawn]
    every = [*changed, *outcome.unchanged]
    facts: dict[str, Any] = {"closures": len(every), "changed": len(changed)}
    if every:
        facts |= _earliest(min(changed or every, key=lambda ack: (ack.closure.window, ack.closure.reference)))
    facts["short_notice"] = any(ack.closure.verdict.short_notice for ack in every)
    left_out = sorted({name for ack in every for name in ack.left_out})
    facts["left_out"] = left_out[:_MOST_NAMES]
    facts["remarks"] = _first_said(outcome.remarks)
    return json.dumps(facts, separators=(",", ":"))


def _first_said(remarks: Iterable[str]) -> list[str]:
    said: list[str] = []
    for remark in remarks:
        if sum(map(len, said)) + len(remark) > _MOST_SAID:
            break
        said.append(remark)
    return said


def _earliest(ack: Acknowledgement) -> dict[str, Any]:
    closure, notice = ack.closure, ack.closure.verdict.current_date
    return {
        "reference": closure.reference,
        "revision": closure.number,
        "change": ack.step.value if ack.step else None,
        "starts": utc_text(closure.window.starts),
        "working_days_notice": notice.working_days,
        "recommended": notice.recommended_days,
        "band": notice.band,
    }
