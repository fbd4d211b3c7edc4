"""What a User's account has itself told by mail: the kinds and the hour that it chose, for each of its Users."""

from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.notification import Kind, due_from
from app.security.tokens import new_subscription_id
from app.store import outbox, parties, recipients
from app.store.accounts import Account
from app.store.engine import Store
from app.store.recipients import Carrier, Recipient


@dataclass(frozen=True, slots=True)
class OwnSettings:
    """Which kinds come to an account's address, and when: ``digest_hour`` None is at once. No kinds: no mail."""

    kinds: frozenset[Kind]
    digest_hour: int | None


def own_settings(store: Store, account: Account) -> OwnSettings:
    """Return what an account chose."""
    with store.reading() as connection:
        found = recipients.own_recipients(store, connection, account.email)
    if not found:
        return OwnSettings(frozenset(), None)
    return OwnSettings(found[0].kinds, found[0].digest_hour)


def choose_settings(store: Store, account: Account, chosen: OwnSettings, now: datetime) -> None:
    """Let the account be told of these kinds from now on, of each of its Users; none ends it."""
    with store.writing() as connection:
        held = {one.user_id: one for one in recipients.own_recipients(store, connection, account.email)}
        wanted = account.users if chosen.kinds else ()
        users = {parties.find_user(store, connection, code).id for code in wanted}
        for user_id, recipient in held.items():
            if user_id not in users:
                recipients.remove_recipient(store, connection, recipient.id, now)
        for user_id in sorted(users - held.keys()):
            new = Recipient(
                id=new_subscription_id(), label=account.email, carrier=Carrier.EMAIL, address=account.email,
                kinds=chosen.kinds, digest_hour=chosen.digest_hour, created_at=now, user_id=user_id,
            )  # fmt: skip
            recipients.insert_recipient(store, connection, new)
        for user_id in sorted(users & held.keys()):
            found = held[user_id]
            changed = replace(found, kinds=chosen.kinds, digest_hour=chosen.digest_hour)
            if changed != found:
                recipients.change_recipient(store, connection, changed)
                outbox.put_off(connection, found.id, due_from(chosen.digest_hour, now))
