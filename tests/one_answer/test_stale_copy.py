"""A calendar program that edits a copy from before another door changed the closure: 412; after a sync it is taken."""

import pytest

from tests.one_answer import events, readers
from tests.one_answer.running_service import hours_ahead

FIRST, SECOND = (hours_ahead(hours) for hours in (1082, 1400))
LASTS = FIRST - hours_ahead(1078)


def moved_by_page(sender, reference):
    sender.change_by_page(reference, SECOND)


def moved_by_api(sender, reference):
    lines = events.write_event("stale", SECOND, SECOND + LASTS, sequence=7)
    path = f"/api/v1/notices?gateway={sender.gateways[0]}"
    sender.program.ask("POST", path, events.write_calendar(lines), Content_Type="text/calendar")


def withdrawn_by_api(sender, reference):
    sender.withdraw_by_api(reference)


def withdrawn_by_page(sender, reference):
    sender.withdraw_by_page(reference)


MOVES, WITHDRAWALS = [moved_by_page, moved_by_api], [withdrawn_by_api, withdrawn_by_page]
elsewhere = pytest.mark.parametrize("elsewhere", [*MOVES, *WITHDRAWALS])


class Copy:
    """A program's copy of the one event of a calendar, and how the closure stands."""

    def __init__(self, sender):
        self.sender = sender
        self.calendar = sender.calendar()
        octets = events.write_calendar(events.write_event("stale", FIRST, FIRST + LASTS, sequence=3))
        self.calendar.put("stale.ics", octets, 201, If_None_Match="*")
        self.calendar.sync()
        (self.reference,) = sender.closures()

    @property
    def held(self):
        return self.calendar.held["stale.ics"]

    def put(self, octets, status, **conditions):
        return self.calendar.put("stale.ics", octets, status, **conditions)

    def stands(self):
        """How the closure stands: (start, state, revision)."""
        one = readers.api_show(self.sender.program, self.reference)
        return one.starts, one.state, one.revision


@pytest.fixture
def copy(sender, database_url):
    return Copy(sender)


@elsewhere
def test_a_stale_tag_is_412(copy, sender, elsewhere):
    elsewhere(sender, copy.reference)
    now = copy.stands()
    copy.put(events.renamed(copy.held.octets, "Renamed"), 412, If_Match=copy.held.etag)
    assert copy.stands() == now
    assert copy.calendar.fetch("stale.ics").etag != copy.held.etag
    assert b"Renamed" not in copy.calendar.fetch("stale.ics").octets


@elsewhere
def test_a_lower_sequence_without_a_condition_is_412(copy, sender, elsewhere):
    """Evolution updates without a condition."""
    elsewhere(sender, copy.reference)
    now = copy.stands()
    copy.put(events.renamed(copy.held.octets, "Renamed"), 412)
    assert copy.stands() == now
    assert b"Renamed" not in copy.calendar.fetch("stale.ics").octets
    assert events.sequence_of(copy.calendar.fetch("stale.ics").octets) > 3


@pytest.mark.parametrize("method", ["DELETE", "MOVE"])
def test_a_stale_tag_neither_removes_nor_moves_the_member(copy, sender, method):
    sender.change_by_page(copy.reference, SECOND)
    now = copy.stands()
    destination = {"Destination": sender.collection(sender.gateways[1]) + "stale.ics"} if method == "MOVE" else {}
    href = copy.calendar.href("stale.ics")
    sender.program.ask(method, href, None, 412, If_Match=copy.held.etag, **destination)
    assert copy.stands() == now
    assert list(copy.calendar.listed()) == ["stale.ics"]


@elsewhere
@pytest.mark.parametrize("conditional", [True, False])
def test_after_a_sync_the_same_edit_is_taken_and_changes_nothing_else(copy, sender, elsewhere, conditional):
    elsewhere(sender, copy.reference)
    now = copy.stands()
    assert copy.calendar.sync() == {"stale.ics"}
    octets = events.renamed(copy.held.octets, "Renamed")
    copy.put(octets, 204, **({"If_Match": copy.held.etag} if conditional else {}))
    assert copy.stands() == now
    assert copy.calendar.fetch("stale.ics").octets == octets
    assert copy.calendar.differences() == []


@pytest.mark.parametrize("elsewhere", WITHDRAWALS)
def test_after_a_sync_what_was_withdrawn_is_shown_as_cancelled(copy, sender, elsewhere):
    elsewhere(sender, copy.reference)
    copy.calendar.sync()
    assert copy.calendar.instances() == {(FIRST, FIRST + LASTS, True): 1}


@pytest.mark.parametrize("elsewhere", WITHDRAWALS)
def test_after_a_sync_a_confirmed_event_is_planned_again(copy, sender, elsewhere):
    elsewhere(sender, copy.reference)
    copy.calendar.sync()
    copy.put(events.marked(copy.held.octets, "CONFIRMED"), 204, If_Match=copy.held.etag)
    assert copy.stands() == (FIRST, "planned", 3)
    assert list(sender.closures()) == [copy.reference]


@pytest.mark.parametrize("elsewhere", WITHDRAWALS)
def test_after_a_sync_a_new_time_plans_the_same_closure_again(copy, sender, elsewhere):
    """A program that knows nothing of STATUS changes the time and leaves the event cancelled."""
    elsewhere(sender, copy.reference)
    copy.calendar.sync()
    status = b"STATUS:CANCELLED\r\n"
    octets = events.moved(copy.held.octets, SECOND, SECOND + LASTS).replace(b"STATUS:CONFIRMED\r\n", status)
    assert status in octets
    copy.put(octets, 204, If_Match=copy.held.etag)
    assert copy.stands() == (SECOND, "planned", 3)
    assert list(sender.closures()) == [copy.reference]
    copy.calendar.sync()
    assert copy.calendar.instances() == {(SECOND, SECOND + LASTS, False): 1}


@pytest.mark.parametrize("elsewhere", MOVES)
def test_moving_back_to_the_old_time_after_a_sync_is_a_move(copy, sender, elsewhere):
    elsewhere(sender, copy.reference)
    copy.calendar.sync()
    assert copy.calendar.instances() == {(SECOND, SECOND + LASTS, False): 1}
    copy.put(events.moved(copy.held.octets, FIRST, FIRST + LASTS), 204, If_Match=copy.held.etag)
    assert copy.stands() == (FIRST, "planned", 3)
    assert list(sender.closures()) == [copy.reference]


def test_a_stale_series_is_412_and_after_a_sync_keeps_what_was_changed_elsewhere(sender, database_url):
    calendar = sender.calendar()
    lines = events.write_event("series", FIRST, FIRST + LASTS, "RRULE:FREQ=WEEKLY;COUNT=4", sequence=3)
    calendar.put("series.ics", events.write_calendar(lines), 201)
    calendar.sync()
    first, second, third, _ = sorted(sender.closures().values(), key=lambda one: one.starts)
    sender.change_by_page(second.reference, second.starts + 2 * LASTS)
    sender.withdraw_by_api(third.reference)
    now = sender.closures()
    stale = events.renamed(calendar.held["series.ics"].octets, "Renamed")
    calendar.put("series.ics", stale, 412)
    calendar.put("series.ics", stale, 412, If_Match=calendar.held["series.ics"].etag)
    assert sender.closures() == now
    assert calendar.sync() == {"series.ics"}
    shown = [(one.starts, one.ends, one.is_withdrawn) for one in sorted(now.values(), key=lambda one: one.starts)]
    assert sorted(calendar.instances().elements()) == shown
    calendar.put("series.ics", events.renamed(calendar.held["series.ics"].octets, "Renamed"), 204)
    assert sender.closures() == now
    assert first.reference in now


def test_a_series_that_no_program_put_tells_each_change_by_its_sequence(sender, database_url):
    """Two occurrences are changed, each for the first time: the copy from between the two is stale, too."""
    lines = events.write_event("told", FIRST, FIRST + LASTS, "RRULE:FREQ=WEEKLY;COUNT=3")
    path = f"/api/v1/notices?gateway={sender.gateways[0]}"
    sender.program.ask("POST", path, events.write_calendar(lines), Content_Type="text/calendar")
    first, second, _ = sorted(sender.closures().values(), key=lambda one: one.starts)
    sender.change_by_page(first.reference, first.starts + LASTS)
    calendar = sender.calendar()
    ((name, between),) = calendar.held.items()
    sender.change_by_page(second.reference, second.starts + LASTS)
    now = sender.closures()
    calendar.put(name, events.renamed(between.octets, "Renamed"), 412)
    assert sender.closures() == now
    assert calendar.sync() == {name}
    assert events.is_told_newer(calendar.held[name].octets, between.octets)


def test_the_member_of_a_closure_given_by_form_is_renamed_and_keeps_its_closure(sender, database_url):
    """What came through another door is a member like any other; its words are the program's to change."""
    told = sender.tell("by-api", FIRST)
    calendar = sender.calendar()
    ((name, held),) = calendar.held.items()
    assert events.values_of(held.octets, "SUMMARY") not in ([], [""])  # Thunderbird shows an untitled event
    now = sender.closures()
    calendar.put(name, events.renamed(held.octets, "Our own words"), 204, If_Match=held.etag)
    calendar.sync()
    assert events.values_of(calendar.held[name].octets, "SUMMARY") == ["Our own words"]
    assert sender.closures() == now
    sender.withdraw_by_api(told["reference"])
    calendar.put(name, events.renamed(held.octets, "Again"), 412)
    assert calendar.sync() == {name}
    assert events.values_of(calendar.held[name].octets, "SUMMARY") == ["Our own words"]
    assert calendar.instances() == {(FIRST, FIRST + LASTS, True): 1}
