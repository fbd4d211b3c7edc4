"""Where every table is declared, how their constraints are named, and the column types of octets.

``tables`` hands the metadata on once it is whole.
"""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Dialect, LargeBinary, MetaData

from app.security.sealing import OUTER

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    }
)


class Octets(LargeBinary):
    """Octets as they are: both drivers take ``bytes``, and a large notice has tens of thousands of such values."""

    def bind_processor(self, dialect: Dialect) -> None:
        """Wrap nothing."""


_OUTER = bytes([OUTER])
_PEELS: WeakKeyDictionary[Dialect, Callable[[bytes], bytes]] = WeakKeyDictionary()
"""What takes the outer layer off, by the dialect of each engine: it is all that a column type knows of one."""


def peel_by(dialect: Dialect, peel: Callable[[bytes], bytes]) -> None:
    """Say what takes the outer layer off what an engine reads."""
    _PEELS[dialect] = peel


def peeled(dialect: Dialect, value: Any) -> Any:
    """Return a stored value without its outer layer; whatever is not sealed so is returned as it is."""
    return _PEELS[dialect](value) if isinstance(value, bytes) and value[:1] == _OUTER else value


class Sealed(Octets):
    """What is sealed: read without its outer layer, so that nobody above needs to know whether there is one (ADR 32).

    What is written is kept as it is. ``Octets`` reads the same column as it is stored.
    """

    def result_processor(self, dialect: Dialect, _coltype: object) -> Callable[[Any], Any]:
        """Take the outer layer off; what an altered row holds in place of octets is for whoever opens it."""

        def read(value: Any) -> Any:
            return peeled(dialect, value)

        return read


class Blind(Octets):
    """A digest of the blind index, as the chain has it: it moves when the root secret is rotated (``chains``)."""


class TokenDigest(Octets):
    """A digest under the pepper of tokens, as the chain has it: it moves with the blind index."""
