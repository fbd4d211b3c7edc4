"""Where every table is declared, how their constraints are named, and the column type of octets.

``tables`` hands the metadata on once it is whole.
"""

from sqlalchemy import Dialect, LargeBinary, MetaData

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
