"""The feeds of clashes, of DCC's own dates and of changes over HTTP: what is in them, and that they stand still."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import icalendar
import pytest

from app.domain.maintenance import MaintenanceKind
from app.domain.notice import Announcement, NoticeContent
from app.domain.window import ClosureWindow
from app.factory import create_app
from app.register.maintenance import find_maintenance, import_maintenance, remove_maintenance
from app.register.people.enrolment import add_subscription

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def feed(web, store):
    """Return a function that makes a feed of a scope, and returns what fetches it."""

    def make(scope, app=web):
        made = add_subscription(
            store, scope_text=scope, label="t", secret_url=False, past_days=30, horizon_days=548, now=NOW
        )

        def fetch(form="ics", app=app, **headers):
            token = {"Authorization": f"Bearer {made.token}"}
            return app.test_client().get(f"/feeds/{made.subscription.id}.{form}", headers=token | headers)

        return fetch

    return make


def references(response):
    return sorted(
        str(one["UID"]).partition("@")[0].upper() for one in icalendar.Calendar.from_ical(response.data).walk("VEVENT")
    )


def planned(uid, starts, hours=4, **facts):
    begins = datetime.fromisoformat(starts).replace(tzinfo=UTC)
    return Announcement(uid=uid, gateway="DCC", window=ClosureWindow(begins, begins + timedelta(hours=hours)), **facts)


def plan(register, *announcements, at=NOW, kind=MaintenanceKind.MAINTENANCE, whole=()):
    return import_maintenance(register, kind, NoticeContent(announcements, (), frozenset(whole)), at)


def test_the_feed_of_clashes_follows_its_closures(feed, alpha, announce, give, clock):
    fetch = feed("clashes")
    (one,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    assert references(fetch()) == []
    (two,) = give(alpha, announce("u2", "2027-02-07T05:00", gateway="GW-A2"), at=clock.forward(minutes=1)).accepted
    both = fetch()
    assert references(both) == sorted([one.closure.reference, two.closure.reference])
    # What concerns neither leaves every octet as it is; its own feed says the same of each closure.
    give(alpha, announce("u3", "2027-03-07T05:00"), at=clock.forward(minutes=1))
    assert fetch(**{"If-None-Match": both.headers["ETag"]}).status_code == 304
    give(alpha, announce("u2", "2027-02-07T06:00", gateway="GW-A2"), at=clock.forward(minutes=1))
    gone = fetch(**{"If-Modified-Since": both.headers["Last-Modified"]})
    assert (gone.status_code, references(gone)) == (200, [])


def test_a_closure_on_dccs_own_dates_clashes(register, feed, alpha, announce, give, clock):
    fetch = feed("clashes")
    (one,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    before = fetch()
    (band,) = plan(register, planned("m", "2027-02-07T05:00"), at=clock.forward(minutes=1)).added
    after = fetch(**{"If-Modified-Since": before.headers["Last-Modified"]})
    assert (references(before), references(after)) == ([], [one.closure.reference])
    remove_maintenance(register, band.reference.lower(), clock.forward(minutes=1))
    assert references(fetch()) == []


def test_the_feed_of_dccs_own_dates(register, feed, alpha, announce, give, clock):
    fetch, closures = feed("maintenance"), feed("all")
    give(alpha, announce("u1", "2027-02-07T02:00"))
    (band,) = plan(register, planned("m", "2027-02-07T05:00")).added
    (release,) = plan(register, planned("r", "2027-02-10T05:00"), kind=MaintenanceKind.RELEASE).added
    first = fetch()
    assert references(first) == sorted([band.reference, release.reference])
    assert len(references(closures())) == 1
    said = fetch("json").json
    assert [(one["kind"], one["reference"]) for one in said["maintenance"]] == [
        ("maintenance", band.reference), ("release", release.reference),
    ]  # fmt: skip
    # A closure more changes nothing of it; a move of DCC's own does, and its SEQUENCE and DTSTAMP rise.
    give(alpha, announce("u2", "2027-02-08T02:00"), at=clock.forward(minutes=1))
    assert fetch().data == first.data
    plan(register, planned("m", "2027-02-07T06:00"), at=clock.now)
    moved = {str(one["UID"]): one for one in icalendar.Calendar.from_ical(fetch().data).walk("VEVENT")}
    event = moved[f"{band.reference.lower()}@gateway-closures"]
    assert (event["SEQUENCE"], event.start.hour, event["DTSTAMP"].dt > NOW) == (2, 6, True)


def test_the_feed_of_changes_forgets_after_its_days(feed, alpha, announce, give, clock):
    fetch = feed("changes")
    (one,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    assert references(fetch()) == [one.closure.reference]
    give(alpha, replace(announce("u1", "2027-02-07T02:00"), withdrawn=True), at=clock.forward(days=29))
    clock.forward(days=30)
    assert references(fetch()) == [one.closure.reference]
    clock.forward(days=1)
    assert references(fetch()) == []


@pytest.mark.parametrize("scope", ["clashes", "maintenance", "changes"])
def test_unchanged_data_is_identical_octets_in_another_process(
    register, settings, feed, alpha, announce, give, clock, scope
):
    fetch = feed(scope)
    give(alpha, announce("u1", "2027-02-07T02:00"), announce("u2", "2027-02-07T03:00", gateway="GW-A2"))
    plan(register, planned("m", "2027-02-07T05:00"))
    one = fetch()
    other = create_app(settings, now=clock)
    again = fetch(app=other)
    assert (again.data, again.headers["ETag"], again.headers["Last-Modified"]) == (
        one.data, one.headers["ETag"], one.headers["Last-Modified"],
    )  # fmt: skip
    assert len(references(one)) == {"clashes": 2, "maintenance": 1, "changes": 2}[scope]
    other.extensions["closures"].read_log.flush()
    other.extensions["closures"].store.close()


def test_an_import_adds_moves_withdraws_and_leaves_alone(register):
    span = ClosureWindow(NOW, NOW + timedelta(days=300))
    first = plan(register, planned("a", "2027-01-03T01:00"), planned("b", "2027-01-10T01:00"), whole={"a", "b"})
    assert (len(first.added), first.unchanged) == (2, 0)
    at = NOW + timedelta(days=1)
    again = plan(
        register, planned("a", "2027-01-03T01:00"), replace(planned("b", "2027-01-10T02:00")),
        replace(planned("c", "2027-01-17T01:00"), withdrawn=True), at=at,
    )  # fmt: skip
    assert (again.added, [one.uid for one in again.moved], again.withdrawn, again.unchanged) == ((), ["b"], (), 2)
    gone = plan(register, replace(planned("a", "2027-01-03T01:00"), withdrawn=True), at=at + timedelta(days=1))
    assert [one.uid for one in gone.withdrawn] == ["a"]
    assert [one.uid for one in find_maintenance(register, span)] == ["b"]
    assert [one.uid for one in find_maintenance(register, span, at)] == ["a", "b"]
    back = plan(register, planned("a", "2027-01-03T01:00"), at=at + timedelta(days=2))
    assert [(one.uid, one.number) for one in back.moved] == [("a", 3)]
    # The same UID as a release is another window.
    assert len(plan(register, planned("a", "2027-01-03T01:00"), kind=MaintenanceKind.RELEASE).added) == 1


def test_an_occurrence_that_a_series_no_longer_has_is_withdrawn_unless_it_has_begun(register):
    keys = ("20261129T010000Z", "20261206T010000Z")
    weekly = [replace(planned("s", f"{key[:4]}-{key[4:6]}-{key[6:8]}T01:00"), recurrence_id=key) for key in keys]
    plan(register, *weekly, whole={"s"})
    later = datetime(2026, 12, 1, tzinfo=UTC)
    third = replace(planned("s", "2026-12-13T01:00"), recurrence_id="20261213T010000Z")
    done = plan(register, third, whole={"s"}, at=later)
    assert ([one.recurrence_id for one in done.withdrawn], len(done.added)) == ([keys[1]], 1)
