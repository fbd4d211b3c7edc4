"""``closures keys``: replace the keys that are in use, copy the ring, or destroy the keys of one User for good."""

from pathlib import Path

import click

from app.cli.opening import opened
from app.cli.output import examples, json_option, say
from app.cli.param_types import CODE
from app.factory import utc_now
from app.register.key_rotation import keys_status, rotate_keys, rotate_root
from app.register.people.enrolment import shred_user
from app.security.key_folder import KeyFolder
from app.security.keyring import read_kek
from app.security.security_log import SecurityAction, security_event
from app.store import parties

_WHAT_SHREDDING_MEANS = (
    "Shredding destroys the data key of {code} ({name}). After it:",
    "- every closure and every word of this User is unreadable for everybody, in the past as well: questions",
    "  about what was known on an earlier day show no time of its closures any more;",
    "- backups of the database taken before are unreadable for this User too, unless the key ring was copied",
    "  with them: destroy those copies yourself;",
    "- the record still verifies, since what stands there is sealed.",
    "It cannot be undone by anyone.",
)


@click.group()
def keys() -> None:
    """Rotate the keys, see where they stand, or shred those of one User."""


@keys.command(
    epilog=examples(
        "closures keys rotate",
        "closures keys rotate --root",
        "closures keys rotate --new-kek-file /run/secrets/new-kek",
    )
)
@click.option("--root", is_flag=True, help="Replace the root secret too, after a leak of the key folder.")
@click.option(
    "--new-kek-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with the new key-encryption key, where the environment gives it.",
)
@json_option
def rotate(new_kek_file: Path | None, *, root: bool) -> None:
    """Wrap all keys under a new key-encryption key, and seal with new data keys from now on.

    Running processes go on; the old key-encryption key opens nothing afterwards. Where CLOSURES_KEK gives the key, set
    it to the new one and restart the service when this is done.

    With --root, everything is replaced that a copy of the key folder opens: receipts are signed by a new key, everybody
    is signed out, and the scheduler seals anew what is stored. `closures keys status` tells how far it has come.
    """
    with opened() as service:
        new_kek = None if new_kek_file is None else read_kek(new_kek_file.read_text(encoding="utf-8"))
        count = rotate_root(service.store, new_kek, utc_now()) if root else rotate_keys(service.store, new_kek)
        epoch = service.store.keyring.epoch
    lines = [f"Rotated the keys of {count} owners; the old key-encryption key opens nothing now."]
    if root:
        lines += [
            f"The root secret is replaced: it is number {epoch} now. The scheduler seals anew what is stored;",
            "until it has, a copy of the old keys opens that. Ask: closures keys status",
        ]
    say({"rotated": count, "epoch": epoch}, *lines)


@keys.command(epilog=examples("closures keys status", "closures keys status --json"))
@json_option
def status() -> None:
    """Show which root secret is in use, and how much in the database the keys before it still open."""
    with opened() as service:
        found = keys_status(service.store)
    say(
        {"epoch": found.epoch, "settled": found.is_settled, "left": found.left, "signing_key": found.signing_key},
        f"The root secret is number {found.epoch}; receipts are signed by the key {found.signing_key}.",
        "Nothing in the database is open to keys of before."
        if found.is_settled
        else f"Values still open to keys of before: {found.left}. The scheduler seals them anew.",
    )


@keys.command(epilog=examples("closures keys export /media/keys/ring.json"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
def export(file: Path) -> None:
    """Write a copy of the key ring to FILE, wrapped as it is: it opens nothing without the key-encryption key.

    No backup of the database has it. Take a copy after each new User and each rotation, keep few for a short time, and
    elsewhere than backups. As ring.json in the key folder it is what `closures restore` asks for.
    """
    with opened() as service:
        octets = service.store.keyring.written()
        KeyFolder(file.absolute().parent).write(file.name, octets, 0o600)
        security_event(SecurityAction.EXPORTED, kind="key-ring")
    say({"file": str(file)}, f"The key ring is copied to {file}.")


@keys.command(epilog=examples("closures keys shred ALPHA", "closures keys shred ALPHA --yes --json"))
@click.argument("user", type=CODE)
@click.option("--yes", is_flag=True, help="Do not ask; for programs.")
@json_option
def shred(user: str, yes: bool) -> None:
    """Destroy the data key of USER: what it gave notice of becomes unreadable for good, in backups too."""
    with opened() as service:
        with service.store.reading() as connection:
            found = parties.find_user(service.store, connection, user)
        if not yes:
            for line in _WHAT_SHREDDING_MEANS:
                click.echo(line.format(code=found.code, name=found.name), err=True)
            click.confirm("Shred it?", abort=True, err=True)
        shred_user(service.store, found.code, utc_now())
    say({"shredded": found.code}, f"The data key of {found.code} is destroyed; nothing of it can be read again.")
