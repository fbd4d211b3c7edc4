"""Which properties a request asks for."""

from dataclasses import dataclass
from enum import Enum, auto

from app.caldav.conditions import bad_request
from app.caldav.names import CALENDAR_DATA, dav
from app.caldav.reports.calendar_data import CalendarData, read_calendar_data
from app.caldav.xml import Element

_MOST = 500  # properties in one request; nobody asks for more


class PropsForm(Enum):
    """How they are asked for."""

    NAMED = auto()
    ALL = auto()
    NAMES_ONLY = auto()


@dataclass(frozen=True, slots=True)
class RequestedProps:
    """``names`` are Clark names, for allprop those of its include. ``data`` says how members are to be shown."""

    form: PropsForm
    names: tuple[str, ...] = ()
    data: CalendarData | None = None


ALL = RequestedProps(PropsForm.ALL)


def read_asked(container: Element) -> RequestedProps:
    """Read prop, allprop (with include) or propname from inside a body's root; none of them means allprop.

    Raise ``Refused``.
    """
    forms = [one for one in container if one.tag in {dav("prop"), dav("allprop"), dav("propname")}]
    if len(forms) > 1:
        raise bad_request("A request asks for prop, allprop or propname, and for one of them only.")
    if not forms or forms[0].tag == dav("allprop"):
        include = container.find(dav("include"))
        return RequestedProps(PropsForm.ALL, *_named(include)) if include is not None else ALL
    if forms[0].tag == dav("propname"):
        return RequestedProps(PropsForm.NAMES_ONLY)
    return RequestedProps(PropsForm.NAMED, *_named(forms[0]))


def _named(prop: Element) -> tuple[tuple[str, ...], CalendarData | None]:
    names = tuple(dict.fromkeys(one.tag for one in prop))
    if len(names) > _MOST:
        raise bad_request(f"At most {_MOST} properties are looked up in one request.")
    data = prop.find(CALENDAR_DATA)
    return names, None if data is None else read_calendar_data(data)
