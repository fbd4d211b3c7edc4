"""Who did what: the acts of the record (ADR 30), worded for people, the latest first or by span."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from typing_extensions import TypedDict

from app.domain.london import utc_text
from app.domain.window import ClosureWindow
from app.register.closure_json import PastJson
from app.register.questions.answer import count_words, sentence_of
from app.store import accounts, parties
from app.store.acts import Act, Deed, acts_before, acts_between
from app.store.deciding import DECIDING, PURGED
from app.store.engine import Connection, Store

_ON_A_PAGE = 50
_LOOKED_AT = 5_000  # acts of a page, where one kind is wanted: each is opened to be told apart
_NAMED = 3  # things of one kind that an act names; of the others it says how many there are


class ActJson(TypedDict):
    """One act: its entry in the log, when, what was done, by whom, and to which things."""

    entry: int
    at: str
    act: str
    by: str
    about: list[str]


class ActsJson(PastJson):
    """Who did what in a span, page by page."""

    answer: str
    acts: list[ActJson]


@dataclass(frozen=True, slots=True)
class ActPage:
    """``older`` is the position to ask before for the next page, None at the end."""

    acts: Sequence[ActJson]
    older: int | None


def read_acts(store: Store, deed: Deed | None, before: int | None) -> ActPage:
    """Return a page of the acts before a position of the log, of one ``deed`` or of all, the latest first.

    Of one deed it looks through so many acts at most: the page may be short, and what is older is on the next.
    """
    most = _ON_A_PAGE + 1 if deed is None else _LOOKED_AT
    with store.reading() as connection:
        found = acts_before(store, connection, before, most)
        wanted = [act for act in found if deed in {None, act.deed}]
        shown = wanted[:_ON_A_PAGE]
        facts = _facts_of(store, connection, shown)
    if len(wanted) > _ON_A_PAGE:
        older: int | None = shown[-1].position
    else:
        older = found[-1].position if len(found) == most else None
    return ActPage(facts, older)


def who_did_what(store: Store, span: ClosureWindow) -> ActsJson:
    """Answer what was done in a span, by whom and to what, in its order."""
    with store.reading() as connection:
        facts = _facts_of(store, connection, acts_between(store, connection, span.starts, span.ends))
    return {
        "answer": sentence_of(count_words(len(facts), "act")),
        "from": utc_text(span.starts),
        "to": utc_text(span.ends),
        "acts": facts,
    }


def _facts_of(store: Store, connection: Connection, acts: Sequence[Act]) -> list[ActJson]:
    everyone = parties.read_parties(store, connection)
    names = {account.id: account.email for account in accounts.list_accounts(store, connection).whole}
    names |= {user.id: user.code for user in everyone.users.values()}
    names |= {gateway.id: gateway.code for gateway in everyone.gateways.values()}
    return [
        {
            "entry": act.position,
            "at": utc_text(act.made_at),
            "act": act.deed.value,
            "by": act.actor,
            "about": _about(act, names),
        }
        for act in acts
    ]


def _about(act: Act, names: dict[bytes, str]) -> list[str]:
    """Name what an act is about: by address or code where it has one, else by the id that lists show."""
    found = []
    for table, rows in groupby(act.rows, key=lambda row: row[0]):
        keys = [key for _, key, _ in rows]
        noun = (DECIDING | PURGED)[table].noun
        found += [f"{noun} {' '.join(_name(part, names) for part in key)}" for key in keys[:_NAMED]]
        if len(keys) > _NAMED:
            found.append(f"{len(keys) - _NAMED} more of these")
    return found


def _name(part: Any, names: dict[bytes, str]) -> str:
    return names.get(part, part.hex()) if isinstance(part, bytes) else str(part)
