"""``closures keys``: replace the keys that are in use, or destroy those of one User for good."""

from pathlib import Path

import click

from app.cli.opening import opened
from app.cli.output import examples, json_option, say
from app.cli.param_types import CODE
from app.factory import utc_now
from app.register.people.enrolment import rotate_keys, shred_user
from app.security.keyring import read_kek
from app.store import parties

_WHAT_SHREDDING_MEANS = (
    "Shredding destroys the data key of {code} ({name}). After it:",
    "- every closure and every word of this User is unreadable for everybody, in the past as well: questions",
    "  about what was known on an earlier day show no time of its closures any more;",
    "- backups of the database taken before are unreadable for this User too, unless the key folder was copied",
    "  with them: destroy those copies yourself;",
    "- the record still verifies, since what stands there is sealed.",
    "It cannot be undone by anyone.",
)


@click.group()
def keys() -> None:
    """Rotate the keys, or shred those of one User."""


@keys.command(epilog=examples("closures keys rotate", "closures keys rotate --new-kek-file /run/secrets/new-kek"))
@click.option(
    "--new-kek-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with the new key-encryption key, where the environment gives it.",
)
@json_option
def rotate(new_kek_file: Path | None) -> None:
    """Wrap all keys under a new key-encryption key, and seal with new data keys from now on.

    Running processes go on; the old key-encryption key opens nothing afterwards. Where CLOSURES_KEK gives the key, set
    it to the new one and restart the service when this is done.
    """
    with opened() as service:
        new_kek = None if new_kek_file is None else read_kek(new_kek_file.read_text(encoding="utf-8"))
        count = rotate_keys(service.store, new_kek)
    say({"rotated": count}, f"Rotated the keys of {count} owners; the old key-encryption key opens nothing now.")


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
