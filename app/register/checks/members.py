"""The calendars, a view of the record (ADR 19): each member stands where it says, and no closure ahead lacks one."""

from contextlib import suppress
from typing import Any, NamedTuple

from app.register.checks.evidence import UNREADABLE, Evidence
from app.register.checks.fold import Acts
from app.register.member_body import load_body, weeks_of
from app.store.chains import chains_of
from app.store.deciding import DECIDING
from app.store.member_heads import HeldMember, Place, open_unproven
from app.store.members import open_body, week_keys
from app.store.parties import gateway_code

Places = set[tuple[Any, str]]
"""Where an event stands: the collection, blind, and its UID."""

_BODY = ("member_id", "row_version", "sealed")


class MemberRow(NamedTuple):
    """The row of a member, whatever it holds."""

    id: Any
    user_id: Any
    collection: Any
    name_index: Any
    uid_index: Any
    change: Any
    gone: Any
    is_rendered: Any
    leaves_on: Any
    row_version: Any
    sealed: Any


def check_members(evidence: Evidence, acts: Acts, ahead: dict[str, tuple[bytes, str]]) -> None:
    """Hold every member against its places and its octets; ``ahead`` says where planned closures are, by reference."""
    stored = {member_id: body for member_id, *body in evidence.rows("member_bodies", *_BODY)}
    codes, weeks = _gateway_codes(evidence), _weeks(evidence)
    there: Places = set()
    for row in map(MemberRow._make, evidence.rows("members", *MemberRow._fields)):
        body, found = stored.pop(row.id, None), weeks.pop(row.id, set())
        if acts.is_shredded(row.user_id):
            continue
        try:
            held = open_unproven(evidence.store, row)
            where = _place_of(evidence, row, codes)
            agrees = _stands(evidence, row, held, where) and _holds(evidence, row, held, (where, body, found))
            there.add((row.collection, held.head.uid))
        except UNREADABLE:
            agrees = False
        if not agrees:
            evidence.add(f"A member of a calendar ({_words(row.id)}) was altered.", row.change)
    for member_id in stored:
        evidence.add(f"A member of a calendar ({_words(member_id)}) is gone; what it held is there.")
    for member_id in weeks:
        evidence.add(f"A member of a calendar ({_words(member_id)}) is gone; its weeks are there.")
    for reference, place in ahead.items():
        if place not in there:
            evidence.add(f"{reference} is missing in its User's calendar.")


def _gateway_codes(evidence: Evidence) -> frozenset[str]:
    """Return the code of every gateway that can be read; another check names the others."""
    columns, codes = DECIDING["gateways"].columns, set()
    for row in evidence.rows("gateways", *columns):
        with suppress(*UNREADABLE):
            codes.add(gateway_code(evidence.store, dict(zip(columns, row, strict=True))))
    return frozenset(codes)


def _weeks(evidence: Evidence) -> dict[Any, set[Any]]:
    """Return the week index of the calendars, by member."""
    weeks: dict[Any, set[Any]] = {}
    for member_id, week in evidence.rows("member_weeks", "member_id", "week"):
        weeks.setdefault(member_id, set()).add(week)
    return weeks


def _place_of(evidence: Evidence, row: MemberRow, codes: frozenset[str]) -> Place:
    """Return the collection of the row's User that a member stands in. Raise ``ValueError`` where it is none."""
    stands = chains_of(evidence.connection).index
    for code in codes:
        collection = evidence.store.blind.collection(row.user_id, code)
        if stands(collection) == row.collection:
            return Place(row.user_id, collection)
    raise ValueError


def _stands(evidence: Evidence, row: MemberRow, held: HeldMember, place: Place) -> bool:
    """Tell whether the blind columns of a member are those of its name and its UID."""
    stands, blind, uid = chains_of(evidence.connection).index, evidence.store.blind, held.head.uid
    name_index = stands(blind.member(place.collection, held.head.name))
    uid_index = stands(blind.member_uid(place.collection, uid)) if uid and not held.gone else None
    return (name_index, uid_index) == (row.name_index, row.uid_index)


def _holds(evidence: Evidence, row: MemberRow, held: HeldMember, what: tuple[Place, Any, set[Any]]) -> bool:
    """Tell whether a member has its octets, those that its entity tag is of, and is found in the weeks that they touch.

    One that we render has neither. ``what`` is where it stands, what is stored of its body, and its weeks.
    """
    place, stored, weeks = what
    if held.gone or held.is_rendered:
        return stored is None and not weeks
    body = load_body(open_body(evidence.store, row, *stored))
    is_whole = (body.complete_from, body.complete_until) == (None, None)
    keys = week_keys(evidence.store, evidence.connection, place, weeks_of(body.instances), is_whole=is_whole)
    return evidence.store.blind.etag(body.octets) == held.head.etag and keys == weeks


def _words(row_id: Any) -> str:
    return row_id.hex() if isinstance(row_id, bytes) else str(row_id)
