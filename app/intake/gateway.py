"""Which gateway a closure is of: what was chosen, what the event names, the only one (docs/domain.md#which-gateway)."""

from dataclasses import dataclass

from app.ical.unread import Unread
from app.intake.read_request import ReadRequest


@dataclass(frozen=True, slots=True)
class Choice:
    """The gateway's code as the User's list has it, and a remark where what was written named none."""

    code: str
    remark: str | None = None


def choose_gateway(
    request: ReadRequest, objects: tuple[str, ...], location: str | None, line: int, column: str = "LOCATION"
) -> Choice:
    """Choose among ``request.gateways``. ``objects`` are the X-MAINTNOTE-OBJECT-IDs of the event. Raise ``Unread``.

    ``column`` is the property or column that the problem names.
    """
    codes = {code.upper(): code for code in request.gateways}
    if request.gateway is not None:
        chosen = codes.get(request.gateway.strip().upper())
        if chosen is None:
            raise _undecided("The gateway asked for is not one of yours.", codes, line, column)
        return Choice(chosen)
    named = {codes[name.upper()] for name in (*objects, location or "") if name.upper() in codes}
    if len(named) == 1:
        return Choice(named.pop())
    if named:
        raise _undecided("This event names more than one of your gateways.", codes, line, column)
    if len(codes) == 1:
        only = next(iter(codes.values()))
        return Choice(
            only, "X-MAINTNOTE-OBJECT-ID names none of your gateways; your only one was taken." if objects else None
        )
    raise _undecided("It cannot be told which of your gateways this event closes.", codes, line, column)


def _undecided(text: str, codes: dict[str, str], line: int, column: str) -> Unread:
    listed = ", ".join(sorted(codes.values())) or "none yet"
    place = "in the event's LOCATION" if column == "LOCATION" else f"under {column}"
    remedy = f"Choose the gateway when you send it, or write its code {place}. Yours: {listed}."
    return Unread("gateway", text, remedy, line=line, property_name=column)
