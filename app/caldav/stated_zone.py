"""A time zone as a request states it: by the name of one, or as an iCalendar object (RFC 4791 5.2.2, 7.3; RFC 7809)."""

from datetime import tzinfo

from app.caldav.exchange import Element, Refused, text_of
from app.caldav.notation import LONDON, caldav
from app.ical.components import read_sole_calendar
from app.ical.unread import Unread
from app.ical.zones import iana_zone


def read_zone(body: Element) -> tzinfo:
    """Return the zone in which the query reads times that name none (RFC 4791 7.3, RFC 7809 3.2). Raise ``Refused``.

    Of a CALDAV:timezone the TZID counts, where the IANA data base knows it; else London's, as everywhere here.
    """
    by_id = body.find(caldav("timezone-id"))
    if by_id is not None:
        found = iana_zone(text_of(by_id).strip())
        if found is None:
            raise Refused(403, caldav("valid-timezone"), "This is not the name of a time zone.")
        return LONDON if found.key == LONDON.key else found
    stated = body.find(caldav("timezone"))
    if stated is None:
        return LONDON
    known = iana_zone(zone_name(text_of(stated)))
    return known if known is not None and known.key != LONDON.key else LONDON


def zone_name(text: str) -> str:
    """Return the TZID of "an iCalendar object ... with a single valid VTIMEZONE component" (RFC 4791 5.2.2).

    Raise ``Refused`` where it is none, or holds anything besides.
    """
    try:
        parts = read_sole_calendar(text.strip().encode()).parts
        names = [[line.value for line in part.parsed("TZID")] for part in parts if part.name == "VTIMEZONE"]
    except Unread as unread:
        raise _refused(unread.text) from unread
    if len(parts) != 1 or len(names) != 1 or len(names[0]) != 1:
        raise _refused("A time zone is an iCalendar object of one VTIMEZONE with one TZID, and nothing besides.")
    return names[0][0]


def _refused(text: str) -> Refused:
    return Refused(403, caldav("valid-calendar-data"), text)
