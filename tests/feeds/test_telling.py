"""What a message says: the whole text, the subject, and every field for a program."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.closure_json import closure_json
from feeds.entry import MaintenanceEntry
from feeds.telling import EntryTold, payload_of, subject_of, text_of

KINDS = (
    "new", "moved", "withdrawn", "late", "clash", "starts", "open", "over-time", "re-opened", "expired", "receipt",
    "reminder",
)  # fmt: skip
WORDS = (
    "New", "Changed", "Withdrawn", "Short notice", "Clash", "Starts within 24 hours", "Closed now", "Over time",
    "Re-opened", "Finished", "Received", "Still planned?",
)  # fmt: skip

NOW = datetime(2026, 12, 6, 3, tzinfo=UTC)
BAND = MaintenanceEntry(
    reference="DM-7F3K9QZ0AB", release=False, withdrawn=False, sequence=2,
    starts=datetime(2026, 12, 6, 1, tzinfo=UTC), ends=datetime(2026, 12, 6, 5, tzinfo=UTC),
    created=datetime(2026, 10, 1, 9, tzinfo=UTC), changed=datetime(2026, 10, 2, 9, tzinfo=UTC),
)  # fmt: skip


def test_the_whole_text(planned, publisher):
    other = replace(
        planned, reference="CN-0000000001", gateway_code="GW-BETA-1", user_code="BETA", user_name="Beta Gas"
    )
    moved = replace(
        planned, sequence=2, notice_days=7, short_notice=True, late_change=True, band="5-9",
        moved_from_starts=datetime(2026, 12, 13, 2, tzinfo=UTC), moved_from_ends=datetime(2026, 12, 13, 6, tzinfo=UTC),
    )  # fmt: skip
    text = text_of(
        [EntryTold(("moved", "late", "clash"), moved, (other,), (BAND,)), EntryTold(("new",), planned)], publisher
    )
    assert text == (
        "Changed, short notice, clash\n"
        "GW-ALPHA-1 closed (Alpha Energy)\n"
        "Sun 6 Dec 2026 02:00 GMT to Sun 6 Dec 2026 06:00 GMT (2026-12-06 02:00 to 2026-12-06 06:00 UTC)\n"
        "7 Working Days' notice; 20 are recommended (short notice).\n"
        "First notified with 27 Working Days' notice.\n"
        "Moved from Sun 13 Dec 2026 02:00 GMT to Sun 13 Dec 2026 06:00 GMT (2026-12-13 02:00 to 2026-12-13 06:00 UTC).\n"
        "The last change was a late change.\n"
        "Reference CN-7F3K9QZ0AB\n"
        "Clashes with GW-BETA-1 closed (Beta Gas), "
        "Sun 6 Dec 2026 02:00 GMT to Sun 6 Dec 2026 06:00 GMT (2026-12-06 02:00 to 2026-12-06 06:00 UTC)\n"
        "Clashes with DCC planned maintenance, "
        "Sun 6 Dec 2026 01:00 GMT to Sun 6 Dec 2026 05:00 GMT (2026-12-06 01:00 to 2026-12-06 05:00 UTC)\n"
        "https://closures.example/closures/CN-7F3K9QZ0AB\n"
        "\n"
        "New\n"
        "GW-ALPHA-1 closed (Alpha Energy)\n"
        "Sun 6 Dec 2026 02:00 GMT to Sun 6 Dec 2026 06:00 GMT (2026-12-06 02:00 to 2026-12-06 06:00 UTC)\n"
        "27 Working Days' notice; 20 are recommended (in good time).\n"
        "Reference CN-7F3K9QZ0AB\n"
        "https://closures.example/closures/CN-7F3K9QZ0AB\n"
        "\n"
        "As notified by Users; not approved by DCC.\n"
    )


REMINDER = (
    "Is this closure still planned? If it is, nothing is needed. If not, withdraw it or give its new date: "
    "a notice at any time is welcome."
)


@pytest.mark.parametrize(
    ("kind", "sentence"), [("receipt", "We have recorded your notice. Thank you."), ("reminder", REMINDER)]
)
def test_what_a_user_reads(planned, publisher, kind, sentence):
    assert text_of([EntryTold((kind,), planned)], publisher).splitlines()[1] == sentence


@pytest.mark.parametrize(("kind", "word"), list(zip(KINDS, WORDS, strict=True)))
def test_the_subject_of_one(planned, kind, word):
    assert subject_of([EntryTold((kind,), planned)]) == f"{word}: GW-ALPHA-1, Sun 6 Dec 2026 02:00 GMT"


def test_the_subject_of_several_counts(planned):
    told = [EntryTold(("moved", "late"), planned), EntryTold(("moved",), planned), EntryTold(("reminder",), planned)]
    assert subject_of(told) == "3 gateway closures: 2 changed, 1 short notice, 1 still planned"


def test_a_program_gets_every_field(planned):
    told = [EntryTold(("new", "clash"), planned, (planned,), (BAND,)), EntryTold(("open",), planned)]
    assert json.loads(payload_of(told, "0af1", "2026-11-24T09:00:00Z", NOW)) == {
        "type": "closures.told",
        "id": "0af1",
        "timestamp": "2026-11-24T09:00:00Z",
        "data": {
            "closures": [
                {
                    "kinds": ["new", "clash"],
                    "closure": closure_json(planned, NOW),
                    "clashes": [closure_json(planned, NOW)],
                    "maintenance_clashes": [
                        {
                            "reference": "DM-7F3K9QZ0AB",
                            "kind": "maintenance",
                            "starts": "2026-12-06T01:00:00Z",
                            "ends": "2026-12-06T05:00:00Z",
                            "starts_london": "Sun 6 Dec 2026 01:00 GMT",
                            "ends_london": "Sun 6 Dec 2026 05:00 GMT",
                            "withdrawn": False,
                            "sequence": 2,
                            "created": "2026-10-01T09:00:00Z",
                            "changed": "2026-10-02T09:00:00Z",
                        }
                    ],
                },
                {"kinds": ["open"], "closure": closure_json(planned, NOW), "clashes": [], "maintenance_clashes": []},
            ]
        },
    }


@given(st.data())
def test_hostile_names_add_no_line_and_break_no_subject(entries, publisher, data):
    entry = data.draw(entries)
    told = EntryTold(tuple(data.draw(st.sets(st.sampled_from(KINDS), min_size=1))), entry)
    assert len(subject_of([told]).splitlines()) == 1
    named = replace(entry, user_name="x")
    lines = (len(text_of([replace(told, entry=one)], publisher).splitlines()) for one in (entry, named))
    assert len(set(lines)) == 1
    payload_of([told], "1", "x", NOW).decode()
