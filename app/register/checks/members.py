"""The calendars, a view of the record (ADR 19): each member stands where it says, and no closure ahead lacks one."""

from contextlib import suppress
from typing import Any, NamedTuple

from app.register.checks.evidence import UNREADABLE, Evidence
from app.register.checks.fold import Acts
from app.register.member_body import load_body, weeks_of
from app.store.deciding import DECIDING
from app.store.member_heads import HeldMember, open_unproven
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
            agrees = _stands(evidence, row, held, codes) and _holds(evidence, row, held, body, found)
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


def _stands(evidence: Evidence, row: MemberRow, held: HeldMember, codes: frozenset[str]) -> bool:
    """Tell whether the blind columns of a member are those of its User, its name and its UID."""
    blind, uid = evidence.store.blind, held.head.uid
    known = uid and not held.gone
    return (
        any(blind.collection(row.user_id, code) == row.collection for code in codes)
        and blind.member(row.collection, held.head.name) == row.name_index
        and (blind.member_uid(row.collection, uid) if known else None) == row.uid_index
    )


def _holds(evidence: Evidence, row: MemberRow, held: HeldMember, stored: Any, weeks: set[Any]) -> bool:
    """Tell whether a member has its octets, those that its entity tag is of, and is found in the weeks that they touch.

    One that we render has neither.
    """
    if held.gone or held.is_rendered:
        return stored is None and not weeks
    body = load_body(open_body(evidence.store, row, *stored))
    is_whole = (body.complete_from, body.complete_until) == (None, None)
    keys = week_keys(evidence.store, held.place, weeks_of(body.instances), is_whole=is_whole)
    return evidence.store.blind.etag(body.octets) == held.head.etag and keys == weeks


def _words(row_id: Any) -> str:
    return row_id.hex() if isinstance(row_id, bytes) else str(row_id)
