"""VTIMEZONEs made for tests: a fixed offset, or one with the summer time of Europe or of the United States."""

from datetime import datetime, timedelta

from dateutil.rrule import rrulestr

_CHANGES = {
    "eu": ("BYMONTH=3;BYDAY=-1SU", "BYMONTH=10;BYDAY=-1SU"),
    "us": ("BYMONTH=3;BYDAY=2SU", "BYMONTH=11;BYDAY=1SU"),
}


def _offset(text):
    minutes = int(text[1:3]) * 60 + int(text[3:5])
    return timedelta(minutes=-minutes if text[0] == "-" else minutes)


def _text(offset):
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


def _clock(offset):
    minutes = round(offset.total_seconds() / 60) % 1440
    return f"T{minutes // 60:02}{minutes % 60:02}00"


def _first(since, rule):
    return f"{rrulestr('FREQ=YEARLY;' + rule, dtstart=datetime(int(since), 1, 1))[0]:%Y%m%d}"


def fixed(tzid, offset):
    """Return a definition of one offset."""
    return (
        f"BEGIN:VTIMEZONE\r\nTZID:{tzid}\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:{offset}\r\n"
        f"TZOFFSETTO:{offset}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )


def ruled(tzid, offset, where, since="1971"):
    """Return a definition whose standard offset is given; ``where`` says by which rules its clocks change."""
    standard = _offset(offset)
    summer = standard + timedelta(hours=1)
    spring, autumn = _CHANGES[where]
    hour = timedelta(hours=1) if where == "eu" else timedelta(hours=2) - standard
    springs, autumns = (_first(since, rule) for rule in (spring, autumn))
    forward, back = _clock(hour + standard), _clock((hour if where == "eu" else hour - timedelta(hours=1)) + summer)
    return (
        f"BEGIN:VTIMEZONE\r\nTZID:{tzid}\r\n"
        f"BEGIN:DAYLIGHT\r\nDTSTART:{springs}{forward}\r\nTZOFFSETFROM:{_text(standard)}\r\n"
        f"TZOFFSETTO:{_text(summer)}\r\nRRULE:FREQ=YEARLY;{spring}\r\nEND:DAYLIGHT\r\n"
        f"BEGIN:STANDARD\r\nDTSTART:{autumns}{back}\r\nTZOFFSETFROM:{_text(summer)}\r\n"
        f"TZOFFSETTO:{_text(standard)}\r\nRRULE:FREQ=YEARLY;{autumn}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )


def british(tzid, since="1971"):
    """Return a definition of the clocks of Great Britain."""
    return ruled(tzid, "+0000", "eu", since)
