"""One closure's page: what stands, who told us what and when, and withdrawing it."""

from datetime import UTC, datetime
from html import unescape

import pytest
import time_machine

from app.domain.access import Role


def at(text):
    return datetime.fromisoformat(text)


@pytest.fixture
def told(alpha, give, announce):
    """Return the reference of a closure that was announced on time."""
    return give(alpha, announce("one", "2027-02-07T02:00")).accepted[0].closure.reference


def test_the_page_says_window_leads_and_state(told, dcc_client, read):
    page = read(dcc_client.get(f"/closures/{told}"))
    assert page.startswith(f"Closures Closure of GW-A1 {told} planned Window Sun 7 Feb 2027 02:00 GMT to 06:00 GMT")
    assert (
        "Notice for the current times 50 Working Days' notice; 20 are recommended. Tue 24 Nov 2026 09:00 GMT (2026-11-24 09:00 UTC) "
        "First notice 50 Working Days before. Tue 24 Nov 2026 09:00 GMT (2026-11-24 09:00 UTC)" in page
    )
    assert "short notice" not in page


def test_the_story_says_who_when_through_which_door_and_what_differed(told, alpha, give, announce, dcc_client, read):
    give(alpha, announce("one", "2027-02-08T03:00", sender_sequence=2), at=at("2027-02-04T10:00+00:00"))
    give(alpha, announce("one", "2027-02-09T02:00", sender_sequence=1), at=at("2027-02-04T11:00+00:00"))
    give(
        alpha,
        announce("one", "2027-02-08T03:00", withdrawn=True, sender_sequence=4),
        at=at("2027-02-04T13:00+00:00"),
    )
    story = read(dcc_client.get(f"/closures/{told}")).partition("History ")[2]
    assert story == (
        "First notice revision 1 Tue 24 Nov 2026 09:00 GMT (2026-11-24 09:00 UTC) By a test, through the API "
        "Window Sun 7 Feb 2027 02:00 GMT to 06:00 GMT 2027-02-07 02:00 to 06:00 UTC · 4 h "
        "50 Working Days' notice; 20 are recommended. Signed receipt of revision 1 (JSON), or with the proof that it is in the record "
        "Moved revision 2 short notice Thu 4 Feb 2027 10:00 GMT (2027-02-04 10:00 UTC) By a test, through the API "
        "Changed 1 day 1 h later, for as long as before "
        "Was Sun 7 Feb 2027 02:00 GMT to 06:00 GMT 2027-02-07 02:00 to 06:00 UTC · 4 h "
        "Became Mon 8 Feb 2027 03:00 GMT to 07:00 GMT 2027-02-08 03:00 to 07:00 UTC · 4 h "
        "1 Working Day's notice; 20 are recommended. "
        "Signed receipt of revision 2 (JSON), or with the proof that it is in the record "
        "An older notice arrived late; it was kept and changed nothing "
        "Thu 4 Feb 2027 11:00 GMT (2027-02-04 11:00 UTC) By a test, through the API "
        "Withdrawn revision 3 short notice Thu 4 Feb 2027 13:00 GMT (2027-02-04 13:00 UTC) By a test, through the API "
        "1 Working Day's notice; 20 are recommended. Signed receipt of revision 3 (JSON), or with the proof that it is in the record See whether a receipt holds"
    )


def test_of_a_closure_that_was_moved_hundreds_of_times_the_newest_entries_are_shown(
    told, alpha, give, announce, dcc_client, read
):
    for number in range(1, 206):
        day = f"2027-02-{1 + number % 28:02}T02:00"
        give(alpha, announce("one", day, sender_sequence=number), at=at("2026-11-25T10:00+00:00"))
    story = read(dcc_client.get(f"/closures/{told}")).partition("History ")[2]
    assert story.startswith("The 200 newest entries; 6 before them are in the whole history. Moved revision 7 ")
    assert (story.count("Moved revision"), story.count("First notice revision")) == (200, 0)
    assert len(dcc_client.get(f"/api/v1/closures/{told}/revisions").json["revisions"]) == 206


def test_the_notice_of_the_times_that_stand_leads_and_the_others_are_named(
    told, alpha, give, announce, dcc_client, read
):
    give(alpha, announce("one", "2027-03-07T02:00"), at=at("2027-02-04T10:00+00:00"))
    page = read(dcc_client.get(f"/closures/{told}"))
    assert "Notice for the current times 21 Working Days' notice; 20 are recommended. " in page
    assert "First notice 70 Working Days before. " in page
    assert (
        "21 Working Days' notice; 20 are recommended. "
        "The change was told 1 Working Day before, counted to the earlier of the two starts. "
    ) in page


def test_what_a_sender_wrote_beyond_is_named_to_its_own_user_only(
    alpha, give, announce, dcc_client, alpha_client, read
):
    reference = give(
        alpha, announce("one", "2027-02-07T02:00", remarks=("A remark.",), left_out=("SUMMARY", "ATTENDEE"))
    ).accepted[0].closure.reference  # fmt: skip
    words = "A remark. Left out, since only date, time and gateway are needed: SUMMARY, ATTENDEE."
    assert words in read(alpha_client.get(f"/closures/{reference}"))
    foreign = read(dcc_client.get(f"/closures/{reference}"))
    assert "A remark." not in foreign
    assert "SUMMARY" not in foreign


def test_another_users_closure_answers_like_none(told, enrolled, sign_in):
    enrolled("BETA", "GW-B1")
    beta = sign_in("beta@example.org", Role.USER, "BETA")
    # Within one second, since each page's token states the time.
    with time_machine.travel(datetime.now(UTC), tick=False):
        missing = beta.get("/closures/CN-0000000000")
        for path in (f"/closures/{told}", f"/closures/{told}/withdraw"):
            answer = beta.get(path)
            assert (answer.status_code, answer.data) == (404, missing.data)


def test_withdrawing_asks_first_then_gives_a_receipt(told, alpha_client, csrf, read):
    assert f'href="/closures/{told}/withdraw"' in alpha_client.get(f"/closures/{told}").text
    asked = alpha_client.get(f"/closures/{told}/withdraw")
    assert read(asked).startswith(f"{told} Withdraw this closure? Gateway GW-A1")
    assert "Withdrawn revision" not in read(alpha_client.get(f"/closures/{told}"))
    done = alpha_client.post(f"/closures/{told}/withdraw", data={"csrf_token": csrf(asked)})
    assert done.status_code == 200
    assert f"Withdrawn GW-A1 {told} withdrawn Withdrawn, revision 2." in read(done)
    assert f'"reference": "{told}"' in unescape(done.text)
    page = alpha_client.get(f"/closures/{told}")
    assert (
        "Withdrawn revision 2 Tue 24 Nov 2026 09:00 GMT (2026-11-24 09:00 UTC) By alpha@example.org, through the form"
        in read(page)
    )
    assert "/withdraw" not in page.text


def test_withdrawing_twice_only_shows_what_stands(told, alpha_client, csrf, read):
    token = csrf(alpha_client.get(f"/closures/{told}/withdraw"))
    alpha_client.post(f"/closures/{told}/withdraw", data={"csrf_token": token})
    for answer in (
        alpha_client.post(f"/closures/{told}/withdraw", data={"csrf_token": token}),
        alpha_client.get(f"/closures/{told}/withdraw"),
    ):
        assert (answer.status_code, answer.location) == (303, f"/closures/{told}")
    assert read(alpha_client.get(f"/closures/{told}")).count("Withdrawn revision") == 1


def test_a_window_that_is_over_cannot_be_withdrawn_and_one_that_runs_can(told, clock, sign_in):
    clock.now = at("2027-02-07T05:59+00:00")
    client = sign_in("late@example.org", Role.USER, "ALPHA")
    running = client.get(f"/closures/{told}")
    assert '<span class="tag tag-now">closed now</span>' in running.text
    assert f"/closures/{told}/withdraw" in running.text
    clock.forward(minutes=1)
    over = client.get(f"/closures/{told}")
    assert "closed now" not in over.text
    assert f"/closures/{told}/withdraw" not in over.text
    assert client.get(f"/closures/{told}/withdraw").status_code == 303


def test_withdrawing_needs_the_form_and_the_right(told, alpha_client, sign_in, csrf, read):
    assert alpha_client.post(f"/closures/{told}/withdraw").status_code == 400
    ops = sign_in("ops@example.org", Role.OPS)
    assert f"/closures/{told}/withdraw" not in ops.get(f"/closures/{told}").text
    assert ops.get(f"/closures/{told}/withdraw").status_code == 403
    token = csrf(ops.get("/"))
    assert ops.post(f"/closures/{told}/withdraw", data={"csrf_token": token}).status_code == 403
    assert "Withdrawn" not in read(ops.get(f"/closures/{told}"))


def test_what_it_clashes_with_is_named_with_what_both_share(told, enrolled, give, announce, dates, dcc_client, read):
    other = (
        give(enrolled("BETA", "GW-B1"), announce("b", "2027-02-07T05:00", gateway="GW-B1"))
        .accepted[0]
        .closure.reference
    )
    dates("2027-02-07T03:00", hours=1)
    page = dcc_client.get(f"/closures/{told}")
    clashes = read(page).partition("At the same time ")[2].partition("History")[0]
    assert clashes == (
        "DCC maintenance " + clashes.split()[2] + " Sun 7 Feb 2027 03:00-04:00 GMT overlaps for 1 h "
        "GW-B1 BETA Sun 7 Feb 2027 05:00-09:00 GMT overlaps for 1 h For information only: nobody has to move anything. "
    )
    assert f'href="/closures/{other}"' in page.text


def test_a_user_hears_of_its_own_clashes_only(told, enrolled, give, announce, alpha_client, read):
    give(enrolled("BETA", "GW-B1"), announce("b", "2027-02-07T05:00", gateway="GW-B1"))
    page = read(alpha_client.get(f"/closures/{told}"))
    assert "Nothing that you told us overlaps it, and none of DCC's own dates." in page
