"""Asking a witness to cosign the published checkpoint (C2SP tlog-witness), once for each that is published."""

import base64
import re
from collections.abc import Callable
from datetime import datetime

from app.domain.refusal import Refusal
from app.pulling.fetch_failure import SourceUnread
from app.pulling.http_client import HttpAnswer, Outbound, Visit
from app.register.evidence import growth_since
from app.register.register import Register
from app.register.witnesses import Witness, held_of, keep, keep_trouble, shown_checkpoint
from app.security.notes import Checkpoint, CosignatureBroken, read_cosignature
from app.store.checkpoints import read_published
from app.store.cosignatures import HeldCosignature

_COSIGNED, _HOLDS_ANOTHER = 200, 409
_LONGEST = 20_000  # octets of an answer
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,17})\n")


class NotCosigned(Refusal):
    """A witness that did not cosign: ``text`` says why, for whoever looks after the service."""

    code = "not-cosigned"


def ask_witness(register: Register, outbound: Outbound, witness: Witness, now: Callable[[], datetime]) -> None:
    """Have a witness cosign the published checkpoint, unless it did so since that was published.

    What goes wrong is kept beside its last cosignature, and it is asked again the next time.
    """
    with register.store.reading() as connection:
        published = read_published(connection)
    held = held_of(register, witness)
    if published is None or (held.cosigned_at is not None and held.cosigned_at >= published[0]):
        return
    text, shown = shown_checkpoint(register)
    try:
        visit = Visit(outbound, witness.url)
        line = _submit(register, visit, witness, (text, shown), min(held.size, shown.size))
    except SourceUnread:
        # One text for all that goes wrong before an answer: as with webhooks, nobody looks around from here.
        keep_trouble(register, held, "It could not be reached.")
    except (NotCosigned, CosignatureBroken) as problem:
        keep_trouble(register, held, problem.text)
    else:
        keep(register, HeldCosignature(witness.key.name, shown.size, shown.root, line, now()))


def _submit(register: Register, visit: Visit, witness: Witness, published: tuple[str, Checkpoint], old: int) -> str:
    """Return the line of the witness, which holds ``old`` entries; where it says another number, go on from that."""
    text, shown = published
    for _ in range(2):
        proof = "".join(f"{base64.b64encode(one).decode()}\n" for one in growth_since(register, shown, old))
        body = f"old {old}\n{proof}\n{text}".encode()
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        answer = visit.ask_once("POST", f"{witness.url}/add-checkpoint", headers, body)
        if answer.status == _COSIGNED:
            _, line = read_cosignature(witness.key, shown.body, _text_of(answer))
            return line
        if answer.status != _HOLDS_ANOTHER:
            raise NotCosigned(f"It answered {answer.status}.", "Ask whoever runs the witness.")
        found = _SIZE.fullmatch(answer.body)
        if found is None or int(found[1]) > shown.size:
            raise NotCosigned("It holds a longer record than ours.", "Was an old backup restored here?")
        old = int(found[1])
    raise NotCosigned("It does not keep to the size that it names.", "Ask whoever runs the witness.")


def _text_of(answer: HttpAnswer) -> str:
    try:
        return answer.body[:_LONGEST].decode()
    except UnicodeDecodeError as problem:
        raise NotCosigned("Its answer is not text.", "Ask whoever runs the witness.") from problem
