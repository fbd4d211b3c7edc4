"""``closures notice``: bulk import of notices from files, each file one notice with its receipts."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from app.cli.opening import OPERATOR, opened
from app.cli.output import examples, json_option, say, wants_json
from app.cli.param_types import CODE
from app.domain.notice import Channel, Notice
from app.domain.refusal import IntakeProblem, NoticeTooLarge, NoticeUnreadable, sentence_of
from app.factory import utc_now
from app.ical.limits import Limits
from app.intake.media import media_type_of_file
from app.register.event_counts import counted_words
from app.register.give import NoticeOptions, find_sender, give_notice
from app.register.receipt_words import closure_lines
from app.register.receipts import Outcome, outcome_facts, problem_facts
from app.register.register import Register
from app.register.senders import Sender

# An operator imports what a form would not take; the limits on one event stay as they are.
_LIMITS = Limits(octets=50_000_000, events=20_000, all_occurrences=100_000)
_GROUPS = ("accepted", "unchanged", "superseded", "withdrawn")
_MOST_SHOWN = 20
_READING, _RECORDING = "reading", "recording"


@dataclass(frozen=True, slots=True)
class _Imported:
    """What became of one file: an outcome, or the problems for which nothing of it was applied.

    ``kept`` tells whether the file itself is in the record now.
    """

    file: str
    outcome: Outcome | None
    problems: tuple[IntakeProblem, ...]
    kept: bool

    @property
    def is_unread(self) -> bool:
        """Tell whether nothing of the file could be read."""
        outcome = self.outcome
        return outcome is None or (bool(self.problems) and not any(getattr(outcome, name) for name in _GROUPS))


@click.group()
def notice() -> None:
    """Take in notices from files."""


@notice.command(
    "import",
    epilog=examples(
        "closures notice import closures.ics --user ALPHA --dry-run",
        "closures notice import closures.ics --user ALPHA --gateway GW-1",
        "closures notice import 2026/*.csv --user ALPHA --json",
    ),
)
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--user", "user_code", type=CODE, required=True, help="The User that gives these notices.")
@click.option("--gateway", type=CODE, help="The gateway that they are for, where the files do not say.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and record nothing.")
@json_option
def import_(files: tuple[Path, ...], user_code: str, gateway: str | None, dry_run: bool) -> None:
    """Take in every FILE (.ics, .csv, .xlsx, .json or .eml) as one notice of a User, of up to 50 MB and 20,000 events.

    What can be read is recorded; every event that cannot is named with its line, property and remedy. A file of which
    nothing can be read makes the exit code 1; it is kept all the same, unless the policy is to drop details.
    """
    with opened() as service:
        sender = find_sender(service.register, user_code, gateway)
        wanted = NoticeOptions(gateway=gateway, limits=_LIMITS, dry_run=dry_run, asker=OPERATOR)
        with _progress(len(files)) as step:
            imported = [_import_file(service.register, sender, wanted, file, step) for file in files]
    say(_facts(imported), *(line for entry in imported for line in _sentences(entry, dry_run)))
    if not wants_json():
        for item in imported:
            for problem in item.problems:
                click.echo(f"{item.file}: {sentence_of(problem)}", err=True)
    if any(entry.is_unread for entry in imported):
        click.get_current_context().exit(1)


def _as_said(doing: str | None) -> str | None:
    return doing


@contextmanager
def _progress(files: int) -> Iterator[Callable[[str], None]]:
    """Give a function that moves a bar on standard error on, saying what comes next: two steps for each file."""
    stream = sys.stderr
    steps = [_READING, _RECORDING] * files
    with click.progressbar(steps, item_show_func=_as_said, file=stream, hidden=not stream.isatty()) as bar:

        def step(doing: str) -> None:
            bar.update(1, doing)

        bar.update(0, _READING)
        yield step


def _import_file(
    register: Register, sender: Sender, wanted: NoticeOptions, file: Path, step: Callable[[str], None]
) -> _Imported:
    with file.open("rb") as held:
        octets = held.read(wanted.limits.octets + 1)
    notice = Notice(sender.user.code, Channel.UPLOAD, utc_now(), media_type_of_file(file.name), octets, OPERATOR.name)
    step(_RECORDING)
    try:
        outcome = give_notice(register, sender, notice, wanted).outcome
    except (NoticeTooLarge, NoticeUnreadable) as refusal:
        # One over the limit is not kept: nobody asked to store it, and the file is where it was.
        kept = (
            isinstance(refusal, NoticeUnreadable) and not wanted.dry_run and register.rulebook().retention.keeps_details
        )
        return _Imported(file.name, None, _problems_of(refusal), kept=kept)
    finally:
        step(_READING)
    return _Imported(file.name, outcome, outcome.problems, kept=outcome.recorded)


def _problems_of(refusal: NoticeTooLarge | NoticeUnreadable) -> tuple[IntakeProblem, ...]:
    found = refusal.problems if isinstance(refusal, NoticeUnreadable) else ()
    return found or (IntakeProblem(refusal.text, refusal.remedy, code=refusal.code),)


def _facts(imported: Sequence[_Imported]) -> dict[str, Any]:
    """Return all files' acknowledgements and problems together, as one notice has them, and each file's counts.

    ``counts`` of a file are null where nothing of it could be read.
    """
    together: dict[str, Any] = {name: [] for name in (*_GROUPS, "problems", "missing", "remarks", "files")}
    for entry in imported:
        facts: Mapping[str, Any] = {} if entry.outcome is None else outcome_facts(entry.outcome)
        for name in (*_GROUPS, "missing", "remarks"):
            together[name] += facts.get(name, [])
        together["problems"] += [{"file": entry.file, **problem_facts(problem)} for problem in entry.problems]
        lengths = {name: len(facts.get(name, ())) for name in _GROUPS}
        heads = {"file": entry.file, "kept": entry.kept, **lengths, "problems": len(entry.problems)}
        together["files"].append({**heads, "counts": facts.get("counts")})
    return together


def _sentences(one: _Imported, dry_run: bool) -> list[str]:
    """Word what became of one file, and the first closures of it."""
    if one.outcome is None:
        kept = " It is kept all the same." if one.kept else ""
        return [f"{one.file}: nothing of it could be read.{kept}"]
    outcome = one.outcome
    counts = Counter({name: len(getattr(outcome, name)) for name in _GROUPS})
    said = ", ".join(f"{counts[name]} {name}" for name in _GROUPS)
    would = "would be " if dry_run else ""
    lines = [f"{one.file}: {would}{said}; {len(one.problems)} could not be read."]
    lines.append(f"  {counted_words(outcome.counts)}")
    shown = [entry for name in ("accepted", "withdrawn", "superseded") for entry in getattr(outcome, name)]
    lines += [f"  {line}" for entry in shown[:_MOST_SHOWN] for line in closure_lines(entry)]
    if len(shown) > _MOST_SHOWN:
        lines.append(f"  and {len(shown) - _MOST_SHOWN} more; --json shows all of them")
    lines += [f"  {remark}" for remark in outcome.remarks]
    if outcome.missing:
        lines.append(
            f"  {len(outcome.missing)} planned closures ahead are not in this file; they would stay as they are:"
        )
        lines += [f"    {line}" for entry in outcome.missing[:_MOST_SHOWN] for line in closure_lines(entry)]
    return lines
