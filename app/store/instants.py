"""The column type for instants: microseconds since 1970 in UTC. Naive times are refused, as SQLite drops offsets."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect
from sqlalchemy.types import TypeDecorator

from app.security.sealing import SealBroken

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(instant: datetime) -> int:
    """Return the microseconds since 1970 of an aware UTC instant; raise ``ValueError`` for any other."""
    if instant.tzinfo is not UTC:
        message = "an instant is aware UTC"
        raise ValueError(message)
    return (instant - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the aware UTC instant of ``micros`` microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)


class Instant(TypeDecorator[datetime]):
    """An aware UTC ``datetime`` in Python, a 64-bit integer in the database: exact, and in order."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Turn an instant into microseconds."""
        return None if value is None else to_micros(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Turn microseconds into an instant."""
        try:
            return None if value is None else from_micros(value)
        except (OverflowError, TypeError) as problem:  # SQLite holds what it is given, a text too
            text = "A stored instant is none, or beyond all years."
            raise SealBroken(text, "Run `closures record verify`; restore a backup.") from problem
