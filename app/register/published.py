"""The checkpoint that anybody may fetch: a new one each hour, so that its size does not tell what happens when."""

from datetime import datetime

from app.register.register import Register
from app.register.verification import make_checkpoint
from app.store import checkpoints
from app.store.engine import read_head


def publish_checkpoint(register: Register, now: datetime) -> None:
    """Sign and show the head of the record, unless that was done in this hour; an empty record is not shown."""
    with register.store.reading() as connection:
        shown = checkpoints.read_published(connection)
        is_empty = read_head(connection).log_size == 0
    if is_empty or (shown is not None and _hour(shown[0]) == _hour(now)):
        return
    text = make_checkpoint(register)
    with register.store.writing() as connection:
        checkpoints.publish(connection, now, text)


def published_checkpoint(register: Register) -> str:
    """Return the checkpoint that is shown; the head as it stands where no scheduler has worked yet."""
    with register.store.reading() as connection:
        shown = checkpoints.read_published(connection)
    return make_checkpoint(register) if shown is None else shown[1]


def _hour(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)
