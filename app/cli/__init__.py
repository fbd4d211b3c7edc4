"""What operators type: one file per noun, one way of speaking, and one place where a refusal becomes an exit code."""

import click

from app.cli.account import account
from app.cli.archive import backup, restore
from app.cli.clock import clock
from app.cli.closure import closure
from app.cli.db import db
from app.cli.gateway import gateway
from app.cli.keys import keys
from app.cli.late import late, late_report
from app.cli.maintenance import maintenance
from app.cli.notice import notice
from app.cli.notice_period import notice_period
from app.cli.notify import notify
from app.cli.output import Program, examples
from app.cli.policy import policy
from app.cli.questions import busiest, changes, clashes, closed, free_slots, insights, moved, reads, silent
from app.cli.record import record
from app.cli.schedule import schedule
from app.cli.source import source
from app.cli.subscription import subscription
from app.cli.token import token
from app.cli.up import serve, sweep, up, work
from app.cli.user import user
from app.factory import configure_log


@click.group(
    cls=Program,
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
    configure_log("console", at_a_terminal=True)


for _command in (
    *(up, serve, work, sweep, clock, db, backup, restore, keys, record, policy),
    *(
        user,
        gateway,
        account,
        token,
        subscription,
        notify,
        source,
        notice,
        maintenance,
        schedule,
        closure,
        late,
        late_report,
        notice_period,
    ),
    *(closed, clashes, changes, free_slots, busiest, silent, moved, insights, reads),
):
    main.add_command(_command)
