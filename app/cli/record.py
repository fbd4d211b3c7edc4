"""``closures record``: the proof that nothing was altered."""

import json
from pathlib import Path
from time import monotonic

import click

from app.cli.opening import OPERATOR, opened
from app.cli.output import examples, json_option, say
from app.domain.refusal import Refusal
from app.register.evidence import evidence_of, keys_of
from app.register.verification import Verification, make_checkpoint, verify_record
from app.security.security_log import SecurityAction, security_event
from app.store.engine import Store
from app.store.log import iterate_log
from app.store.read_spans import cover_reads, is_coverage_due


@click.group()
def record() -> None:
    """Check, witness and export the tamper-evident record of everything received."""


@record.command("verify", epilog=examples("closures record verify --checkpoint kept-last-month.txt"))
@click.option(
    "--checkpoint", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="One kept from before."
)
@json_option
def verify(checkpoint: Path | None) -> None:
    """Check every entry, the tree over them and, with --checkpoint, that it only grew since. Exit status 1 if not.

    Where no scheduler runs, the record is sound, and an hour passed, it writes the entry that covers the read log.
    """
    begun = monotonic()
    with opened() as service:
        found = verify_record(service.register, checkpoint.read_text(encoding="utf-8") if checkpoint else None)
        covered = _cover_reads(service.store, found)
    took = round(monotonic() - begun, 1)
    verdict = "the record is sound." if found.is_sound else "the record does not hold:"
    facts = {"entries": found.size, "seconds": took, "sound": found.is_sound, "faults": list(found.faults)}
    facts |= {"reads_not_covered_yet": found.uncovered_reads, "reads_covered_now": covered}
    lines = [f"{found.size} entries: {verdict}", *found.faults, f"It took {took} seconds."]
    if found.uncovered_reads:
        lines.append(f"The read log: {found.uncovered_reads} not covered by an entry yet, {covered} of it now.")
    say(facts, *lines)
    if not found.is_sound:
        raise click.exceptions.Exit(1)


def _cover_reads(store: Store, found: Verification) -> int:
    """Cover reads where nobody else does and nothing is wrong; return how many, none where it cannot be written."""
    if not found.is_sound or not found.uncovered_reads:
        return 0
    try:
        with store.reading() as connection:
            is_due = is_coverage_due(store, connection)
        return cover_reads(store) if is_due else 0
    except Refusal:
        return 0


@record.command("checkpoint", epilog=examples("closures record checkpoint > checkpoint-2026-11.txt"))
@json_option
def checkpoint() -> None:
    """Print the signed head of the record. Keep it elsewhere: it is the witness of today."""
    with opened() as service:
        text = make_checkpoint(service.register)
    say({"checkpoint": text}, text.removesuffix("\n"))


@record.command("key", epilog=examples("closures record key"))
@json_option
def key() -> None:
    """Print the public keys that checkpoints and receipts are signed by."""
    with opened() as service:
        facts = keys_of(service.register)
    say(facts, *(line for one in facts["keys"] for line in (one["vkey"], one["pem"].removesuffix("\n"))))


@record.command("evidence", epilog=examples("closures record evidence CN-0A1B2C3D4E 1 > evidence.json"))
@click.argument("reference", metavar="REF")
@click.argument("revision", type=click.IntRange(1))
@json_option
def evidence(reference: str, revision: int) -> None:
    """Print the receipt of REVISION of the closure REF as a file that is checked without this service."""
    with opened() as service:
        facts = evidence_of(service.register, OPERATOR, reference, revision)
    say(facts, json.dumps(facts, ensure_ascii=False, indent=1))


@record.command("export", epilog=examples("closures record export record.jsonl"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
def export(file: Path) -> None:
    """Write the leaves of the record, a checkpoint and the public keys to FILE as JSON lines; no closure is in it."""
    with opened() as service, file.open("w", encoding="utf-8") as out:
        head = {
            "checkpoint": make_checkpoint(service.register),
            **keys_of(service.register),
        }
        out.write(json.dumps(head) + "\n")
        count = 0
        with service.store.reading() as connection:
            for entry in iterate_log(connection):
                out.write(json.dumps([entry.position, entry.kind, entry.leaf.hex()]) + "\n")
                count += 1
        security_event(SecurityAction.EXPORTED, kind="record")
    say({"file": str(file), "entries": count}, f"{count} leaves written to {file}.")
