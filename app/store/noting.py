"""When a token or a session was last used: noted in passing, so that reading stays reading."""

from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from app.domain.refusal import StoreBusy, StoreFull, StoreUncertain
from app.store.engine import Store

_GRAIN = timedelta(minutes=5)
_LOG = structlog.get_logger()


def note_use(store: Store, last: datetime | None, now: datetime, write: Callable[[sa.Connection], None]) -> None:
    """Let ``write`` note a use unless the ``last`` one is five minutes ago at most.

    It waits for no other writer, and where there is no room the next use is noted: whoever asks is answered, and what
    was done for him before stays done.
    """
    if last is not None and now - last <= _GRAIN:
        return
    try:
        with store.writing(patience=0) as connection:
            write(connection)
    except (StoreBusy, StoreFull, StoreUncertain) as problem:
        _LOG.info("a use was not noted", reason=problem.text)
