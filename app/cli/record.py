"""``closures record``: the proof that nothing was altered."""

import json
from pathlib import Path

import click

from app.cli.opening import opened
from app.cli.output import examples, json_option, say
from app.factory import utc_now
from app.register.verification import make_checkpoint, verify_record
from app.security.signing import public_key_pem
from app.store.log import iterate_log


@click.group()
def record() -> None:
    """Check, witness and export the tamper-evident record of everything received."""


@record.command("verify", epilog=examples("closures record verify --checkpoint kept-last-month.txt"))
@click.option(
    "--checkpoint", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="One kept from before."
)
@json_option
def verify(checkpoint: Path | None) -> None:
    """Check every entry, the tree over them and, with --checkpoint, that it only grew since. Exit status 1 if not."""
    with opened() as service:
        found = verify_record(service.register, checkpoint.read_text(encoding="utf-8") if checkpoint else None)
    verdict = "the record is sound." if found.is_sound else "the record does not hold:"
    facts = {"entries": found.size, "sound": found.is_sound, "faults": list(found.faults)}
    say(facts, f"{found.size} entries: {verdict}", *found.faults)
    if not found.is_sound:
        raise click.exceptions.Exit(1)


@record.command("checkpoint", epilog=examples("closures record checkpoint > checkpoint-2026-11.txt"))
@json_option
def checkpoint() -> None:
    """Print the signed head of the record. Keep it elsewhere: it is the witness of today."""
    with opened() as service:
        text = make_checkpoint(service.register, utc_now())
        key = public_key_pem(service.register.signing_key.public)
    say({"checkpoint": text, "public_key": key}, text.removesuffix("\n"))


@record.command("export", epilog=examples("closures record export record.jsonl"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
def export(file: Path) -> None:
    """Write the leaves of the record, a checkpoint and the public key to FILE as JSON lines; no closure is in it."""
    with opened() as service, file.open("w", encoding="utf-8") as out:
        head = {
            "checkpoint": make_checkpoint(service.register, utc_now()),
            "public_key": public_key_pem(service.register.signing_key.public),
        }
        out.write(json.dumps(head) + "\n")
        count = 0
        with service.store.reading() as connection:
            for entry in iterate_log(connection):
                out.write(json.dumps([entry.position, entry.kind, entry.leaf.hex()]) + "\n")
                count += 1
    say({"file": str(file), "entries": count}, f"{count} leaves written to {file}.")
