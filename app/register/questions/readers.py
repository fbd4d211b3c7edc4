"""Who read or exported what (Q14): the read log of the feeds, and a note of every export."""

from datetime import datetime

from app.domain.london import utc_text
from app.domain.window import ClosureWindow
from app.register.questions.answer import Answer, count_words, sentence_of
from app.store import exports, subscriptions
from app.store.engine import Store
from app.store.exports import Export


def note_export(store: Store, name: str, what: str, rows: int, now: datetime) -> None:
    """Note that somebody took a copy away: who, what, how many rows, when."""
    with store.writing() as connection:
        exports.insert_export(store, connection, Export(now, name, what, rows))


def who_read(store: Store, span: ClosureWindow) -> Answer:
    """Answer who fetched which feed and who exported what in a span, oldest first."""
    with store.reading() as connection:
        named = {one.id: one for one in subscriptions.list_subscriptions(store, connection)}
        reads = subscriptions.reads_between(connection, span.starts, span.ends)
        exported = exports.exports_between(store, connection, span.starts, span.ends)
    feeds = len({one.subscription_id for one in reads})
    fetched = f"{count_words(len(reads), 'read')} of {count_words(feeds, 'feed')}" if reads else "no feed was read"
    words = f"{fetched}, {count_words(len(exported), 'export')}"
    facts = {
        "from": utc_text(span.starts),
        "to": utc_text(span.ends),
        "reads": [
            {
                "at": utc_text(one.read_at),
                "subscription": one.subscription_id,
                "label": named[one.subscription_id].label,
                "scope": named[one.subscription_id].scope,
                "status": one.status,
                "octets": one.octets,
                "client": one.client,
            }
            for one in reads
        ],
        "exports": [
            {"at": utc_text(one.exported_at), "by": one.name, "what": one.what, "rows": one.rows} for one in exported
        ],
    }
    return Answer(sentence_of(words), facts)
