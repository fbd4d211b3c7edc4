"""``closures notify``: who is told what, and by what, and what became of each message."""

import click

from app.cli.opening import opened
from app.cli.output import altered_lines, examples, json_option, say, table
from app.cli.param_types import CODE
from app.domain.london import utc_text
from app.domain.notification import FOR_A_READER, Kind
from app.factory import utc_now
from app.pulling.http_client import Outbound
from app.register.messages import recipients
from app.register.messages.outbox import resend_message
from app.register.messages.recipients import ListedMessage, ListedRecipient
from app.register.messages.silences import MATCHERS, read_silencing
from app.store.listing import altered_ids
from app.store.outbox import MessageState
from app.store.recipients import Carrier, list_recipients

_LAST_HOUR = 23
_UNSETTLED = (MessageState.WAITING, MessageState.DEAD)


@click.group()
def notify() -> None:
    """Choose who is told what happens to closures, and see what was sent."""


@notify.command(
    epilog=examples(
        "closures notify add --email planning@dcc.example --label 'DCC planning' --digest 8",
        "closures notify add --webhook https://ops.example/closures --label ops --kind starts --kind open",
        "closures notify add --user ALPHA --email change@alpha.example --label 'Alpha change team'",
        "closures notify add --alertmanager https://NAME:PASSWORD@am.example --label ops --gateway GW-A1",
        "closures notify add --invitation closures@dcc.example --label 'DCC shared calendar'",
    )
)
@click.option("--email", metavar="ADDRESS", help="Tell by e-mail, through the server that CLOSURES_SMTP_URL names.")
@click.option("--webhook", metavar="URL", help="Tell by a signed request (Standard Webhooks) to an https address.")
@click.option(
    "--invitation", metavar="ADDRESS", help="Send each closure to a mailbox as an invitation, and each change of it."
)
@click.option(
    "--alertmanager", metavar="URL", help="Silence alerts there while gateways are closed; in place of messages."
)
@click.option("--matchers", help=f"Which alerts an Alertmanager silences; {MATCHERS} if not given.")
@click.option("--gateway", "gateways", type=CODE, multiple=True, help="Silence this gateway's alone; may be repeated.")
@click.option("--label", required=True, help="Whom it is for.")
@click.option("--user", type=CODE, help="Tell of this User's closures alone, as is fit for the User itself.")
@click.option(
    "--kind",
    "kinds",
    type=click.Choice([kind.value for kind in FOR_A_READER]),
    multiple=True,
    help="What to tell; may be repeated. All, if none. Not for invitations.",
)
@click.option(
    "--digest",
    type=click.IntRange(0, _LAST_HOUR),
    metavar="HOUR",
    help="Once a day at this hour in London, all in one. At once, if not given.",
)
@json_option
def add(
    email: str | None,
    webhook: str | None,
    invitation: str | None,
    alertmanager: str | None,
    matchers: str | None,
    gateways: tuple[str, ...],
    label: str,
    user: str | None,
    kinds: tuple[str, ...],
    digest: int | None,
) -> None:
    """Add a recipient. A webhook's signing secret is shown this once.

    Without --user it is somebody at DCC, who may hear of every User's closures. Receipts, and the reminder five
    Working Days before a start, go to a User's recipients alone.
    """
    given = {
        Carrier.EMAIL: email,
        Carrier.WEBHOOK: webhook,
        Carrier.INVITATION: invitation,
        Carrier.ALERTMANAGER: alertmanager,
    }
    chosen = [(carrier, address) for carrier, address in given.items() if address is not None]
    if len(chosen) != 1:
        raise click.UsageError("Give one of --email, --webhook, --invitation and --alertmanager.")
    ((carrier, address),) = chosen
    _require_fit(carrier, messages=bool(kinds) or digest is not None, silences=bool(matchers or gateways))
    silencing = None
    if carrier is Carrier.ALERTMANAGER:
        address, silencing = read_silencing(address, matchers or MATCHERS, gateways)
    with opened() as service:
        if not carrier.is_mail:
            Outbound(allow_private=service.settings.allow_private_sources).check(address)
        made = recipients.add_recipient(
            service.store,
            label=label,
            carrier=carrier,
            address=address,
            kinds=frozenset(map(Kind, kinds)) or recipients.every_kind(carrier, for_a_user=user is not None),
            digest_hour=digest,
            user_code=user,
            now=utc_now(),
            silencing=silencing,
        )
        served = service.settings.smtp_url is not None
    one = made.recipient
    lines = [f"{one.address} is told from now on. Its id is {one.id}."]
    if one.secret:
        lines.append(f"Signing secret, shown this once: {one.secret}")
    if one.carrier.is_mail and not served:
        lines.append("CLOSURES_SMTP_URL is not set here: set it for the scheduler, or nothing is sent.")
    say({**_facts(made), "secret": one.secret or None}, *lines)


@notify.command("list", epilog=examples("closures notify list --json"))
@json_option
def list_() -> None:
    """List who is told what, oldest first."""
    with opened() as service:
        found = recipients.list_recipients(service.store)
        altered = altered_ids(service.store, list_recipients)
    headings = ("id", "label", "for", "by", "address", "when", "kinds")
    say(
        {"recipients": [_facts(recipient) for recipient in found], "altered": altered},
        *table(headings, [_row(recipient) for recipient in found], empty="Nobody is told anything yet."),
        *altered_lines("recipient", altered, "closures notify remove"),
    )


@notify.command(
    epilog=examples(
        "closures notify change 0c4x8h2m6q1s5w9z --address desk@dcc.example",
        "closures notify change 0c4x8h2m6q1s5w9z --kind starts --kind open --at-once",
    )
)
@click.argument("recipient_id", metavar="ID")
@click.option("--label", help="Whom it is for.")
@click.option(
    "--address", metavar="ADDRESS", help="Where to: an e-mail address, or a webhook's URL; not one for another."
)
@click.option(
    "--kind",
    "kinds",
    type=click.Choice([kind.value for kind in FOR_A_READER]),
    multiple=True,
    help="What to tell from now on, in place of all before; may be repeated.",
)
@click.option("--digest", type=click.IntRange(0, _LAST_HOUR), metavar="HOUR", help="Once a day at this hour in London.")
@click.option("--at-once", is_flag=True, help="No digest: each message as it comes.")
@click.option("--matchers", help="Which alerts an Alertmanager silences.")
@click.option("--gateway", "gateways", type=CODE, multiple=True, help="Silence this gateway's alone; may be repeated.")
@json_option
def change(
    recipient_id: str,
    label: str | None,
    address: str | None,
    kinds: tuple[str, ...],
    digest: int | None,
    at_once: bool,
    matchers: str | None,
    gateways: tuple[str, ...],
) -> None:
    """Change the recipient ID; what is not given stays as it is, and so does a webhook's signing secret.

    An Alertmanager's address stays as well; give it with another name and password where those are new.
    """
    if at_once and digest is not None:
        raise click.UsageError("Give either --digest or --at-once.")
    given = (label, address, digest, matchers)
    if all(one is None for one in given) and not (kinds or at_once or gateways):
        raise click.UsageError("Say what to change.")
    with opened() as service:
        held = recipients.find_recipient(service.store, recipient_id).recipient
        digests = at_once or digest is not None
        _require_fit(held.carrier, messages=bool(kinds) or digests, silences=bool(matchers or gateways))
        silencing = held.silencing
        if silencing is not None:
            asked = silencing.matchers if matchers is None else matchers
            chosen = gateways or silencing.gateways
            address, silencing = read_silencing(address or held.address, asked, chosen, silencing)
        if address is not None and not held.carrier.is_mail:
            Outbound(allow_private=service.settings.allow_private_sources).check(address)
        recipients.change_recipient(
            service.store,
            held.id,
            label=held.label if label is None else label,
            address=held.address if address is None else address,
            kinds=frozenset(map(Kind, kinds)) or held.kinds,
            digest_hour=None if at_once else held.digest_hour if digest is None else digest,
            now=utc_now(),
            silencing=silencing,
        )
        changed = recipients.find_recipient(service.store, held.id)
    say(_facts(changed), f"{changed.recipient.address} is told as you say from now on.")


@notify.command(epilog=examples("closures notify remove 0c4x8h2m6q1s5w9z"))
@click.argument("recipient_id", metavar="ID")
@json_option
def remove(recipient_id: str) -> None:
    """Tell the recipient ID nothing from now on; what waits for it is not sent."""
    with opened() as service:
        recipients.remove_recipient(service.store, recipient_id, utc_now())
    say({"removed": recipient_id}, "The recipient is removed.")


@notify.command(epilog=examples("closures notify outbox", "closures notify outbox --all --json"))
@click.option("--all", "everything", is_flag=True, help="Also what was sent, or held no more when it was to be sent.")
@json_option
def outbox(everything: bool) -> None:
    """Show messages that wait for another attempt or have failed for good, newest first."""
    states = tuple(MessageState) if everything else _UNSETTLED
    with opened() as service:
        found = [_message_facts(message) for message in recipients.list_messages(service.store, states)]
    headings = ("id", "label", "state", "made_at", "attempts", "due_at", "fault")
    rows = [[facts[name] for name in headings] for facts in found]
    say({"messages": found}, *table(headings, rows, empty="Nothing waits, and nothing has failed."))


@notify.command(epilog=examples("closures notify resend 9f2c6a0e5d1b4c7f8a3e2d1c0b9a8f7e"))
@click.argument("message_id", metavar="ID")
@json_option
def resend(message_id: str) -> None:
    """Try a failed message ID again from the start, under the same id; what no longer holds is left out."""
    with opened() as service:
        found = resend_message(service.register, message_id, utc_now())
    if found.state is MessageState.WAITING:
        say({"id": found.id.hex(), "state": found.state}, "The message waits for its next attempt.")
    else:
        say({"id": found.id.hex(), "state": found.state}, f"Nothing to do: the message is {found.state.value}.")


def _require_fit(carrier: Carrier, *, messages: bool, silences: bool) -> None:
    """Raise ``UsageError`` where options are given that say nothing of such a recipient."""
    if messages if carrier is Carrier.ALERTMANAGER else silences:
        raise click.UsageError("--matchers and --gateway are for an Alertmanager, and the other choices for messages.")


def _facts(one: ListedRecipient) -> dict[str, object]:
    held = one.recipient
    return {
        "id": held.id,
        "label": held.label,
        "user": one.user or None,
        "carrier": held.carrier,
        "address": held.address,
        "kinds": [kind.value for kind in Kind if kind in held.kinds],
        "digest_hour": held.digest_hour,
        "matchers": held.silencing and held.silencing.matchers,
        "gateways": sorted(held.silencing.gateways) if held.silencing else None,
        "created": utc_text(held.created_at),
    }


def _row(one: ListedRecipient) -> tuple[object, ...]:
    held = one.recipient
    when = "at once" if held.digest_hour is None else f"daily at {held.digest_hour}:00"
    kinds = held.silencing.matchers if held.silencing else " ".join(kind for kind in Kind if kind in held.kinds)
    return held.id, held.label, one.user or "dcc", held.carrier, held.address, when, kinds


def _message_facts(one: ListedMessage) -> dict[str, object]:
    message = one.message
    waits = message.state is MessageState.WAITING
    return {
        "id": message.id.hex(),
        "label": "(shredded)" if one.recipient is None else one.recipient.label,
        "state": message.state,
        "made_at": utc_text(message.made_at),
        "attempts": message.attempts,
        "due_at": utc_text(message.due_at) if waits else None,
        "settled_at": message.settled_at and utc_text(message.settled_at),
        "fault": message.fault,
    }
