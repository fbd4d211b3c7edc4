"""A receipt in plain words, as the command line prints it and as it goes back by mail."""

from collections.abc import Iterable, Sequence

from app.domain.london import london_text
from app.domain.refusal import IntakeProblem, sentence_of
from app.register.closure_json import given_words
from app.register.questions.answer import span_words
from app.register.receipts import Acknowledgement, Outcome

_MOST_SHOWN = 50
_GROUPS = (
    ("accepted", "Recorded:"),
    ("withdrawn", "Withdrawn:"),
    ("superseded", "Kept and not applied, since what stands is newer:"),
    ("unchanged", "Recorded before, and unchanged:"),
)


def closure_lines(entry: Acknowledgement) -> list[str]:
    """Word one closure, with what it meets and the next free slot on lines of their own."""
    window = entry.closure.window
    did = "unchanged" if entry.step is None else entry.step.value
    span = f"{london_text(window.starts)} to {london_text(window.ends)}"
    notice = given_words(entry.closure.verdict.current_date)
    slot = entry.met.next_free
    return [
        f"{entry.closure.reference}  {entry.closure.gateway}  {span}  {did}. {notice}.",
        *(f"  {conflict['text']}" for conflict in entry.met.conflicts),
        *([] if slot is None else [f"  Next free at these hours: {span_words(slot)}."]),
    ]


def receipt_text(outcome: Outcome, base_url: str) -> str:
    """Word the whole answer to a notice, each closure with the address of its page."""
    parts = [f"Your notice was received {london_text(outcome.received_at)}."]
    for name, heading in _GROUPS:
        entries: Sequence[Acknowledgement] = getattr(outcome, name)
        if entries:
            lines = [line for entry in entries[:_MOST_SHOWN] for line in _with_remarks(entry, base_url)]
            more = len(entries) - _MOST_SHOWN
            parts.append("\n".join([heading, *lines, *([f"and {more} more"] if more > 0 else [])]))
    if len(parts) == 1:
        parts.append("Nothing of it was recorded as a closure.")
    if outcome.remarks:
        parts.append("\n".join(outcome.remarks))
    return "\n\n".join([*parts, *_of_problems(outcome.problems)]) + "\n"


def refusal_text(text: str, remedy: str, problems: Sequence[IntakeProblem]) -> str:
    """Word the answer to a notice of which nothing was recorded."""
    said = _of_problems(problems) or [f"{text} {remedy}".strip()]
    return "\n\n".join(["Nothing of your mail was recorded as a closure.", *said]) + "\n"


def _with_remarks(entry: Acknowledgement, base_url: str) -> Iterable[str]:
    yield from closure_lines(entry)
    yield from (f"  {remark}" for remark in entry.remarks)
    yield f"  {base_url}/closures/{entry.closure.reference}"


def _of_problems(problems: Sequence[IntakeProblem]) -> list[str]:
    if not problems:
        return []
    shown = [sentence_of(problem) for problem in problems[:_MOST_SHOWN]]
    return ["\n".join(["Could not be read:", *shown])]
