"""UIDs that look as if they were used again for other events, as exports write them that count from zero each time."""

from collections.abc import Sequence
from datetime import timedelta

from app.domain.london import london_text
from app.domain.refusal import IntakeProblem
from app.register.decisions import Decision

_FAR = timedelta(days=60)
_REMEDY = (
    "If these are other closures, give each event a UID that no earlier one had, and they stand beside the earlier "
    "ones. If those were moved, nothing is needed."
)


def reuse_problem(decisions: Sequence[Decision]) -> IntakeProblem | None:
    """Return the doubt about a notice that moves by months everything in it that we know, None where it does not."""
    known = [
        (decision.held.closure.window, decision)
        for decision in decisions
        if decision.held is not None and decision.announcement is not None and not decision.announcement.withdrawn
    ]
    if not known or any(abs(decision.closure.window.starts - before.starts) < _FAR for before, decision in known):
        return None
    before, first = known[0]
    count = "1 closure" if len(known) == 1 else f"{len(known)} closures"
    text = (
        f"All that we know by its UID here moves by months ({count}, the first from {london_text(before.starts)} "
        f"to {london_text(first.closure.window.starts)}): the UIDs may have been used again."
    )
    line = first.announcement.line if first.announcement is not None else None
    return IntakeProblem(text, _REMEDY, line=line, property="UID", code="reused-uids")
