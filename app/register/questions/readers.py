"""Who read or exported what (Q14): the read log of the feeds, and a note of every export."""

from datetime import datetime

from typing_extensions import TypedDict

from app.domain.london import utc_text
from app.domain.window import ClosureWindow
from app.register.closure_json import PastJson
from app.register.questions.answer import count_words, sentence_of
from app.store import exports, subscriptions
from app.store.engine import Store
from app.store.exports import Export

_ALTERED = ("(altered)", "")
"""Label and scope of a feed whose row cannot be read."""


class ReadJson(TypedDict):
    """One read of a feed: 200 with its octets, or 304."""

    at: str
    subscription: str
    label: str
    scope: str
    status: int
    octets: int
    client: str


class ExportJson(TypedDict):
    """One copy that somebody took away."""

    at: str
    by: str
    what: str
    rows: int


class ReadsJson(PastJson):
    """Who read which feed in a span, page by page, and all the exports of the span."""

    answer: str
    reads: list[ReadJson]
    exports: list[ExportJson]


def note_export(store: Store, name: str, what: str, rows: int, now: datetime) -> None:
    """Note that somebody took a copy away: who, what, how many rows, when."""
    with store.writing() as connection:
        exports.insert_export(store, connection, Export(now, name, what, rows))


def who_read(store: Store, span: ClosureWindow) -> ReadsJson:
    """Answer who fetched which feed and who exported what in a span, oldest first."""
    with store.reading() as connection:
        feeds_known = subscriptions.list_subscriptions(store, connection).whole
        named = {held.id: (held.label, held.scope) for held in feeds_known}
        reads = subscriptions.reads_between(connection, span.starts, span.ends)
        exported = exports.exports_between(store, connection, span.starts, span.ends)
    feeds = len({read.subscription_id for read in reads})
    fetched = f"{count_words(len(reads), 'read')} of {count_words(feeds, 'feed')}" if reads else "no feed was read"
    words = f"{fetched}, {count_words(len(exported), 'export')}"
    return {
        "answer": sentence_of(words),
        "from": utc_text(span.starts),
        "to": utc_text(span.ends),
        "reads": [
            {
                "at": utc_text(read.read_at),
                "subscription": read.subscription_id,
                "label": named.get(read.subscription_id, _ALTERED)[0],
                "scope": named.get(read.subscription_id, _ALTERED)[1],
                "status": read.status,
                "octets": read.octets,
                "client": read.client,
            }
            for read in reads
        ],
        "exports": [
            {"at": utc_text(export.exported_at), "by": export.name, "what": export.what, "rows": export.rows}
            for export in exported
        ],
    }
