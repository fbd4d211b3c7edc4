"""What carries letters: webhooks always, e-mail where the settings name a mail server."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from app.jobs.letter import Letter, NotDelivered
from app.jobs.mail import read_mail_server, send_mail
from app.jobs.webhook import send_webhook
from app.pulling.http_client import Outbound
from app.store.recipients import Carrier
from feeds.entry import Publisher


@dataclass(frozen=True, slots=True)
class PostOffice:
    """Who publishes, and what carries letters: each carrier raises ``NotDelivered`` where one did not arrive."""

    publisher: Publisher
    carriers: Mapping[Carrier, Callable[[Letter], None]]


def open_post_office(publisher: Publisher, outbound: Outbound, smtp_url: str | None) -> PostOffice:
    """Return the post office of the service; ``outbound`` says how far webhooks may go."""
    mail = _no_mail if smtp_url is None else partial(send_mail, read_mail_server(smtp_url), publisher)
    webhook = partial(send_webhook, outbound)
    return PostOffice(publisher, {Carrier.EMAIL: mail, Carrier.INVITATION: mail, Carrier.WEBHOOK: webhook})


def asking_first(office: PostOffice, ask: Callable[[], None]) -> PostOffice:
    """Return the post office that asks before each letter leaves; what ``ask`` raises keeps the letter here."""

    def after_asking(carry: Callable[[Letter], None]) -> Callable[[Letter], None]:
        def asked(letter: Letter) -> None:
            ask()
            carry(letter)

        return asked

    return replace(office, carriers={carrier: after_asking(carry) for carrier, carry in office.carriers.items()})


def _no_mail(_letter: Letter) -> None:
    raise NotDelivered("CLOSURES_SMTP_URL is not set")
