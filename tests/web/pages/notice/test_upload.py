"""Upload, preview, one button, receipt: nothing is recorded before it is confirmed, and then once."""

import io
import re
from datetime import timedelta

import icalendar
import pytest
from openpyxl import Workbook

from app.domain.access import Role


def event(uid, starts, hours=4, gateway="GW-A1", **more):
    stated = {
        "UID": uid,
        "DTSTAMP": "20261120T090000Z",
        "DTSTART": starts,
        "DURATION": f"PT{hours}H",
        "LOCATION": gateway,
    }
    lines = [f"{name}:{value}" for name, value in (stated | more).items()]
    return "\r\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT", ""])


def file_of(*events):
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//test//EN\r\n" + "".join(events) + "END:VCALENDAR\r\n"
    ).encode()


@pytest.fixture
def upload(csrf):
    """Return a function that uploads octets for a preview."""

    def send(client, octets, name="closures.ics", **fields):
        form = client.get("/notices/new?user=ALPHA")
        sent = {"csrf_token": csrf(form), "user": "ALPHA", "file": (io.BytesIO(octets), name), **fields}
        return client.post("/notices/preview", data=sent)

    return send


@pytest.fixture
def confirm(csrf):
    """Return a function that presses the button of a preview."""

    def press(client, preview, **fields):
        form_id = re.search(r'name="form_id" value="([0-9a-f]{32})"', preview.text)[1]
        sent = {"csrf_token": csrf(preview), "form_id": form_id, **fields}
        return client.post("/notices", data=sent, follow_redirects=True)

    return press


def references(client):
    return re.findall(r'href="/closures/(CN-[0-9A-Z]{10})"', client.get("/closures").text)


def test_a_preview_records_nothing_and_names_no_reference_yet(alpha_client, upload, read):
    preview = upload(alpha_client, file_of(event("one", "20261206T020000Z")))
    assert preview.status_code == 200
    page = read(preview)
    assert "Nothing is recorded yet. closures.ics from ALPHA has 1 new, 0 changed, 0 withdrawn, 0 unchanged." in page
    assert (
        "GW-A1 short notice Sun 6 Dec 2026 02:00 GMT to 06:00 GMT 2026-12-06 02:00 to 06:00 UTC · 4 h 8 Working Days' notice; 20 are recommended."
        in page
    )
    assert "CN-" not in page
    assert references(alpha_client) == []


def test_a_receipt_of_several_closures_gives_them_as_one_file(alpha_client, sign_in, upload, confirm):
    two = file_of(event("one", "20261206T020000Z"), event("two", "20261213T020000Z"))
    receipt = confirm(alpha_client, upload(alpha_client, two))
    path = re.search(r'href="(/notices/receipts/[0-9a-f]+\.ics)"', receipt.text)[1]
    answer = alpha_client.get(path)
    shown = icalendar.Calendar.from_ical(answer.data).walk("VEVENT")
    assert [f"{one['DTSTART'].dt:%Y-%m-%d}" for one in shown] == ["2026-12-06", "2026-12-13"]
    assert (answer.mimetype, answer.headers["Content-Disposition"][:27]) == (
        "text/calendar",
        'attachment; filename="notic',
    )
    assert sign_in("else@example.org", Role.DCC).get(path).status_code == 410
    single = confirm(alpha_client, upload(alpha_client, file_of(event("three", "20261206T020000Z"))))
    assert re.findall(r"/notices/receipts/[0-9a-f]+\.ics", single.text) == []


def test_confirming_records_it_and_gives_a_receipt(alpha_client, upload, confirm, read):
    receipt = confirm(alpha_client, upload(alpha_client, file_of(event("one", "20261206T020000Z"))))
    assert receipt.status_code == 200
    (reference,) = references(alpha_client)
    page = read(receipt)
    assert page.startswith(
        "Receipt Recorded for ALPHA · Alpha Energy, Tue 24 Nov 2026 09:00 GMT (2026-11-24 09:00 UTC)"
    )
    assert (
        f"GW-A1 {reference} planned short notice First notice, revision 1. 8 Working Days' notice; 20 are recommended. Sun 6 Dec 2026 02:00 GMT to 06:00 GMT 2026-12-06 02:00 to 06:00 UTC"
        in page
    )
    assert '"signature"' in page
    assert "By alpha@example.org, through an uploaded file" in read(alpha_client.get(f"/closures/{reference}"))


def test_a_second_press_records_nothing_and_leads_to_the_same_receipt(alpha_client, upload, confirm):
    preview = upload(alpha_client, file_of(event("one", "20261206T020000Z")))
    first, again = (confirm(alpha_client, preview) for _ in range(2))
    shown = [re.sub('name="csrf_token" value="[^"]+"', "", page.text) for page in (first, again)]  # says the second
    assert (first.request.path, shown[0]) == (again.request.path, shown[1])
    assert len(references(alpha_client)) == 1


def test_a_preview_belongs_to_the_account_that_made_it(alpha_client, sign_in, upload, confirm):
    preview = upload(alpha_client, file_of(event("one", "20261206T020000Z")))
    form_id = re.search(r'name="form_id" value="([0-9a-f]{32})"', preview.text)[1]
    other = sign_in("other@example.org", Role.USER, "ALPHA")
    theirs = upload(other, file_of(event("two", "20261213T020000Z")))
    assert confirm(other, theirs, form_id=form_id).status_code == 409
    assert confirm(alpha_client, preview).status_code == 200


def test_moved_unchanged_older_and_withdrawn_are_told_apart(alpha_client, upload, confirm, read):
    first = [
        event(uid, f"202612{day}T020000Z", SEQUENCE=1)
        for uid, day in (("a", "06"), ("b", "13"), ("c", "20"), ("d", "27"))
    ]
    confirm(alpha_client, upload(alpha_client, file_of(*first)))
    second = [
        event("a", "20261207T020000Z", SEQUENCE=2),
        event("b", "20261213T020000Z", SEQUENCE=1),
        event("c", "20261221T020000Z", SEQUENCE=0),
        event("d", "20261227T020000Z", SEQUENCE=2, STATUS="CANCELLED"),
    ]
    page = read(upload(alpha_client, file_of(*second)))
    assert "has 0 new, 1 changed, 1 withdrawn, 1 unchanged, 1 older than what we have." in page
    assert (
        "Now Sun 6 Dec 2026 02:00 GMT to 06:00 GMT 2026-12-06 02:00 to 06:00 UTC · 4 h Would be Mon 7 Dec 2026 02:00 GMT to 06:00 GMT"
        in page
    )


def test_closures_ahead_that_the_file_does_not_mention_stay_unless_the_box_is_ticked(
    alpha_client, upload, confirm, read
):
    confirm(alpha_client, upload(alpha_client, file_of(event("a", "20261206T020000Z"), event("b", "20261213T020000Z"))))
    file = file_of(event("a", "20261206T020000Z"))
    preview = upload(alpha_client, file)
    assert "Not mentioned in this file This closure is planned and ahead, and the file does not mention it." in read(
        preview
    )
    assert "withdrawn" not in read(confirm(alpha_client, preview))
    receipt = read(confirm(alpha_client, upload(alpha_client, file), withdraw_missing="yes"))
    assert "Withdrawn, revision 2." in receipt
    assert read(alpha_client.get("/closures?state=withdrawn")).count("CN-") == 1


def test_a_file_that_says_nothing_new_has_nothing_to_confirm(alpha_client, upload, confirm, read):
    file = file_of(event("a", "20261206T020000Z"))
    confirm(alpha_client, upload(alpha_client, file))
    page = upload(alpha_client, file)
    assert "Nothing to record Everything in this file stands as it is already." in read(page)
    assert 'name="form_id"' not in page.text


def test_what_cannot_be_read_is_named_and_the_rest_can_be_recorded(alpha_client, upload, confirm, read):
    preview = upload(alpha_client, file_of(event("a", "20261206T020000Z"), event("b", "soon")))
    page = read(preview)
    counted = "2 events or rows: 1 taken, 1 with problems, 0 left out."
    assert f"; 1 could not be read. {counted}" in page
    assert re.search(r"Could not be read Line \d+, DTSTART \([^)]+\): .+ What helps: .+ or record the rest now\.", page)
    receipt = confirm(alpha_client, preview)
    assert (receipt.status_code, f", {counted}" in read(receipt)) == (200, True)
    assert len(references(alpha_client)) == 1


def test_a_file_of_which_nothing_can_be_read_is_refused_with_its_problems(alpha_client, upload, read):
    for octets, name in ((b"hello", "closures.ics"), (b"\x00\x01\x02", "photo.png"), (file_of(), "closures.ics")):
        answer = upload(alpha_client, octets, name)
        assert answer.status_code == 422
        assert re.search("[Cc]ould not be read", read(answer))
        assert "What helps:" in read(answer)
        assert 'href="/notices/new' in answer.text


def test_no_file_is_asked_for_in_the_form(alpha_client, csrf):
    form = alpha_client.get("/notices/new")
    answer = alpha_client.post("/notices/preview", data={"csrf_token": csrf(form), "user": "ALPHA"})
    assert answer.status_code == 422
    assert 'role="alert" id="file-fault"><p><strong>Choose a file with at least one closure in it.' in answer.text


def multipart(octets, **fields):
    """Return the arguments of a client's POST of a large form: the client itself would spool it to a file."""
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.ics"\r\nContent-Type: text/calendar\r\n\r\n'
    body = "".join([*parts, head]).encode() + octets + b"\r\n--b--\r\n"
    return {"data": body, "content_type": "multipart/form-data; boundary=b"}


def test_a_file_over_the_limit_is_refused_with_the_limit_named(alpha_client, csrf, read):
    token = csrf(alpha_client.get("/notices/new"))
    answer = alpha_client.post("/notices/preview", **multipart(b"x" * 1_000_001, csrf_token=token, user="ALPHA"))
    assert answer.status_code == 413
    assert "A file may have at most 1 MB and 1,000 events." in read(answer)


def test_an_upload_never_touches_the_disk_in_clear(web):
    with web.test_request_context(method="POST", **multipart(b"x" * 900_000)) as context:
        assert type(context.request.files["file"].stream) is io.BytesIO


def test_the_gateway_chosen_decides_where_the_file_names_none(alpha_client, upload, read):
    file = file_of(event("a", "20261206T020000Z", gateway="Control room"))
    assert read(upload(alpha_client, file, gateway="GW-A2")).count("GW-A2 short notice") == 1


def test_the_template_is_a_sheet_that_the_upload_reads(alpha_client, upload, read):
    sheet = alpha_client.get("/notices/template.csv")
    assert (sheet.status_code, sheet.content_type) == (200, "text/csv; charset=utf-8")
    assert sheet.headers["Content-Disposition"] == 'attachment; filename="planned-closures.csv"'
    assert sheet.data.lstrip(b"\xef\xbb\xbf").splitlines()[0] == b"gateway,starts,ends,reference"
    filled = b"gateway,starts,ends,reference\r\nGW-A1,2026-12-06T02:00,2026-12-06T06:00,CHG-1\r\n"
    assert "has 1 new, 0 changed" in read(upload(alpha_client, filled, "closures.csv"))


def test_a_workbook_is_uploaded_as_it_is(alpha_client, upload, read):
    book = Workbook()
    for row in (
        ["gateway", "starts", "ends", "reference"],
        ["GW-A1", "06/12/2026 2am", "06/12/2026 6am", "CHG-1"],
        ["GW-A1", "13/12/2026", "13/12/2026", "CHG-2"],
    ):
        book.active.append(row)
    held = io.BytesIO()
    book.save(held)
    page = read(upload(alpha_client, held.getvalue(), "Closures Q4.xlsx"))
    assert "has 2 new, 0 changed" in page
    assert "Dates were read day first (dd/mm/yyyy): row 3 has a day over 12." in page
    assert "the end is the end of 13 Dec 2026: that day is included." in page


def test_dcc_staff_choose_the_user_first_and_a_user_cannot_name_another(
    alpha, enrolled, dcc_client, alpha_client, upload, read
):
    enrolled("BETA", "GW-B1")
    assert "First choose the User that the notice is from." in read(dcc_client.get("/notices/new"))
    assert "From ALPHA · Alpha Energy" in read(dcc_client.get("/notices/new?user=alpha"))
    assert alpha_client.get("/notices/new?user=BETA").status_code == 404
    file = file_of(event("a", "20261206T020000Z", gateway="GW-B1"))
    assert upload(alpha_client, file, user="BETA").status_code == 404
    assert upload(dcc_client, file, user="BETA").status_code == 200


def test_a_user_without_a_gateway_and_an_account_without_a_user_are_told_what_to_do(enrolled, sign_in, read):
    enrolled("BETA")
    beta = sign_in("beta@example.org", Role.USER, "BETA")
    assert "closures gateway add BETA GATEWAY" in read(beta.get("/notices/new"))
    nobody = sign_in("nobody@example.org", Role.USER)
    assert "This account acts for no User." in read(nobody.get("/notices/new"))


def test_ops_and_programs_have_no_upload(alpha, sign_in, web):
    assert sign_in("ops@example.org", Role.OPS).get("/notices/new").status_code == 403
    assert web.test_client().get("/notices/new").status_code == 303


def test_an_upload_and_its_confirmation_need_their_forms(alpha_client, upload):
    file = {"user": "ALPHA", "file": (io.BytesIO(b"x"), "a.ics")}
    assert alpha_client.post("/notices/preview", data=file).status_code == 400
    assert alpha_client.post("/notices", data={"form_id": "00" * 16}).status_code == 400


def test_an_upload_that_is_none_is_refused(alpha_client, csrf):
    token = csrf(alpha_client.get("/notices/new"))
    assert alpha_client.post("/notices", data={"csrf_token": token, "form_id": "zz"}).status_code == 404
    assert alpha_client.post("/notices", data={"csrf_token": token, "form_id": "00" * 16}).status_code == 409


def test_the_notice_is_counted_from_the_press_not_from_the_preview(alpha_client, clock, upload, confirm, read):
    preview = upload(alpha_client, file_of(event("one", "20261206T020000Z")))
    clock.now += timedelta(minutes=20)
    assert "Tue 24 Nov 2026 09:20 GMT" in read(confirm(alpha_client, preview))
