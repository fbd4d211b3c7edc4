"""The pages of the record: what they say is what the command line says, and nobody reads more than the role may."""

import csv
import io
import re
from datetime import timedelta
from html import unescape

import pytest

from app.domain.access import Role
from app.jobs.sweep import sweep
from app.register.late_changes import record_late_changes
from app.register.verification import make_checkpoint, verify_record
from app.web.pages.record import check as record_check


@pytest.fixture
def told(alpha, give, announce, register, clock, enrolled):
    """ALPHA gave one closure at short notice and moved it; BETA gave one in time."""
    beta = enrolled("BETA", "GW-B1")
    give(alpha, announce("a", "2026-12-06T02:00"))
    give(alpha, announce("a", "2026-12-07T02:00"), at=clock() + timedelta(minutes=1))
    give(beta, announce("b", "2027-03-07T02:00", gateway="GW-B1"))
    clock.forward(hours=1)
    record_late_changes(register, clock())


def test_late_changes_are_listed_kindly(told, dcc_client, read):
    page = read(dcc_client.get("/record"))
    assert "1 first notice and 1 change at short notice, received in" in page
    assert "ALPHA First notice Tue 24 Nov 2026 09:00 GMT 2026-11-24 09:00 UTC" in page
    assert "GMT 2026-12-06 02:00 UTC 8 of 20" in page
    assert "breach" not in page


def test_a_user_finds_its_own_late_changes_alone(told, sign_in, read):
    page = read(sign_in("beta@example.org", Role.USER, "BETA").get("/record"))
    assert "No late change was received in those days." in page
    assert "ALPHA" not in page


def test_a_quarter_is_counted_by_user_or_by_pseudonym(told, dcc_client, read):
    page = read(dcc_client.get("/record?period=2026-Q4"))
    assert "Of 3 notices in 2026-Q4, 2 came at short notice." in page
    assert "ALPHA 2 1 1 1 1" in page
    hidden = read(dcc_client.get("/record?period=2026-Q4&pseudonyms=1")).partition("Of 3 notices")[2]
    assert "ALPHA" not in hidden
    assert hidden.count("User-") == 2


def test_a_span_or_period_that_is_none_is_said_on_the_page(told, dcc_client, read):
    for query, words in (("period=winter", "That is not a month or a quarter."), ("from=soon", "That is not a time.")):
        answer = dcc_client.get(f"/record?{query}")
        assert answer.status_code == 400
        assert words in read(answer)


def test_spreadsheets_are_taken_and_that_is_noted(told, dcc_client, read):
    sheet = dcc_client.get("/record/late-changes.csv")
    assert sheet.headers["Content-Disposition"] == 'attachment; filename="late-changes.csv"'
    rows = list(csv.DictReader(io.StringIO(sheet.data.decode("utf-8-sig"))))
    names = ("user", "user_name", "gateway", "revision", "change", "band")
    assert [[row[name] for name in names] for row in rows] == [
        ["ALPHA", "Alpha Energy", "GW-A1", "1", "first notice", "5 to 9"],
        ["ALPHA", "Alpha Energy", "GW-A1", "2", "moved", "5 to 9"],
    ]
    report = dcc_client.get("/record/report.csv?period=2026-11")
    assert [line.split(",")[:3] for line in report.text.splitlines()[1:]] == [
        ["2026-11", "ALPHA", "2"],
        ["2026-11", "BETA", "1"],
    ]
    page = read(dcc_client.get("/record/reads"))
    assert "dcc@example.org late-report, csv 2" in page
    assert "dcc@example.org late-changes, csv 2" in page


def test_what_changed_between_two_instants(told, dcc_client, read):
    page = read(dcc_client.get("/record/changes?since=2026-11-24T09:00:30&until=2026-11-24T09:30"))
    assert (
        "1 change between Tue 24 Nov 2026 09:00 GMT and Tue 24 Nov 2026 09:30 GMT: 1 moved; 1 at short notice." in page
    )
    assert "Mon 7 Dec 2026 02:00 GMT to 06:00 GMT 2026-12-07 02:00 to 06:00 UTC was Sun 6 Dec 2026 02:00 GMT" in page
    assert "3 changes between" in read(dcc_client.get("/record/changes"))


def rows_of(page):
    """Return the rows of a page's table: of each the reference, the change and whether it was late."""
    rows = re.findall(r"<tr>(.*?)</tr>", page.text.partition("<tbody>")[2], re.DOTALL)
    return [
        (
            re.search(r"CN-[0-9A-Z]{10}", row)[0],
            re.search(r'data-label="Change">([\w ]+)', row)[1].strip(),
            "tag-short" in row,
        )
        for row in rows
    ]


def turnings_of(page):
    """Return where a page leads on, by "prev" and "next"."""
    return {way: unescape(href) for way, href in re.findall(r'rel="(prev|next)" href="([^"]+)"', page.text)}


def sheet_of(answer):
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def test_what_changed_is_the_latest_first_and_as_a_sheet_with_what_stood_before(told, dcc_client, read):
    page = dcc_client.get("/record/changes")
    sheet = dcc_client.get("/record/changes.csv")
    moves = [(change, late) for _, change, late in rows_of(page)]
    assert (moves[0], sorted(moves[1:])) == (("Moved", True), [("First notice", False), ("First notice", True)])
    assert [row["reference"] for row in sheet_of(sheet)] == [one[0] for one in rows_of(page)]
    moved = sheet_of(sheet)[0]
    assert {name: moved[name] for name in ("change", "late", "gateway_before", "starts_before", "ends_before")} == {
        "change": "moved", "late": "True", "gateway_before": "GW-A1", "starts_before": "2026-12-06T02:00:00Z",
        "ends_before": "2026-12-06T06:00:00Z",
    }  # fmt: skip
    assert {row["starts_before"] for row in sheet_of(sheet)[1:]} == {""}
    assert "dcc@example.org changes, csv 3" in read(dcc_client.get("/record/reads"))


def test_what_changed_is_paged_by_its_address(alpha, give, announce, dcc_client, read, clock):
    for number in range(101):
        give(alpha, announce(f"u{number}", "2027-03-07T02:00"), at=clock() + timedelta(seconds=number))
    clock.forward(minutes=5)
    pages = [dcc_client.get("/record/changes?since=2026-11-24T08:00")]
    for way in ("next", "next", "prev", "prev"):
        pages.append(dcc_client.get(turnings_of(pages[-1])[way]))
    found = [[one[0] for one in rows_of(page)] for page in pages]
    every = [row["reference"] for row in sheet_of(dcc_client.get("/record/changes.csv?since=2026-11-24T08:00"))]
    assert found == [every[:50], every[50:100], every[100:], every[50:100], every[:50]]
    assert [row["received_at"] for row in sheet_of(dcc_client.get("/record/changes.csv"))] == [
        f"2026-11-24T09:{number // 60:02}:{number % 60:02}Z" for number in reversed(range(101))
    ]
    assert [sorted(turnings_of(page)) for page in pages] == [
        ["next"], ["next", "prev"], ["prev"], ["next", "prev"], ["next"],
    ]  # fmt: skip
    said = "of the changes between Tue 24 Nov 2026 08:00 GMT and Tue 24 Nov 2026 09:05 GMT"
    for page, count in zip(pages, (50, 50, 1, 50, 50), strict=True):
        plural = "first notice" if count == 1 else "first notices"
        assert f"{count} {said}: {count} {plural}; none at short notice." in read(page)
    sheet = re.search(r'href="([^"]+)" download', pages[1].text)[1]
    assert sheet == "/record/changes.csv?since=2026-11-24T08:00"
    for cursor in ("before=0", "after=WyIxIl0", "before=WyIxIiwiLTEiXQ"):
        assert dcc_client.get(f"/record/changes?{cursor}").status_code == 400


def test_a_page_passes_over_so_many_finished_windows_and_leads_on(
    alpha, give, announce, sign_in, register, clock, read
):
    give(alpha, *(announce(f"u{number}", "2026-11-24T10:00", hours=1) for number in range(560)))
    sweep(register, clock.forward(days=2))
    dcc_client = sign_in("dcc@example.org", Role.DCC)
    first = dcc_client.get("/record/changes")
    assert (rows_of(first), sorted(turnings_of(first))) == ([], ["next"])
    assert "None of the changes between" in read(first)
    assert "Nothing is among the entries that this page looked at; what is older is on the next." in read(first)
    second = dcc_client.get(turnings_of(first)["next"])
    assert [row[1] for row in rows_of(second)] == ["First notice"] * 50
    assert rows_of(dcc_client.get(turnings_of(second)["prev"])) == []


def test_finished_windows_are_among_the_changes_only_where_they_are_asked_for(
    alpha, give, announce, sign_in, register, clock, read
):
    give(alpha, announce("a", "2026-11-24T10:00", hours=1))
    sweep(register, clock.forward(days=2))
    dcc_client = sign_in("dcc@example.org", Role.DCC)
    page = dcc_client.get("/record/changes")
    assert [row[1] for row in rows_of(page)] == ["First notice"]
    assert "1 change between" in read(page)
    page = dcc_client.get("/record/changes?finished=1")
    assert [row[1] for row in rows_of(page)] == ["Finished", "First notice"]
    assert "2 changes between" in read(page)
    assert "1 finished; 1 at short notice" in read(page)
    assert [row["change"] for row in sheet_of(dcc_client.get("/record/changes.csv?finished=1"))] == [
        "expired", "first notice",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("since=2026-11-25&until=2026-11-24", "The first instant is not before the second."),
        ("since=never", "That is not a time."),
        ("until=0001-01-02", "That is out of range."),
    ],
)
def test_instants_that_are_none_are_said_on_the_page(dcc_client, read, query, words):
    answer = dcc_client.get(f"/record/changes?{query}")
    assert answer.status_code == 400
    assert words in read(answer)


def test_the_log_is_paged_and_narrowed_to_a_kind(alpha, give, announce, dcc_client, read, register):
    acts = verify_record(register).size
    for number in range(30):
        give(alpha, announce(f"u{number}", "2027-03-07T02:00"))
    page = dcc_client.get("/record/log")
    assert read(page).startswith(f"The log {60 + acts} entries, each bound to all before it.")
    assert f'href="/record/log?before={10 + acts}"' in page.text
    older = read(dcc_client.get(f"/record/log?before={10 + acts}"))
    assert [older.count(f" {kind} ") for kind in ("notice", "revision", "act")] == [5, 5, acts]
    assert "Older entries" not in older
    kinds = read(dcc_client.get("/record/log?kind=revision"))
    assert (kinds.count(" notice "), kinds.count(" revision ")) == (0, 30)
    assert dcc_client.get("/record/log?kind=secret").status_code == 400


def test_an_empty_record_says_so(dcc_client, read):
    assert "No entry Nothing of this kind was recorded yet." in read(dcc_client.get("/record/log?kind=notice"))
    assert "Nobody took a copy away in this span." in read(dcc_client.get("/record/reads"))


@pytest.fixture
def check(csrf):
    """Return a function that presses the button, with a checkpoint where one is given."""

    def send(client, octets=b""):
        sent = {"csrf_token": csrf(client.get("/record/check")), "checkpoint": (io.BytesIO(octets), "kept.txt")}
        return client.post("/record/check", data=sent)

    return send


def test_a_sound_record_is_called_sound_also_against_a_checkpoint(told, dcc_client, check, read, register):
    kept = dcc_client.get("/record/checkpoint.txt")
    assert kept.headers["Content-Disposition"] == 'attachment; filename="checkpoint-2026-11-24.txt"'
    size = verify_record(register).size
    assert f"The record is sound. {size} entries checked" in read(check(dcc_client))
    assert "The record is sound." in read(check(dcc_client, kept.data))


def test_the_first_bad_entry_is_named(told, dcc_client, check, store, read):
    import sqlalchemy as sa

    from app.store.tables import log

    with store.writing() as connection:
        connection.execute(sa.update(log).where(log.c.position == 1).values(leaf=bytes(32)))
    page = check(dcc_client)
    assert "The record is not sound. The first fault: The act of entry 1 of the log was altered." in read(page)
    assert 'role="alert"' in page.text


def test_a_foreign_checkpoint_and_files_that_are_none_are_refused(told, dcc_client, check, read, register, clock):
    altered = make_checkpoint(register).replace("closures\n", "closures\n1", 1).encode()
    for octets in (altered, b"hello", b"\xff\xfe", b"x" * 5000):
        answer = check(dcc_client, octets)
        assert answer.status_code == 422
        assert "The record is sound" not in read(answer)


def test_one_check_runs_at_a_time(told, dcc_client, check, read):
    assert record_check._RUNNING.acquire(blocking=False)
    try:
        assert "A check is running already." in read(check(dcc_client))
    finally:
        record_check._RUNNING.release()
    assert "The record is sound." in read(check(dcc_client))


def test_who_may_open_what(told, sign_in, alpha_client):
    ops, admin = sign_in("ops@example.org", Role.OPS), sign_in("admin@example.org", Role.ADMIN)
    paths = ("/record", "/record/changes", "/record/log", "/record/check", "/record/reads")
    assert [admin.get(path).status_code for path in paths] == [200] * 5
    assert [alpha_client.get(path).status_code for path in paths] == [200, 200, 403, 403, 403]
    assert [ops.get(path).status_code for path in paths] == [403, 200, 403, 403, 403]
