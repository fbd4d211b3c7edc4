"""Letters by webhook: JSON, signed as Standard Webhooks has it, so that the receiver knows whose it is."""

from standardwebhooks import Webhook

from app.jobs.letter import Letter, NotDelivered
from app.pulling.fetch_failure import SourceUnread
from app.pulling.http_client import Outbound, Visit

_TAKEN = range(200, 300)
_GONE = 410  # Standard Webhooks: the receiver wants no more


def send_webhook(outbound: Outbound, letter: Letter) -> None:
    """Send a letter, following no redirect. Raise ``NotDelivered`` unless the receiver answers that it has taken it."""
    try:
        visit = Visit(outbound, letter.address)
        answer = visit.ask_once("POST", letter.address, signed_headers(letter), letter.payload)
    except SourceUnread as problem:
        # One text for all: an address must not become a means to look around from here.
        raise NotDelivered("the webhook could not be reached") from problem
    if answer.status not in _TAKEN:
        raise NotDelivered(f"the webhook answered {answer.status}", for_good=answer.status == _GONE)


def signed_headers(letter: Letter) -> dict[str, str]:
    """Return the headers of a letter; ``webhook-id`` is the same for every attempt."""
    signature = Webhook(letter.secret).sign(letter.id, letter.sent_at, letter.payload.decode())
    return {
        "Content-Type": "application/json",
        "webhook-id": letter.id,
        "webhook-timestamp": str(int(letter.sent_at.timestamp())),
        "webhook-signature": signature,
    }
