"""All closures of Users, or those in one state, each opened from its row."""

from collections.abc import Iterator

import sqlalchemy as sa

from app.domain.closure import State
from app.store.closures import FORGOTTEN, Held, open_row
from app.store.engine import Store
from app.store.proven import require_proven
from app.store.tables import closures


def closures_of_users(
    store: Store, connection: sa.Connection, codes: dict[bytes, str], state: State | None = None
) -> Iterator[Held]:
    """Yield the closures of the Users in ``codes`` (id to code). Raise ``SealBroken`` for one that was altered."""
    wanted = closures.c.state != FORGOTTEN if state is None else closures.c.state == state
    query = sa.select(closures).where(closures.c.user_id.in_(codes), wanted).execution_options(yield_per=1000)
    with connection.execute(query) as rows:
        for row in rows:
            require_proven(connection, closures, row)
            yield open_row(store, row, codes[row.user_id])
