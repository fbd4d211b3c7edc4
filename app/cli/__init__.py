"""What operators type: one file per noun, one way of speaking, and one place where a refusal becomes an exit code."""

import click

from app.cli.output import Program, examples

_COMMANDS = {
    "account": ("account",),
    "archive": ("backup", "restore"),
    "clock": ("clock",),
    "closure": ("closure",),
    "db": ("db",),
    "gateway": ("gateway",),
    "keys": ("keys",),
    "late": ("late", "late-report"),
    "maintenance": ("maintenance",),
    "notice": ("notice",),
    "notice_period": ("notice-period",),
    "notify": ("notify",),
    "policy": ("policy",),
    "questions": ("busiest", "changes", "clashes", "closed", "free-slots", "insights", "moved", "reads", "silent"),
    "record": ("record",),
    "schedule": ("schedule",),
    "source": ("source",),
    "subscription": ("subscription",),
    "token": ("token",),
    "up": ("serve", "sweep", "up", "work"),
    "user": ("user",),
}
"""The commands by the file that they stand in: one is loaded when it is asked for."""


@click.group(
    cls=Program,
    files=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "closures up --demo",
        "closures user add ALPHA 'Alpha Energy'",
        "closures gateway add ALPHA GW-1",
        "closures notice import closures.ics --user ALPHA",
        "closures schedule",
        'eval "$(_CLOSURES_COMPLETE=bash_source closures)"   completion; zsh_source, fish_source',
    ),
)
@click.version_option(package_name="closure-notices")
def main() -> None:
    """Planned gateway closures: notices in, a record for good, an authenticated feed out.

    Every command has --json. Exit code 0: done; 1: refused, or found wrong; 2: not understood. A time is ISO 8601,
    London time where it has no offset.
    """
    from app.factory import configure_log  # noqa: PLC0415 - for a command, not for help or completion

    configure_log("console", at_a_terminal=True)
