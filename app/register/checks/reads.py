"""The read log: each span of it against the act that covers it, and how much of it no act covers yet."""

from app.register.checks.evidence import UNREADABLE, Evidence
from app.register.checks.fold import Acts
from app.store.read_spans import READ_COLUMNS, ReadSpan, fold_reads, in_span


def check_reads(evidence: Evidence, acts: Acts) -> int:
    """Hold what stands of every span against its act; return how many reads came after the last one."""
    end = held = 0
    for span, position in acts.read_spans:
        if span.after != end:
            evidence.add(
                f"Entry {position} of the log covers other reads than those that follow the last ones.", position
            )
        end = span.through
        if end > acts.reads_purged:
            held += _check_span(evidence, span, position) if evidence.part.holds(position) else span.count
    outside = _count(evidence, f"id <= {end}") - held
    if outside:
        evidence.add(f"Reads of feeds ({outside}) stand where the acts of the log leave none.")
    return _count(evidence, f"id > {end}")


def _check_span(evidence: Evidence, span: ReadSpan, position: int) -> int:
    """Hold one span against its act; return how many rows it has."""
    rows = evidence.rows("reads", *READ_COLUMNS, order=("id",), only=in_span(span.after, span.through))
    name = f"Of the {span.count} reads of feeds that entry {position} of the log covers"
    try:
        count, digest = fold_reads(rows)
    except UNREADABLE:
        evidence.add(f"{name}, some were altered.", position)
        return _count(evidence, in_span(span.after, span.through))
    if count < span.count:
        evidence.add(f"{name}, {span.count - count} are missing.", position)
    elif count > span.count:
        evidence.add(f"{name}, there are {count - span.count} too many.", position)
    elif digest != span.digest:
        evidence.add(f"{name}, some were altered.", position)
    return count


def _count(evidence: Evidence, only: str) -> int:
    return sum(number for (number,) in evidence.rows("reads", "count(*)", only=only))
