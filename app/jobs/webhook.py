"""Letters by webhook: JSON, signed as Standard Webhooks has it, so that the receiver knows whose it is."""

from collections.abc import Callable, Mapping

from standardwebhooks import Webhook

from app.jobs.letter import Letter, NotDelivered

Post = Callable[[str, Mapping[str, str], bytes], int]
"""Sends (address, headers, body) with POST and returns the status; raises ``NotDelivered`` if there is none."""

_TAKEN = range(200, 300)
_GONE = 410  # Standard Webhooks: the receiver wants no more


def send_webhook(post: Post, letter: Letter) -> None:
    """Send a letter. Raise ``NotDelivered`` unless the receiver answers that it has taken it."""
    status = post(letter.address, signed_headers(letter), letter.payload)
    if status not in _TAKEN:
        raise NotDelivered(f"the webhook answered {status}", for_good=status == _GONE)


def signed_headers(letter: Letter) -> dict[str, str]:
    """Return the headers of a letter; ``webhook-id`` is the same for every attempt."""
    signature = Webhook(letter.secret).sign(letter.id, letter.sent_at, letter.payload.decode())
    return {
        "Content-Type": "application/json",
        "webhook-id": letter.id,
        "webhook-timestamp": str(int(letter.sent_at.timestamp())),
        "webhook-signature": signature,
    }
