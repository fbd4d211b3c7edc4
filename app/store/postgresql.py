"""PostgreSQL behind any address and any pooler: nothing is kept from one transaction to the next, but the connection.

A pooler by transactions gives each transaction whichever server connection is free. What a transaction needs it says at
its own beginning; nothing is prepared, and nothing is said as a connection is made.
"""

import sqlalchemy as sa
from sqlalchemy import event

from app.domain.refusal import StoreUnfit

SCHEMES = ("postgresql", "postgresql+psycopg")
"""How an address may begin; both mean the same."""
ADDRESS = "address"
"""The execution option by which a connection tells where it leads."""
_PORT = 5432
_CONNECT_SECONDS = 10
_BEGIN = "SET LOCAL lock_timeout = '10s'; SET LOCAL timezone = 'UTC'"
_READ_ONLY = "25006"  # read_only_sql_transaction: after a failover the old primary is a standby, or about to end
_AWAY = ("08", "57P")  # connection exceptions; the server ends, or does not take connections yet


def postgresql_engine(address: str, *, keeps: bool = True) -> sa.Engine:
    """Return an engine for an address as libpq reads it: several hosts, and whatever else it knows, pass through.

    It ``keeps`` connections open for whoever comes next, or makes one for each who asks. Raise ``StoreUnfit``
    where the address cannot be read.
    """
    from psycopg import ProgrammingError  # noqa: PLC0415 - a site on SQLite does not have it
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - as above

    try:
        stated = conninfo_to_dict(f"postgresql://{address.partition('://')[2]}")
    except ProgrammingError as problem:
        raise StoreUnfit(
            "The database address cannot be read.", "Give postgresql://user:password@host:5432/database."
        ) from problem
    host, port = str(stated.get("host", "")), str(stated.get("port", _PORT))
    engine = sa.create_engine(
        # For whoever reads where this leads; what is connected to stands in ``stated``.
        sa.URL.create("postgresql+psycopg", host=host or None, port=int(port) if port.isdigit() else None),
        **({"pool_size": 8, "pool_pre_ping": True} if keeps else {"poolclass": sa.NullPool}),
        execution_options={ADDRESS: address},
        connect_args={"connect_timeout": _CONNECT_SECONDS, **stated, "prepare_threshold": None},
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(_BEGIN)

    @event.listens_for(engine, "handle_error")
    def _lost(context: sa.engine.ExceptionContext) -> None:
        """Leave every connection to a server that takes no writes any more: the next ones look for one that does."""
        is_ours = context.connection is not None and context.connection.get_execution_options().get("writes", False)
        if is_ours and getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
            context.is_disconnect = True

    return engine


def why_not_there(engine: sa.Engine, problem: sa.exc.DBAPIError) -> str:
    """Say that PostgreSQL does not answer, where it was looked for and what libpq said, for the operator."""
    port = "" if engine.url.port is None else f", port {engine.url.port},"
    cause = " ".join(str(problem.orig).split())
    return f"PostgreSQL at {engine.url.host or 'its local socket'}{port} does not answer: {cause}"


def is_away(problem: sa.exc.DBAPIError) -> bool:
    """Tell whether a fault means that the connection was lost or none could be made, not that something was wrong."""
    if problem.connection_invalidated:
        return True
    # libpq gives the faults of connecting no code; where the database stands behind a pooler, they have one.
    state = getattr(problem.orig, "sqlstate", "")
    return isinstance(problem, sa.exc.OperationalError) and (state is None or state.startswith(_AWAY))
