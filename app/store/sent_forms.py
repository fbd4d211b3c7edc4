"""Forms that took effect: a second sending of one finds the first, and what that had to show, once."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from app.security.keyring import SERVICE_OWNER
from app.store.engine import Store
from app.store.tables import sent_forms

KEPT = timedelta(hours=24)
SHOWN_FOR = timedelta(minutes=10)


def took_effect(connection: sa.Connection, form_id: bytes) -> bool:
    """Tell whether a form was sent before."""
    return connection.execute(sa.select(sent_forms.c.id).where(sent_forms.c.id == form_id)).first() is not None


def keep_form(
    store: Store, connection: sa.Connection, *, form_id: bytes, account_id: bytes, body: bytes, now: datetime
) -> None:
    """Note that a form took effect, with what its page has to show."""
    sealed = store.keyring.seal(SERVICE_OWNER, "sent_forms", "sealed", form_id, 1, body)
    connection.execute(sa.insert(sent_forms).values(id=form_id, account_id=account_id, sent_at=now, sealed=sealed))


def read_answer(
    store: Store, connection: sa.Connection, form_id: bytes, account_id: bytes, now: datetime
) -> bytes | None:
    """Return what the form's page has to show to its sender; None once it was put away, or after ten minutes."""
    query = sa.select(sent_forms.c.sealed).where(
        sent_forms.c.id == form_id, sent_forms.c.account_id == account_id, sent_forms.c.sent_at > now - SHOWN_FOR
    )
    sealed = connection.execute(query).scalar()
    return None if sealed is None else store.keyring.unseal(SERVICE_OWNER, "sent_forms", "sealed", form_id, 1, sealed)


def forget_answers(connection: sa.Connection, account_id: bytes, form_id: bytes) -> None:
    """Put away for good what a form had to show."""
    query = sa.update(sent_forms).where(sent_forms.c.id == form_id, sent_forms.c.account_id == account_id)
    connection.execute(query.values(sealed=None))


def purge_forms(connection: sa.Connection, before: datetime) -> int:
    """Delete forms sent before an instant; return how many."""
    return connection.execute(sa.delete(sent_forms).where(sent_forms.c.sent_at < before)).rowcount
